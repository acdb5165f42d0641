"""The comment on the pull request that started the run: one, in place, and only our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.comment.server import (
    BOT,
    HEAD,
    MERGE,
    OURS,
    THEIRS,
    TOKEN,
    Fault,
    GitHub,
    facts,
    report,
)
from tests.mlops_steps.killing import count_writes, kill_before_write

MARKER = "<!-- mlops-init:comment project=tumour workflow=ci commit={} -->"
Job = Callable[..., Any]


def test_the_first_run_writes_and_the_next_changes_in_place(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert (ran.code, ran.verdict["line"]) == (0, "pull request #3: comment written"), ran.text
    (body,) = hub.on(3)
    first, head, *_ = body.splitlines()
    assert first == MARKER.format(HEAD)
    assert head == "### ✓ tumour: pass, the trial holds"
    assert "[run](https://github.example/team/tumour/actions/runs/4711)" in body
    assert "| `roc_auc >= 0.95` | 0.989 [0.966, 0.997] |  | ✓ pass |" in body
    assert "nobody has verified" not in body
    wrote = (project.folder / "out" / "comment" / "comment.md").read_text()
    assert body == f"{first}\n{wrote.rstrip()}"

    again = project.run("comment")
    assert again.verdict["line"] == "pull request #3: comment unchanged"

    newer = "c" * 40
    hub.pull(3, newer, repo=OURS)
    project = job(3, newer)
    worse = facts(commit=newer)
    worse["rules"][0] |= {"status": "fail", "value": 0.8, "low": 0.7, "high": 0.85}
    worse["steps"][-1]["status"] = "fail"
    report(project, worse)
    assert project.run("comment").verdict["line"] == "pull request #3: comment changed"
    (body,) = hub.on(3)
    assert body.startswith(MARKER.format(newer))
    assert "### ✗ tumour: fail at gate" in body
    assert "Nothing was registered; production was not touched." in body
    assert hub.count("POST /api/v3") == hub.count("PATCH") == 1
    assert TOKEN not in ran.text + json.dumps(ran.verdict)


def test_only_a_comment_of_our_own_with_our_marker_is_changed(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    others = [
        hub.write(3, MARKER.format(HEAD) + "\nmine", "mallory"),
        hub.write(3, MARKER.format(HEAD).replace("tumour", "other") + "\nanother model's"),
        hub.write(3, MARKER.format(HEAD).replace("workflow=ci", "workflow=ct") + "\nanother's"),
        hub.write(3, "Somebody wrote:\n" + MARKER.format(HEAD)),
        hub.write(3, MARKER.format(HEAD) + " and more"),
        hub.write(3, "words"),
    ]
    others += [hub.write(3, f"words {number}", "somebody") for number in range(120)]
    hub.comments[others[-1]]["user"] = None
    hub.comments[others[-2]]["body"] = None
    kept = {each: hub.comments[each]["body"] for each in others}
    ours = hub.write(3, MARKER.format("d" * 40) + "\r\nold")
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert ran.verdict["line"] == "pull request #3: comment changed", ran.text
    assert {each: hub.comments[each]["body"] for each in others} == kept
    assert hub.comments[ours]["body"].startswith(MARKER.format(HEAD))
    assert hub.count("GET .*/issues/3/comments") == 3


def test_a_person_who_owns_the_token_is_who_it_writes_as(hub: GitHub, job: Job) -> None:
    hub.login = "grace"
    hub.pull(3, repo=OURS)
    bots = hub.write(3, MARKER.format(HEAD) + "\nthe bot's", BOT)
    project = job(3)
    report(project, facts())
    assert project.run("comment").verdict["line"] == "pull request #3: comment written"
    assert hub.comments[bots]["body"].endswith("the bot's")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "closed"}, "it is no longer open"),
        ({"locked": True}, "its conversation is locked"),
        ({"head": {"sha": "c" * 40, "repo": {"id": OURS}}}, "it has a newer commit"),
    ],
)
def test_no_comment_on_what_has_moved_on(
    hub: GitHub, job: Job, change: dict[str, Any], words: str
) -> None:
    hub.pull(3, repo=OURS, **change)
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert ran.code == 0, ran.text
    assert words in ran.verdict["line"]
    assert not hub.comments


def test_the_number_is_the_events_and_no_files(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    report(project, facts() | {"pull_request": 9})
    ran = project.run("comment")
    assert (ran.code, "facts.json: a part is missing" in ran.verdict["line"]) == (3, True)
    assert not hub.asked


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (facts(commit=MERGE), f"is about commit {MERGE}"),
        (facts(commit=""), "is about commit unknown"),
        (facts(project="other"), "another model than mlops.yaml"),
        ("{", "not JSON"),
    ],
)
def test_facts_of_something_else_are_not_shown(
    hub: GitHub, job: Job, found: Any, words: str
) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    report(project, found)
    ran = project.run("comment")
    assert ran.code == 3
    assert words in ran.verdict["line"]
    assert not hub.comments


def test_facts_that_were_changed_or_are_missing_are_not_shown(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    assert project.run("comment").code == 3
    report(project, facts())
    path = project.folder / "out" / "report" / "facts.json"
    path.write_text(path.read_text().replace("398", "399"))
    ran = project.run("comment")
    assert ran.code == 3
    assert "changed since step report wrote it" in ran.verdict["line"]
    assert not hub.asked


@pytest.mark.parametrize("case", ["local", "act", "gitlab", "push", "fork"])
@pytest.mark.parametrize("forks", ["false", "true"])
def test_where_there_is_nothing_to_comment_on_it_says_so_and_passes(
    hub: GitHub, job: Job, case: str, forks: str
) -> None:
    project = job(0 if case == "push" else 3, repo=THEIRS if case == "fork" else OURS)
    words = {"push": "no pull request started this run", "fork": "comes from a fork"}.get(case, "")
    if case == "act":
        project.env["MLOPS_RUN"] = "mark"
    if case in {"local", "gitlab"}:
        project.env = {key: each for key, each in project.env.items() if "GITHUB_" not in key}
    if case == "gitlab":
        project.env |= {"GITLAB_CI": "false", "CI_COMMIT_SHA": HEAD}
    if forks == "true" and words:
        words = "0 runs for open pull requests from forks"
    ran = project.run("comment", forks=forks)
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    assert (words or "nothing to comment on") in ran.verdict["line"]
    assert not hub.comments
    assert hub.count(".*") == (1 if "0 runs" in words else 0)


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"MLOPS_TOKEN": ""}, 2, "MLOPS_TOKEN: empty"),
        ({"MLOPS_TOKEN": " \n"}, 2, "MLOPS_TOKEN: empty"),
        ({"MLOPS_TOKEN": "ghs_\u00fcNEVERSHOWN"}, 2, "characters that no token has"),
        ({"MLOPS_TOKEN": "ghs_a\r\nNEVERSHOWN: b"}, 2, "characters that no token has"),
        ({"MLOPS_TOKEN": "ghs_wrongNEVERSHOWN"}, 2, "HTTP 401: MLOPS_TOKEN is not valid"),
        ({"GITHUB_API_URL": ""}, 2, "GITHUB_API_URL: empty"),
        ({"GITHUB_API_URL": "http://api.example"}, 2, "GITHUB_API_URL: not https"),
        ({"GITHUB_API_URL": "https://[NEVERSHOWN"}, 2, "GITHUB_API_URL: not https"),
        ({"GITHUB_GRAPHQL_URL": "http://api.example/graphql"}, 2, "GITHUB_GRAPHQL_URL: not https"),
        ({"GITHUB_API_URL": "http://127.0.0.1:9"}, 4, "no answer"),
        ({"GITHUB_EVENT_PATH": "/nowhere"}, 3, "GITHUB_EVENT_PATH: not the event"),
    ],
)
def test_a_job_that_is_not_set_up_is_told_what_is_missing(
    hub: GitHub, job: Job, variables: dict[str, str], code: int, words: str
) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    project.env |= variables
    report(project, facts())
    ran = project.run("comment")
    assert ran.code == code, ran.text
    assert words in ran.verdict["line"]
    assert "NEVERSHOWN" not in ran.text + json.dumps(ran.verdict)
    assert not hub.comments


def test_the_address_of_graphql_follows_from_that_of_the_api(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    del project.env["GITHUB_GRAPHQL_URL"]
    report(project, facts())
    assert project.run("comment").verdict["line"] == "pull request #3: comment written"


@pytest.mark.parametrize("event", ["[]", "{}", '{"pull_request": {}}', "nonsense"])
@pytest.mark.parametrize("number", ['"3"', "true", "-3", "0", "3"])
def test_an_event_without_a_number_and_a_commit_is_none(
    hub: GitHub, job: Job, event: str, number: str
) -> None:
    project = job(3)
    path = project.env["GITHUB_EVENT_PATH"]
    text = event
    if event == "{}":
        sha = json.dumps("../../x" if number == "3" else HEAD)
        text = (
            f'{{"pull_request": {{"number": {number}, "head": {{"sha": {sha}, "repo": null}},'
            '"base": {"repo": {"id": 7}}}}'
        )
    Path(path).write_text(text)
    report(project, facts())
    ran = project.run("comment")
    assert ran.code == 3
    assert "GITHUB_EVENT_PATH" in ran.verdict["line"]
    assert not hub.asked


def test_what_is_busy_is_asked_again(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    hub.fail("GET .*/pulls/3", Fault(502), Fault(0))
    hub.fail("GET .*/comments", Fault(503), Fault(200, {"Content-Length": "99"}, b"[{"))
    hub.fail("POST .*/graphql", Fault(500))
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert ran.verdict["line"] == "pull request #3: comment written", ran.text
    assert not hub.faults


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("status", [0, 500, 502])
def test_a_comment_that_got_no_answer_is_looked_for_and_not_written_twice(
    hub: GitHub, job: Job, status: int, after: bool
) -> None:
    hub.pull(3, repo=OURS)
    hub.fail("POST .*/issues", Fault(status, after=after))
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert ran.code == (0 if after else 4), ran.text
    assert len(hub.on(3)) == (1 if after else 0)
    assert project.run("comment").code == 0
    assert len(hub.on(3)) == 1


def test_of_two_first_comments_at_once_one_is_left(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)

    def other_run(method: str, path: str) -> None:
        if method == "POST" and "issues" in path:
            hub.watch = lambda method, path: None
            hub.write(3, MARKER.format(HEAD) + "\nanother run's")

    hub.watch = other_run
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert ran.verdict["line"] == "pull request #3: comment changed", ran.text
    (body,) = hub.on(3)
    assert "another run's" not in body
    assert hub.count("DELETE") == 1


@pytest.mark.parametrize(
    ("what", "fault", "told"),
    [
        ("GET .*/pulls/3", Fault(403), (2, "HTTP 403: MLOPS_TOKEN may not do that")),
        ("GET .*/pulls/3", Fault(404), (4, "HTTP 404: not there")),
        ("GET .*/pulls/3", Fault(301, {"Location": "/elsewhere"}), (4, "HTTP 301")),
        ("GET .*/pulls/3", Fault(418, body=b"POISON"), (4, "HTTP 418")),
        ("GET .*/pulls/3", Fault(200, body=b"POISON"), (4, "not what GitHub answers")),
        ("GET .*/pulls/3", Fault(200, body=b"[" * 100_000), (4, "not what GitHub answers")),
        ("GET .*/pulls/3", Fault(200, body=b'{"number": 3}'), (4, "not what GitHub answers")),
        (
            "GET .*/pulls/3",
            Fault(403, {"X-RateLimit-Remaining": "0"}, b"POISON"),
            (4, "limit of requests"),
        ),
        ("GET .*/pulls/3", Fault(429, {"Retry-After": "3600"}), (4, "limit of requests")),
        ("GET .*/pulls/3", Fault(429, {"Retry-After": "POISON"}), (4, "limit of requests")),
        (
            "POST .*/graphql",
            Fault(200, body=b'{"errors": [], "data": null}'),
            (4, "not what GitHub"),
        ),
        ("GET .*/comments", Fault(200, body=b'{"POISON": 1}'), (4, "not what GitHub answers")),
        ("POST .*/issues", Fault(403), (2, "HTTP 403")),
        ("POST .*/issues", Fault(422, body=b"POISON"), (4, "HTTP 422")),
        ("POST .*/issues", Fault(429), (4, "limit of requests")),
    ],
)
def test_an_answer_of_no_use_is_named_and_nothing_of_it_repeated(
    hub: GitHub, job: Job, what: str, fault: Fault, told: tuple[int, str]
) -> None:
    code, words = told
    hub.pull(3, repo=OURS)
    hub.fail(what, fault)
    project = job(3)
    report(project, facts())
    ran = project.run("comment")
    assert ran.code == code, ran.text
    assert words in ran.verdict["line"]
    assert "POISON" not in ran.text + json.dumps(ran.verdict)
    assert TOKEN not in ran.text + json.dumps(ran.verdict)
    assert not hub.on(3)


def test_a_short_pause_that_is_asked_for_is_made(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    hub.fail("GET .*/pulls/3", Fault(429, {"Retry-After": "1"}))
    hub.fail("PATCH", Fault(403, {"Retry-After": "1"}))
    hub.write(3, MARKER.format("e" * 40))
    project = job(3)
    report(project, facts())
    assert project.run("comment").verdict["line"] == "pull request #3: comment changed"


def test_killed_anywhere_there_is_no_second_comment(hub: GitHub, job: Job) -> None:
    hub.pull(3, repo=OURS)
    project = job(3)
    report(project, facts())
    places = [project.folder / "out" / "comment"]
    assert project.run("comment").code == 0  # the folder is there from now on
    hub.comments.clear()
    total = count_writes(project, "comment", under=places)
    hub.comments.clear()
    written = set()
    for number in range(1, total + 1):
        kill_before_write(project, number, "comment", under=places)
        written.add(len(hub.on(3)))
        ran = project.run("comment")
        assert ran.code == 0, ran.text
        assert len(hub.on(3)) == 1
        hub.comments.clear()
    assert written == {0, 1}
