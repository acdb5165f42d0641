"""Debian's Prometheus, Pushgateway and node exporter on loopback; each ends by its id."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCRAPE = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: figures
    honor_labels: true
    static_configs: [{{targets: [{targets}]}}]
"""


def program(name: str) -> str:
    """Where it is."""
    package = "prometheus" if name == "promtool" else name
    found = shutil.which(name)
    assert found, f"apt-get install {package}"
    return found


def promtool(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """What promtool says."""
    return subprocess.run(
        [program("promtool"), *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def check_metrics(text: str) -> None:
    """Prometheus's own reading and naming rules."""
    found = promtool("check", "metrics", text=text)
    assert (found.returncode, found.stdout + found.stderr) == (0, ""), found


@contextmanager
def pushgateway(folder: Path, *, web: str = "", scheme: str = "http") -> Iterator[str]:
    """Its host and port. `web` is its configuration of TLS and passwords."""
    more = []
    if web:
        (folder / "web.yml").write_text(web)
        more = [f"--web.config.file={folder / 'web.yml'}"]
    with _running("prometheus-pushgateway", folder, more, "/-/ready", scheme) as host:
        yield host


@contextmanager
def node_exporter(folder: Path, textfiles: Path) -> Iterator[str]:
    """One that reads text files and nothing else; its host and port."""
    options = ["--collector.disable-defaults", "--collector.textfile"]
    options += [f"--collector.textfile.directory={textfiles}"]
    with _running("prometheus-node-exporter", folder, options, "/") as host:
        yield host


@contextmanager
def prometheus(folder: Path, *targets: str, rules: Path | None = None) -> Iterator[str]:
    """One that scrapes targets each second and evaluates rules; its host and port."""
    folder.mkdir(parents=True)
    config = folder / "prometheus.yml"
    listed = ", ".join(f'"{each}"' for each in targets)
    config.write_text(SCRAPE.format(rules=f'"{rules}"' if rules else "", targets=listed))
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with _running("prometheus", folder, options, "/-/ready") as host:
        yield host


def api(host: str, path: str, **asked: str) -> Any:
    """The data that its API answers.

    Raises:
        urllib.error.HTTPError: As for an expression that it cannot read.
    """
    address = f"http://{host}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(address, timeout=20) as answer:
        body = json.load(answer)
    assert body["status"] == "success", body
    return body["data"]


def query(host: str, expression: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each series of an instant query."""
    found = api(host, "query", query=expression)
    assert found["resultType"] == "vector", found
    return [(each["metric"], float(each["value"][1])) for each in found["result"]]


def until(found: Callable[[], Any], seconds: float = 30) -> Any:
    """What is found as soon as it is something; the last look's, if time is over."""
    end = time.monotonic() + seconds
    while not (result := found()) and time.monotonic() < end:
        time.sleep(0.1)
    return result


@contextmanager
def _running(
    name: str, folder: Path, options: list[str], ready: str, scheme: str = "http"
) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    for _ in range(5):  # somebody else may take the port between looking and listening
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{probe.getsockname()[1]}"
        with log.open("wb") as stream:
            command = [program(name), f"--web.listen-address={host}", *options]
            process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream)
        try:
            if _answers(process, f"{scheme}://{host}{ready}"):
                yield host
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError(log.read_text())


def _answers(process: subprocess.Popen[bytes], address: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(2400):
        if process.poll() is not None:
            return False
        try:
            urllib.request.urlopen(address, timeout=5, context=context).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 401:
                return True
            time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
