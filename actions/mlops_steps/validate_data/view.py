"""The rows that are looked at, and what is asked of all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from mlops_steps.data.tables import ROW, identifier
from mlops_steps.validate_data.checks import Check

#: How many failing rows a result names.
SHOWN_ROWS = 20
#: Characters of a cell that a result shows.
CELL = 40

#: Aggregates of one pass, at most: each takes memory that DuckDB's limit does not count.
TOGETHER = 256

#: Rows from which on it is faster to ask footers first, by a query for each of so many checks;
#: and as many more for each file, whose footer every query reads.
WORTH, WORTH_EACH, ASKED = 200_000, 6_000, 64

#: Bits of memory for telling whole numbers apart, of each thread and of all: 32 and 64 MiB.
BITS, ALL_BITS = 1 << 28, 1 << 29
#: Where nothing tells the greatest, it is looked for below so many times the number of rows.
ROOM = 4

#: Rows of the file among which those to show are looked for first.
FIRST_ROWS = 200_000
_ROW = identifier(ROW)
_APART = re.compile(r"\(DISTINCT |\b(bitstring_agg|min|max)\(")


@dataclass(frozen=True)
class View:
    """The rows that are looked at: those of `table` (a `scan`) for which `where` is true.

    Of all rows of the table there are `about` so many, in so many `files`. `footers` reads them
    from Parquet as DuckDB would (`tables.footers`); for others it is empty.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    where: str
    about: int = 0
    files: int = 1
    footers: str = ""

    def answers(self, *wanted: str) -> dict[str, Any]:
        """What aggregates over them come to, each by its SQL.

        From Parquet, what tells values apart has a pass of its own, for which few columns are
        read: beside the others it takes several times as long (DuckDB 2.0.0). A file of texts is
        split into cells in every pass, so there is one.
        """
        once = list(dict.fromkeys(wanted))
        apart = [each for each in once if self.footers and _APART.search(each)]
        found: dict[str, Any] = {}
        for some in ([each for each in once if each not in apart], apart):
            found |= zip(some, self._in_passes(some, self.table), strict=True)
        return found

    def one(self, *wanted: str) -> tuple[Any, ...]:
        """The same as one row."""
        found = self.answers(*wanted)
        return tuple(found[each] for each in wanted)

    def ask(self, query: str) -> tuple[Any, ...]:
        """The first row of a query."""
        return self.connection.execute(query).fetchone() or ()

    def proven(self, checks: Sequence[Check]) -> set[Check]:
        """Those that footers alone show to hold of all rows, and so of those that are looked at."""
        told = [check for check in checks if check.footer] if self.footers else []
        if self.about < WORTH + WORTH_EACH * self.files:
            return set()
        return {
            check
            for check in told[:ASKED]
            if self.ask(f"SELECT {check.footer} FROM {self.footers}") == (True,)
        }

    def refused(self, query: str) -> str:
        """Why the types in a query do not fit; empty if they do. Nothing is read."""
        try:
            self.connection.execute(f"EXPLAIN {query}")
        except (duckdb.BinderException, duckdb.ConversionException) as error:
            return str(error).splitlines()[0].partition(": ")[2].partition(". ")[0]
        return ""

    def first(self, violations: Sequence[tuple[str, str]]) -> list[list[tuple[int, str]]]:
        """The first rows for which each violation is true: numbers from 1, and what they show.

        A violation comes with SQL for what is shown, empty for nothing. The first rows of the
        file nearly always hold enough of them; the others are looked for in one more pass.
        """
        places: list[list[int]] = [[] for _ in violations]
        for limit in (FIRST_ROWS, None):
            left = [at for at, rows in enumerate(places) if len(rows) < SHOWN_ROWS]
            wanted = [
                f"min({_ROW}, {SHOWN_ROWS}) FILTER (WHERE coalesce({violations[at][0]}, true))"
                for at in left
            ]
            if wanted:
                answers = self._in_passes(wanted, self._numbered(limit))
                for at, found in zip(left, answers, strict=True):
                    places[at] = sorted(found or [])
        some = {row for rows in places for row in rows} or {0}
        cells = [f"left(CAST({shows or 'NULL'} AS VARCHAR), {CELL})" for _, shows in violations]
        listed = ", ".join(map(str, sorted(some)))
        query = (
            f"SELECT {_ROW}, {', '.join(cells)} FROM {self._numbered(max(some))} "
            f"WHERE {_ROW} IN ({listed})"
        )
        shown = {number: texts for number, *texts in self.connection.execute(query).fetchall()}
        return [
            [(number, shown[number][at] or "") for number in rows] for at, rows in enumerate(places)
        ]

    def _in_passes(self, wanted: Sequence[str], table: str) -> tuple[Any, ...]:
        found: tuple[Any, ...] = ()
        for first in range(0, len(wanted), TOGETHER):
            some = ", ".join(wanted[first : first + TOGETHER])
            found += self.ask(f"SELECT {some} FROM {table} WHERE {self.where}")
        return found

    def _numbered(self, limit: int | None = None) -> str:
        """The rows of the file, or the first of them, with their numbers as `ROW`."""
        rows = "" if limit is None else f" LIMIT {limit}"
        return f"(SELECT *, row_number() OVER () AS {_ROW} FROM (SELECT * FROM {self.table}{rows}))"

    def apart(self, checks: Sequence[Check]) -> dict[Check, str]:
        """For each check SQL that is true if no two rows share a whole number.

        It takes a bit for each number that there may be. Otherwise it is false or NULL, and they
        may still all differ; empty where there is no such number, or too little memory.
        """
        (threads,) = self.ask("SELECT current_setting('threads')")
        left = ALL_BITS // threads
        bits: dict[str, str] = {"": ""}
        for whole in dict.fromkeys(check.whole for check in checks if check.whole):
            low, high = 0, ROOM * self.about - 1
            if self.footers:
                low, high = self.ask(f"SELECT min({whole}), max({whole}) FROM {self.footers}")
            bits[whole] = ""
            if low is None or not low < high < low + min(BITS, left):
                continue
            left -= high - low
            inside = f"CASE WHEN {whole} BETWEEN {low} AND {high} THEN {whole} END"
            inside = whole if self.footers else inside
            bits[whole] = f"bit_count(bitstring_agg({inside}, {low}, {high}))"
        return {
            check: f"{bits[check.whole]} = count({check.distinct})" if bits[check.whole] else ""
            for check in checks
        }

    def repeated(self, value: str) -> str:
        """SQL for the values that more than one row has, with `times`, how often."""
        return (
            f"SELECT {value} AS value, count(*) AS times FROM {self.table} "
            f"WHERE {self.where} AND ({value}) IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        )

    def keep_repeated(self, value: str, name: str) -> int:
        """Keep these values as a table; returns how many rows share theirs with another."""
        query = f"CREATE OR REPLACE TEMP TABLE {name} AS {self.repeated(value)}"
        self.connection.execute(query)
        (count,) = self.ask(f"SELECT coalesce(sum(times), 0) FROM {name}")
        return int(count)
