"""Serve `$MLOPS_MODEL` on `$PORT` by the Open Inference Protocol, version 2.

A request holds one tensor a feature, of shape [rows]; tensors that the model does not use
are passed over, so that two versions with different features can answer the same request.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import MODEL
from .model import Model, decide, load

MAXIMUM_ROWS = 10_000
#: What the values of a datatype may be in JSON.
NUMBERS: dict[str, tuple[type, ...]] = {"FP64": (float, int), "INT64": (int,), "BOOL": (bool,)}


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
        inputs = [_tensor(name, "FP64") for name in model.features]
        outputs = [_tensor("score", "FP64"), _tensor("prediction", "BYTES")]
        about = {"name": MODEL, "versions": [version], "platform": "scikit-learn"}
        return JSONResponse({**about, "inputs": inputs, "outputs": outputs})

    async def infer(request: Request) -> JSONResponse:
        try:
            identity, values = parse(await request.body(), model.features)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        scores = model.score(values)
        answer: dict[str, Any] = {"model_name": MODEL, "model_version": version}
        if identity is not None:
            answer["id"] = identity
        rows = [len(scores)]
        answer["outputs"] = [
            {**_tensor("score", "FP64"), "shape": rows, "data": scores.tolist()},
            {**_tensor("prediction", "BYTES"), "shape": rows, "data": decide(scores)},
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


def parse(body: bytes, features: list[str]) -> tuple[str | None, np.ndarray]:
    """A request's id and its values, shape (rows, features).

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
    missing = [name for name in features if name not in tensors]
    if missing:
        raise ValueError(f"missing tensors: {', '.join(missing)}")
    columns = [_column(name, tensors[name]) for name in features]
    if len({len(column) for column in columns}) > 1:
        raise ValueError("all tensors need the same number of rows")
    return identity, np.column_stack(columns)


def _column(name: str, tensor: dict[str, Any]) -> np.ndarray:
    datatype, shape, data = (tensor.get(key) for key in ("datatype", "shape", "data"))
    if not isinstance(datatype, str) or datatype not in NUMBERS:
        raise ValueError(f"tensor {name!r}: datatype {datatype!r}. Allowed: {', '.join(NUMBERS)}")
    if not isinstance(data, list) or not 1 <= len(data) <= MAXIMUM_ROWS:
        raise ValueError(f"tensor {name!r}: `data` has to be a list of 1 to {MAXIMUM_ROWS} values")
    if shape != [len(data)]:
        raise ValueError(f"tensor {name!r}: shape {shape}, but {len(data)} values")
    allowed = NUMBERS[datatype]
    for value in data:
        # To Python, true is an integer; to the protocol it is not.
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ValueError(f"tensor {name!r}: {value!r} is not {datatype}")
    try:
        column = np.array(data, dtype=float)
    except OverflowError:
        column = np.array([np.inf])
    if not np.isfinite(column).all():
        raise ValueError(f"tensor {name!r}: every value has to be finite")
    return column


if __name__ == "__main__":
    main()
