"""Real parts: tables by the packages that write them, a bucket server, a web server, PostgreSQL."""

from __future__ import annotations

import http.server
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.mlops_steps.conftest import MLOPS_YAML

from mlops_steps import environments
from mlops_steps.config import Config, Source
from mlops_steps.data.sources.copying import copy_of
from mlops_steps.data.tables import connect, identifier, reading, scan

ROOT = Path(__file__).resolve().parents[4]


def config(source: dict[str, Any]) -> Config:
    """A configuration whose table comes from a source."""
    import yaml

    value = yaml.safe_load(MLOPS_YAML)
    value["data"]["inputs"]["samples"] |= {"source": source, "path": "data/table"}
    return msgspec.convert(value, Config)


@dataclass
class Reader:
    """A project's folder, and what a source gives there."""

    root: Path
    folder: Path
    notes: dict[str, Any] = field(default_factory=dict)

    def rows(self, text: bool = False, **source: Any) -> list[tuple[Any, ...]]:
        made = config(source)
        assert isinstance(made.table.source, Source)
        self.folder.mkdir(exist_ok=True)
        place = self.folder / str(len(list(self.folder.iterdir())))
        place.mkdir()
        copy, self.notes = copy_of(self.root, made, place)
        with connect() as connection, reading(copy.name):
            connection.execute("SET TimeZone = 'UTC'")
            columns = connection.sql(f"SELECT * FROM {scan(copy, text=text)}")
            # A time with a zone would want one more package.
            cells = [
                f"CAST({identifier(name)} AS VARCHAR)" if "ZONE" in str(kind) else identifier(name)
                for name, kind in zip(columns.columns, columns.types, strict=True)
            ]
            return columns.order("1").project(", ".join(cells)).fetchall()


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "project" / "data").mkdir(parents=True)
    return Reader(tmp_path / "project", tmp_path / "read")


@pytest.fixture(scope="session")
def writers() -> str:
    """The Python that has what writes Delta and Iceberg tables, and moto."""
    return environments.build(str(ROOT / "requirements" / "sources.txt"))


@pytest.fixture
def write(writers: str, tmp_path: Path) -> Callable[[str], str]:
    """Run a program of the writers in a folder; what it prints."""

    def run(program: str) -> str:
        found = subprocess.run(
            [writers, "-I", "-c", program],
            cwd=tmp_path / "project",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    return run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    for _ in range(2400):
        assert process.poll() is None, "ended"
        if answers():
            return
        time.sleep(0.05)
    raise AssertionError("does not answer")


@dataclass(frozen=True)
class Buckets:
    """An S3 server, and the key of a user who may read and write there."""

    endpoint: str
    key: str
    secret: str


SETUP = """\
import boto3, json, sys
endpoint = sys.argv[1]
known = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a",
             aws_secret_access_key="b")
iam = boto3.client("iam", **known)
iam.create_user(UserName="reader")
actions = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
policy = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": actions, "Resource": "*"}]}
iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(policy))
boto3.client("s3", **known).create_bucket(Bucket="bucket")
key = iam.create_access_key(UserName="reader")["AccessKey"]
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
"""


@pytest.fixture(scope="session")
def buckets(writers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    """moto's server, on loopback. It checks signatures once `guarded` says so."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [writers, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=stream,
            stderr=stream,
        )
    try:

        def answers() -> bool:
            try:
                urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()
            except OSError:
                return False
            return True

        wait_for(process, answers)
        found = subprocess.run(
            [writers, "-I", "-c", SETUP, endpoint], capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr
        yield Buckets(endpoint, *json.loads(found.stdout))
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def guarded(buckets: Buckets) -> Iterator[Buckets]:
    """The same, now asking everybody for a signature."""

    def open_requests(count: int) -> None:
        request = urllib.request.Request(
            f"{buckets.endpoint}/moto-api/reset-auth",
            data=str(count).encode(),
            headers={"Content-Type": "text/plain"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=10).close()

    open_requests(0)
    yield buckets
    open_requests(1_000_000)


@dataclass
class Web:
    """A web server by https, its certificate, and what it answers at each path."""

    address: str
    certificate: Path
    answers: dict[str, Callable[[http.server.BaseHTTPRequestHandler], None]]
    asked: list[tuple[str, str]]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    made = Web("", certificate, {}, [])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Authorization", "")))
            try:
                made.answers[self.path](self)
            except KeyError:
                self.send_error(404)
            except OSError:
                pass  # the other side has heard enough

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.address = f"https://localhost:{server.server_address[1]}"
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Postgres:
    """A private cluster with a user `reader`, whose password is `s3cret-word`."""

    address: str
    folder: Path
    port: int

    def run(self, script: str) -> None:
        program = shutil.which("psql")
        assert program
        found = subprocess.run(
            [program, "-qX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
             "-U", "owner", "-d", "postgres", "-c", script],
            env={**os.environ, "PGPASSWORD": "owner-word"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr


def postgres_program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [
        Path(shutil.which(name) or "")
    ]
    assert found[-1].is_file(), "apt-get install postgresql"
    return str(found[-1])


@contextmanager
def cluster(folder: Path) -> Iterator[Postgres]:
    # The server refuses to be root's; Debian's package makes a user for it.
    user = {}
    if os.getuid() == 0:
        other = pwd.getpwnam("postgres")
        user = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        folder.mkdir(parents=True)
        os.chown(folder, other.pw_uid, other.pw_gid)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
    else:
        folder.mkdir(parents=True)
    word, data, port = folder / "word", folder / "data", free_port()
    word.write_text("owner-word\n")
    word.chmod(0o644)
    subprocess.run(
        [postgres_program("initdb"), "-D", data, "-U", "owner", "-A", "scram-sha-256",
         "--pwfile", word, "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **user,
    )  # fmt: skip
    process = subprocess.Popen(
        [postgres_program("postgres"), "-D", data, "-p", str(port), "-h", "127.0.0.1",
         "-k", "", "-F"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **user,
    )  # fmt: skip

    def answers() -> bool:
        ready = [postgres_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        return subprocess.run(ready, check=False).returncode == 0

    try:
        wait_for(process, answers)
        made = Postgres(f"postgresql://127.0.0.1:{port}/postgres", folder, port)
        made.run(
            "CREATE ROLE reader LOGIN PASSWORD 's3cret-word'; CREATE SEQUENCE public.s; "
            "GRANT ALL ON SEQUENCE public.s TO reader"
        )
        yield made
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with cluster(tmp_path_factory.mktemp("postgres") / "cluster") as made:
        yield made
