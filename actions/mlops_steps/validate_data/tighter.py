"""What a contract could ask for besides, by what was seen: suggested, and never put into it."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_steps.config import Config
from mlops_steps.validate_data.change import Left, written
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.draft import stated
from mlops_steps.validate_data.edit import scalar
from mlops_steps.validate_data.facts import ENOUGH, SET_ROWS, Facts


def suggestions(contract: Contract, config: Config, facts: Mapping[str, Facts]) -> list[Left]:
    """What a contract could ask for besides, by what was seen: for a person to decide."""
    found: list[Left] = []
    for name, column in contract.columns.items():
        seen = facts.get(name)
        if seen is None or not seen.type or seen.present < ENOUGH:
            continue
        rows = f"{seen.present:,} rows"
        keys = stated(seen, config.table, config.model.task)
        if column.nullable and not seen.nulls:
            found.append(Left(name, "nullable", f"false holds for all {rows}"))
        if column.allowed is not None:
            unseen = _unseen(column, seen)
            if unseen:
                words = f"{', '.join(unseen)} in none of {rows}"
                found.append(Left(name, "allowed", words))
        elif "allowed" in keys and seen.type == column.type:
            found.append(Left(name, "allowed", f"{keys['allowed']} holds for all {rows}"))
        elif column.type == seen.type and "max" in keys and _loose(column, keys):
            words = f"{keys['min']} to {keys['max']} leaves room beyond all {rows}"
            found.append(Left(name, "min, max", words))
        for key, stands in (("regex", column.regex is not None), ("unique", column.unique)):
            if key in keys and not stands and column.type in {"text", "integer"}:
                found.append(Left(name, key, f"{keys[key]} holds for all {rows}"))
    return found


def _unseen(column: Column, seen: Facts) -> list[str]:
    """The allowed values that no row has, if the rows are enough to say so."""
    if seen.values is None or seen.present < SET_ROWS:
        return []
    there = {written(each, column) for each in seen.values}
    return [text for each in column.allowed or [] if (text := scalar(each)) not in there]


def _loose(column: Column, keys: Mapping[str, str]) -> bool:
    """Whether a range lets four times as much pass as would be proposed, or all on one side."""
    if column.min is None or column.max is None:
        return column.min is column.max is None
    return column.max - column.min > 4 * (float(keys["max"]) - float(keys["min"]))
