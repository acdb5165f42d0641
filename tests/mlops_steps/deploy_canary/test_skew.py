"""Serve beside predict, before any traffic: real servers, real commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.mlops_steps.deploy_canary.test_step import two

from mlops_steps.deploy_canary.protocol import TOLERANCE

Make = Callable[..., Any]
NAN = float("nan")


def refused(here: Any, code: int = 1) -> Any:
    """Run the step: nothing may have been sent to users, nothing moved."""
    ran = here.project.run("deploy-canary")
    assert ran.code == code, ran.text
    assert here.champion() == "1.0.0"
    assert here.registry.read_log(here.tmp / "log") == []
    assert "traffic" not in {each["state"] for each in here.journal()["history"]}
    return ran


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "files"])
def test_a_serve_that_scales_features_differently_is_refused(shop: Make, task: str) -> None:
    here = shop(task=task)
    two(here, {}, {"scale": 1.7})
    ran = refused(here)
    found = here.canary()["skew"]
    assert found["compared"] == 100
    assert found["differing"] > 30
    assert ran.verdict["line"] == "serve answers as predict does"
    assert ran.verdict["findings"][0]["rule"] == "canary-roll-back"
    assert f"{found['differing']} of 100 rows were answered in another way by serve" in ran.text
    assert f"(keys {', '.join(found['keys'])})" in ran.text
    assert "the champion is still 1.0.0, which never shared its traffic" in ran.text
    if task in {"multiclass", "files"}:  # the same score for every class
        assert found["other_class"] == found["differing"]
        assert "have another prediction" in ran.text
    else:
        assert found["furthest"] > 0.1


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_an_honest_serve_is_promoted_and_it_is_said(shop: Make, task: str) -> None:
    here = shop(task=task)
    two(here, {}, {})
    ran = here.project.run("deploy-canary")
    assert ran.code == 0, ran.text
    assert here.canary()["skew"]["differing"] == 0
    assert here.canary()["skew"]["furthest"] == 0.0, "JSON carries every digit"
    assert ran.verdict["figures"]["skew_rows"] == {
        "value": 0,
        "n": 100,
        "method": "serve beside predict, before any traffic",
    }
    assert "serve answered 100 of 100 rows as predict does" in ran.text


@pytest.mark.parametrize(("digits", "code"), [(3, 1), (4, 0)])
def test_a_score_may_be_rounded_to_four_digits_but_not_to_three(
    shop: Make, digits: int, code: int
) -> None:
    here = shop()
    two(here, {}, {"digits": digits})
    ran = here.project.run("deploy-canary")
    assert ran.code == code, ran.text
    found = here.canary()["skew"]
    assert 0 < found["furthest"] <= 0.5 * 10**-digits
    assert found["tolerance"] == TOLERANCE
    assert (found["differing"] > 0) == (code == 1)


def test_another_class_beside_the_same_score_is_refused(shop: Make) -> None:
    here = shop()
    two(here, {}, {"class": "benign"})
    refused(here)
    found = here.canary()["skew"]
    assert (found["differing"], found["other_class"], found["furthest"]) == (100, 100, 0.0)


def test_a_first_release_is_compared_too(shop: Make) -> None:
    here = shop()
    here.publish("1.0.0", scale=1.1)
    ran = here.project.run("deploy-canary", version="1.0.0")
    assert (ran.code, ran.verdict["line"]) == (1, "serve answers as predict does"), ran.text
    assert here.champion() is None


@pytest.mark.parametrize(
    ("told", "line", "why"),
    [
        (
            {"spoil": {"score": NAN}},
            "serve answers the rows that predict answered",
            "100 of 100 rows failed: 100 x the score is not a number from 0 to 1",
        ),
        ({"die_after": 5}, "the candidate's server stays up", "ended by itself (exit code 7)"),
        ({"predict": "fails"}, "`python predict.py` ended with exit code 1", "no such column"),
        (
            {"predict": "forgets"},
            "`python predict.py` was asked about 100 rows and answered 99 of them well",
            "alias champion did not move",
        ),
    ],
)
def test_a_version_that_cannot_be_compared_gets_no_traffic(
    shop: Make, told: dict[str, object], line: str, why: str
) -> None:
    here = shop()
    two(here, {}, told)
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    assert ran.verdict["line"].splitlines()[0] == line
    assert why in ran.text
    assert here.champion() == "1.0.0"
    assert here.registry.read_log(here.tmp / "log") == []


def test_some_errors_are_for_the_traffic_to_judge(shop: Make) -> None:
    here = shop()
    two(here, {}, {"fail_every": 4})
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    found = here.canary()["skew"]
    assert (found["asked"], found["compared"], found["failures"]) == (100, 75, {"HTTP 500": 25})
    assert ran.verdict["line"].startswith("errors of the candidate <= errors of the champion")


def test_rows_that_have_changed_since_evaluate_are_no_skew(shop: Make) -> None:
    here = shop()
    two(here, {}, {})
    head, *lines = (here.project.folder / "data/samples.csv").read_text().splitlines()
    changed = [",".join([key, str(float(a) * 2), *b]) for key, a, *b in split(lines)]
    here.project.write("data/samples.csv", "\n".join([head, *changed]) + "\n")
    here.project.commit()
    ran = here.project.run("deploy-canary")
    assert ran.code == 0, ran.text
    assert here.canary()["skew"]["compared"] == 100


def test_keys_that_are_there_twice_are_left_out_and_too_few_rows_are_undecided(shop: Make) -> None:
    here = shop()
    two(here, {}, {})
    head, *lines = (here.project.folder / "data/samples.csv").read_text().splitlines()
    twice = [*lines[:60], *lines[:40]]
    here.project.write("data/samples.csv", "\n".join([head, *twice]) + "\n")
    here.project.commit()
    ran = here.project.run("deploy-canary")
    assert (ran.code, here.canary()["skew"]["asked"]) == (0, 20), ran.text
    here.point("champion", "1.0.0")
    few = [*lines[:9], *lines[20:40], *lines[20:40]]
    here.project.write("data/samples.csv", "\n".join([head, *few]) + "\n")
    here.project.commit("fewer")
    ran = here.project.run("deploy-canary")
    assert ran.code == 3, ran.text
    assert "samples.csv: 9 rows with a key of their own; to see whether serve" in ran.text
    assert here.champion() == "1.0.0"


def split(lines: list[str]) -> list[list[str]]:
    return [line.split(",") for line in lines]
