"""The training profile: what the rows looked like that a model learned from.

The monitor compares requests with it, so the training rows themselves need not be kept. A
profile is counts on stored edges and stored values, so profiles on the same edges add up.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal

import duckdb
import msgspec

from mlops_steps.data.tables import identifier
from mlops_steps.errors import UndecidedError
from mlops_steps.files import write_whole

FORMAT = 2
#: Bytes of a file, and edges or values of a column, that are read: a hundred times what is written.
LARGEST, LONGEST = 20_000_000, 5_000
_NUMERIC = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN")


class Column(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One column: every row is in `nulls`, in `unreadable`, in one bin or under one value.

    Attributes:
        kind: A number has bins, a category has values: texts, flags, numbers of which there are
            few.
        nulls: Rows without a value; NaN counts as none.
        unreadable: Rows whose value is no number, where the training rows have numbers.
        numeric: Whether the values of a category are numbers, written as in `1.0`.
        identifies: Whether the numbers only name rows: none is there twice where chance would
            have repeated many.
        edges: Ascending, each a value of the training rows.
        counts: Rows in each bin; bin i is above edge i - 1 and at or below edge i, the last
            one above all edges. One more than `edges`.
        finite: Rows whose number is neither infinite nor beyond 1e150.
        mean, sd, low, high: Of those; sd with divisor `finite`.
        values: Rows by value, the most frequent values; exact.
        rest: Rows with any other value.
        distinct: How many values there are; of the training rows of earlier versions about.
        new: Some values of `rest`, the most frequent, none rare; only of what was compared with a
            profile.
    """

    kind: Literal["number", "category"]
    nulls: int
    unreadable: int = 0
    numeric: bool = False
    identifies: bool = False
    edges: list[float] = []
    counts: list[int] = []
    finite: int = 0
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    values: dict[str, int] = {}
    rest: int = 0
    distinct: int = 0
    new: list[str] = []


class Profile(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`profile.json`: the number of rows, and each column by name."""

    rows: int
    columns: dict[str, Column]
    format: int = FORMAT


class _Head(msgspec.Struct):
    format: int


def write_profile(source: Path, target: Path, *, leave_out: Collection[str]) -> Profile:
    """Profile the table that the train command was given, and write it as JSON.

    `leave_out` names the columns that no request carries, or carries as a file: the key, the
    target, the file.

    Raises:
        UndecidedError: The table cannot be read or has no rows.
    """
    from mlops_steps.data.profiling import profile

    found = profile(source, leave_out=leave_out)
    encoder = msgspec.json.Encoder(order="sorted")
    write_whole(target, encoder.encode(found) + b"\n")
    return found


def read_profile(path: Path) -> Profile:
    """Read what `write_profile` wrote.

    Raises:
        UndecidedError: It is missing, of another format, or not a profile.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise UndecidedError(f"{path.name}: is larger than {LARGEST:,} bytes")
        content = path.read_bytes()
        found = msgspec.json.decode(content, type=_Head).format
        if found != FORMAT:
            raise UndecidedError(
                f"{path.name}: is of format {found}, wanted {FORMAT}: another release of the "
                "steps wrote it. Train and register a version with this release (ct), then it "
                "can be compared"
            )
        read = msgspec.json.decode(content, type=Profile)
        if not 0 <= read.rows < 1 << 53:
            raise UndecidedError(f"{path.name}: not a training profile: it has no number of rows")
        for name, column in read.columns.items():
            if problem := _flaw(column, read.rows):
                words = f"not a training profile: column {name[:80]!r} {problem}"
                raise UndecidedError(f"{path.name}: {words}")
        return read  # noqa: TRY300 - what is above raises, too
    except OSError as error:
        raise UndecidedError(f"{path.name}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise UndecidedError(f"{path.name}: not a training profile: {error}") from None


def _flaw(column: Column, rows: int) -> str:
    """What is wrong with a column that another release, or a stranger, may have written."""
    number = column.kind == "number"
    counts = column.counts if number else [*column.values.values(), column.rest]
    low, high = column.low, column.high
    others = (column.nulls, column.unreadable, column.finite, column.distinct, column.sd or 0)
    wrong = {
        f"has more than {LONGEST:,} edges or values": (
            max(len(column.edges), len(column.values)) > LONGEST
        ),
        f"has {len(counts):,} counts for {len(column.edges):,} edges": (
            number and len(counts) != len(column.edges) + 1
        ),
        "has edges that do not ascend": any(a >= b for a, b in itertools.pairwise(column.edges)),
        "has a figure below zero": min([*counts, *others]) < 0,
        f"does not count every one of {rows:,} rows once": (
            sum(counts) + column.nulls + column.unreadable != rows
        ),
        "has a least value above the greatest": (
            low is not None and high is not None and low > high
        ),
    }
    return next((words for words, true in wrong.items() if true), "")


def merge(one: Profile, other: Profile) -> Profile:
    """The profile of the rows of both, which have to be counted on the same edges and values.

    Counts, means and deviations (Chan, Golub and LeVeque 1983) are those of the whole;
    `distinct` is only what it is at least.

    Raises:
        ValueError: They are not on the same edges and values.
    """
    if one.columns.keys() != other.columns.keys():
        raise ValueError("the profiles have different columns")
    columns = {name: _merged(name, at, other.columns[name]) for name, at in one.columns.items()}
    return Profile(rows=one.rows + other.rows, columns=columns)


def _merged(name: str, a: Column, b: Column) -> Column:
    if (a.kind, a.numeric, a.edges, a.values.keys()) != (
        (b.kind, b.numeric, b.edges, b.values.keys())
    ):
        raise ValueError(f"{name}: the profiles are not on the same edges and values")
    finite = a.finite + b.finite
    mean, sd = a.mean, a.sd
    if a.mean is None or a.sd is None:
        mean, sd = b.mean, b.sd
    elif b.mean is not None and b.sd is not None:
        gap = b.mean - a.mean
        mean = a.mean + gap * b.finite / finite
        squares = a.finite * a.sd**2 + b.finite * b.sd**2 + gap**2 * a.finite * b.finite / finite
        sd = math.sqrt(squares / finite)
    return msgspec.structs.replace(
        a,
        nulls=a.nulls + b.nulls,
        unreadable=a.unreadable + b.unreadable,
        counts=[x + y for x, y in zip(a.counts, b.counts, strict=True)],
        finite=finite,
        mean=mean,
        sd=sd,
        low=min((each for each in (a.low, b.low) if each is not None), default=None),
        high=max((each for each in (a.high, b.high) if each is not None), default=None),
        values={value: count + b.values[value] for value, count in a.values.items()},
        rest=a.rest + b.rest,
        distinct=max(a.distinct, b.distinct),
        new=list(dict.fromkeys([*a.new, *b.new])),
    )


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a `scan` with DuckDB's names of their types."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {name: str(kind) for name, kind, *_ in found}


def number(name: str, kind: str) -> str:
    """SQL for a column's value as a number; NULL for what is none, NaN included.

    True and false are 1 and 0, as texts too. `kind` is DuckDB's type.
    """
    value = readable(name, kind)
    return f"(CASE WHEN isnan({value}) THEN NULL ELSE {value} END)"


def readable(name: str, kind: str) -> str:
    """As `number`, with NaN as it is."""
    cell = identifier(name)
    if kind == "VARCHAR":
        words = f"CASE lower({cell}) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 END"
        return f"coalesce(TRY_CAST({cell} AS DOUBLE), CAST({words} AS DOUBLE))"
    return f"CAST({cell if is_numeric(kind) else 'NULL'} AS DOUBLE)"


def is_numeric(kind: str) -> bool:
    """Whether a DuckDB type is a number (or true and false, which count as 1 and 0)."""
    return _NUMERIC.fullmatch(kind) is not None
