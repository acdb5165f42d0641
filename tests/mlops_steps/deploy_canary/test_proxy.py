"""Envoy itself: weights that change under traffic, the header, a dead back end."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mlops_steps.deploy_canary import proxy, servers, traffic
from mlops_steps.deploy_canary.protocol import Wanted
from mlops_steps.deploy_canary.rows import Row
from mlops_steps.deploy_canary.traffic import Replay

ANSWER = json.dumps(
    {
        "outputs": [
            {"name": "score", "shape": [1], "data": [0.5]},
            {"name": "prediction", "shape": [1], "data": ["yes"]},
        ]
    }
).encode()
WANTED = Wanted("binary")
ROWS = [Row(number, b"{}") for number in range(7)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        # A model server that claims to be another version.
        lie = b"HTTP/1.1 200 OK\r\nx-mlops-version: 9.9.9\r\nContent-Length: %d\r\n\r\n"
        self.wfile.write(lie % len(ANSWER) + ANSWER)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backends() -> Iterator[list[proxy.Backend]]:
    running = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    threads = [threading.Thread(target=each.serve_forever, args=(0.05,)) for each in running]
    for each, thread in zip(running, threads, strict=True):
        each.daemon_threads = True
        thread.start()
    yield [
        proxy.Backend("champion", "1.0.0", running[0].server_port),
        proxy.Backend("candidate", "1.1.0", running[1].server_port),
    ]
    for each, thread in zip(running, threads, strict=True):
        each.shutdown()
        each.server_close()
        thread.join()


def arms(answers: list[traffic.Answer]) -> Counter[str | None]:
    return Counter(answer.version for answer in answers)


def test_traffic_follows_the_weights(backends: list[proxy.Backend], tmp_path: Path) -> None:
    with proxy.running(backends, tmp_path) as envoy:
        replay = Replay(ROWS, envoy.port, "tumour", WANTED)
        assert arms(replay.send(50)) == {"1.0.0": 50}  # before any split
        envoy.split(100)
        assert arms(replay.send(50)) == {"1.1.0": 50}
        envoy.split(50)
        got = arms(replay.send(400))
        # 8 standard deviations of a fair coin.
        assert got.total() == 400
        assert 120 <= got["1.1.0"] <= 280
        envoy.split(0)
        assert arms(replay.send(50)) == {"1.0.0": 50}


def test_no_request_is_lost_while_weights_change(
    backends: list[proxy.Backend], tmp_path: Path
) -> None:
    answers: list[traffic.Answer] = []
    with proxy.running(backends, tmp_path) as envoy:
        replay = Replay(ROWS, envoy.port, "tumour", WANTED)
        sender = threading.Thread(target=lambda: answers.extend(replay.send(1500)))
        sender.start()
        changes = 0
        while sender.is_alive():
            envoy.split((5, 25, 50, 100, 0)[changes % 5])
            changes += 1
        sender.join()
    assert changes > 5
    assert len(answers) == 1500
    assert [answer for answer in answers if answer.error] == []
    assert arms(answers).keys() == {"1.0.0", "1.1.0"}


def test_a_dead_back_end_answers_under_its_own_name(
    backends: list[proxy.Backend], tmp_path: Path
) -> None:
    dead = proxy.Backend("candidate", "1.1.0", servers.free_ports(1)[0])
    with proxy.running([backends[0], dead], tmp_path) as envoy:
        envoy.split(50)
        answers = Replay(ROWS, envoy.port, "tumour", WANTED).send(100)
    seen = Counter((answer.version, answer.error) for answer in answers)
    assert seen.keys() == {("1.0.0", None), ("1.1.0", "HTTP 503")}


def test_envoy_listens_on_loopback_only_and_ends(
    backends: list[proxy.Backend], tmp_path: Path
) -> None:
    with proxy.running(backends, tmp_path) as envoy:
        started = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.name() == "envoy" or "envoy" in " ".join(child.cmdline())
        ]
        assert len(started) == 1
        listening = [
            each.laddr
            for each in started[0].net_connections(kind="inet")
            if each.status == psutil.CONN_LISTEN
        ]
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert envoy.port in {address.port for address in listening}
        assert len({address.port for address in listening}) == 2
    assert not started[0].is_running()


def test_a_proxy_that_is_gone_is_told_apart_from_a_failing_version() -> None:
    (answer,) = Replay(ROWS, servers.free_ports(1)[0], "tumour", WANTED).send(1)
    assert (answer.version, answer.status) == (None, None)
    assert answer.error == "no answer (ConnectionRefusedError)"


def test_rows_are_replayed_in_their_order_and_over_again(
    backends: list[proxy.Backend], tmp_path: Path
) -> None:
    with proxy.running(backends, tmp_path) as envoy:
        replay = Replay(ROWS, envoy.port, "tumour", WANTED)
        numbers = Counter(answer.number for answer in [*replay.send(5), *replay.send(9)])
    assert numbers == dict.fromkeys(range(7), 2)


def test_an_answer_that_breaks_off_is_its_versions_error(tmp_path: Path) -> None:
    class Cut(Handler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + ANSWER)
            self.close_connection = True

    class Endless(Handler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
            self.wfile.write(b" " * 3_000_000)

    for handler, problem in ((Cut, "the answer broke off"), (Endless, "more than 1 MiB")):
        with serving(handler) as backend, proxy.running([backend], tmp_path) as envoy:
            answers = Replay(ROWS, envoy.port, "tumour", WANTED).send(12)
        assert {answer.version for answer in answers} == {"1.0.0"}
        assert all(problem in str(answer.error) for answer in answers), answers[0]


@contextlib.contextmanager
def serving(handler: type[Handler]) -> Iterator[proxy.Backend]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield proxy.Backend("champion", "1.0.0", server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
