"""A small copy of a table's rows, in the database, in which rows are spoilt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.judge import Result, judge
from mlops_steps.validate_data.spoiling import Cell
from mlops_steps.validate_data.totals import Total
from mlops_steps.validate_data.view import View

#: Rows of the table among which one is spoilt.
ROWS = 1000
#: Rows that are planted at most, where a share of broken ones is tolerated.
MOST = 100_000
_SAMPLE, _BASE, _PLANTED = "proof_sample", "proof_base", "proof_planted"


class Unplanted(Exception):  # noqa: N818 - no error: it is one of three answers
    """No row could be planted; the message says why."""


class Missed(Exception):  # noqa: N818 - no error: it is one of three answers
    """What was planted did not turn red; the message says what it was."""


@dataclass(frozen=True)
class Sample:
    """The first rows that are looked at, as the file has them."""

    connection: duckdb.DuckDBPyConnection
    cells: Cells

    def take(self, view: View) -> None:
        """Copy them. `view` is of the table's own columns, without values beside them."""
        self._keep(_SAMPLE, f"FROM {view.table} WHERE {view.where} LIMIT {ROWS}")

    def view(self, name: str = _SAMPLE) -> View:
        """The rows as checks see them."""
        return View(self.connection, self.cells.with_values(name), "true")

    def base(self, keep: str, *, apart: str = "") -> int:
        """Keep those for which `keep` is true, and one of those that share `apart`; how many."""
        columns = ", ".join(map(identifier, self.cells.kinds))
        source = self.cells.with_values(_SAMPLE)
        one = ""
        if apart:
            one = f" QUALIFY {apart} IS NULL OR row_number() OVER (PARTITION BY {apart}) = 1"
        return self._keep(_BASE, f"SELECT {columns} FROM {source} WHERE {keep}{one}")

    def plant(
        self, changes: Mapping[str, Cell], *, tolerate: float = 0, where: str = "true"
    ) -> View:
        """The base and the first of its rows for which `where` is true, changed, beneath it.

        So often that more than the tolerated share is spoilt: once, if none is.

        Raises:
            Unplanted: A column's type cannot hold its change, or there is no such row.
        """
        cells = ", ".join(
            f"{self.held(name, cell)} AS {identifier(name)}" for name, cell in changes.items()
        )
        spoilt = f"SELECT * {f'REPLACE ({cells}) ' if cells else ''}FROM {_BASE}"
        (rows,) = self.view().ask(f"SELECT count(*) FROM {_BASE}")
        times = int(tolerate * rows / (1 - tolerate)) + 1
        while times / (rows + times) <= tolerate:
            times += 1
        if times > MOST:
            raise Unplanted(f"{tolerate:g} of all rows are tolerated")
        one = f"(SELECT * FROM {self.cells.with_values(_BASE)} WHERE {where} LIMIT 1)"
        columns = ", ".join(map(identifier, self.cells.kinds))
        spoilt = spoilt.replace(f"FROM {_BASE}", f"FROM (SELECT {columns} FROM {one})")
        found = self._keep(
            _PLANTED, f"FROM {_BASE} UNION ALL SELECT s.* FROM ({spoilt}) s, range({times})"
        )
        if found == rows:
            raise Unplanted(f"none of {ROWS:,} rows keeps it and has a value")
        return self.view(_PLANTED)

    def fill(self, name: str, cells: list[Cell]) -> View:
        """The sample with nothing but these cells in a column, one after the other."""
        if len(cells) == 1:
            return self.filled(name, self.held(name, cells[0]))
        kind = self.cells.kinds[name]
        listed = ", ".join("NULL" if each is None else literal(each) for each in cells)
        place = f"1 + CAST(rowid % {len(cells)} AS INTEGER)"
        value = f"TRY_CAST(list_extract([{listed}], {place}) AS {kind})"
        for each in cells:
            self.held(name, each)
        return self.filled(name, value)

    def filled(self, name: str, value: str, *, source: str = _SAMPLE) -> View:
        """The sample with SQL for a cell in a column."""
        self._keep(_PLANTED, f"SELECT * REPLACE ({value} AS {identifier(name)}) FROM {source}")
        return self.view(_PLANTED)

    def held(self, name: str, cell: Cell) -> str:
        """SQL for a cell as the file's type has it.

        Raises:
            Unplanted: It cannot be of that type.
        """
        kind = self.cells.kinds[name]
        if cell is None:
            return f"CAST(NULL AS {kind})"
        value = f"TRY_CAST({literal(cell)} AS {kind})"
        if self.view().ask(f"SELECT {value} IS NULL")[0]:
            raise Unplanted(f"no cell of the type {kind} can be {cell[:20]!r}")
        return value

    def red(self, view: View, check: Check) -> bool:
        """Whether a check of rows fails there."""
        _, (found,) = judge(view, [check])
        return found.status == "fail"

    def told(self, view: View, total: Total) -> Result:
        """How a check of a whole column ends there."""
        _, (found,) = judge(view, [], [total])
        return found

    def based(self) -> View:
        """The rows that `base` kept."""
        return self.view(_BASE)

    def _keep(self, name: str, query: str) -> int:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        return int(self.view().ask(f"SELECT count(*) FROM {name}")[0])


def must_fail(result: Result, planted: str) -> None:
    """Nothing, if it does.

    Raises:
        Missed: It does not; the message says what was planted.
    """
    if result.status != "fail":
        raise Missed(planted)
