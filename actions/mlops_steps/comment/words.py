"""What a comment says: one screen, then folds; every word of it is ours or a checked name."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_steps.report.facts import Facts, Rule, Step
from mlops_steps.report.text import SIGNS, joined, plural, seconds
from mlops_steps.spec import Status
from mlops_steps.stats.words import change, number

#: Rules above the folds: one screen.
SCREEN_LIMIT = 12
#: Steps after which something outside of the pull request has changed.
_PRODUCTION = {"register", "deploy-canary"}
_UNVERIFIED = (
    "> [!WARNING]\n"
    "> This is what a run of a fork says about itself, and **nobody has verified it**: a pull "
    "request from a fork may change every program that makes these figures, this pipeline's own "
    "among them. Read the change before you believe them."
)


def comment(facts: Facts, *, run: str, from_fork: bool = False) -> str:
    """The comment in Markdown.

    Args:
        facts: Checked; what is not in them is not said.
        run: The address of the run.
        from_fork: Whether it is a stranger's run that says so.
    """
    status, title = _title(facts)
    says = "the fork's run says: " if from_fork else ""
    took = seconds(sum(each.seconds for each in facts.steps))
    parts = [
        f"### {SIGNS[status]} {facts.project}: {says}{title}",
        f"{facts.workflow or 'run'} · `{facts.commit[:7]}` · [run]({run}) · {took}",
        *([_UNVERIFIED] if from_fork else []),
        *_rules(facts),
        *_end(facts, status),
        *_folds(facts),
    ]
    return "\n\n".join(parts)


def _title(facts: Facts) -> tuple[Status, str]:
    """The worst verdict, and where; or how far the road led."""
    for status in (Status.FAIL, Status.UNDECIDED):
        names = [each.step for each in facts.steps if each.status is status]
        if names:
            return status, f"{status} at {joined(names)}"
    passed = {each.step for each in facts.steps}
    if "deploy-canary" in passed or "register" in passed:
        reached = "deployed" if "deploy-canary" in passed else "candidate registered"
    elif "gate" in passed:
        reached = "candidate may ship" if facts.split == "test" else "the trial holds"
    else:
        reached = plural(len(facts.steps), "step")
    return Status.PASS, f"pass, {reached}"


def _rules(facts: Facts) -> list[str]:
    if not facts.rules:
        return []
    head = f"champion {facts.champion}" if facts.champion else "champion"
    rows = [
        (
            f"`{rule.text}`",
            _figure(rule),
            number(rule.champion, rule.scale) if rule.champion is not None else "",
            "not judged: first release"
            if rule.passed_over
            else f"{SIGNS[rule.status]} {rule.status}",
        )
        for rule in facts.rules
    ]
    lines = _table(("rule", "candidate", head, "verdict"), rows[:SCREEN_LIMIT])
    if len(rows) > SCREEN_LIMIT:
        wrong = sum(each.status is not Status.PASS for each in facts.rules[SCREEN_LIMIT:])
        said = f", {wrong} of them not passed" if wrong else ", all passed"
        lines += ["", f"{plural(len(rows) - SCREEN_LIMIT, 'more rule')}{said}: see below."]
    paired = ", paired with the champion" if facts.champion else ""
    told = [f"n = {facts.rows:,} rows of the {facts.split} split{paired}."]
    told += [each for rule in facts.rules if (each := _smallest_drop(rule))][:1]
    return ["\n".join(lines), " ".join(told)]


def _figure(rule: Rule) -> str:
    """`0.989 [0.966, 0.997]`, or a difference: `-0.6 points [-3.4, 2.2]`."""
    if rule.value is None or rule.low is None or rule.high is None:
        return ""
    shown, unit = (change, " points" * (rule.scale == "share")) if _paired(rule) else (number, "")
    low, high = shown(rule.low, rule.scale), shown(rule.high, rule.scale)
    return f"{shown(rule.value, rule.scale)}{unit} [{low}, {high}]"


def _smallest_drop(rule: Rule) -> str:
    """How much worse the candidate would have to be for the interval to show it."""
    if not _paired(rule) or rule.value is None or rule.low is None or rule.high is None:
        return ""
    # Intervals keep about their width when they move: the half of it towards "no worse".
    reach = rule.high - rule.value if rule.operator == ">=" else rule.value - rule.low
    if reach <= 0:
        return ""
    size = change(reach, rule.scale) + " points" * (rule.scale == "share")
    word = "drop" if rule.operator == ">=" else "rise"
    return f"The smallest {word} in `{rule.metric}` that they can show: about {size}."


def _paired(rule: Rule) -> bool:
    return rule.against == "champion"


def _end(facts: Facts, status: Status) -> list[str]:
    """What did not happen, because that is what people fear."""
    if status is Status.PASS or _PRODUCTION & {each.step for each in facts.steps}:
        return []
    return ["Nothing was registered; production was not touched."]


def _folds(facts: Facts) -> list[str]:
    steps = [
        (
            each.step,
            f"{SIGNS[each.status]} {each.status}",
            _findings(each),
            seconds(each.seconds),
        )
        for each in facts.steps
    ]
    table = _table(("step", "verdict", "findings", "time"), steps)
    folds = [_fold(plural(len(steps), "step"), table)]
    if facts.rules:
        rows = [
            (f"`{each.text}`", f"{each.n:,}" if each.n is not None else "", each.method)
            for each in facts.rules
        ]
        folds.append(_fold(plural(len(rows), "rule"), _table(("rule", "rows", "method"), rows)))
    if facts.checks:
        found = facts.checks
        count = plural(found.passed + found.failed + found.undecided, "check")
        said = f"{found.passed:,} passed, {found.failed:,} failed, {found.undecided:,} undecided."
        folds.append(_fold(f"Data: {count}", [said]))
    if facts.training:
        took = seconds(facts.training.seconds)
        gpus = plural(facts.training.gpus, "GPU") if facts.training.gpus else "no GPU"
        said = f"{facts.training.rows:,} rows were handed over."
        folds.append(_fold(f"Training: {took}, {gpus}", [said]))
    return folds


def _findings(step: Step) -> str:
    parts = [(step.errors, "error"), (step.warnings, "warning")]
    return ", ".join(plural(count, word) for count, word in parts if count)


def _fold(title: str, lines: list[str]) -> str:
    # Without the empty line after the summary the table is not read as one.
    return "\n".join([f"<details><summary>{title}</summary>", "", *lines, "", "</details>"])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
