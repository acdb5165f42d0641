"""Prove each check on the user's own data: a spoilt row is planted, and it has to turn red.

The rows are copied into the database, a thousand at most; nothing that the user has is changed.
What breaks a check is told from the contract (`spoiling`), never from the check's own SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb
import msgspec
from sqlglot import exp

from mlops_steps.config import Config
from mlops_steps.data.tables import identifier
from mlops_steps.files import write_json
from mlops_steps.validate_data import rules
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.compiled import Compiled
from mlops_steps.validate_data.groups import check_groups
from mlops_steps.validate_data.planting import ROWS, Missed, Sample, Unplanted
from mlops_steps.validate_data.proving import Attempt, whole_columns, whole_tables
from mlops_steps.validate_data.spoiling import Cell, cells_that_break, rows_that_may_break
from mlops_steps.validate_data.view import View

if TYPE_CHECKING:
    from mlops_steps.record import Record


class Proof(msgspec.Struct, frozen=True):
    """One check, and whether it was seen to turn red; a row of `proof.json`.

    Attributes:
        check: Its kind, as in `checks.json`.
        column: Its column, or its name.
        outcome: `proved`: good rows passed, and turned red when a spoilt one was planted.
            `unplanted`: nothing could be planted. `missed`: what was planted did not turn red.
        why: What was planted, or why nothing was.
    """

    check: str
    column: str
    outcome: Literal["proved", "unplanted", "missed"]
    why: str


def prove(view: View, sample: Sample, asked: Compiled, config: Config, root: Path) -> list[Proof]:
    """Plant a spoilt row for every check.

    Args:
        view: The table's own columns.
        sample: Where rows are spoilt.
        asked: The checks as they judge the table.
        config: mlops.yaml.
        root: The project's folder.

    Returns:
        One proof a check: those of rows, of whole columns, of groups, of the table.
    """
    sample.take(view)
    attempts: list[Attempt] = [
        (check.kind, check.column, partial(_of_row, sample, check, config))
        for check in asked.checks
    ]
    attempts += whole_columns(sample, asked.totals, config)
    attempts += [
        ("group", group.name, partial(_of_group, sample, group.name))
        for group in sample.cells.contract.groups
    ]
    attempts += whole_tables(sample, config, root)
    return [_proof(*each) for each in attempts]


def _proof(check: str, column: str, attempt: Callable[[], str]) -> Proof:
    try:
        return Proof(check, column, "proved", attempt())
    except Unplanted as reason:
        return Proof(check, column, "unplanted", str(reason))
    except Missed as planted:
        return Proof(check, column, "missed", str(planted))


def _of_row(sample: Sample, check: Check, config: Config) -> str:
    if check.undecided:
        raise Unplanted(f"it cannot be judged: {check.undecided}")
    keep = "true" if check.distinct else f"NOT coalesce({check.violation}, true)"
    if not sample.base(keep, apart=check.distinct):
        raise Unplanted(f"none of {ROWS:,} rows keeps it: it is red already")
    if sample.red(sample.based(), check):
        raise Missed("rows that keep it are red, too")
    planted = []
    reasons = []
    for changes, where in _changes(sample, check, config):
        try:
            view = sample.plant(changes, tolerate=check.tolerate, where=where)
        except Unplanted as reason:
            reasons.append(str(reason))
            continue
        words = _words(changes) if changes else "a row twice"
        if not sample.red(view, check):
            raise Missed(words)
        planted.append(words)
    if not planted:
        raise Unplanted(reasons[0] if reasons else "nothing that was tried breaks it")
    return "; ".join(planted)


def _changes(sample: Sample, check: Check, config: Config) -> Iterator[tuple[dict[str, Cell], str]]:
    """What is to break a check, each by itself: a change of a row, and which row it is."""
    if check.distinct:
        yield {}, check.looks
    elif check.kind == "rule":
        yield from _breaking(sample, check.column)
    elif check.kind == "reference":
        columns = check.column.split(", ")
        for cell in ("-97", "?-?"):
            yield {columns[0]: cell}, check.looks
    elif check.kind == "key":
        yield {config.table.key: None}, "true"
    else:
        cells, reason = cells_that_break(check, sample.cells)
        if not cells:
            raise Unplanted(reason)
        for each in cells:
            yield {check.column: each}, "true"


def _breaking(sample: Sample, name: str) -> Iterator[tuple[dict[str, Cell], str]]:
    """The first change of a row that breaks a rule as it is written, read by the engine itself."""
    (rule,) = [each for each in sample.cells.contract.rules if each.name == name]
    expression = rules.read(rule.sql)
    kept = expression.sql(dialect="duckdb", comments=False)
    for changes in rows_that_may_break(expression, sample.cells):
        try:
            view = sample.plant(changes)
            table = _plain(sample, view, expression)
            (broken,) = view.ask(f"SELECT count_if(NOT coalesce({kept}, false)) FROM ({table})")
        except (Unplanted, duckdb.Error):
            continue
        if broken:
            yield changes, "true"
            return


def _plain(sample: Sample, view: View, rule: exp.Expr, by: Iterable[str] = ()) -> str:
    """A table in which a rule's columns have their own names and their values."""
    names = [
        f"{identifier(sample.cells.in_rules(name))} AS {identifier(name)}"
        for name in rules.columns(rule)
    ]
    keys = [f"{identifier(name)} AS {identifier(f'*by* {name}')}" for name in by]
    return f"SELECT {', '.join([*names, *keys]) or '1'} FROM {view.table}"


def _of_group(sample: Sample, name: str) -> str:
    (group,) = [each for each in sample.cells.contract.groups if each.name == name]
    expression = rules.read(group.sql, grouped=True)
    columns = [*group.by, *rules.columns(expression)]
    if lacking := [each for each in columns if each not in sample.cells.kinds]:
        raise Unplanted(f"the table has no column {lacking[0]!r}")
    cells = replace(
        sample.cells,
        contract=msgspec.structs.replace(
            sample.cells.contract, groups=(msgspec.structs.replace(group, tolerate=0),)
        ),
    )
    by = [identifier(each) for each in group.by]
    keys = [identifier(f"*by* {each}") for each in group.by]
    listed = ", ".join(keys)

    def broken(view: View) -> str:
        table = _plain(sample, view, expression, group.by)
        kept = expression.sql(dialect="duckdb", comments=False)
        return f"SELECT {listed} FROM ({table}) GROUP BY ALL HAVING NOT coalesce({kept}, false)"

    # As a list: a row with NULL in it is then equal to itself.
    wrong = f"(SELECT list(struct_pack({_struct(keys)})) FROM ({broken(sample.view())}))"
    mine = f"struct_pack({_struct(by)})"
    if not sample.base(f"NOT coalesce(list_contains({wrong}, {mine}), false)"):
        raise Unplanted(f"in {ROWS:,} rows no group keeps it")
    if check_groups(sample.based(), cells)[0].status != "pass":
        raise Missed("groups that keep it are red, too")
    for changes in ({}, *rows_that_may_break(expression, sample.cells, group.by)):
        try:
            view = sample.plant(changes)
            (groups,) = view.ask(f"SELECT count(*) FROM ({broken(view)})")
        except (Unplanted, duckdb.Error):
            continue
        if groups:
            words = f"a row more in a group{', ' * bool(changes)}{_words(changes)}"
            if check_groups(view, cells)[0].status != "fail":
                raise Missed(words)
            return words
    raise Unplanted("nothing that was tried breaks it")


def _struct(cells: list[str]) -> str:
    return ", ".join(f"k{at} := {cell}" for at, cell in enumerate(cells))


def _words(changes: dict[str, Cell]) -> str:
    return ", ".join(
        f"{name} {'empty' if cell is None else repr(cell[:20])}" for name, cell in changes.items()
    )


def write(record: Record, proofs: list[Proof]) -> int:
    """Write `proof.json` and note what came of it; returns how many checks missed a row."""
    path = record.folder / "proof.json"
    write_json(path, msgspec.to_builtins(proofs))
    record.wrote(path)
    missed = [each for each in proofs if each.outcome == "missed"]
    unplanted = [each for each in proofs if each.outcome == "unplanted"]
    record.figure("proved", len(proofs) - len(missed) - len(unplanted), n=len(proofs))
    for each in missed:
        place = f"{each.column}: {each.check}" if each.column else each.check
        record.find("data/missed", f"{place}: planted and not caught: {each.why}")
    if unplanted:
        words = f"{len(unplanted)} of {len(proofs)} checks could not be proved: nothing could be"
        record.find("data/unplanted", f"{words} planted; out/validate-data/proof.json says why",
                    level="notice")  # fmt: skip
    return len(missed)


def told(proofs: list[Proof]) -> list[str]:
    """Lines for people: how many were proved, then each that was not, what was missed first."""
    proved = sum(each.outcome == "proved" for each in proofs)
    lines = [f"{proved} of {len(proofs)} checks proved: a spoilt row turned each of them red"]
    words = {"missed": "NOT caught", "unplanted": "could not be planted"}
    for outcome, word in words.items():
        lines += [
            f"{each.column}: {each.check}: {word}: {each.why}".removeprefix(": ")
            for each in proofs
            if each.outcome == outcome
        ]
    return lines
