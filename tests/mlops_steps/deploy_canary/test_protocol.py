"""What is an answer, by the task, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlops_steps.config import Task
from mlops_steps.deploy_canary.protocol import Wanted, canonical, parse

BINARY = Wanted("binary", frozenset({"yes", "no"}))
MULTICLASS = Wanted("multiclass", frozenset({"setosa", "versicolor", canonical("3")}))
REGRESSION = Wanted("regression")


def answer(*, shape: Any = (1,), **outputs: Any) -> bytes:
    tensors = [
        {"name": name, "shape": list(shape), "data": [value]} for name, value in outputs.items()
    ]
    return json.dumps({"outputs": tensors}).encode()


@pytest.mark.parametrize(
    ("content", "wanted", "found"),
    [
        (answer(score=0.5, prediction="yes"), BINARY, (0.5, "yes")),
        (answer(score=1, prediction="no", more=[3]), BINARY, (1.0, "no")),
        (answer(score=0.25, prediction="setosa", shape=(1, 1)), MULTICLASS, (0.25, "setosa")),
        # A class that is a number, written in another way.
        (answer(score=0.5, prediction=3), MULTICLASS, (0.5, "3")),
        (answer(score=0.5, prediction="3.0"), MULTICLASS, (0.5, "3.0")),
        (answer(score=0.5, prediction=True), Wanted("binary", frozenset({"true"})), (0.5, "True")),
        (
            answer(score=0, prediction="what is not known"),
            Wanted("binary"),
            (0.0, "what is not known"),
        ),
        (answer(prediction=-152.25), REGRESSION, (-152.25, "-152.25")),
        (answer(prediction=152), REGRESSION, (152.0, "152.0")),
    ],
)
def test_what_is_an_answer(content: bytes, wanted: Wanted, found: tuple[float, str]) -> None:
    assert parse(content, wanted) == found


NOT = "not an answer in the Open Inference Protocol"
SCORE = "the score is not a number from 0 to 1"
NUMBER = "the prediction is not a finite number"
SHAPE = r"the output \w+ is not one value of shape \[1\]"
BOTH: tuple[Task, ...] = ("binary", "multiclass")
ALL: tuple[Task, ...] = (*BOTH, "regression")


@pytest.mark.parametrize(
    ("tasks", "content", "problem"),
    [
        (ALL, b"", NOT),
        (ALL, b"[]", NOT),
        (ALL, b"[" * 100_000, NOT),
        (ALL, b'{"outputs": [{"name": ["score"]}]}', NOT),
        (ALL, b'{"outputs": {}}', f"{NOT}: no output"),
        (ALL, answer(score=0.5), "no output prediction"),
        (BOTH, answer(prediction="yes"), "no output score"),
        (ALL, answer(score=0.5, prediction=1, shape=()), SHAPE),
        (ALL, answer(score=0.5, prediction=1, shape=(2,)), SHAPE),
        (ALL, answer(score=0.5, prediction=1, shape=(1, 3)), SHAPE),
        (ALL, answer(score=0.5, prediction=1, shape=(True,)), SHAPE),
        (ALL, answer(score=0.5, prediction=1).replace(b'"shape": [1], ', b""), SHAPE),
        (ALL, answer(score=0.5, prediction=1).replace(b"[1]}]}", b"[1, 2]}]}"), SHAPE),
        (ALL, answer(score=0.5, prediction=1).replace(b"[1]}]}", b'"1"}]}'), SHAPE),
        (BOTH, answer(score=float("nan"), prediction="yes"), SCORE),
        (BOTH, answer(score=0.5, prediction="yes").replace(b"0.5", b"1e999"), SCORE),
        (BOTH, answer(score=10**400, prediction="yes"), SCORE),
        (BOTH, answer(score=1.01, prediction="yes"), SCORE),
        (BOTH, answer(score=-0.01, prediction="yes"), SCORE),
        (BOTH, answer(score=True, prediction="yes"), SCORE),
        (BOTH, answer(score="high", prediction="yes"), SCORE),
        (BOTH, answer(score=0.5, prediction=None), "the prediction is not a single value"),
        (BOTH, answer(score=0.5, prediction=["yes"]), "the prediction is not a single value"),
        (("regression",), answer(prediction="152.0"), NUMBER),
        (("regression",), answer(prediction=float("nan")), NUMBER),
        (("regression",), answer(prediction=float("inf")), NUMBER),
        (("regression",), answer(prediction=10**400), NUMBER),
        (("regression",), answer(prediction=True), NUMBER),
        (("regression",), answer(prediction=None), NUMBER),
        (("regression",), answer(prediction=[1.0]), NUMBER),
        (ALL, b" " * 1_048_577, "an answer of more than 1 MiB"),
    ],
)
def test_what_is_no_answer(tasks: tuple[Task, ...], content: bytes, problem: str) -> None:
    for task in tasks:
        with pytest.raises(ValueError, match=problem):
            parse(content, Wanted(task))


@pytest.mark.parametrize("said", ["Setosa", "0", "", "setosa "])
def test_a_class_that_the_target_does_not_have(said: str) -> None:
    with pytest.raises(ValueError, match="the prediction is no value of the target"):
        parse(answer(score=0.5, prediction=said), MULTICLASS)
