"""Checks of a row against itself, or against another file: rules and references."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mlops_steps.data.tables import column_names, identifier, reading, scan
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Reference
from mlops_steps.validate_data.view import View


def rule_checks(cells: Cells) -> list[Check]:
    """One check for each rule of a row. Where a rule is NULL it is not shown to be kept."""
    checks = []
    for rule in cells.contract.rules:
        from mlops_steps.validate_data import rules  # imports sqlglot: 0.1 s

        expression = rules.read(rule.sql)
        check = Check(
            "rule", rule.name, f"for which {rule.sql!r} is not shown to be true",
            severity=rule.severity, tolerate=rule.tolerate,
        )  # fmt: skip
        lacking = [name for name in rules.columns(expression) if name not in cells.kinds]
        if lacking:
            reason = f"the table has no column {lacking[0]!r}"
            checks.append(replace(check, undecided=reason))
            continue
        kept = rules.write(expression, cells.in_rules, nan=cells.may_be_nan)
        claims = rules.claimed(expression)
        looks = ""
        if claims is not None:
            # What is NULL is counted as looked at: a note has to be sure.
            looked = rules.write(claims, cells.in_rules, nan=cells.may_be_nan)
            looks = f"coalesce({looked}, true)"
        checks.append(replace(check, violation=f"({kept}) IS DISTINCT FROM true", looks=looks))
    return checks


def fitting(view: View, checks: list[Check]) -> list[Check]:
    """The same checks; one that compares what cannot be compared is undecided."""
    found = []
    for check in checks:
        query = f"SELECT count_if({check.violation}) FROM {view.table}"
        reason = check.undecided or view.refused(query)
        found.append(replace(check, undecided=reason))
    return found


def reference_checks(cells: Cells, files: dict[str, Path]) -> list[Check]:
    """One check for each reference. A row without a value refers to nothing.

    `files` are those that are referred to, by the name that the contract has.

    Raises:
        UndecidedError: A file cannot be read as a table.
    """
    checks = []
    for each in cells.contract.references:
        check = Check(
            "reference", ", ".join(each.columns), f"without a row of {each.file}",
            severity=each.severity, tolerate=each.tolerate,
        )  # fmt: skip
        with reading(each.file):
            there = column_names(files[each.file])
            lacking = [f"the table has no column {name!r}" for name in each.columns
                       if name not in cells.kinds]  # fmt: skip
            lacking += [f"{each.file} has no column {name!r}" for name in _to(each)
                        if name not in there]  # fmt: skip
            if lacking:
                checks.append(replace(check, undecided=lacking[0]))
                continue
            present, violation = _unmatched(each, cells, files[each.file])
        checks.append(replace(check, violation=violation, looks=present))
    return checks


def _unmatched(each: Reference, cells: Cells, file: Path) -> tuple[str, str]:
    """SQL that is true for a row that refers to something, and for one that finds nothing."""
    present = " AND ".join(f"NOT ({cells.absent(name)})" for name in each.columns)
    ours = _together(f"CAST({identifier(name)} AS VARCHAR)" for name in each.columns)
    theirs = _together(f"CAST({identifier(name)} AS VARCHAR)" for name in _to(each))
    some = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in _to(each))
    there = f"SELECT DISTINCT {theirs} FROM {scan(file, text=True)} WHERE {some}"
    return present, f"{present} AND {ours} NOT IN ({there})"


def _together(cells: Iterable[str]) -> str:
    one, *more = cells
    return f"row({', '.join([one, *more])})" if more else one


def _to(each: Reference) -> tuple[str, ...]:
    return each.to or each.columns
