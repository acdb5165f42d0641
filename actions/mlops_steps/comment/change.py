"""The pull request that started this very run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_steps import ci
from mlops_steps.comment import github, posting, words
from mlops_steps.comment.wire import Api
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.files import write_whole
from mlops_steps.report.facts import FACTS_FILE, FactsError, read

if TYPE_CHECKING:
    from mlops_steps.record import Record
    from mlops_steps.report.facts import Facts


def comment_on_change(record: Record) -> None:
    """Comment on it from what the report of this run left.

    Which pull request it is, is told by the event, never by a file that travelled.

    Raises:
        UndecidedError: The report left no facts, or those of another commit or model.
        ConfigError: The token may not comment.
        InfrastructureError: GitHub did not answer.
    """
    change = ci.pull_request()
    if change is None:
        record.say("nothing to comment on: no pull request started this run")
        return
    name = f"pull request #{change.number}"
    if not change.own:
        record.say(f"{name} comes from a fork, and this run's token may not write there")
        return
    facts = _facts(record, change)
    address = ci.run_address()
    if address is None:
        raise ConfigError("GITHUB_RUN_ID: not set for this job")
    text = words.comment(facts, run=address)
    write_whole(record.folder / "comment.md", text + "\n")
    record.wrote(record.folder / "comment.md")
    api = Api()
    now = github.pull(api, change.number)
    reason = "it is no longer open" if now.state != "open" else ""
    reason = reason or ("its conversation is locked" if now.locked else "")
    if now.head.sha != change.commit:
        reason = "it has a newer commit, whose own run comments"
    if reason:
        record.find("no-comment", f"{name}: no comment: {reason}", level="notice")
        record.say(f"{name}: no comment: {reason}")
        return
    topic = posting.Topic(facts.project, facts.workflow)
    login = github.own_login(api)
    there = posting.find(api, login, change.number, topic)
    done = posting.put(
        api, login, change.number, topic, commit=change.commit, text=text, there=there
    )
    record.say(f"{name}: comment {done}")


def _facts(record: Record, change: ci.PullRequest) -> Facts:
    try:
        facts = read(record.take(FACTS_FILE).read_bytes())
    except FactsError as error:
        raise UndecidedError(f"{FACTS_FILE}: {error}") from None
    if facts.project != record.config.model.name:
        raise UndecidedError(f"{FACTS_FILE}: is about another model than mlops.yaml")
    if facts.commit != change.commit:
        raise UndecidedError(
            f"{FACTS_FILE}: is about commit {facts.commit or 'unknown'}, "
            f"the pull request's is {change.commit}"
        )
    return facts
