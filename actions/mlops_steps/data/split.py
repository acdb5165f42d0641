"""Which rows judge: the one expression that every step shares.

h is the number that the first 15 hexadecimal digits of sha256(salt + ":" + key) spell, over
16^15; test if h < test, else valid if h < test + valid, else train. It depends on nothing
but the row's key, so a row never changes sides when others come or go, and a key that is
seen again is withheld again.
"""

from __future__ import annotations

from typing import Literal

from mlops_steps.config import Split
from mlops_steps.data.tables import identifier, literal
from mlops_steps.errors import ConfigError

SplitName = Literal["test", "valid", "train"]
SPLITS: tuple[SplitName, ...] = ("test", "valid", "train")


def training_splits(judge: str) -> tuple[SplitName, ...]:
    """The splits to train on when `judge` (test or valid) judges.

    Test rows are never among them.
    """
    return ("train",) if judge == "valid" else ("train", "valid")


def split_sql(key: str, split: Split) -> str:
    """SQL for the split of a row: 'test', 'valid', 'train', or NULL for a row without a key.

    `key` is the column's name. Read CSV and JSON lines with `scan(path, text=True)`, or `007`
    turns into `7` before it is hashed.

    Raises:
        ConfigError: Nothing would be left to train on.
    """
    if split.test + split.valid >= 1:
        raise ConfigError(
            f"data: split: test {split.test:g} and valid {split.valid:g} leave no rows to train on"
        )
    text = f"CAST({identifier(key)} AS VARCHAR)"
    digits = f"left(sha256({literal(split.salt + ':')} || {text}), 15)"
    # Both steps round as Python does: 60 bits to the nearest double, then a power of two.
    share = f"CAST(CAST('0x' || {digits} AS BIGINT) AS DOUBLE) / CAST(16 AS DOUBLE) ^ 15"
    return (
        f"CASE WHEN {text} IS NULL THEN NULL "
        f"WHEN {share} < {_number(split.test)} THEN 'test' "
        f"WHEN {share} < {_number(split.test + split.valid)} THEN 'valid' ELSE 'train' END"
    )


def within(key: str, split: Split, names: tuple[str, ...]) -> str:
    """SQL that is true for the rows of the named splits, and for no others."""
    listed = ", ".join(literal(name) for name in names)
    return f"coalesce({split_sql(key, split)} IN ({listed}), false)"


def _number(value: float) -> str:
    # As text: a decimal literal would be rounded another way than Python's.
    return f"CAST('{value!r}' AS DOUBLE)"
