"""Pull requests from forks: what their runs left is a stranger's, and so is judged first.

The run of a fork's pull request has a token that may only read, so it cannot comment. This
looks at such runs afterwards, from the default branch. Which pull request a run belongs to, at
which commit, is asked of GitHub; of the run's artifact nothing but `facts.json` is read, and of
that nothing but numbers and words of closed vocabularies is shown.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_steps.comment import archive, github, posting, words
from mlops_steps.comment.wire import AnswerError, Api
from mlops_steps.errors import ConfigError
from mlops_steps.report.facts import FACTS_FILE, SIZE_LIMIT, FactsError, read
from mlops_steps.report.text import joined, plural

if TYPE_CHECKING:
    from mlops_steps.record import Level, Record
    from mlops_steps.report.facts import Facts

#: The workflow whose runs are looked at, and the artifact in which their reports are.
WORKFLOW, ARTIFACT = "ci", "report"
#: Days to look back. A report is kept for longer, but a run that could not be commented on is
#: named each time, and that has to end.
DAYS = 7
#: Comments of one run at most; GitHub asks for pauses between more.
MOST = 30
#: Conclusions of a run that may have left a report.
_ENDED = ("success", "failure", "timed_out")


class UnfitError(ValueError):
    """Why there is no comment on a pull request; in our own words."""


class NothingError(UnfitError):
    """There is nothing to comment on, and nothing is wrong."""


@dataclass(frozen=True)
class Candidate:
    """An open pull request from a fork, and the newest run of its present head."""

    pull: github.Pull
    run: github.Run

    @property
    def name(self) -> str:
        """For people: numbers only."""
        return f"pull request #{self.pull.number}, run {self.run.id}"


def comment_on_forks(record: Record) -> None:
    """Comment on each that has no comment yet for its present commit.

    One that cannot be commented on becomes a finding, and the others go on.

    Raises:
        ConfigError: The token may not do what is needed.
        InfrastructureError: GitHub did not answer, or takes no more questions for now.
    """
    api, topic = Api(), posting.Topic(record.config.model.name, WORKFLOW)
    runs = _runs_address()
    candidates = list(_candidates(record, api))
    login = github.own_login(api) if candidates else ""
    counts = {"written": 0, "changed": 0, "unchanged": 0, "not possible": 0}
    for each in candidates:
        if counts["written"] + counts["changed"] == MOST:
            message = f"{MOST} comments are enough for one run; the next one goes on"
            record.find("more", message, level="notice")
            break
        try:
            done = _comment(api, login, topic, each, f"{runs}/{each.run.id}")
        except (UnfitError, AnswerError, FactsError, archive.ArchiveError) as error:
            level: Level = "notice" if isinstance(error, NothingError) else "warning"
            record.find("no-comment", f"{each.name}: no comment: {error}", level=level)
            counts["not possible"] += 1
        else:
            counts[done] += 1
    for name, count in counts.items():
        record.figure(name, count, n=len(candidates))
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    found = plural(len(candidates), "run") + " for open pull requests from forks"
    record.say(f"{found}{f': {told}' if told else ''}")


def _runs_address() -> str:
    env = os.environ
    server, repository = env.get("GITHUB_SERVER_URL", ""), env.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"https?://[a-zA-Z0-9.:-]+", server):
        raise ConfigError("GITHUB_SERVER_URL: empty, or no address of a server")
    return f"{server}/{repository}/actions/runs"


def _candidates(record: Record, api: Api) -> Iterator[Candidate]:
    """Open pull requests from forks with the newest run of what is now their head."""
    pulls: dict[tuple[int, str], list[github.Pull]] = {}
    for pull in github.open_pulls(api):
        if pull.from_fork and pull.head.repo is not None:
            pulls.setdefault((pull.head.repo.id, pull.head.sha), []).append(pull)
    if not pulls:
        return
    since = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS)
    for run in github.runs(api, WORKFLOW, since=since.isoformat()):
        if run.head_repository is None or run.conclusion not in _ENDED:
            continue
        # Taken out: an older run of the same head has nothing more to say.
        found = pulls.pop((run.head_repository.id, run.head_sha), [])
        if len(found) > 1:
            numbers = joined([f"#{each.number}" for each in found])
            message = f"run {run.id}: no comment: it may be about pull request {numbers}"
            record.find("no-comment", message, level="warning")
        elif found:
            yield Candidate(found[0], run)


def _comment(
    api: Api, login: str, topic: posting.Topic, candidate: Candidate, address: str
) -> posting.Done:
    number, commit = candidate.pull.number, candidate.pull.head.sha
    there = posting.find(api, login, number, topic)
    if there is not None and there.commit == commit:
        return "unchanged"
    facts = _facts(api, topic, candidate.run)
    # Asked again, as late as can be: the pull request may have moved on in the meantime.
    now = github.pull(api, number)
    if now.state != "open" or now.head != candidate.pull.head or not now.from_fork:
        raise NothingError("it was closed, or has a newer commit")
    if now.locked:
        raise NothingError("its conversation is locked")
    text = words.comment(facts, run=address, from_fork=True)
    return posting.put(api, login, number, topic, commit=commit, text=text, there=there)


def _facts(api: Api, topic: posting.Topic, run: github.Run) -> Facts:
    """What a stranger's run says, if it is of the one form that it may have."""
    left = github.artifact(api, run, ARTIFACT)
    if left is None or left.expired:
        raise NothingError("the run left no report, or it has expired")
    if left.size_in_bytes > archive.LARGEST:
        raise UnfitError(f"the report is larger than {archive.LARGEST // 1024**2} MiB")
    try:
        content = api.download(f"actions/artifacts/{left.id}/zip", largest=archive.LARGEST)
    except AnswerError as error:
        if error.code == 410:
            raise NothingError("the report has expired") from None
        raise
    name = FACTS_FILE.rpartition("/")[2]
    facts = read(archive.read_file(content, name, largest=SIZE_LIMIT))
    if (facts.project, facts.workflow) != (topic.project, topic.workflow):
        raise UnfitError(f"{name} is about another model or workflow")
    if facts.commit != run.head_sha:
        raise UnfitError(f"{name} is about another commit")
    return facts
