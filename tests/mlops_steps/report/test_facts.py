"""The file that a comment is made of: what a report writes can be read, and nothing else can."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.mlops_steps.comment.server import FACTS, HEAD, facts
from tests.mlops_steps.report.conftest import Road

from mlops_steps.report.facts import SIZE_LIMIT, FactsError, Rule, read

RULE = FACTS["rules"][0]
AGAINST = RULE | {
    "metric": "accuracy", "against": "champion", "bound": -0.05, "value": -0.006, "low": -0.034,
    "high": 0.022, "method": "Tango", "champion": 0.985,
}  # fmt: skip
HOSTILE = [
    "POISON",
    "<img src=x onerror=alert(1)>POISON",
    "**POISON** [x](javascript:alert(1)) ![x](https://evil.example/POISON.png)",
    "@everyone POISON #1 !1",
    "::set-output name=x::POISON",
    "\n::error::POISON\n##[error]POISON",
    "| POISON |\n| --- |",
    "--> POISON <!--",
    "</details>POISON<script>alert(1)</script>",
    "`POISON`",
    "${{ secrets.POISON }} $(POISON)",
    "POISON\u202e\u200b\x00\x1b[31m",
    "POISON" * 2000,
]


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def refused(content: bytes) -> str:
    with pytest.raises(FactsError) as error:
        read(content)
    assert "POISON" not in str(error.value)
    assert error.value.__cause__ is None
    return str(error.value)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place in a value that holds no other, and each object."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))
    else:
        yield path, value


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    found: Any = copy.deepcopy(WHOLE)
    inner = found
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return dict(found)


WHOLE = facts(champion="1.0.0", split="test", rules=[RULE, AGAINST])
TEXTS = [path for path, value in places(WHOLE) if isinstance(value, str)]
NUMBERS = [path for path, value in places(WHOLE) if type(value) in {int, float}]
OBJECTS = [path for path, value in places(WHOLE) if isinstance(value, dict)]


def test_what_is_whole_is_read() -> None:
    found = read(encoded(WHOLE))
    assert [each.text for each in found.rules] == ["roc_auc >= 0.95", "accuracy >= champion - 0.05"]
    assert read(encoded(facts(checks=None, training=None, rules=[], split=None, rows=None,
                              steps=facts()["steps"][:2]))).rules == []  # fmt: skip


def test_no_text_gets_through_in_any_place() -> None:
    assert len(TEXTS) > 20
    for path in TEXTS:
        whole = value_at(path)
        for text in (*HOSTILE, *(whole + end for end in ("\n", "\r\n", " ", "\0")), " " + whole):
            if (path, text) != (("workflow",), "POISON"):  # a name that a workflow may have
                refused(encoded(changed(path, text)))


def value_at(path: tuple[Any, ...]) -> Any:
    found: Any = WHOLE
    for part in path:
        found = found[part]
    return found


def test_a_part_that_is_unknown_or_missing_is_refused_wherever_it_is() -> None:
    assert len(OBJECTS) > 9
    for path in OBJECTS:
        for name in value_at(path):
            found: Any = copy.deepcopy(WHOLE)
            inner = found
            for part in path:
                inner = inner[part]
            del inner[name]
            refused(encoded(found))
        refused(encoded(changed((*path, "POISON"), "POISON")))
        refused(encoded(changed((*path, "POISON<script>"), 1)))


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "1" * 19, "1e16", "-1e16",
     "true", '"1"', "[]", "{}", "9" * 5000],
)  # fmt: skip
def test_a_number_that_is_none_or_out_of_bounds_is_refused_wherever_it_is(value: str) -> None:
    assert len(NUMBERS) > 25
    for path in NUMBERS:
        text = json.dumps(changed(path, "HERE")).replace('"HERE"', value)
        refused(text.encode())


def test_a_count_is_whole_and_not_below_nothing() -> None:
    counts = [path for path in NUMBERS if path[-1] in {"rows", "n", "errors", "passed", "gpus"}]
    assert len(counts) > 8
    for path in counts:
        for value in (-1, 1.5, 10**13, 1e3):
            refused(encoded(changed(path, value)))


WRONG: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("not UTF-8", b"\xff\xfe" + json.dumps(WHOLE).encode("utf-16-le")),
    ("UTF-16", json.dumps(WHOLE).encode("utf-16")),
    ("a mark before it", b"\xef\xbb\xbf" + encoded(WHOLE)),
    ("a list", encoded([WHOLE])),
    ("two", encoded(WHOLE) + encoded(WHOLE)),
    ("cut", encoded(WHOLE)[:-1]),
    ("deep", b"[" * 60_000),
    ("deeper in a part", encoded(WHOLE)[:-1] + b', "POISON": ' + b'{"a":' * 9000),
    ("a key twice", encoded(WHOLE)[:-1] + b', "commit": "' + b"b" * 40 + b'"}'),
    ("a key twice, below", encoded(WHOLE).replace(b'"n": 398', b'"n": 398, "n": 398')),
    ("half a character", encoded(WHOLE).replace(b"tumour", b"tumou\\ud800")),
    ("too large", encoded(WHOLE) + b" " * SIZE_LIMIT),
]  # fmt: skip


@pytest.mark.parametrize("content", [each for _, each in WRONG], ids=[name for name, _ in WRONG])
def test_json_of_any_other_kind_is_refused(content: bytes) -> None:
    refused(content)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"metric": "rmse"}, "could not have"),  # of another task
        ({"metric": "log_loss", "operator": "<="}, "could not have"),  # without an interval
        ({"operator": "<=", "bound": 0.99}, "could not have"),  # the worse direction
        ({"bound": 1.5}, "could not have"),
        ({"bound": -0.5}, "could not have"),
        ({"bound": 0.0}, "could not have"),
        ({"low": None}, "without its interval"),
        ({"value": None}, "without its interval"),
        ({"low": 0.99, "value": 0.98}, "outside of its interval"),
        ({"high": 0.97}, "outside of its interval"),
        ({"value": None, "low": None, "high": None}, "judged without a figure"),
        ({"value": 0.9, "low": 0.8}, "against its figure"),
        ({"status": "fail"}, "against its figure"),
        ({"status": "undecided"}, "the gate passed, a rule did not"),
    ],
)
def test_a_rule_has_to_be_one_and_its_verdict_has_to_fit(rule: dict[str, Any], words: str) -> None:
    assert words in refused(encoded(facts(rules=[RULE | rule])))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": [AGAINST]}, "could not have"),  # the champion has seen the valid rows
        (
            {"rules": [AGAINST | {"bound": 0.05}], "split": "test"},
            "does not say what its parts say",
        ),
        ({"rules": []}, "the gate passed without a rule"),
        ({"rules": [RULE] * 51}, "not of the form"),
        ({"split": None}, "a split without rows"),
        ({"rows": None}, "a split without rows"),
        ({"split": None, "rows": None}, "judged without rows"),
        ({"steps": []}, "not of the form"),
        ({"steps": FACTS["steps"][::-1]}, "not in their order"),
        ({"steps": FACTS["steps"][:1] * 2}, "not in their order"),
        ({"champion": "1.0"}, "not of the form"),
        ({"champion": "v1.0.0"}, "not of the form"),
        ({"champion": "1.0.0-POISON"}, "not of the form"),
        ({"commit": HEAD[:7]}, "not of the form"),
        ({"commit": HEAD.upper()}, "not of the form"),
        ({"format": 2}, "not of the form"),
        ({"project": "a" * 64}, "not of the form"),
    ],
)
def test_parts_have_to_fit_together(change: dict[str, Any], words: str) -> None:
    assert words in refused(encoded(facts(**change)))


@pytest.mark.parametrize(
    ("metric", "operator", "against", "bound", "text"),
    [
        ("accuracy", ">=", "bound", 0.1 + 0.2, "accuracy >= 0.3"),
        ("brier", "<=", "bound", 1e-05, "brier <= 1e-05"),
        ("brier", "<=", "champion", 0.01, "brier <= champion + 0.01"),
        ("recall", ">=", "champion", -0.0, "recall >= champion - 0"),
        ("accuracy", ">=", "bound", 0.123456789, "accuracy >= 0.123456789"),
    ],
)
def test_a_rule_is_written_as_mlops_yaml_has_it(
    metric: str, operator: str, against: str, bound: float, text: str
) -> None:
    parts = {"metric": metric, "operator": operator, "against": against, "bound": bound}
    one = RULE | parts | {"status": "undecided", "value": None, "low": None, "high": None}
    steps = copy.deepcopy(FACTS["steps"])
    steps[-1]["status"] = "undecided"
    (found,) = read(encoded(facts(rules=[one], split="test", steps=steps))).rules
    assert isinstance(found, Rule)
    assert found.text == text


def test_a_regression_is_in_the_unit_of_its_target() -> None:
    one = RULE | {"metric": "rmse", "operator": "<=", "bound": 70.0, "value": 55.1, "low": 50.0,
                  "high": 61.0, "method": "Hall"}  # fmt: skip
    (found,) = read(encoded(facts(rules=[one], task="regression"))).rules
    assert (found.text, found.scale) == ("rmse <= 70", "target")


def test_the_report_leaves_them(
    road: Callable[[], Road], evaluated: Callable[[Road], None]
) -> None:
    one = road()
    evaluated(one)
    one.step("lint", findings=[{"rule": "x", "level": "warning", "message": "POISON"}])
    one.project.env["GITHUB_WORKFLOW_REF"] = "a/b/.github/workflows/ci.yml@refs/heads/main"
    ran = one.report()
    assert ran.code == 0, ran.text
    text = one.text("facts.json")
    assert "POISON" not in text
    found = read(text.encode())
    assert (found.project, found.workflow, found.commit) == ("tumour", "ci", one.commit)
    assert (found.champion, found.split) == ("1.0.0", "test")
    assert [(each.step, each.warnings) for each in found.steps] == [("lint", 1), ("evaluate", 0)]
    assert ran.verdict["wrote"]["out/report/facts.json"].startswith("sha256:")


def test_of_a_pull_request_the_commit_is_its_head(road: Callable[[], Road]) -> None:
    one = road()
    one.step("lint")
    pull = {"number": 3, "head": {"sha": HEAD, "repo": None}, "base": {"repo": {"id": 1}}}
    event = one.project.write("event.json", json.dumps({"pull_request": pull}))
    one.project.env |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
    }
    assert one.report().code == 0
    assert read(one.text("facts.json").encode()).commit == HEAD
    event.write_text("{}")
    ran = one.report()
    assert ran.code == 0
    assert not (one.folder / "out" / "report" / "facts.json").exists()
    assert [each["rule"] for each in ran.verdict["findings"]] == ["facts"]


def test_what_does_not_fit_is_not_written_and_said(road: Callable[[], Road]) -> None:
    one = road()
    one.step("lint", seconds=-1)
    ran = one.report()
    assert (ran.code, ran.verdict["status"]) == (0, "pass")
    (found,) = ran.verdict["findings"]
    assert (found["rule"], found["level"]) == ("facts", "warning")
    assert "there will be no comment" in found["message"]
    assert not (one.folder / "out" / "report" / "facts.json").exists()


def test_a_comment_that_was_made_is_no_part_of_the_road(road: Callable[[], Road]) -> None:
    one = road()
    one.step("lint")
    one.step("comment", status="undecided")
    assert one.report().verdict["line"] == "pass: 1 step"
