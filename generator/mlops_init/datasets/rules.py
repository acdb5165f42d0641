"""The gate's first rules for data that nobody here has seen: better than guessing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from hashlib import sha256

from mlops_init.datasets.infer import Target

#: Of gate.minimum_rows in mlops.yaml, where nothing is said there.
MINIMUM_ROWS = 100
#: Shares of rows that judge: test and valid, the usual ones first.
SHARES = ((0.3, 0.2), (0.3, 0.25), (0.3, 0.3), (0.33, 0.33))
#: With fewer of the rarer class among the test rows, accuracy says little.
_RARE = 0.1
#: (1.96 + 0.84)^2: the interval of a difference of nothing lies within the margin in four cases
#: of five.
_POWER = 7.85


@dataclass(frozen=True)
class Rules:
    """Rules of `gate` in mlops.yaml, and lines that say what they are."""

    test: tuple[str, ...]
    valid: tuple[str, ...]
    about: tuple[str, ...]


def part(salt: str, key: str, test: float, valid: float) -> str:
    """The split of a row, as the steps tell it (actions/mlops_steps/data/split.py)."""
    share = int(sha256(f"{salt}:{key}".encode()).hexdigest()[:15], 16) / 16**15
    return "test" if share < test else "valid" if share < test + valid else "train"


def rules(target: Target, judging: int) -> Rules:
    """Rules that a useful model passes and a useless one does not.

    Args:
        target: What is told.
        judging: Test rows.
    """
    match target.task:
        case "binary":
            return _binary(target, judging)
        case "multiclass":
            return _multiclass(target, judging)
        case _:
            return _regression(target, judging)


def _binary(target: Target, judging: int) -> Rules:
    rare = min((target.column.values or {}).values()) / target.column.rows
    bound = "roc_auc >= 0.5"
    against = f"accuracy >= champion - {_points(_proportion(judging))}"
    if rare < _RARE:
        # A model that always says no is nearly as accurate as any other. The standard error of
        # an area is about 0.4 over the root of the rarer class's rows (J. A. Hanley and B. J.
        # McNeil, Radiology 143 (1982) 29-36, at 0.8), and two models on the same rows share
        # half of its variance or more.
        margin = math.sqrt(_POWER / (judging * rare)) * 0.4
        against = f"roc_auc >= champion - {_points(margin)}"
    guess = "0.5 is what guessing reaches"
    return Rules((bound, against), (bound,), _about("roc_auc", guess, judging))


def _multiclass(target: Target, judging: int) -> Rules:
    largest = max((target.column.values or {}).values()) / target.column.rows
    share = Decimal(largest).quantize(Decimal("0.01"), ROUND_CEILING)
    bound = f"accuracy >= {min(share, Decimal('0.99'))}"
    against = f"accuracy >= champion - {_points(_proportion(judging))}"
    guess = "so much is reached by always naming the most frequent class"
    return Rules((bound, against), (bound,), _about("accuracy", guess, judging))


def _regression(target: Target, judging: int) -> Rules:
    spread = math.sqrt(target.column.squares / target.column.rows)
    bound = f"rmse <= {plain(spread, 3, ROUND_FLOOR)}"
    # Two models whose answers differ by a fifth of the spread: the difference of their errors
    # has about that over the root of the rows as its standard error.
    margin = math.sqrt(_POWER / judging) * 0.2 * spread
    against = f"rmse <= champion + {plain(margin, 2, ROUND_CEILING)}"
    guess = "so far off is who always answers with the mean"
    return Rules((bound, against), (bound,), _about("rmse", guess, judging))


def _about(metric: str, guess: str, judging: int) -> tuple[str, ...]:
    return (
        f"The bound of {metric} asks for better than guessing: {guess}.",
        "Set it to what you need once a first version has shown what can be reached.",
        f"The margin beside the champion is what about {judging:,} test rows can tell apart.",
    )


def _proportion(judging: int) -> float:
    """The margin that so many rows can see if two models disagree about a tenth of them.

    R. J. Connor, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43 (1987) 207-211: n = (z_a + z_b)^2 discordance / margin^2.
    """
    return math.sqrt(_POWER * 0.1 / judging)


def _points(margin: float) -> str:
    """Up to the next half point, between 0.005 and 0.2."""
    steps = Decimal(repr(min(0.2, margin))) / Decimal("0.005")
    return f"{(steps.quantize(Decimal(1), ROUND_CEILING) * Decimal('0.005')).normalize():f}"


def plain(number: float, digits: int, rounding: str) -> str:
    """A number above 0 with so many significant digits, without an exponent."""
    exact = Decimal(number)
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return f"{((exact / step).quantize(Decimal(1), rounding) * step).normalize():f}"
