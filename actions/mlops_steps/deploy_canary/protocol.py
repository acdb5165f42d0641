"""What a model server has to answer to one row, by the task: Open Inference Protocol v2."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from typing import Any

from mlops_steps.config import Task

#: A class, its probability and some names take up far less.
ANSWER_LIMIT = 1024 * 1024
#: How far two scores of the same row may lie apart: single precision here, double there, another
#: order of sums in a batch of another size. Of a regression: times the standard deviation of the
#: predictions.
TOLERANCE = 1e-4
_NO_ANSWER = "not an answer in the Open Inference Protocol"


@dataclass(frozen=True)
class Wanted:
    """What is an answer.

    Attributes:
        task: A regression answers `prediction`, a number; the others answer also `score`, from
            0 to 1: the probability of the positive class (binary), of the predicted one
            (multiclass).
        classes: The values that the target has, as `canonical` writes them; empty where any
            value is taken.
    """

    task: Task
    classes: frozenset[str] = frozenset()


def parse(content: bytes, wanted: Wanted) -> tuple[float, str]:
    """Score and prediction of an answer for one row; for a regression the prediction twice.

    Raises:
        ValueError: It is none, in words without anything of the answer, so that answers that
            are wrong alike are counted together.
    """
    if len(content) > ANSWER_LIMIT:
        raise ValueError(f"an answer of more than {ANSWER_LIMIT // 1024**2} MiB")
    try:
        outputs = {each["name"]: each for each in json.loads(content)["outputs"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(_NO_ANSWER) from None
    if wanted.task == "regression":
        value = _number(_single(outputs, "prediction"), "the prediction is not a finite number")
        return value, repr(value)
    out_of_range = "the score is not a number from 0 to 1"
    score = _number(_single(outputs, "score"), out_of_range)
    if not 0 <= score <= 1:
        raise ValueError(out_of_range)
    prediction = _single(outputs, "prediction")
    if isinstance(prediction, (dict, list)) or prediction is None:
        raise ValueError("the prediction is not a single value")
    if wanted.classes and canonical(str(prediction)) not in wanted.classes:
        raise ValueError("the prediction is no value of the target")
    return score, str(prediction)


def canonical(text: str) -> str:
    """A class written alike whatever the format: 1.0 is 1, TRUE is true."""
    try:
        return repr(float(text))
    except ValueError:
        return text.lower() if text.lower() in {"true", "false"} else text


def _single(outputs: dict[str, Any], name: str) -> Any:
    """The one value of an output tensor."""
    tensor = outputs.get(name)
    if tensor is None:
        raise ValueError(f"{_NO_ANSWER}: no output {name}")
    data, shape = tensor.get("data"), tensor.get("shape")
    # A bool is an int to Python, and `[true]` no shape.
    one = isinstance(shape, list) and shape and all(type(n) is int and n == 1 for n in shape)
    if not isinstance(data, list) or len(data) != 1 or not one:
        raise ValueError(f"the output {name} is not one value of shape [1]")
    return data[0]


def _number(value: Any, problem: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    with contextlib.suppress(OverflowError):  # JSON has whole numbers of any length
        if is_number and math.isfinite(value):
            return float(value)
    raise ValueError(problem)
