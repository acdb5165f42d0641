"""A contract on its way: what is carried over is gathered, what is not is listed, and why."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlops_steps.validate_data.contract import ColumnType
from mlops_steps.validate_data.imports import conditions
from mlops_steps.validate_data.imports.conditions import Condition, Filled, Range
from mlops_steps.validate_data.imports.notes import Kind, Note, Told
from mlops_steps.validate_data.imports.values import UnfitError, Value, require

Types = Mapping[str, ColumnType]


@dataclass
class Draft:
    """What has been read so far. Types are settled in `finish`, when all has been seen."""

    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    declared: dict[str, ColumnType] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    extra_columns: bool = False
    unique: list[tuple[list[str], Told, bool]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    carried: int = 0
    _asked: list[tuple[str, Condition, Told]] = field(default_factory=list)
    _whole: list[tuple[str, str, Any, Told]] = field(default_factory=list)
    _stated: list[tuple[tuple[str, ...], Callable[[Types], str], Told]] = field(
        default_factory=list
    )

    def note(self, kind: Kind, told: Told, why: str, instead: str = "") -> None:
        """Put a line on the list."""
        note = Note(kind, told.where, told.what, why, instead)
        if note not in self.notes:
            self.notes.append(note)

    def column(self, name: str, kind: ColumnType | None = None) -> dict[str, Any]:
        """The keys of a column that the contract names, which is made if need be."""
        if kind is not None:
            self.declared.setdefault(name, kind)
        return self.columns.setdefault(name, {})

    def ask(self, column: str, condition: Condition, told: Told) -> None:
        """Ask something of every cell that has a value."""
        self.column(column)
        if isinstance(condition, Range):
            low, high = (_end(each) for each in (condition.low, condition.high))
            condition = replace(condition, low=low, high=high)
            if low is None and high is None:
                raise UnfitError("bounds nothing")
        self._asked.append((column, condition, told))

    def ask_whole(self, column: str, key: str, value: Any, told: Told) -> None:
        """Ask something of a column as a whole: mean, quantiles, distinct, unique."""
        self.column(column)
        if not told.plain:
            raise UnfitError(
                "of a whole column a contract tolerates nothing, and warns only where every check "
                "of the column does"
            )
        self._whole.append((column, key, value, told))

    def state(self, names: tuple[str, ...], sql: Callable[[Types], str], told: Told) -> None:
        """Ask something of a row; `sql` makes the expression from the types that are known."""
        for name in names:
            self.column(name)
        self._stated.append((names, sql, told))

    def together(self, names: list[str], told: Told, *, nulls_differ: bool = False) -> None:
        """No two rows share the values; `nulls_differ`: the source compares nulls, too."""
        if not told.plain:
            raise UnfitError("what is unique is so for all rows of a contract, as an error")
        for name in names:
            self.column(name)
        if len(set(names)) == 1:
            self.ask_whole(names[0], "unique", True, told)  # noqa: FBT003 - the key's value
        self.unique.append((list(dict.fromkeys(names)), told, nulls_differ))

    def finish(self, known: Types) -> dict[str, Any]:
        """The contract as a mapping.

        Args:
            known: The types of the table's columns, for those of which the source says none.
        """
        types, guessed = self._types(known)
        for name in list(self.columns):
            # In the order in which a reader looks for them.
            self.columns[name] = {"type": types[name], "nullable": True, **self.columns[name]}
        self._place(types)
        for column, key, value, told in self._whole:
            self._put_whole(column, key, value, types[column], told)
        sure = {name: kind for name, kind in types.items() if name not in guessed}
        for names, sql, told in self._stated:
            known_here = {name: sure[name] for name in names if name in sure}
            with self._counted(told):
                self._rule(told.what, sql(known_here), told)
        self._settle()
        contract: dict[str, Any] = {}
        if self.rows:
            contract["rows"] = self.rows
        if self.extra_columns:
            contract["extra_columns"] = True
        contract["columns"] = self.columns
        if together := [names for names, _, _ in self.unique if len(names) > 1]:
            contract["unique"] = together
        if self.rules:
            contract["rules"] = self.rules
        return contract

    def nullable(self, column: str) -> bool:
        """Whether the contract lets a cell of it be empty; told when all has been placed."""
        return bool(self.columns[column].get("nullable", True))

    def _types(self, known: Types) -> tuple[dict[str, ColumnType], set[str]]:
        """A type for each column: declared, implied by what is asked, the table's, or text."""
        types: dict[str, ColumnType] = dict(self.declared)
        for column, condition, _ in self._asked:
            kind = conditions.implied(condition)
            # The table may know better: a text of digits in quotes, a time.
            if column not in types and kind is not None:
                types[column] = (
                    "timestamp" if _is_time(kind, condition, known.get(column)) else kind
                )
        for column, key, _, _ in self._whole:
            if key in {"mean", "quantiles"}:
                types.setdefault(column, "number")
        guessed = set()
        for column in self.columns:
            if column in types:
                continue
            told = Told(f"columns.{column}", "type")
            if column in known:
                types[column] = known[column]
                self.note("added", told, f"the source says none; the table has {known[column]}")
            else:
                types[column] = "text"
                guessed.add(column)
                self.note("added", told, "neither the source nor the table says one; text takes "
                          "every cell of CSV and JSON lines", "the column's type")  # fmt: skip
        return types, guessed

    def _place(self, types: Types) -> None:
        # What has to be there comes first: the others depend on it.
        for column, condition, told in sorted(
            self._asked, key=lambda each: not isinstance(each[1], Filled)
        ):
            with self._counted(told):
                self._put(column, condition, types[column], told)

    @contextlib.contextmanager
    def _counted(self, told: Told) -> Iterator[None]:
        """Count what is carried over; what cannot be is listed."""
        try:
            yield
        except UnfitError as error:
            self.note("left out", told, str(error))
        else:
            self.carried += 1

    def _put(self, column: str, condition: Condition, kind: ColumnType, told: Told) -> None:
        if (
            isinstance(condition, Range)
            and told.plain
            and None not in (condition.low, condition.high)
        ):
            # One end may be a key where the other has to be a rule.
            self._put(column, replace(condition, high=None), kind, told)
            self._put(column, replace(condition, low=None), kind, told)
            return
        found = conditions.keys(condition, kind) if told.plain else None
        if found is not None and self._merge(self.columns[column], found):
            return
        expression = conditions.sql(condition, column, kind)
        if not isinstance(condition, Filled) and self.nullable(column):
            either = f"({expression})" if " AND " in expression else expression
            expression = f"{conditions.name_of(column)} IS NULL OR {either}"
            if told.tolerate:
                self.note("differs", told, "the share that is tolerated is one of all rows, there "
                          "of those with a value")  # fmt: skip
        self._rule(f"{column}: {told.what}", expression, told)

    @staticmethod
    def _merge(column: dict[str, Any], found: dict[str, Any]) -> bool:
        """Add keys to a column where that says both; False where it cannot be said so."""
        for key, choose in (("min", max), ("max", min)):
            if key in found:
                ends = [each[key] for each in (column, found) if key in each]
                column[key] = choose(ends)
                found = {name: each for name, each in found.items() if name != key}
        if any(key in column and key != "nullable" for key in found):
            return all(column.get(key) == each for key, each in found.items())
        column.update(found)
        return True

    def _rule(self, name: str, sql: str, told: Told) -> None:
        taken = {rule["name"] for rule in self.rules}
        number = 2
        unique = name
        while unique in taken:
            unique, number = f"{name} ({number})", number + 1
        rule: dict[str, Any] = {"name": unique, "sql": sql}
        if told.severity != "error":
            rule["severity"] = told.severity
        if told.tolerate:
            rule["tolerate"] = told.tolerate
        self.rules.append(rule)

    def _put_whole(self, column: str, key: str, value: Any, kind: ColumnType, told: Told) -> None:
        keys = self.columns[column]
        with self._counted(told):
            numeric = key not in {"mean", "quantiles"} or kind in {"number", "integer"}
            require(numeric, f"the column is {kind}; a contract asks this of numbers only")
            if key == "quantiles":
                value = [*keys.get(key, []), *value]
            else:
                same = keys.get(key, value) == value
                require(same, f"the contract has another {key} of the column already")
            keys[key] = value

    def _settle(self) -> None:
        """What can be told only when it is known which cells may be empty."""
        for column in self.columns.values():
            if not column["nullable"]:
                del column["nullable"]
            low, high = column.get("min", -math.inf), column.get("max", math.inf)
            inside = [each for each in column.get("allowed", ())
                      if isinstance(each, str) or low <= each <= high]  # fmt: skip
            if inside:
                column["allowed"] = inside  # no other is in the range, and then the range says
                column.pop("min", None)  # nothing more
                column.pop("max", None)
        for names, told, nulls_differ in self.unique:
            self.carried += len(names) > 1
            if nulls_differ and any(self.columns[name].get("nullable") for name in names):
                self.note("differs", told, "rows in which one of the columns has no value repeat "
                          "nothing in a contract; there they do")  # fmt: skip


def _end(value: Value | None) -> Value | None:
    """An end of a range; an infinite one is none."""
    return None if isinstance(value, float) and math.isinf(value) else value


def _is_time(kind: ColumnType, condition: Condition, known: ColumnType | None) -> bool:
    return kind == "text" and known == "timestamp" and isinstance(condition, Range)
