"""The real registry server of Debian's docker-registry package, on loopback, for tests."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {storage}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}"""


@dataclass(frozen=True)
class Server:
    """Where it listens, and where it keeps what it was sent."""

    host: str
    storage: Path

    @property
    def blobs(self) -> Path:
        return self.storage / "docker" / "registry" / "v2" / "blobs" / "sha256"

    def blob(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self.blobs / name[:2] / name / "data"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, auth: str = "") -> Iterator[Server]:
    """A server with its storage below `folder`; it ends with the context."""
    program = shutil.which("docker-registry")
    assert program, "apt-get install docker-registry"
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(5):  # somebody else may take the port between looking and listening
        port = free_port()
        config = folder / "config.yml"
        config.write_text(CONFIG.format(storage=folder / "storage", port=port, auth=auth))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
        try:
            if _answers(process, port):
                yield Server(f"127.0.0.1:{port}", folder / "storage")
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError((folder / "log").read_text())


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    for _ in range(2400):
        if process.poll() is not None:
            return False
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


@contextmanager
def with_password(folder: Path, user: str, bcrypt: str) -> Iterator[Server]:
    """A server that asks for a password, of which only the bcrypt hash is given."""
    folder.mkdir(parents=True)
    (folder / "users").write_text(f"{user}:{bcrypt}\n")
    with running(
        folder, f"auth: {{htpasswd: {{realm: test, path: {folder / 'users'}}}}}"
    ) as server:
        yield server


@contextmanager
def with_tokens(folder: Path, user: str, password: str) -> Iterator[tuple[Server, list[str]]]:
    """A server that sends its users elsewhere for a token, as GitHub's and GitLab's do.

    Yields the server and the scopes asked for so far, in order.
    """
    folder.mkdir(parents=True)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    make += ["-subj", "/CN=test", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    der = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-outform", "DER"],
        check=True,
        capture_output=True,
    ).stdout
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    scopes: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scope = parse_qs(urlsplit(self.path).query).get("scope", [""])[0]
            scopes.append(scope)
            known = self.headers.get("Authorization") == expected
            body = json.dumps({"token": _token(key, der, scope)} if known else {}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    tokens = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=tokens.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        realm = f"http://127.0.0.1:{tokens.server_port}/token"
        auth = f"auth: {{token: {{realm: '{realm}', service: test, issuer: test, "
        with running(folder, auth + f"rootcertbundle: {certificate}}}}}") as server:
            yield server, scopes
    finally:
        tokens.shutdown()
        thread.join()
        tokens.server_close()


def _token(key: Path, certificate: bytes, scope: str) -> str:
    now = int(time.time())
    head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(certificate).decode()]}
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    access = [{"type": kind, "name": name, "actions": actions.split(",")}] if scope else []
    times = {"iat": now - 10, "nbf": now - 10, "exp": now + 300}
    claims = {"iss": "test", "aud": "test", "sub": "", "jti": secrets.token_hex(8), **times}
    text = ".".join(
        _encoded(json.dumps(each).encode()) for each in (head, claims | {"access": access})
    )
    sign = ["openssl", "dgst", "-sha256", "-sign", str(key)]
    signature = subprocess.run(sign, input=text.encode(), check=True, capture_output=True).stdout
    return f"{text}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
