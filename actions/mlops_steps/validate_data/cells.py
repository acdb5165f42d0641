"""How the cells of a table stand in SQL: by what the contract wants and the file has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_steps.data.profile import is_numeric
from mlops_steps.data.tables import identifier, in_utc
from mlops_steps.validate_data.contract import ColumnType, Contract

_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG)INT|U?INTEGER")
_TIMES = re.compile(r"DATE|TIMESTAMP.*")
_TEXTS = re.compile(r"VARCHAR|ENUM\(.*\)|UUID")


@dataclass(frozen=True)
class Cells:
    """A table's cells beside what its contract says of them.

    Attributes:
        contract: What is wanted.
        kinds: The table's columns with DuckDB's types.
        typed: Whether the file itself has types (Parquet). Otherwise every cell is a text, and
            the text has to be readable as what the contract wants; see `with_values`.
        familiar: Texts of columns that their regular expressions match; see `familiar`.
    """

    contract: Contract
    kinds: dict[str, str]
    typed: bool
    familiar: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """SQL for a cell as the wanted type; NULL where it cannot be read so."""
        cell, wanted = identifier(name), self.contract.columns[name].type
        if not self.typed:
            return identifier(self.in_rules(name))
        if wanted in {"number", "integer"}:
            plain = self.is_integer(name) or self.kinds.get(name) in {"DOUBLE", "FLOAT"}
            return cell if plain else f"TRY_CAST({cell} AS DOUBLE)"
        return f"CAST({cell} AS VARCHAR)" if wanted == "text" else cell

    def in_rules(self, name: str) -> str:
        """The name of the column in which a rule finds a cell's value."""
        return name if self.typed else f"*value* {name}"

    def nan(self, name: str) -> str:
        """SQL that is true for a number that is none; NULL for what cannot be read."""
        numeric = self.contract.columns[name].type in {"number", "integer"}
        may_be = numeric and not (self.typed and self.kinds.get(name) not in {"DOUBLE", "FLOAT"})
        return f"isnan({self.value(name)})" if may_be else "false"

    def may_be_nan(self, name: str) -> bool:
        """Whether a value of the column may be NaN, which is no value."""
        return self.nan(name) != "false"

    def absent(self, name: str) -> str:
        """SQL that is true where there is no value: NULL, and NaN for a number."""
        nan = self.nan(name)
        empty = f"{identifier(name)} IS NULL"
        if nan == "false":
            return empty
        read = self.value(name) == identifier(name)  # else it is NULL for what cannot be read
        return f"{empty} OR {nan if read else f'coalesce({nan}, false)'}"

    def is_integer(self, name: str) -> bool:
        """Whether the file holds integers of 64 bits or less."""
        return self.typed and _INTEGERS.fullmatch(self.kinds.get(name, "")) is not None

    def distinct(self, name: str) -> str:
        """SQL for a value that is equal in two rows where the contract's type makes it equal."""
        if self.is_integer(name):
            return identifier(name)
        value, missing = self.value(name), self.absent(name)
        if self.contract.columns[name].type == "integer":
            # A double would take 2^53 and 2^53 + 1 for one.
            whole = f"NOT ({missing}) AND {value} = trunc({value})"
            return f"CASE WHEN {whole} THEN TRY_CAST({identifier(name)} AS HUGEINT) END"
        return f"CASE WHEN NOT ({missing}) THEN {value} END"

    def whole(self, name: str) -> str:
        """SQL for the same as a whole number of 64 bits; empty where the contract wants none."""
        if self.is_integer(name):
            return identifier(name)
        wanted = self.contract.columns[name].type
        return f"TRY_CAST({self.distinct(name)} AS BIGINT)" if wanted == "integer" else ""

    def with_values(self, table: str) -> str:
        """The table; one of texts with each cell's value beside it, read once for all checks."""
        if self.typed:
            return table
        columns = self.contract.columns
        values = [
            f"{in_utc(identifier(name)) if columns[name].type == 'timestamp' else sql} AS "
            f"{identifier(self.in_rules(name))}"
            for name, sql in self.values()
        ]
        return f"(SELECT {', '.join(['*', *values])} FROM {table})"

    def values(self) -> list[tuple[str, str]]:
        """Columns of texts, each with SQL for what its text is read as."""
        return [
            (name, _value(identifier(name), column.type))
            for name, column in self.contract.columns.items()
            if name in self.kinds
        ]


def unreadable(wanted: ColumnType, kind: str) -> str:
    """Why a column of a file with types cannot be read as the wanted one; empty if it can."""
    match wanted:
        case "number" | "integer":
            fits = is_numeric(kind) and kind != "BOOLEAN"
        case "text":
            fits = _TEXTS.fullmatch(kind) is not None
        case "boolean":
            fits = kind == "BOOLEAN"
        case "timestamp":
            fits = _TIMES.fullmatch(kind) is not None
    return "" if fits else f"the file holds {kind}, which cannot be read as {wanted}"


def _value(cell: str, wanted: ColumnType) -> str:
    """SQL for a text, or a number, as the wanted type; NULL where it cannot be read so."""
    match wanted:
        case "number" | "integer":
            return f"TRY_CAST({cell} AS DOUBLE)"
        case "text":
            return f"CAST({cell} AS VARCHAR)"
        case "boolean":
            # Not a cast, which takes t, yes and 1 too.
            return f"CASE lower({cell}) WHEN 'true' THEN true WHEN 'false' THEN false END"
        case "timestamp":
            return f"TRY_CAST({cell} AS TIMESTAMP)"
