"""Runs of forks: a comment from checked figures, or none; and nothing of a stranger's shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.comment.server import (
    FACTS,
    HEAD,
    MERGE,
    OURS,
    THEIRS,
    TOKEN,
    Fault,
    GitHub,
    archive,
    facts,
)
from tests.mlops_steps.comment.test_archive import BAD
from tests.mlops_steps.killing import count_writes, kill_before_write
from tests.mlops_steps.report.test_facts import HOSTILE, TEXTS, WRONG, changed

MARKER = "<!-- mlops-init:comment project=tumour workflow=ci commit={} -->"
Job = Callable[..., Any]


def sha(number: int) -> str:
    return f"{number:040x}"


def everything(project: Any, ran: Any, hub: GitHub) -> str:
    """All that anybody may read of a run."""
    files = [each.read_text() for each in (project.folder / "out").rglob("*") if each.is_file()]
    bodies = [each["body"] for each in hub.comments.values()]
    summary = Path(project.env["GITHUB_STEP_SUMMARY"]).read_text()
    return "\n".join([ran.text, summary, *files, *bodies])


def findings(ran: Any) -> list[tuple[str, str]]:
    return [(each["level"], each["message"]) for each in ran.verdict["findings"]]


def test_a_forks_run_gets_one_comment_for_each_commit(hub: GitHub, job: Job) -> None:
    hub.fork(3)
    hub.pull(4, "b" * 40, repo=OURS)  # our own: its ci has commented itself
    hub.run(400, archive(facts(commit="b" * 40)), "b" * 40, head_repository={"id": OURS})
    project = job()
    ran = project.run("comment", forks="true")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "1 run for open pull requests from forks: 1 written"
    assert not ran.verdict["findings"]
    assert not hub.on(4)
    (body,) = hub.on(3)
    assert body.startswith(MARKER.format(HEAD) + "\n### ✓ tumour: the fork's run says: pass,")
    assert "**nobody has verified it**" in body
    assert "[run](https://github.example/team/tumour/actions/runs/300)" in body
    assert [path for path, _ in hub.stored] == ["/3000?signature=s"]
    assert hub.count("zip") == 1

    again = project.run("comment", forks="true")
    assert again.verdict["line"] == "1 run for open pull requests from forks: 1 unchanged"
    assert hub.count("zip") == 1

    hub.pull(3, "c" * 40)
    waiting = project.run("comment", forks="true")
    assert waiting.verdict["line"] == "0 runs for open pull requests from forks"
    hub.run(301, archive(facts(commit="c" * 40)), "c" * 40)
    newer = project.run("comment", forks="true")
    assert newer.verdict["line"] == "1 run for open pull requests from forks: 1 changed"
    (body,) = hub.on(3)
    assert body.startswith(MARKER.format("c" * 40))


def poisoned() -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Artifacts by what is wrong with them; each gets the commit of its run to lie well."""

    def of(path: tuple[Any, ...], text: str) -> Callable[[str], bytes]:
        return lambda commit: archive(
            changed(path, text) if path == ("commit",) else changed(path, text) | {"commit": commit}
        )

    for path in TEXTS:
        for text in HOSTILE:
            yield f"{path}: {text[:20]!r}", of(path, text)
    for name in ("POISON", "pull_request", "number", "body", "markdown", "<script>POISON"):
        yield f"with {name}", of((name,), "POISON")
    yield "another commit", lambda commit: archive(facts(commit="9" * 40))
    yield "the merge", lambda commit: archive(facts(commit=MERGE))
    yield "no commit", lambda commit: archive(facts(commit=""))
    yield "another workflow", lambda commit: archive(facts(commit=commit, workflow="ct"))
    yield "no workflow", lambda commit: archive(facts(commit=commit, workflow=""))
    yield "another model", lambda commit: archive(facts(commit=commit, project="poisoned"))
    for number in ("NaN", "1e999", "1" * 5000, "-1"):
        text = json.dumps(facts(rows="HERE")).replace('"HERE"', number)
        yield f"rows {number[:9]}", lambda commit, text=text: archive(text.replace(HEAD, commit))
    for name, content in WRONG:
        yield (
            name,
            lambda commit, content=content: archive(
                content.replace(HEAD.encode(), commit.encode()).decode("latin-1")
            ),
        )
    for name, (make, _) in BAD.items():
        if name not in {"many", "very many"}:
            yield f"archive: {name}", lambda commit, make=make: make()
    yield "10 MB", lambda commit: b"PK\x03\x04" + b"POISON" * 1_700_000


def test_of_a_poisoned_artifact_nothing_is_shown_and_the_others_go_on(
    hub: GitHub, job: Job
) -> None:
    bad = list(poisoned())
    assert len(bad) > 300
    for number, (_, make) in enumerate(bad, start=1000):
        hub.fork(number, make(sha(number)), sha(number))
    hub.fork(1, sha=sha(1))
    hub.fork(9999, sha=sha(9999))
    project = job()
    ran = project.run("comment", forks="true")
    assert ran.code == 0, ran.text[-3000:]
    names = dict(enumerate((name for name, _ in bad), start=1000))
    assert [names[n] for n in names if hub.on(n)] == []
    assert len(hub.on(1)) == len(hub.on(9999)) == 1
    warned = [message.split(":")[0] for level, message in findings(ran) if level == "warning"]
    assert sorted(warned) == sorted(f"pull request #{n}, run {n * 100}" for n in names)
    assert ran.verdict["figures"]["not possible"]["value"] == len(bad)
    shown = everything(project, ran, hub)
    for each in ("POISON", "poisoned", "evil.example", "<script", "onerror", TOKEN):
        assert each not in shown


def test_what_fits_is_shown_in_our_own_words_whatever_it_claims(hub: GitHub, job: Job) -> None:
    # As good as a lie can be: it says so, and names the run.
    lie = facts(champion="9.9.9", split="test", rows=10**12)
    lie["rules"][0] |= {"value": 1.0, "low": 1.0, "high": 1.0, "candidate": 1.0}
    hub.fork(3, archive(lie))
    project = job()
    assert project.run("comment", forks="true").code == 0
    (body,) = hub.on(3)
    assert "nobody has verified it" in body
    assert "1.000 [1.000, 1.000]" in body


@pytest.mark.parametrize(
    ("pull", "run"),
    [
        ({"state": "closed"}, {}),
        ({"repo": None}, {}),  # the fork is gone
        ({"repo": 99}, {}),  # another fork has the same commit
        ({"repo": OURS}, {"head_repository": {"id": OURS}}),
        ({"sha": "c" * 40}, {}),
        ({}, {"head_repository": None}),
        ({}, {"head_repository": {"id": 99}}),
        ({}, {"event": "push"}),
        ({}, {"status": "in_progress"}),
        ({}, {"conclusion": "cancelled"}),
        ({}, {"conclusion": "action_required"}),
        ({}, {"conclusion": None}),
        ({}, {"conclusion": "POISON"}),
    ],
)
def test_a_run_that_is_of_no_open_pull_request_from_a_fork_is_passed_by(
    hub: GitHub, job: Job, pull: dict[str, Any], run: dict[str, Any]
) -> None:
    hub.pull(3, **pull)
    hub.run(300, archive(facts()), **run)
    project = job()
    ran = project.run("comment", forks="true")
    assert (ran.code, ran.verdict["line"]) == (0, "0 runs for open pull requests from forks")
    assert not hub.comments
    assert not hub.count("zip")


def test_the_newest_run_of_a_commit_speaks_for_it(hub: GitHub, job: Job) -> None:
    hub.pull(3)
    for number, rows in ((302, 2000), (303, 3000), (301, 1000)):
        hub.run(number, archive(facts(rows=rows)))
    hub.artifacts[9000] = (hub.artifacts[3030][0] | {"id": 9000}, archive(facts(rows=4000)))
    assert job().run("comment", forks="true").code == 0
    (body,) = hub.on(3)
    assert "n = 4,000 rows" in body  # of its second attempt
    assert hub.count("zip") == 1


def test_two_pull_requests_of_one_head_cannot_be_told_apart(hub: GitHub, job: Job) -> None:
    hub.pull(3)
    hub.pull(4)
    hub.run(300, archive(facts()))
    ran = job().run("comment", forks="true")
    assert ran.code == 0
    assert findings(ran) == [
        ("warning", "run 300: no comment: it may be about pull request #3 and #4")
    ]
    assert not hub.comments


@pytest.mark.parametrize(
    "change",
    [
        {"state": "closed"},
        {"locked": True},
        {"head": {"sha": "c" * 40, "repo": {"id": THEIRS}}},
        {"head": {"sha": HEAD, "repo": {"id": OURS}}},
        {"head": {"sha": HEAD, "repo": None}},
        {"number": 4},
        {"head": {"sha": "../../x", "repo": {"id": THEIRS}}},
    ],
)
def test_what_moves_on_while_its_report_is_read_gets_no_comment(
    hub: GitHub, job: Job, change: dict[str, Any]
) -> None:
    hub.fork(3)

    def moved(method: str, path: str) -> None:
        if path.endswith("/zip"):
            hub.pulls[3] |= change

    hub.watch = moved
    ran = job().run("comment", forks="true")
    assert ran.code == 0
    assert len(ran.verdict["findings"]) == 1
    assert not hub.comments


@pytest.mark.parametrize(
    ("what", "faults", "words"),
    [
        ("GET .*/zip", [Fault(410)], "notice: the report has expired"),
        ("STORE", [Fault(410)], "notice: the report has expired"),
        ("GET .*/zip", [Fault(404)], "warning: GET actions/artifacts/3000/zip: HTTP 404"),
        ("GET .*/artifacts\\?", [Fault(404)], "warning: GET actions/runs/300/artifacts: HTTP 404"),
        ("STORE", [Fault(403, body=b"POISON")], "warning: GET actions/artifacts/3000/zip, where"),
        ("STORE", [Fault(302, {"Location": "/POISON"})], "where it leads: HTTP 302"),
        ("STORE", [Fault(503)] * 4, "where it leads: HTTP 503"),
        ("STORE", [Fault(0)] * 4, "where it leads: no answer"),
        ("STORE", [Fault(200, {"Content-Length": "999"}, b"PK")] * 4, "where it leads: no answer"),
        ("STORE", [Fault(200, body=b"x" * 10_000_000)], "more than 8,388,608 bytes"),
        ("GET .*/zip", [Fault(302)], "leads where it is not followed"),
        ("GET .*/zip", [Fault(302, {"Location": "http://10.0.0.1/POISON"})], "leads where it is"),
        ("GET .*/zip", [Fault(302, {"Location": "file:///etc/passwd"})], "leads where it is not"),
        ("GET .*/zip", [Fault(302, {"Location": "https://[POISON"})], "leads where it is not"),
        ("GET .*/zip", [Fault(302, {"Location": "/POISON"})], "leads where it is not followed"),
        ("GET .*/zip", [Fault(200, body=b"POISON")], "warning: not a zip archive"),
        ("GET .*/artifacts\\?", [Fault(200, body=b'{"artifacts": "POISON"}')], "not what GitHub"),
        ("GET .*/artifacts\\?", [Fault(200, body=b'{"artifacts": []}')], "notice: the run left no"),
        ("GET .*/issues/3/comments", [Fault(200, body=b'[{"id": "POISON"}]')], "not what GitHub"),
        ("POST .*/issues", [Fault(422)], "warning: POST issues/3/comments: HTTP 422"),
    ],
)
def test_what_fails_for_one_is_a_finding_and_the_others_go_on(
    hub: GitHub, job: Job, what: str, faults: list[Fault], words: str
) -> None:
    hub.fork(3)
    hub.fork(2, sha=sha(2))  # an older run: it comes later
    hub.fail(what, *faults)
    project = job()
    ran = project.run("comment", forks="true")
    assert ran.code == 0, ran.text
    ((level, message),) = findings(ran)
    assert message.startswith("pull request #3, run 300: no comment: ")
    assert words in message.replace("pull request #3, run 300: no comment", level)
    assert not hub.on(3)
    assert len(hub.on(2)) == 1
    shown = everything(project, ran, hub)
    assert "POISON" not in shown
    assert TOKEN not in shown
    again = project.run("comment", forks="true")
    assert again.verdict["line"].endswith("1 written, 1 unchanged"), again.text
    assert not hub.faults


@pytest.mark.parametrize(
    ("artifact", "words"),
    [
        ({"expired": True}, "the run left no report, or it has expired"),
        ({"name": "other"}, "the run left no report"),
        ({"size_in_bytes": 10_000_000}, "the report is larger than 8 MiB"),
        ({"size_in_bytes": -1}, "not what GitHub answers"),
        ({"workflow_run": {"id": 300, "head_sha": "c" * 40}}, "about another run"),
        ({"workflow_run": None}, "not what GitHub answers"),
    ],
)
def test_an_artifact_that_is_announced_wrongly_is_not_fetched(
    hub: GitHub, job: Job, artifact: dict[str, Any], words: str
) -> None:
    hub.fork(3)
    found = hub.artifacts[3000][0] | artifact
    hub.artifacts[3000] = (found, hub.artifacts[3000][1])
    if artifact.get("workflow_run", 1) is None:
        hub.fail("artifacts\\?", Fault(200, body=json.dumps({"artifacts": [found]}).encode()))
        hub.artifacts.clear()
    ran = job().run("comment", forks="true")
    assert ran.code == 0
    assert words in findings(ran)[0][1]
    assert not hub.count("zip")
    assert not hub.comments


@pytest.mark.parametrize(
    ("what", "fault", "ended"),
    [
        ("GET .*/pulls\\?", Fault(403), (2, 0)),
        ("GET .*/runs\\?", Fault(403, body=b"POISON"), (2, 0)),
        ("GET .*/runs\\?", Fault(404), (4, 0)),
        ("GET .*/runs\\?", Fault(200, body=b'{"POISON": 1}'), (4, 0)),
        ("POST .*/graphql", Fault(401), (2, 0)),
        ("GET .*/issues/2/comments", Fault(429), (4, 1)),
        ("GET .*/issues/2/comments", Fault(403, {"X-RateLimit-Remaining": "0"}), (4, 1)),
        ("GET .*/zip", Fault(403), (2, 0)),
        ("POST .*/issues/3", Fault(403), (2, 0)),
        ("POST .*/issues/2", Fault(403, {"Retry-After": "60"}), (4, 1)),
    ],
)
def test_what_would_fail_for_all_ends_the_run_and_the_next_one_goes_on(
    hub: GitHub, job: Job, what: str, fault: Fault, ended: tuple[int, int]
) -> None:
    code, done = ended
    hub.fork(3)
    hub.fork(2, sha=sha(2))
    hub.fail(what, fault)
    project = job()
    ran = project.run("comment", forks="true")
    assert (ran.code, ran.verdict["status"]) == (code, "undecided"), ran.text
    assert len(hub.comments) == done
    shown = everything(project, ran, hub)
    assert "POISON" not in shown
    assert TOKEN not in shown
    assert project.run("comment", forks="true").code == 0
    assert [len(hub.on(number)) for number in (2, 3)] == [1, 1]


def test_many_are_found_on_all_pages_and_commented_on_in_turn(hub: GitHub, job: Job) -> None:
    for number in range(1, 121):
        hub.fork(number, sha=sha(number))
    project = job()
    for round_number in range(4):
        ran = project.run("comment", forks="true")
        assert len(hub.comments) == 30 * (round_number + 1), ran.text
        assert [level for level, _ in findings(ran)] == ["notice"] * (round_number < 3)
    assert project.run("comment", forks="true").verdict["line"].endswith("120 unchanged")
    assert all(len(hub.on(number)) == 1 for number in range(1, 121))


def test_killed_anywhere_there_is_no_second_comment(hub: GitHub, job: Job) -> None:
    hub.fork(3)
    hub.fork(2, sha=sha(2))
    project = job()
    places = [project.folder / "out" / "comment"]
    assert project.run("comment", forks="true").code == 0  # the folder is there from now on
    hub.comments.clear()
    total = count_writes(project, "comment", under=places, forks="true")
    hub.comments.clear()
    written = set()
    for number in range(1, total + 1):
        kill_before_write(project, number, "comment", under=places, forks="true")
        written.add(len(hub.comments))
        assert project.run("comment", forks="true").code == 0
        assert [len(hub.on(each)) for each in (2, 3)] == [1, 1]
        hub.comments.clear()
    assert written == {0, 1, 2}


def test_a_strangers_marker_does_not_stand_for_a_comment_of_ours(hub: GitHub, job: Job) -> None:
    hub.fork(3)
    hub.write(3, MARKER.format(HEAD) + "\nPOISON", "mallory")
    assert job().run("comment", forks="true").verdict["line"].endswith("1 written")
    assert len(hub.on(3)) == 2


def test_the_facts_of_these_tests_are_whole() -> None:
    assert json.loads(json.dumps(FACTS)) == facts()
