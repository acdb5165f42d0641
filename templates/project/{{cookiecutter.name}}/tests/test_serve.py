"""The server speaks the Open Inference Protocol and answers bad requests in words."""

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import pytest
import uvicorn

from {{ cookiecutter.package }} import MODEL, data, model, serve

INFER = f"/v2/models/{MODEL}/infer"
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def ask(fitted: model.Model) -> Iterator[Ask]:
    """Ask a server on a real socket; gives the status and what the answer's JSON holds."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(serve.build(fitted, "1.2.3"), log_level="warning"))
    thread = Thread(target=server.run, args=([listener],))
    thread.start()

    def send(path: str, body: bytes | None = None) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content[:1] == b"{" else None

    yield send
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def request_of_two(few: data.Table) -> dict[str, Any]:
    """A sound request of two rows."""
    columns = zip(few.columns, few.values[:2].T.tolist(), strict=True)
    tensors = [_tensor(name, values) for name, values in columns]
    return {"id": "7", "inputs": tensors}


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": "FP64", "shape": [len(values)], "data": values}


def test_live_ready_and_described(ask: Ask, few: data.Table) -> None:
    assert ask("/v2/health/live") == (200, {"live": True})
    assert ask("/v2/health/ready") == (200, {"ready": True})
    status, described = ask(f"/v2/models/{MODEL}")
    assert (status, described["versions"]) == (200, ["1.2.3"])
    assert [each["name"] for each in described["inputs"]] == few.columns


def test_infer(
    ask: Ask, few: data.Table, fitted: model.Model, request_of_two: dict[str, Any]
) -> None:
    status, answer = ask(INFER, json.dumps(request_of_two).encode())
    assert (status, answer["id"], answer["model_version"]) == (200, "7", "1.2.3")
    scores = fitted.score(few.values[:2])
    score, prediction = answer["outputs"]
    assert (score["name"], score["datatype"], score["shape"]) == ("score", "FP64", [2])
    assert score["data"] == pytest.approx(scores.tolist())
    assert (prediction["datatype"], prediction["data"]) == ("BYTES", model.decide(scores))


def test_a_tensor_that_the_model_does_not_use_is_passed_over(
    ask: Ask, request_of_two: dict[str, Any]
) -> None:
    request_of_two["inputs"].append(_tensor("new", ["x", "y"]))
    assert ask(INFER, json.dumps(request_of_two).encode())[0] == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": [3]}, "shape [3], but 2 values"),
        ({"shape": [0], "data": []}, "list of 1 to"),
        ({"datatype": "FP8"}, "datatype 'FP8'"),
        ({"datatype": "INT64"}, "is not INT64"),
        ({"data": [1.0, None]}, "None is not FP64"),
        ({"data": [1.0, True]}, "True is not FP64"),
        ({"data": [1.0, 10**400]}, "finite"),
        ({"data": [1.0, float("nan")]}, "finite"),
        ({"data": [1.0], "shape": [1]}, "same number of rows"),
        ({"name": "typo"}, "missing tensors: mean_radius"),
        ({"name": "mean_texture"}, "given twice"),
        ({"name": 7}, "with a `name`"),
    ],
)
def test_a_bad_tensor_is_refused_in_words(
    ask: Ask, request_of_two: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    request_of_two["inputs"][0].update(change)
    status, answer = ask(INFER, json.dumps(request_of_two).encode())
    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": 1}', b'{"id": 1, "inputs": []}'])
def test_a_bad_body_is_refused(ask: Ask, body: bytes) -> None:
    assert ask(INFER, body)[0] == 400


def test_another_model_is_not_found(ask: Ask) -> None:
    assert ask("/v2/models/another-model-altogether")[0] == 404
