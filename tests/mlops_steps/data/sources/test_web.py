"""A file from a web server: who is believed, where it may send us, and how much it may say."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.mlops_steps.data.sources.conftest import Reader, Web

from mlops_steps.data.sources import https
from mlops_steps.errors import ConfigError, InfrastructureError, UndecidedError

Answer = Callable[[BaseHTTPRequestHandler], None]


def file(content: bytes, *, stated: int | None = None, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if stated is None else stated))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def says(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "BACKOFF", (0.0, 0.0))


def test_a_file_is_fetched_with_its_mark(reader: Reader, web: Web) -> None:
    web.answers["/t.csv?signed=x"] = file(b"id,y\n007,a\n", ETag='"abc"')
    address = f"{web.address}/t.csv?signed=x"
    assert reader.rows(text=True, address=address) == [("007", "a")]
    assert reader.notes == {
        "version": "the files' marks",
        "files": [{"name": f"{web.address}/t.csv", "mark": '"abc"'}],
    }
    assert web.asked == [("/t.csv?signed=x", "")]


def test_a_token_goes_to_the_named_host_only(
    reader: Reader, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_TOKEN", "s3cret-token")
    known = {"credentials": {"token": "DATA_TOKEN"}}
    web.answers["/moved"] = says(302, Location="/t.csv")
    web.answers["/t.csv"] = file(b"id\n1\n")
    assert reader.rows(address=f"{web.address}/moved", **known) == [(1,)]
    assert web.asked == [("/moved", "Bearer s3cret-token"), ("/t.csv", "Bearer s3cret-token")]
    web.answers["/no"] = says(403)
    with pytest.raises(ConfigError, match="answers 403") as told:
        reader.rows(address=f"{web.address}/no", **known)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://127.0.0.1:{port}/t.csv", "sends us on to https://127.0.0.1"),
        ("http://localhost:{port}/t.csv", "sends us on to http://localhost"),
        ("file:///etc/passwd", "sends us on to file://"),
        ("ftp://localhost/t.csv", "sends us on to ftp://localhost"),
        ("/moved", "sends us on again and again"),
        ("", "sends us on again and again"),
    ],
)
def test_where_a_server_may_not_send_us(
    reader: Reader, web: Web, location: str, words: str
) -> None:
    port = web.address.rpartition(":")[2]
    web.answers["/moved"] = says(301, Location=location.format(port=port))
    web.answers["/t.csv"] = file(b"id\n1\n")
    with pytest.raises(UndecidedError, match=words):
        reader.rows(address=f"{web.address}/moved")
    assert {path for path, _ in web.asked} == {"/moved"}


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"1" * 65536)


def test_an_answer_without_end_is_left(reader: Reader, web: Web) -> None:
    web.answers["/endless"] = endless
    started = time.monotonic()
    with pytest.raises(UndecidedError, match=r"more than 20,000,000 bytes; `maximum_gigabytes`"):
        reader.rows(address=f"{web.address}/endless", maximum_gigabytes=0.02)
    assert time.monotonic() - started < 20
    (left,) = reader.folder.rglob("00000")
    assert left.stat().st_size <= 20_000_000


def test_what_is_not_whole_or_not_there(reader: Reader, web: Web) -> None:
    web.answers["/cut"] = file(b"id\n1\n", stated=100)
    with pytest.raises(InfrastructureError, match="broke off after 5 of 100 bytes"):
        reader.rows(address=f"{web.address}/cut")
    web.answers["/busy"] = says(503)
    with pytest.raises(InfrastructureError, match="answers 503"):
        reader.rows(address=f"{web.address}/busy")
    assert [path for path, _ in web.asked] == ["/cut"] * 3 + ["/busy"] * 3
    with pytest.raises(UndecidedError, match="answers 404"):
        reader.rows(address=f"{web.address}/none")
    web.answers["/packed"] = file(b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(UndecidedError, match="is sent compressed"):
        reader.rows(address=f"{web.address}/packed")
    web.answers["/page"] = file(b"<html>Sign in")
    assert reader.rows(address=f"{web.address}/page") == []
    with pytest.raises(InfrastructureError, match="does not answer"):
        reader.rows(address="https://localhost:9/t.csv")


def test_a_server_that_nobody_vouches_for(
    reader: Reader, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.answers["/t.csv"] = file(b"id\n1\n")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ConfigError, match="its certificate is not trusted"):
        reader.rows(address=f"{web.address}/t.csv")
    assert web.asked == []
    Path(reader.root, "ca.pem").write_bytes(web.certificate.read_bytes())
    assert reader.rows(address=f"{web.address}/t.csv", certificates="ca.pem") == [(1,)]
    with pytest.raises(ConfigError, match="`certificates` cannot be read"):
        reader.rows(address=f"{web.address}/t.csv", certificates="none.pem")
