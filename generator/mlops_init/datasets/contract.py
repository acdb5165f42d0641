"""The contract of a table that nobody described: what its rows have in common, and some room."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from mlops_init.datasets import quoted
from mlops_init.datasets.infer import Key, Target
from mlops_init.datasets.sketch import Sketch

#: A set of values is stated where each was seen so often: by the rule of Good (Biometrika 40
#: (1953) 237-264) the share of what was never seen is about that of what was seen once.
SEEN = 5
#: More different texts, or whole numbers, are no set; of numbers the next one is likely fine.
_SET, _CODES = 30, 3
#: Room beyond the least and the greatest number, as a part of what lies between them.
_ROOM = Decimal("0.25")
_WIDTH = 96
_HEAD = """\
# yaml-language-server: $schema=../.mlops/contract.schema.json
# What every row of {file} has to satisfy before a model is trained on it. Inferred from its
# {rows} rows, and from nothing else: read it, and write down what you know better. An empty
# cell is a null, and not allowed unless a column says `nullable: true`; NaN and infinity are
# never fine. Ranges: what is in the table, and a quarter beyond; where most of it lies near one
# end, as much again. Values are listed where each was seen at least {seen} times. All keys:
# docs/steps/validate-data.md in the repository of the steps.
---
rows: {{min: {low}, max: {high}}}
extra_columns: false

columns:
"""
#: What a reader of YAML 1.1 may take for something else than a text.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {"y", "n", "yes", "no", "true", "false", "on", "off", "null", "none"}


def contract(file: str, columns: Sequence[Sketch], key: Key, target: Target) -> str:
    """The text of `contract.yaml`."""
    rows = target.column.rows
    parts = [
        _HEAD.format(
            file=file, rows=f"{rows:,}", seen=SEEN, low=max(1, rows // 2), high=max(1000, rows * 20)
        )
    ]
    if key.added:
        parts.append(f"  {_name(key.name)}: {{type: integer, min: 1, unique: true}}\n")
    for column in columns:
        if column.name == key.name:
            facts = _key(column)
        elif column.name == target.column.name:
            facts = _target(column, target.task)
        else:
            facts = _facts(column)
        parts.append(_line(_name(column.name), facts))
    return "".join(parts)


def _key(column: Sketch) -> list[str]:
    # As a text where two ways of writing one number could be two keys.
    whole = column.kind == "integer" and not column.padded and column.longest <= 18
    low = [f"min: {min(1, int(column.low))}"] if whole and column.low >= 0 else []
    return [f"type: {'integer' if whole else 'text'}", *low, "unique: true"]


def _target(column: Sketch, task: str) -> list[str]:
    facts = [f"type: {column.kind}"]
    if task == "regression":
        return facts + _range(column)
    if column.kind in {"boolean", "timestamp"}:
        return facts
    return [*facts, _allowed(column)]


def _facts(column: Sketch) -> list[str]:
    facts = [f"type: {column.kind if column.present else 'text'}"]
    if column.nulls:
        facts.append("nullable: true")
    if column.constant:
        return facts
    values = column.values
    few = _SET if column.kind == "text" else _CODES
    seen = values is not None and 0 < len(values) <= few and min(values.values()) >= SEEN
    if seen and column.kind in {"text", "integer"}:
        facts.append(_allowed(column))
    elif column.kind in {"integer", "number"}:
        facts += _range(column)
    return facts


def _allowed(column: Sketch) -> str:
    values = sorted(column.values or ())
    if column.kind in {"integer", "number"}:
        ordered = sorted(Decimal(value) for value in values)
        return f"allowed: [{', '.join(f'{each:f}' for each in ordered)}]"
    return f"allowed: [{', '.join(map(_name, values))}]"


def _range(column: Sketch) -> list[str]:
    low, high = Decimal(repr(column.low)), Decimal(repr(column.high))
    room = (high - low or abs(high) or Decimal(1)) * _ROOM
    below = above = room
    middle = Decimal(repr(sorted(column.sample)[len(column.sample) // 2]))
    if high - middle > 5 * (middle - low):
        above = 4 * room
    elif middle - low > 5 * (high - middle):
        below = 4 * room
    # To about a tenth of the room, and whole where the column is.
    step = Decimal(1).scaleb(room.adjusted() - 1)
    step = max(step, Decimal(1)) if column.kind == "integer" else step
    least = ((low - below) / step).to_integral_value(ROUND_FLOOR) * step
    most = ((high + above) / step).to_integral_value(ROUND_CEILING) * step
    if low >= 0:
        least = max(least, Decimal(0))
    if high <= 0:
        most = min(most, Decimal(0))
    return [f"min: {_number(least)}", f"max: {_number(most)}"]


def _number(number: Decimal) -> str:
    if number and not -8 < number.adjusted() < 16:
        largest = Decimal(sys.float_info.max)
        text = repr(float(max(-largest, min(number, largest))))
        mantissa, _, exponent = text.partition("e")
        # With a point and a sign, without which a reader of YAML 1.1 sees a text.
        return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{int(exponent or 0):+d}"
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _name(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else quoted(text)


def _line(name: str, facts: list[str]) -> str:
    line = f"  {name}: {{{', '.join(facts)}}}\n"
    if len(line) <= _WIDTH or not facts[-1].startswith("allowed: ["):
        return line
    body = "".join(f"    {fact}\n" for fact in facts[:-1])
    values = _wrapped(facts[-1].removeprefix("allowed: [").removesuffix("]"))
    return f"  {name}:\n{body}    allowed:\n{values}"


def _wrapped(values: str) -> str:
    """One value a line, where they do not fit into one."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|[^, ]+', values)
    return "".join(f"      - {value}\n" for value in found)
