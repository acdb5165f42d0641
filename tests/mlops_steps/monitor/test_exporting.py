"""The ways out, with the real servers: what arrives, and that nothing there changes a verdict."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.conftest import MLOPS_YAML
from tests.mlops_steps.monitor.facts import HOSTILE, drift, facts
from tests.mlops_steps.monitor.test_step import SHIFTED, watched  # noqa: F401 - a fixture
from tests.mlops_steps.registry.test_wire import HASHED, SECRET
from tests.prometheus import (
    check_metrics,
    node_exporter,
    prometheus,
    pushgateway,
    query,
    until,
)

from mlops_steps import config
from mlops_steps.config import Metrics
from mlops_steps.errors import ConfigError
from mlops_steps.monitor import exporting, metrics
from mlops_steps.monitor.exporting import to_pushgateway, to_textfile


def written(made: Any) -> str:
    found: str = (made.folder / "out" / "monitor" / "metrics.prom").read_text()
    return found


def warnings(ran: Any) -> list[str]:
    found = ran.verdict["findings"]
    return [each["message"] for each in found if each["rule"] == "monitor/metrics"]


def test_a_run_that_judges_nothing_is_seen(watched: Callable[..., Any], tmp_path: Path) -> None:  # noqa: F811
    """Pushed, too: what the run before had found does not stand there any more."""
    with pushgateway(tmp_path / "gateway") as host:
        settings = Metrics(pushgateway=f"http://{host}")
        before = metrics.text(facts(model="tumour"))
        assert to_pushgateway(settings, "tumour", before) == ""
        made = watched(champion=False, monitor=f"metrics: {{pushgateway: 'http://{host}'}}")
        ran = made.run("monitor")
        assert (ran.code, ran.verdict["status"], warnings(ran)) == (3, "undecided", [])
        pushed = urllib.request.urlopen(f"http://{host}/metrics", timeout=20).read().decode()
    found = written(made)
    check_metrics(found)
    assert 'mlops_monitor_status{model="tumour",status="undecided"} 1\n' in found
    assert 'mlops_monitor_false_alarm_budget_spent_ratio{model="tumour"} 0.0\n' in found
    (last,) = [line for line in found.splitlines() if line.startswith("mlops_monitor_last_run")]
    assert abs(float(last.split()[-1]) - time.time()) < 60
    assert "out/monitor/metrics.prom" in ran.verdict["wrote"]
    assert 'mlops_monitor_status{instance="",job="mlops_monitor",model="tumour"' in pushed
    assert "mlops_monitor_column_drifted" not in pushed


def test_a_prometheus_has_what_a_run_found(watched: Callable[..., Any], tmp_path: Path) -> None:  # noqa: F811
    """By both ways at once, with a column whose name tries to be something else."""
    textfiles = tmp_path / "textfiles"
    textfiles.mkdir()
    column = HOSTILE.replace('"', '""').replace("{", "{{").replace("}", "}}")
    with (
        pushgateway(tmp_path / "gateway") as gateway,
        node_exporter(tmp_path / "node", textfiles) as node,
        prometheus(tmp_path / "prometheus", gateway, node) as server,
    ):
        ways = f"{{pushgateway: 'http://{gateway}/', textfile: {textfiles}}}"
        made = watched(f'SELECT *, 1 AS "{column}" FROM ({SHIFTED})', monitor=f"metrics: {ways}")
        ran = made.run("monitor", start="ct")
        assert (ran.code, warnings(ran)) == (0, []), ran.text
        asked = 'mlops_monitor_column_drifted{model="tumour"} == 1'
        # All four at once: a scrape may see the node exporter before its file is there.
        assert until(lambda: query(server, f"count({asked}) == 4"))
        found = query(server, asked)
        by_way = {(labels.get("job"), labels["column"]) for labels, _ in found}
        jobs, columns = {"mlops_monitor", "figures"}, {"worst_area", HOSTILE}
        assert by_way == {(job, each) for job in jobs for each in columns}
        (bound, _) = query(server, 'mlops_monitor_column_effect_bound_sd{column="worst_area"} > 1')
        assert bound[0]["model"] == "tumour"
        assert query(server, "max(mlops_monitor_drifted_columns)") == [({}, 2.0)]
        assert query(server, "min(mlops_monitor_retraining_due)") == [({}, 1.0)]
        held = made.run("monitor", start="ct")
        assert held.verdict["figures"]["held"]["value"] == "repeated"
        asked = 'min(mlops_monitor_retraining_held{reason="repeated"}) == 1'
        assert until(lambda: query(server, asked)) == [({}, 1.0)]
    assert [each.name for each in textfiles.iterdir()] == ["mlops_monitor_tumour.prom"]
    assert (textfiles / "mlops_monitor_tumour.prom").read_text() == written(made)


def test_nothing_there_changes_the_verdict(watched: Callable[..., Any], tmp_path: Path) -> None:  # noqa: F811
    ways = "{pushgateway: 'http://127.0.0.1:9', textfile: nowhere}"
    ran = watched(SHIFTED, monitor=f"metrics: {ways}").run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    assert ran.verdict["outputs"]["retrain"] == "true"
    assert (tmp_path / "dispatch").exists()
    textfile, gateway = warnings(ran)
    assert textfile == "monitor.metrics.textfile: nowhere: no such folder on this runner"
    assert gateway.startswith("monitor.metrics.pushgateway: http://127.0.0.1:9: ")
    assert "refused" in gateway


def test_a_hosted_runner_is_no_place_for_a_text_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLOPS_STATE", raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    assert to_textfile(tmp_path, "churn", "x 1\n").startswith("is lost with the hosted runner")
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "self-hosted")
    assert to_textfile(tmp_path, "churn", "x 1\n") == ""
    assert [each.name for each in tmp_path.iterdir()] == ["mlops_monitor_churn.prom"]


def test_the_gateway_says_why_it_refuses(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as host:
        settings = Metrics(pushgateway=f"http://{host}")
        broken = to_pushgateway(settings, "churn", 'x{model="churn"} 1\nx{model="churn"} 1\n{')
        assert broken.startswith("HTTP 400: text format parsing error")
        assert to_pushgateway(settings, "churn", metrics.text(facts())) == ""


def test_a_password_goes_over_tls_only_to_the_server_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    make += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    web = f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n"
    web += f"basic_auth_users: {{monitor: '{HASHED}'}}\n"
    named = {"user": "PUSH_USER", "password": "PUSH_PASSWORD"}
    content = metrics.text(facts(drift=drift(HOSTILE)))
    with pushgateway(tmp_path, web=web, scheme="https") as host:
        settings = Metrics(pushgateway=f"https://{host}", credentials=named)
        missing = "PUSH_USER, PUSH_PASSWORD: not set in this job. Nothing was sent"
        assert to_pushgateway(settings, "churn", content) == missing
        monkeypatch.setenv("PUSH_USER", "monitor")
        monkeypatch.setenv("PUSH_PASSWORD", SECRET)
        assert "CERTIFICATE_VERIFY_FAILED" in to_pushgateway(settings, "churn", content)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert to_pushgateway(settings, "churn", content) == ""
        monkeypatch.setenv("PUSH_PASSWORD", "battery staple")
        assert to_pushgateway(settings, "churn", content) == "HTTP 401: Unauthorized"


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one connection, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            with server.accept()[0] as connection:
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_a_server_that_never_ends_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte at a time keeps each read alive."""
    monkeypatch.setattr(exporting, "PATIENCE", 0.5)
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not over.wait(0.1):
            connection.sendall(b"x")

    with listening(drip) as address:
        said = to_pushgateway(Metrics(pushgateway=address), "churn", "x 1\n")
        assert said == "no answer within 0.5 s"
        over.set()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_token_is_not_carried_elsewhere(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Nor shown, if the server says it."""
    monkeypatch.setenv("PUSH_TOKEN", "s3cret-token")
    asked: list[bytes] = []

    def send_away(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        body = b"your Bearer s3cret-token"
        head = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:9/\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    with listening(send_away) as address:
        settings = Metrics(pushgateway=address, credentials={"token": "PUSH_TOKEN"})
        said = to_pushgateway(settings, "churn", "x 1\n")
    assert said == f"HTTP {status}: your Bearer ***"
    assert b"PUT /metrics/job/mlops_monitor/model/churn HTTP/1.1\r\n" in asked[0]
    assert b"Authorization: Bearer s3cret-token\r\n" in asked[0]


def test_a_token_that_no_header_carries_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH_TOKEN", "s3cret\r\nX: y")
    settings = Metrics(pushgateway="http://127.0.0.1:9", credentials={"token": "PUSH_TOKEN"})
    said = to_pushgateway(settings, "churn", "x 1\n")
    assert said == "the address or a credential has a sign that HTTP cannot carry"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("{pushgateway: 'gateway:9091'}", "monitor.metrics.pushgateway: Expected `str` matching"),
        ("{pushgateway: 'http://u:p@gateway'}", "monitor.metrics.pushgateway: Expected `str` mat"),
        ("{pushgateway: 'http://h/?x=1'}", "monitor.metrics.pushgateway: Expected `str` matching"),
        ("{textfile: '~/metrics'}", "monitor.metrics.textfile: Expected `str` matching"),
        ("{textfile: 's3://b/m'}", "monitor.metrics.textfile: Expected `str` matching"),
        ("{file: x}", "monitor.metrics.file: unknown key 'file'"),
        ("{credentials: {token: PUSH_TOKEN}}", "monitor.metrics.credentials: belong to a Pushg"),
        (
            "{pushgateway: 'https://g', credentials: {user: PUSH_USER}}",
            "monitor.metrics.credentials: user. Allowed: token, or user and password",
        ),
        (
            "{pushgateway: 'http://localhost.example.org', credentials: {token: PUSH_TOKEN}}",
            "monitor.metrics.credentials: http://localhost.example.org would get them unencrypted",
        ),
        (
            "{pushgateway: 'https://g', credentials: {token: s3cret}}",
            "monitor.metrics.credentials.token: names no variable of the job",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, given: str, problem: str) -> None:
    (tmp_path / "mlops.yaml").write_text(f"{MLOPS_YAML}monitor: {{metrics: {given}}}\n")
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path)
    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_gateways_credentials_are_withheld_from_the_projects_programs(tmp_path: Path) -> None:
    given = "{pushgateway: 'http://127.0.0.1:9091/x', credentials: {token: PUSH_TOKEN}}"
    (tmp_path / "mlops.yaml").write_text(f"{MLOPS_YAML}monitor: {{metrics: {given}}}\n")
    assert config.load(tmp_path).credentials == ["PUSH_TOKEN"]
