"""Serve `$MLOPS_MODEL` on `$PORT` by the Open Inference Protocol, version 2.

A request holds one tensor for each of the model's inputs, of shape [rows]; tensors that the
model does not use are passed over, so that two versions with different features can answer
the same request. A value that is null is a missing one.
"""

import json
import os
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import MODEL
from .model import PLATFORM, Model, load
from .target import OUTPUTS

MAXIMUM_ROWS = 10_000
#: What the values of a datatype may be in JSON.
VALUES: dict[str, tuple[type, ...]] = {
    "FP64": (float, int),
    "INT64": (int,),
    "BYTES": (str,),
    "BOOL": (bool,),
}
#: Which datatypes an input takes.
ACCEPTED = {"FP64": ("FP64", "INT64"), "BYTES": ("BYTES", "BOOL")}


def main() -> None:
    """Load the model, then answer until SIGTERM."""
    app = build(load(Path(os.environ["MLOPS_MODEL"])), os.environ["MLOPS_VERSION"])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )


def build(model: Model, version: str) -> Starlette:
    """The application. It exists only once its model is loaded: live is ready."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"live": True})

    async def ready(_request: Request) -> JSONResponse:
        return JSONResponse({"ready": True})

    async def metadata(_request: Request) -> JSONResponse:
        inputs = [_tensor(*each) for each in model.encoder.inputs.items()]
        outputs = [_tensor(*each) for each in OUTPUTS.items()]
        about = {"name": MODEL, "versions": [version], "platform": PLATFORM}
        return JSONResponse({**about, "inputs": inputs, "outputs": outputs})

    async def infer(request: Request) -> JSONResponse:
        try:
            identity, columns = parse(await request.body(), model.encoder.inputs)
            values = model.encoder.encode_request(columns)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        answer: dict[str, Any] = {"model_name": MODEL, "model_version": version}
        if identity is not None:
            answer["id"] = identity
        answer["outputs"] = [
            {**_tensor(name, OUTPUTS[name]), "shape": [len(found)], "data": found}
            for name, found in model.predict(values).items()
        ]
        return JSONResponse(answer)

    return Starlette(
        routes=[
            Route("/v2/health/live", live),
            Route("/v2/health/ready", ready),
            Route(f"/v2/models/{MODEL}", metadata),
            Route(f"/v2/models/{MODEL}/ready", ready),
            Route(f"/v2/models/{MODEL}/infer", infer, methods=["POST"]),
        ]
    )


def _tensor(name: str, datatype: str) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1]}


def parse(body: bytes, inputs: dict[str, str]) -> tuple[str | None, dict[str, list[str]]]:
    """A request's id, and the cells of every input as they would stand in a file.

    Raises ValueError, in words for the caller, for anything that is not a sound request.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the request is not JSON: {error}") from None
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list):
        raise ValueError("the request has to be an object with a list of tensors, `inputs`")
    identity = request.get("id")
    if identity is not None and not isinstance(identity, str):
        raise ValueError("`id` has to be a string")
    tensors: dict[str, Any] = {}
    for tensor in request["inputs"]:
        name = tensor.get("name") if isinstance(tensor, dict) else None
        if not isinstance(name, str):
            raise ValueError("every tensor has to be an object with a `name`")
        if name in tensors:
            raise ValueError(f"tensor {name!r} is given twice")
        tensors[name] = tensor
    missing = [name for name in inputs if name not in tensors]
    if missing:
        raise ValueError(f"missing tensors: {', '.join(missing)}")
    columns = {name: _cells(name, tensors[name], ACCEPTED[kind]) for name, kind in inputs.items()}
    if len({len(cells) for cells in columns.values()}) > 1:
        raise ValueError("all tensors need the same number of rows")
    return identity, columns


def _cells(name: str, tensor: dict[str, Any], accepted: tuple[str, ...]) -> list[str]:
    datatype, shape, data = (tensor.get(key) for key in ("datatype", "shape", "data"))
    if datatype not in accepted:
        raise ValueError(f"tensor {name!r}: datatype {datatype!r}. Allowed: {', '.join(accepted)}")
    if not isinstance(data, list) or not 1 <= len(data) <= MAXIMUM_ROWS:
        raise ValueError(f"tensor {name!r}: `data` has to be a list of 1 to {MAXIMUM_ROWS} values")
    if shape != [len(data)]:
        raise ValueError(f"tensor {name!r}: shape {shape}, but {len(data)} values")
    allowed = VALUES[datatype]
    for value in data:
        # To Python, true is an integer; to the protocol it is not.
        boolean = isinstance(value, bool) and bool not in allowed
        if value is not None and (boolean or not isinstance(value, allowed)):
            raise ValueError(f"tensor {name!r}: {value!r} is not {datatype}")
    return ["" if value is None else str(value) for value in data]


if __name__ == "__main__":
    main()
