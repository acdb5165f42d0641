"""The server speaks the Open Inference Protocol and answers bad requests in words."""

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import pytest
import uvicorn

from tumour import MODEL, data, model, serve
from tumour.target import OUTPUTS

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
def request_of_two(few: data.Table, fitted: model.Model) -> dict[str, Any]:
    """A sound request of the first two rows."""
    tensors = []
    for name, datatype in fitted.encoder.inputs.items():
        cells = few.columns[name][:2]
        numbers = [float(cell) if cell else None for cell in cells] if datatype == "FP64" else []
        tensors.append(tensor(name, numbers or cells, datatype))
    return {"id": "7", "inputs": tensors}


def tensor(name: str, values: list[Any], datatype: str = "FP64") -> dict[str, Any]:
    """One input of a request."""
    return {"name": name, "datatype": datatype, "shape": [len(values)], "data": values}


def test_live_ready_and_described(ask: Ask, fitted: model.Model) -> None:
    assert ask("/v2/health/live") == (200, {"live": True})
    assert ask("/v2/health/ready") == (200, {"ready": True})
    status, described = ask(f"/v2/models/{MODEL}")
    assert (status, described["versions"]) == (200, ["1.2.3"])
    inputs = {each["name"]: each["datatype"] for each in described["inputs"]}
    assert inputs == fitted.encoder.inputs
    assert {each["name"]: each["datatype"] for each in described["outputs"]} == OUTPUTS


def test_infer(
    ask: Ask, few: data.Table, fitted: model.Model, request_of_two: dict[str, Any]
) -> None:
    status, answer = ask(INFER, json.dumps(request_of_two).encode())
    assert (status, answer["id"], answer["model_version"]) == (200, "7", "1.2.3")
    expected = fitted.predict(fitted.encoder.encode(few)[:2])
    for each in answer["outputs"]:
        assert (each["datatype"], each["shape"]) == (OUTPUTS[each["name"]], [2])
        values = expected.pop(each["name"])
        assert each["data"] == (values if each["datatype"] == "BYTES" else pytest.approx(values))
    assert expected == {}


def test_a_tensor_that_the_model_does_not_use_is_passed_over(
    ask: Ask, request_of_two: dict[str, Any]
) -> None:
    request_of_two["inputs"].append(tensor("of another version", ["x", "y"]))
    assert ask(INFER, json.dumps(request_of_two).encode())[0] == 200


def test_a_bad_tensor_is_refused(ask: Ask, request_of_two: dict[str, Any]) -> None:
    request_of_two["inputs"][0]["shape"] = [3]
    status, answer = ask(INFER, json.dumps(request_of_two).encode())
    assert (status, "shape [3], but 2 values" in answer["error"]) == (400, True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": 1}', b'{"id": 1, "inputs": []}'])
def test_a_bad_body_is_refused(ask: Ask, body: bytes) -> None:
    assert ask(INFER, body)[0] == 400


def test_another_model_is_not_found(ask: Ask) -> None:
    assert ask("/v2/models/another-model-altogether")[0] == 404


def parse(*tensors: dict[str, Any]) -> dict[str, list[str]]:
    """The cells of a request to a model with a number, `a`, and a text, `b`."""
    body = json.dumps({"inputs": tensors}).encode()
    return serve.parse(body, {"a": "FP64", "b": "BYTES"})[1]


TEXT = tensor("b", ["x", "y"], "BYTES")


def test_values_become_cells() -> None:
    truth = tensor("b", [True, None], "BOOL")
    assert parse(tensor("a", [1.5, None]), TEXT) == {"a": ["1.5", ""], "b": ["x", "y"]}
    assert parse(tensor("a", [1, 2], "INT64"), truth) == {"a": ["1", "2"], "b": ["True", ""]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": [3]}, r"shape \[3\], but 2 values"),
        ({"shape": [0], "data": []}, "list of 1 to"),
        ({"datatype": "FP8"}, "datatype 'FP8'"),
        ({"datatype": "BYTES"}, "datatype 'BYTES'"),
        ({"datatype": "INT64"}, "is not INT64"),
        ({"datatype": []}, r"datatype \[\]"),
        ({"data": [1.5, True]}, "True is not FP64"),
        ({"data": [1.5, "2"]}, "'2' is not FP64"),
        ({"data": [1.5], "shape": [1]}, "same number of rows"),
        ({"name": "typo"}, "missing tensors: a"),
        ({"name": "b"}, "given twice"),
        ({"name": 7}, "with a `name`"),
    ],
)
def test_what_is_wrong_with_a_tensor_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(tensor("a", [1.5, 2.5]) | change, TEXT)
