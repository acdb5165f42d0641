"""Judge a candidate by the rules of mlops.yaml, and say in words why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.spec import Input, Kind, Status, Step

if TYPE_CHECKING:
    from mlops_steps.gate.grammar import Rule
    from mlops_steps.record import Record
    from mlops_steps.stats.results import Judged, Metrics

STEP = Step(
    name="gate",
    summary="Judge a candidate by the rules of mlops.yaml and against the champion.",
    inputs=(
        Input(
            "split",
            "The rows that judge: test before a release, valid for a trial.",
            default="test",
            choices=("test", "valid"),
        ),
        Input(
            "first-release",
            "Pass champion rules over while there is no champion; recorded as a finding.",
            kind=Kind.FLAG,
        ),
    ),
)


def run(record: Record) -> Status:
    """Read the rules and the figures, judge, and write `rules.json`."""
    from mlops_steps.config import FILE_NAME
    from mlops_steps.gate.judge import judge
    from mlops_steps.stats.results import RULES_FILE, write

    record.take(FILE_NAME)
    rules = _rules(record)
    metrics = _metrics(record)
    judged = judge(
        rules,
        metrics,
        task=record.config.model.task,
        confidence=record.config.gate.confidence,
        minimum_rows=record.config.gate.minimum_rows,
        first_release=record.inputs["first-release"] == "true",
    )
    write(record.root / RULES_FILE, judged)
    record.wrote(RULES_FILE)
    _note(record, judged, metrics)
    return _status(judged)


def _rules(record: Record) -> list[Rule]:
    """The rules of the judging split; those of the other one are checked all the same."""
    from mlops_steps.config import FILE_NAME
    from mlops_steps.gate.grammar import GrammarError, parse
    from mlops_steps.yaml_file import at

    task = record.config.model.task
    parsed: dict[str, list[Rule]] = {}
    for split, texts in (("test", record.config.gate.test), ("valid", record.config.gate.valid)):
        parsed[split] = []
        for index, text in enumerate(texts):
            try:
                parsed[split].append(parse(text, task=task, split=split))
            except GrammarError as error:
                key = f"gate.{split}[{index}]"
                where = at(record.root / FILE_NAME, key, shown_as=FILE_NAME)
                raise ConfigError(f"{where}: {error}") from None
    return parsed[record.inputs["split"]]


def _metrics(record: Record) -> Metrics:
    """The figures, from an evaluation that ended well and was about these rows."""
    from mlops_steps.stats.results import METRICS_FILE, read_metrics

    evaluated = record.read_verdict("evaluate")
    if evaluated.status is not Status.PASS:
        raise UndecidedError(f"evaluate ended {evaluated.status}: {evaluated.line}")
    metrics = read_metrics(record.take(METRICS_FILE))
    if metrics.split != record.inputs["split"]:
        raise UndecidedError(
            f"{METRICS_FILE}: is about the {metrics.split} rows, "
            f"the {record.inputs['split']} rows are to judge"
        )
    return metrics


def _status(judged: list[Judged]) -> Status:
    found = {each.status for each in judged}
    if Status.FAIL in found:
        return Status.FAIL
    return Status.PASS if found == {Status.PASS} else Status.UNDECIDED


def _note(record: Record, judged: list[Judged], metrics: Metrics) -> None:
    """Figures, findings and the words of the verdict."""
    champion = metrics.champion
    passed_over = [each for each in judged if each.passed_over]
    for index, each in enumerate(judged):
        if each.value is not None and each.low is not None and each.high is not None:
            interval = (each.low, each.high)
            record.figure(each.rule, each.value, n=each.n, interval=interval, method=each.method)
        if each.status is not Status.PASS:
            _find(record, index, each)
    if passed_over:
        rules = ", ".join(each.rule for each in passed_over)
        message = f"First release: there is no champion, so this was passed over: {rules}"
        record.find("first-release", message, level="warning")
    elif record.inputs["first-release"] == "true" and champion:
        message = f"first-release has no effect: the champion is {champion.version}"
        record.find("first-release", message, level="notice")
    _say(record, judged, metrics)


def _find(record: Record, index: int, judged: Judged) -> None:
    from mlops_steps.config import FILE_NAME
    from mlops_steps.yaml_file import at

    key = f"gate.{record.inputs['split']}[{index}]"
    line = int(at(record.root / FILE_NAME, key, shown_as=FILE_NAME).split(":")[1])
    record.find(
        f"rule-{judged.status}",
        f"{judged.rule}: {judged.message}".replace("\n", "; "),
        level="error",
        file=FILE_NAME,
        line=line,
    )


def _say(record: Record, judged: list[Judged], metrics: Metrics) -> None:
    status = _status(judged)
    if status is Status.PASS:
        over = sum(each.passed_over for each in judged)
        held = f"{len(judged) - over} rule{'s' if len(judged) - over != 1 else ''}"
        first = f", {over} passed over (first release)" if over else ""
        against = f", champion {metrics.champion.version}" if metrics.champion else ""
        lines = [f"{each.rule}: {each.message.splitlines()[0]}" for each in judged]
        record.say(f"{held}{first}, {metrics.rows:,} rows{against}", *lines)
        return
    # The failures first, then what is undecided.
    wrong = [each for each in judged if each.status is Status.FAIL]
    wrong += [each for each in judged if each.status is Status.UNDECIDED]
    lines = wrong[0].message.splitlines()
    for each in wrong[1:]:
        lines += [f"{each.status}: {each.rule}", *each.message.splitlines()]
    record.say(wrong[0].rule, *lines, _what_did_not_happen(record, metrics))


def _what_did_not_happen(record: Record, metrics: Metrics) -> str:
    if metrics.champion:
        return f"Nothing was registered; the champion is still {metrics.champion.version}."
    if record.inputs["split"] == "test":
        return "Nothing was registered; there is still no champion."
    return "Nothing was registered; production was not touched."
