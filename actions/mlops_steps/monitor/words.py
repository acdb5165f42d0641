"""Why a column drifted, in words that name both sides."""

from __future__ import annotations

from mlops_steps.data.profile import Column
from mlops_steps.monitor.effects import NULLS, REST, UNREADABLE, Effect

#: Characters of a value.
LONGEST = 40
_RANKS = {
    "shift": "moved by {size} sd",
    "spread": "spread changed by {size} sd",
    "skew": "skew changed by {size} sd",
    "tails": "tails changed by {size} sd",
}


def reason(
    effect: Effect, bound: float, columns: tuple[Column, Column], rows: tuple[int, int]
) -> str:
    """One line for a column that drifted.

    Args:
        effect: The one that decides.
        bound: What its size is at least.
        columns: In training, and now.
        rows: Training rows, and requests.
    """
    then, now = columns
    if effect.name in _RANKS:
        size = f"{effect.value:+.2f}" if effect.name == "shift" else f"{effect.value:.2f}"
        return f"{_RANKS[effect.name].format(size=size)}, at least {bound:.2f}"
    if effect.name == NULLS:
        return f"without a value: {_shares((then.nulls, now.nulls), rows)}"
    if effect.name == UNREADABLE:
        return f"no number any more: {_shares((then.unreadable, now.unreadable), rows)}"
    if effect.name == REST:
        names = ", ".join(repr(each[:LONGEST]) for each in now.new)
        what = "values not seen in training" if not then.rest else "rare values"
        return f"{what}{f' ({names})' if names else ''}: {_shares((then.rest, now.rest), rows)}"
    value = effect.name.removeprefix("=")
    counts = (then.values[value], now.values[value])
    return f"{value[:LONGEST]!r}: {_shares(counts, rows)}"


def _shares(counts: tuple[int, int], rows: tuple[int, int]) -> str:
    then, now = (count / of for count, of in zip(counts, rows, strict=True))
    return f"{then:.1%} of training rows, {now:.1%} of requests"
