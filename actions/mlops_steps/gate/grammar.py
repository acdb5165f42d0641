"""The rules of mlops.yaml: `METRIC >= BOUND`, or `METRIC >= champion - MARGIN`.

Every mistake that can be seen without a model is an error of configuration here, so that no
rule can be written that never, or always, passes. Bounds and margins of rmse and mae are in the
unit of the target, which nobody here knows: any number above 0 may be meant.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import Literal

from mlops_steps.stats.known import TASKS, Metric, Scale

_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
_RULE = re.compile(
    rf"\s*(?P<metric>[A-Za-z_]\w*)\s*(?P<operator>>=|<=|=>|=<|==|>|<)\s*"
    rf"(?:(?P<champion>champion)(?:\s*(?P<sign>[+-])\s*(?P<margin>{_NUMBER}))?|(?P<bound>{_NUMBER}))\s*"
)
_FORMS = (
    "METRIC >= BOUND, METRIC <= BOUND, METRIC >= champion - MARGIN, METRIC <= champion + MARGIN"
)


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        text: As written.
        metric: A metric with an interval.
        operator: Always the direction in which the metric gets better.
        against: Whether `bound` is for the metric itself, or for candidate minus champion.
        bound: The bound; for a champion rule minus the margin (`>=`) or the margin (`<=`).
        scale: What the bound is: a pure number, or in the unit of the target.
    """

    text: str
    metric: str
    operator: Literal[">=", "<="]
    against: Literal["bound", "champion"]
    bound: float
    scale: Scale = "share"


class GrammarError(ValueError):
    """What is wrong with a rule, and what is allowed; the caller knows the place."""


def parse(text: str, *, task: str, split: str) -> Rule:
    """Read one rule.

    Raises:
        GrammarError: It cannot be read, or could never be judged honestly.
    """
    found = _RULE.fullmatch(text)
    if not found:
        raise GrammarError(f"cannot read the rule {text!r}. Allowed: {_FORMS}")
    name, operator = found["metric"], found["operator"]
    metric = _metric(name, task)
    if operator != metric.better:
        more = "more" if metric.better == ">=" else "less"
        raise GrammarError(
            f"{operator!r} in {text!r}: of {name}, {more} is better. Write {name} {metric.better} …"
        )
    if found["champion"]:
        return _champion_rule(found, metric, task=task, split=split)
    bound = float(found["bound"])
    if not metric.interval:
        raise GrammarError(
            f"no interval is known for {name} that keeps its promise, so no rule can rest on it. "
            f"Rules can use: {_with('interval', task)}"
        )
    if metric.scale == "target":
        if not 0 < bound < math.inf:
            raise GrammarError(
                f"the bound {found['bound']}: {name} is a finite number above 0, in the unit of "
                "the target"
            )
    elif not 0 < bound < 1:
        hint = f" (did you mean {bound / 100:g}?)" if 1 < bound < 100 else ""
        raise GrammarError(f"the bound {found['bound']}{hint}: {name} lies between 0 and 1")
    return Rule(text, name, metric.better, "bound", bound, metric.scale)


def _metric(name: str, task: str) -> Metric:
    known = TASKS[task]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise GrammarError(
            f'unknown metric "{name}".{hint} Known for task {task}: {", ".join(sorted(known))}'
        )
    return known[name]


def _champion_rule(found: re.Match[str], metric: Metric, *, task: str, split: str) -> Rule:
    text, name, margin = found.string, found["metric"], found["margin"]
    wanted = "-" if metric.better == ">=" else "+"
    form = f"{name} {metric.better} champion {wanted} MARGIN"
    if split != "test":
        raise GrammarError(
            f"{text!r}: the champion has seen the {split} rows in its training; compare with it "
            "under gate.test"
        )
    if not metric.paired:
        raise GrammarError(
            f"no interval is known for the difference of two models in {name} that keeps its "
            f"promise. Champion rules can use: {_with('paired', task)}"
        )
    if found["sign"] != wanted or margin is None:
        raise GrammarError(f"{text!r}: a champion rule is written {form}")
    size = float(margin)
    if metric.scale == "target" and not math.isfinite(size):
        raise GrammarError(f"the margin {margin}: a finite number, in the unit of the target")
    if metric.scale == "share" and not 0 <= size < 1:
        raise GrammarError(f"the margin {margin}: between 0 and 1, as a part of {name}")
    bound = -size if wanted == "-" else size
    return Rule(text, name, metric.better, "champion", bound, metric.scale)


def _with(method: Literal["interval", "paired"], task: str) -> str:
    return ", ".join(sorted(name for name, each in TASKS[task].items() if getattr(each, method)))
