"""The whole step: a real Envoy, real model servers, real requests."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

Make = Callable[..., Any]


def two(here: Any, champion: dict[str, object], candidate: dict[str, object]) -> None:
    here.publish("1.0.0", **champion)
    here.publish("1.1.0", **candidate)
    here.point("champion", "1.0.0")
    here.point("candidate", "1.1.0")


def logged(here: Any, what: str) -> list[tuple[Any, ...]]:
    files = here.registry.read_log(here.tmp / "log")
    return duckdb.execute(f"SELECT {what} FROM read_parquet({[str(f) for f in files]})").fetchall()


@pytest.mark.parametrize("every", [None, 50], ids=["no errors", "2 % errors in both"])
def test_a_candidate_as_good_as_the_champion_is_promoted(shop: Make, every: int | None) -> None:
    here = shop()
    two(here, {"fail_every": every}, {"fail_every": every})
    ran = here.project.run("deploy-canary")
    assert ran.code == 0, ran.text
    canary = here.canary()
    failed = sum(arm["errors"] for s in canary["steps"] for arm in (s["champion"], s["candidate"]))
    assert ran.verdict["line"] == f"10 > 25 > 50 > 100 %, 300 requests, {failed} failed"
    assert ran.verdict["outputs"] == {"decision": "promote", "version": "1.1.0", "status": "pass"}
    assert here.champion() == "1.1.0"
    assert here.registry.alias("champion").previous == "1.0.0"
    assert [step["weight"] for step in canary["steps"]] == [10, 25, 50]
    assert [step["decision"] for step in canary["steps"]] == ["go on", "go on", "promote"]
    assert set(canary["latency"]) == {"1.0.0", "1.1.0"}
    assert here.journal()["state"] == "promoted"
    assert ran.verdict["wrote"].keys() == {"out/deploy-canary/canary.json"}
    # Every good answer is in the log, and nothing else.
    assert logged(here, "count(*), count(DISTINCT version), count(score)") == [
        (300 - failed, 2, 300 - failed)
    ]


def test_a_candidate_that_fails_a_fifth_of_its_requests_is_rolled_back(shop: Make) -> None:
    here = shop()
    two(here, {}, {"fail_every": 5})
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    assert here.champion() == "1.0.0"
    assert ran.verdict["outputs"]["decision"] == "rollback"
    assert ran.verdict["line"].startswith("errors of the candidate <= errors of the champion, at ")
    assert ran.verdict["findings"][0]["rule"] == "canary-roll-back"
    assert "1.1.0 was not promoted; the champion is still 1.0.0, which answers everything" in (
        ran.text
    )
    assert "x HTTP 500" in ran.text
    assert here.canary()["proof"] == {"requests": 20, "errors": 0}
    states = [each["state"] for each in here.journal()["history"]]
    assert states[-2:] == ["rolling back", "rolled back"]
    wrong = sum(here.canary()["failures"]["1.1.0"].values())
    sent = sum(arm["n"] for arm in here.canary()["latency"].values())
    assert logged(here, "count(*)") == [(sent - wrong,)]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"crash": True}, "no such file: weights.bin"),
        ({"ready": False}, "was not ready after 1.5 s (/v2/health/ready answered 503)"),
    ],
)
def test_a_candidate_that_does_not_come_up_is_refused(
    shop: Make, told: dict[str, object], why: str
) -> None:
    here = shop("deploy: {requests: 100, minimum_requests: 30, start_timeout_seconds: 1.5}\n")
    two(here, {}, told)
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    assert ran.verdict["line"] == "the candidate can be served"
    assert why in ran.text
    assert "the champion is still 1.0.0, which never shared its traffic" in ran.text
    assert here.champion() == "1.0.0"
    assert here.registry.read_log(here.tmp / "log") == []


def test_a_champion_that_does_not_come_up_leaves_it_undecided(shop: Make) -> None:
    here = shop()
    two(here, {"crash": True}, {})
    ran = here.project.run("deploy-canary")
    assert (ran.code, ran.verdict["line"]) == (3, "the champion can be served"), ran.text
    assert here.champion() == "1.0.0"


def test_a_candidate_that_dies_midway_is_rolled_back(shop: Make) -> None:
    here = shop()
    two(here, {}, {"die_after": 105})  # of which 100 before any traffic
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    assert "the server of 1.1.0 ended by itself (exit code 7)" in ran.text
    # What Envoy answers in place of the dead server counts against the dead server.
    canary = here.canary()
    assert canary["failures"]["1.1.0"].keys() == {"HTTP 503"}
    assert canary["failures"]["1.0.0"] == {}
    assert canary["steps"][-1]["champion"]["errors"] == 0
    assert canary["proof"] == {"requests": 20, "errors": 0}


def test_a_champion_that_dies_midway_does_not_promote_the_candidate(shop: Make) -> None:
    here = shop()
    two(here, {"die_after": 20}, {})
    ran = here.project.run("deploy-canary")
    assert ran.code == 3, ran.text
    assert ran.verdict["line"] == "the champion's server stays up, at 10 %"
    assert here.champion() == "1.0.0"


def test_two_versions_that_both_fail_are_no_promotion(shop: Make) -> None:
    here = shop()
    two(here, {"fail_every": 2}, {"fail_every": 2})
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    assert ran.verdict["line"] == "error share <= 5.00%, at 50 %"


@pytest.mark.parametrize(
    ("deploy", "words"),
    [
        (
            "{requests: 100, weights: [5], minimum_requests: 90}",
            "the candidate gets about 5 of 100",
        ),
        ("{requests: 100, weights: [50, 25, 5]}", "deploy.weights[1]: 25 comes after 50"),
    ],
)
def test_a_canary_that_cannot_be_judged_is_not_begun(shop: Make, deploy: str, words: str) -> None:
    here = shop(f"deploy: {deploy}\n")
    two(here, {}, {})
    ran = here.project.run("deploy-canary")
    assert ran.code == 2, ran.text
    assert words in ran.text
    assert here.champion() == "1.0.0"
    assert here.registry.read_log(here.tmp / "log") == []


def test_first_release_is_judged_alone(shop: Make) -> None:
    here = shop()
    here.publish("1.0.0")
    ran = here.project.run("deploy-canary", version="1.0.0")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "100 %, 100 requests, 0 failed"
    assert [f["rule"] for f in ran.verdict["findings"]] == ["first-release"]
    assert here.champion() == "1.0.0"
    step = here.canary()["steps"][0]
    assert (step["champion"], step["p_value"], step["bound"]) == (None, None, 0.05)


def test_first_release_that_fails_is_refused(shop: Make) -> None:
    here = shop()
    here.publish("1.0.0", fail_every=5)
    ran = here.project.run("deploy-canary", version="1.0.0")
    assert (ran.code, ran.verdict["line"]) == (1, "error share <= 5.00%, at 100 %"), ran.text
    assert "1.0.0 was not promoted; there is still no champion." in ran.text
    assert here.champion() is None


def test_a_champion_that_moved_meanwhile_is_left_alone(shop: Make) -> None:
    here = shop()
    two(here, {"delay": 0.01}, {"delay": 0.01})
    here.publish("1.0.1")
    step = start(here)
    wait_for(here, "traffic")
    here.point("champion", "1.0.1")
    text, _ = step.communicate(timeout=60)
    assert step.returncode == 3, text
    assert "alias champion points to 1.0.1, expected 1.0.0" in text
    assert "the alias was left where it points now" in text
    assert here.champion() == "1.0.1"


def test_the_champion_itself_needs_no_release(shop: Make) -> None:
    here = shop()
    here.publish("1.0.0")
    here.point("champion", "1.0.0")
    here.point("candidate", "1.0.0")
    ran = here.project.run("deploy-canary")
    assert ran.code == 0
    assert ran.verdict["line"].startswith("1.0.0 is the champion already, since ")


def test_stopped_midway_nothing_moves_and_nothing_is_left(shop: Make) -> None:
    here = shop()
    two(here, {"delay": 60}, {})
    step = start(here)
    wait_for(here, "traffic")
    step.send_signal(signal.SIGTERM)
    text, _ = step.communicate(timeout=60)
    assert step.returncode == 4, text
    journal = here.journal()
    assert "stopped by SIGTERM" in text
    assert "1.1.0 was not promoted; alias champion did not move." in text
    assert (journal["state"], journal["weight"]) == ("stopped", 10)
    assert "while traffic" in journal["history"][-1]["says"]
    assert here.champion() == "1.0.0"


def test_a_version_that_was_changed_is_not_served(shop: Make) -> None:
    here = shop()
    two(here, {}, {})
    (here.state / "versions/1.1.0/model/model.json").write_text("{ }")
    ran = here.project.run("deploy-canary")
    assert ran.code == 3, ran.text
    assert "model/model.json was changed; it is not used" in ran.text
    assert "1.1.0 was not promoted; alias champion did not move." in ran.text


def test_a_proxy_that_dies_midway_is_nobodys_fault(shop: Make) -> None:
    here = shop()
    two(here, {"delay": 0.01}, {"delay": 0.01})
    step = start(here)
    wait_for(here, "traffic")
    (envoy,) = (p for p in psutil.Process(step.pid).children() if "envoy.json" in str(p.cmdline()))
    envoy.kill()
    text, _ = step.communicate(timeout=60)
    assert step.returncode == 4, text
    # A request may find it dead first, or the next change of the weights.
    said = ("got no answer from the proxy itself", "Envoy's admin interface did not answer")
    assert any(words in text for words in said), text
    assert here.champion() == "1.0.0"


def test_nothing_to_release_is_said(shop: Make) -> None:
    here = shop()
    here.publish("1.0.0")
    assert "no alias candidate, so nothing to release" in here.project.run("deploy-canary").text
    ran = here.project.run("deploy-canary", version="9.9.9")
    assert (ran.code, ran.verdict["outputs"]["decision"]) == (3, "rollback")
    assert "no version '9.9.9'. Versions: 1.0.0" in ran.text


def start(here: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        here.project.command("deploy-canary"),
        cwd=here.project.folder,
        env=here.project.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(here: Any, state: str) -> None:
    path: Path = here.project.folder / "out" / "deploy-canary" / "rollout.json"
    for _ in range(6000):
        if path.exists() and json.loads(path.read_text())["state"] == state:
            return
        time.sleep(0.01)
    raise AssertionError(f"never came to {state}")
