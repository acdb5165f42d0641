"""The text of a contract that was inferred, and the part of it that is about one column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mlops_steps.config import TableInput, Task
from mlops_steps.data.parts import Table
from mlops_steps.data.tables import about_rows
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.edit import scalar
from mlops_steps.validate_data.facts import SEEN, SET_ROWS, Facts, bounds, listed
from mlops_steps.validate_data.privacy import privacy, sampled
from mlops_steps.validate_data.view import View

_WIDTH = 96
#: Columns that are looked at together.
_TOGETHER = 50
#: Above a column that somebody has to decide about.
PERSONAL = "looks like personal data: take it out, or say what it is with `personal`"
_HEAD = """\
# What every row of {path} has to satisfy before a model is trained on it. Inferred from
# {rows} rows, none of the test split, and from nothing else: read it, and write down what you
# know better. An empty cell is a null, and not allowed unless a column says `nullable: true`; NaN
# and infinity are never fine. Ranges: what was seen, and a quarter beyond; where most of it lies
# near one end, as much again at the other. Values are listed where each was seen at least {seen}
# times, in {set_rows} rows or more. All keys: docs/steps/validate-data.md in the repository of the
# steps.
---
rows: {{min: {low}, max: {high}}}
extra_columns: false

columns:
"""


def draft(
    table: TableInput,
    task: Task,
    facts: Mapping[str, Facts],
    about: Collection[str],
    *,
    rows: int,
    schema: str = "",
) -> str:
    """The text of a whole contract.

    Args:
        table: What mlops.yaml says of the table.
        task: Of the model.
        facts: Of each column.
        about: The columns that look like personal data.
        rows: Rows of the whole table.
        schema: Where the contract's JSON schema lies for it, for editors.
    """
    looked = max(each.rows for each in facts.values())
    low, high = of_all(rows)
    text = f"# yaml-language-server: $schema={schema}\n" if schema else ""
    text += _HEAD.format(
        path=table.path, rows=f"{looked:,}", seen=SEEN, set_rows=SET_ROWS, low=low, high=high
    )
    for name, each in facts.items():
        if not each.type:
            continue
        keys = stated(each, table, task)
        if name in about:
            text += f"  # {PERSONAL}\n"
        line = f"  {scalar(name)}: {in_one_line(keys)}\n"
        if len(line) > _WIDTH and "allowed" in keys:
            values = allowed_values(each)
            del keys["allowed"]
            line = (
                f"  {scalar(name)}:\n{''.join(f'    {k}: {v}{chr(10)}' for k, v in keys.items())}"
            )
            line += "    allowed:\n" + "".join(f"      - {value}\n" for value in values)
        text += line
    return text


def of_all(rows: int) -> tuple[int, int]:
    """Bounds on the number of rows of a table that has so many now."""
    return max(1, rows // 2), max(1000, 20 * rows)


def of_rows(facts: Mapping[str, Facts]) -> Iterable[tuple[str, str, str]]:
    """What no contract can allow: column, key, words."""
    for name, each in facts.items():
        if not each.type:
            yield name, "type", "no type of a contract reads what the file holds there"
        if each.infinite:
            yield name, "type", f"{each.infinite:,} of {each.rows:,} rows are infinite"


def stated(facts: Facts, table: TableInput, task: Task) -> dict[str, str]:
    """What a contract says of a column by its facts: keys with YAML texts, `type` first."""
    if facts.name == table.key:
        # As a text where two ways of writing one number could be two keys.
        whole = facts.type == "integer" and not facts.padded and facts.longest <= 18
        low = {"min": "1" if facts.low else "0"} if whole and (facts.low or 0) >= 0 else {}
        return {"type": "integer" if whole else "text", **low, "unique": "true"}
    found = {"type": str(facts.type)}
    if facts.name == table.target:
        if task != "regression" and facts.values:
            found["allowed"] = f"[{', '.join(allowed_values(facts))}]"
        elif task == "regression":
            found |= _range(facts)
        return found
    if facts.nulls:
        found["nullable"] = "true"
    if listed(facts):
        found["allowed"] = f"[{', '.join(allowed_values(facts))}]"
    else:
        found |= _range(facts)
    if facts.regex:
        found["regex"] = f'"{facts.regex}"'.replace("\\", "\\\\")
    if facts.unique:
        found["unique"] = "true"
    return found


def _range(facts: Facts) -> dict[str, str]:
    if facts.low is None or facts.high is None or facts.low == facts.high:
        return {}
    if facts.names:  # a code is no quantity
        return {"min": "0"} if facts.low >= 0 else {}
    low, high = bounds(facts.low, facts.high, facts.heavy, whole=facts.type == "integer")
    return {"min": scalar(low), "max": scalar(high)}


def allowed_values(facts: Facts) -> list[str]:
    """The values of a set as YAML texts, in order."""
    values = list(facts.values or {})
    if facts.type == "integer":
        return [str(each) for each in sorted({int(value) for value in values})]
    return [scalar(value) for value in sorted(values)]


def in_one_line(keys: Mapping[str, str]) -> str:
    """Keys with YAML texts as a mapping in one line."""
    return f"{{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}"


def hints(
    view: View, source: Table, table: TableInput, kinds: dict[str, str], contract: Contract | None
) -> dict[str, str]:
    """The columns new to the contract that look like personal data, and why."""
    known = {} if contract is None else contract.columns
    new = {name: kind for name, kind in kinds.items() if name not in known}
    nothing = Contract(columns={"": Column(type="text")}, extra_columns=True)
    looked = sampled(about_rows(source), table.key, kinds)
    found: dict[str, str] = {}
    checks = privacy(nothing, new, looked)
    for start in range(0, len(checks), _TOGETHER):
        some = checks[start : start + _TOGETHER]
        answers = iter(view.one(*(want for total in some for want in total.wants)))
        for total in some:
            _, *mine = [next(answers) for _ in total.wants]
            told = total.told(*mine)
            if words := told[0] if isinstance(told, tuple) else told:
                found[total.column] = words
    return found
