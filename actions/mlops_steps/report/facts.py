"""What a pull request's comment may say: `out/report/facts.json`, and nothing else.

A fork's run is somebody else's program, and this file is all that is read of what it leaves.
So it holds no text that a reader would have to trust: numbers with bounds, words of closed
vocabularies, names and versions of a fixed form. Rules are kept in their parts and written
anew by who shows them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta

from mlops_steps.config import Task
from mlops_steps.errors import UndecidedError
from mlops_steps.gate.grammar import GrammarError, parse
from mlops_steps.spec import STEP_NAMES, VERSION_NUMBER, WORKFLOW_NAME, Status
from mlops_steps.stats.known import SAME, TASKS, Scale

if TYPE_CHECKING:
    from mlops_steps.record import Record, Verdict
    from mlops_steps.report.reading import Reading
    from mlops_steps.stats.results import Judged

FACTS_FILE = "out/report/facts.json"
#: Bytes; what `of` makes is a few thousand.
SIZE_LIMIT = 64 * 1024


def _one_of(words: Iterable[str]) -> Meta:
    return Meta(pattern=rf"\A({'|'.join(re.escape(word) for word in sorted(words))})\Z")


METRICS = {name for known in TASKS.values() for name in known}
METHODS = {SAME, ""}
METHODS |= {each.interval for known in TASKS.values() for each in known.values()}
METHODS |= {each.paired for known in TASKS.values() for each in known.values()}

# `$` would let a line break through at the end.
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_-]{0,62}\Z")]
Workflow = Annotated[str, Meta(pattern=rf"\A({WORKFLOW_NAME})?\Z")]
Commit = Annotated[str, Meta(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})?\Z")]
Version = Annotated[str, Meta(pattern=rf"\A({VERSION_NUMBER})\Z")]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Number = Annotated[float, Meta(ge=-1e15, le=1e15)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class Fact(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A part of the file: nothing may be in it but what is written here."""


class Step(Fact, frozen=True):
    """A step's verdict, its seconds, and how many findings it had."""

    step: Annotated[str, _one_of(STEP_NAMES)]
    status: Status
    seconds: Seconds
    errors: Count
    warnings: Count


class Rule(Fact, frozen=True):
    """A judged rule in its parts; the figures are those of `stats.results.Judged`."""

    metric: Annotated[str, _one_of(METRICS)]
    operator: Literal[">=", "<="]
    against: Literal["bound", "champion"]
    bound: Number
    status: Status
    passed_over: bool
    value: Number | None
    low: Number | None
    high: Number | None
    n: Count | None
    method: Annotated[str, _one_of(METHODS)]
    candidate: Number | None
    champion: Number | None

    @property
    def text(self) -> str:
        """The rule as mlops.yaml has it: `accuracy >= champion - 0.05`."""
        if self.against == "bound":
            return f"{self.metric} {self.operator} {self.bound:.12g}"
        sign = "-" if self.operator == ">=" else "+"
        return f"{self.metric} {self.operator} champion {sign} {abs(self.bound):.12g}"

    @property
    def scale(self) -> Scale:
        """What its figures are."""
        return next(known[self.metric].scale for known in TASKS.values() if self.metric in known)


class Checks(Fact, frozen=True):
    """How many checks of the data ended how."""

    passed: Count
    failed: Count
    undecided: Count


class Training(Fact, frozen=True):
    """What the training was given, and what it took."""

    seconds: Seconds
    rows: Count
    gpus: Annotated[int, Meta(ge=0, le=4096)]


class Facts(Fact, frozen=True):
    """The whole file.

    Attributes:
        project: `model.name` of mlops.yaml.
        workflow: The workflow that ran; empty where the platform does not say.
        commit: The commit that was proposed: of a pull request its head, and not the merge
            that GitHub tests. Empty where there is none.
        task: Of the model.
        split: The rows that judged; null when nothing was evaluated.
        rows: How many.
        champion: The version that the candidate was compared with.
        steps: In the order of the road.
        rules: In the order of mlops.yaml.
    """

    format: Literal[1]
    project: Name
    workflow: Workflow
    commit: Commit
    task: Task
    split: Literal["test", "valid"] | None
    rows: Count | None
    champion: Version | None
    steps: Annotated[list[Step], Meta(min_length=1, max_length=len(STEP_NAMES))]
    rules: Annotated[list[Rule], Meta(max_length=50)]
    checks: Checks | None
    training: Training | None


class FactsError(ValueError):
    """Why something is not such a file; in our own words, without any of its own."""


def write(record: Record, reading: Reading) -> None:
    """Write the file; where something does not fit into it there is none, and a finding."""
    from mlops_steps.files import write_json

    try:
        facts = check(msgspec.convert(_of(record, reading), Facts))
    except (UndecidedError, msgspec.ValidationError, FactsError) as error:
        # A comment that leaves out what does not fit could say too much good.
        message = f"{FACTS_FILE}: not written, so there will be no comment: {error}"
        record.find("facts", message, level="warning")
        return
    write_json(record.root / FACTS_FILE, msgspec.to_builtins(facts))
    record.wrote(FACTS_FILE)


def _of(record: Record, reading: Reading) -> dict[str, Any]:
    from mlops_steps import ci

    metrics, training = reading.metrics, reading.training
    statuses = [each.status for each in reading.checks]
    champion = metrics.champion if metrics else None
    change = ci.pull_request()
    return {
        "format": 1,
        "project": record.config.model.name,
        "workflow": ci.workflow(),
        "commit": (change.commit if change else record.verdict.commit) or "",
        "task": record.config.model.task,
        "split": metrics.split if metrics else None,
        "rows": metrics.rows if metrics else None,
        "champion": champion.version if champion else None,
        "steps": [_step(each) for each in reading.verdicts],
        "rules": [_rule(each) for each in reading.rules],
        "checks": {
            "passed": statuses.count(Status.PASS),
            "failed": statuses.count(Status.FAIL),
            "undecided": statuses.count(Status.UNDECIDED),
        }
        if statuses
        else None,
        "training": {
            "seconds": training.seconds,
            "rows": training.data.rows,
            "gpus": len(training.gpus),
        }
        if training
        else None,
    }


def _step(verdict: Verdict) -> dict[str, Any]:
    levels = [each.level for each in verdict.findings]
    return {
        "step": verdict.step,
        "status": verdict.status,
        "seconds": verdict.seconds,
        "errors": levels.count("error"),
        "warnings": levels.count("warning"),
    }


def _rule(judged: Judged) -> dict[str, Any]:
    parts = {name: getattr(judged, name) for name in Rule.__struct_fields__}
    return parts | {"method": judged.method if judged.method in METHODS else ""}


def read(content: bytes) -> Facts:
    """Read the file, whoever wrote it.

    Raises:
        FactsError: It is not exactly what `write` writes.
    """
    if len(content) > SIZE_LIMIT:
        raise FactsError(f"larger than {SIZE_LIMIT // 1024} KiB")
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_int=_short_number,
        )
    except (ValueError, RecursionError):
        raise FactsError("not JSON, or not JSON that can be read in one way only") from None
    try:
        return check(msgspec.convert(value, Facts, strict=True))
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        if isinstance(error, FactsError):
            raise
        # What msgspec says repeats names that it found.
        raise FactsError("a part is missing, unknown, or not of the form it has to be") from None


def check(facts: Facts) -> Facts:
    """The facts, if they fit together.

    Raises:
        FactsError: They do not.
    """
    names = [each.step for each in facts.steps]
    if names != sorted(set(names), key=STEP_NAMES.index):
        raise FactsError("the steps are not in their order, each once")
    if (facts.split is None) != (facts.rows is None):
        raise FactsError("a split without rows, or rows without a split")
    if facts.rules and facts.split is None:
        raise FactsError("rules were judged without rows")
    for rule in facts.rules:
        _check_rule(rule, facts)
    gate = next((each.status for each in facts.steps if each.step == "gate"), None)
    if gate is Status.PASS and not facts.rules:
        raise FactsError("the gate passed without a rule")
    if gate is Status.PASS and not all(each.status is Status.PASS for each in facts.rules):
        raise FactsError("the gate passed, a rule did not")
    return facts


def _check_rule(rule: Rule, facts: Facts) -> None:
    """It could stand in mlops.yaml, and its verdict is not against its own figures."""
    try:
        parsed = parse(rule.text, task=facts.task, split=facts.split or "")
    except GrammarError:
        raise FactsError("a rule that mlops.yaml could not have") from None
    same = math.isclose(parsed.bound, rule.bound, rel_tol=1e-9, abs_tol=1e-15)
    if not same or (parsed.operator, parsed.against) != (rule.operator, rule.against):
        raise FactsError("a rule that does not say what its parts say")
    value, low, high = rule.value, rule.low, rule.high
    if value is None or low is None or high is None:
        if (value, low, high) != (None, None, None):
            raise FactsError("a figure without its interval, or an interval without its figure")
        if rule.status is Status.FAIL or (rule.status is Status.PASS and not rule.passed_over):
            raise FactsError("a rule was judged without a figure")
        return
    if not low <= value <= high:
        raise FactsError("a figure outside of its interval")
    met = value >= rule.bound if rule.operator == ">=" else value <= rule.bound
    if rule.status is (Status.FAIL if met else Status.PASS):
        raise FactsError("a rule's verdict is against its figure")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a number, or infinite")


def _short_number(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError("too many digits")
    return int(digits)
