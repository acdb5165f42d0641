"""Tables to measure on: the same seed, the same bytes, however many threads write them.

Every cell is a pure function of its row's number and a salt (DuckDB's `hash`), and a fault is put
into one row or into a share of them. A table
is written by a process of its own: what it takes of memory would otherwise count as the peak of
every process that the benchmark starts afterwards (Linux keeps the peak across exec).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import msgspec

from benchmarks.measure import ROOT

SEED = 20
#: Rows of a row group: DuckDB's own default. pyarrow's is larger by a factor of 8.
ROW_GROUP = 122_880
#: The share of rows that each fault has in a spoilt table.
SPOILT = 0.01

CODES = "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LT LU LV MT NL NO PL PT RO SE SK"
COUNTRIES = tuple(CODES.split(" "))
CHANNELS = ("web", "app", "shop", "phone")
STATUSES = ("new", "paid", "packed", "sent", "returned", "closed")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written.

    Attributes:
        kind: `orders` (a labelled table), `reference` or `requests` (an inference log).
        rows: How many.
        suffix: parquet or csv.
        faults: The names of the faults (see `FAULTS`); none makes good data.
        share: The share of rows that each fault has; 0 puts it into one row, in the middle.
        gaps: Orders only: keys are any 32-bit numbers, not a permutation of those below `rows`.
        drift: Requests only: how many standard deviations some columns have moved.
    """

    kind: str
    rows: int
    suffix: str = "parquet"
    faults: tuple[str, ...] = ()
    share: float = 0.0
    gaps: bool = False
    drift: float = 0.0


def file(table: Table) -> Path:
    """The file of a table, written if it is not there yet.

    Tables whose generator's text has changed since are removed.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "mlops-init" / "bench"
    text = Path(__file__).read_bytes() + version("duckdb").encode()
    folder = cache / hashlib.sha256(text).hexdigest()[:12]
    if not folder.exists():
        shutil.rmtree(cache, ignore_errors=True)
        folder.mkdir(parents=True)
    wanted = msgspec.json.encode(table)
    digest = hashlib.sha256(wanted).hexdigest()[:8]
    path = folder / f"{table.kind}-{table.rows}-{digest}.{table.suffix}"
    if not path.exists():
        command = [sys.executable, "-m", "benchmarks.tables", wanted.decode(), str(path)]
        subprocess.run(command, cwd=ROOT, check=True)
    return path


def write(table: Table, path: Path, *, threads: int = 0) -> None:
    """Write a table, whole or not at all; `threads` is DuckDB's number, 0 for all cores."""
    import duckdb

    form = f"FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {ROW_GROUP}"
    if table.suffix == "csv":
        form = "FORMAT csv, HEADER"
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    config: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": True}
    if threads:
        config["threads"] = threads
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"COPY ({_query(table)}) TO '{partial}' ({form})")
    partial.replace(path)


def _query(table: Table) -> str:
    rows = table.rows - ("rows" in table.faults)
    if table.kind == "orders":
        cells = {"id": _id("i", table), **ORDERS}
        replaced = _replaced(table)
    else:
        asked = table.kind == "requests"
        cells = {**(REQUEST if asked else TRAINED), **_measured(table.drift if asked else None)}
        replaced = ""
    listed = ", ".join(f"{sql} AS {name}" for name, sql in cells.items())
    listed = listed.replace("{rows}", str(rows))
    return f"SELECT * EXCLUDE (i){replaced} FROM (SELECT i, {listed} FROM range({rows}) t(i))"


def _replaced(table: Table) -> str:
    """The cells of rows with a fault."""
    cells = []
    faults = {**FAULTS, "unique": ("id", _id("(i - 1)", table))}
    for place, (fault, (name, sql)) in enumerate(faults.items()):
        if fault in table.faults:
            where = f"i = {table.rows // 2}"
            if table.share:
                where = f"{_unit(200 + place)} < {table.share} AND i > 0"
            cells.append(f"CASE WHEN {where} THEN {sql} ELSE {name} END AS {name}")
    return f" REPLACE ({', '.join(cells)})" if cells else ""


def _hash(salt: int, number: str = "i") -> str:
    """SQL for 64 bits, others for each number (the row's) and salt.

    One number is hashed: DuckDB folds the hashes of several by xor, so that those of two salts
    would differ by the same bits in every row.
    """
    return f"hash({number} + {(1000 * SEED + salt) << 40})"


def _unit(salt: int) -> str:
    """SQL for a number in [0, 1), another one for each row and salt."""
    return f"({_hash(salt)} * 5.421010862427522e-20::DOUBLE)"


def _below(count: int, salt: int) -> str:
    """SQL for an integer from 0 to below `count`."""
    return f"CAST({_hash(salt)} % {count} AS INTEGER)"


def _normal(salt: int) -> str:
    """SQL for a standard normal number (Box and Muller 1958)."""
    return f"(sqrt(-2 * ln(1 - {_unit(salt)})) * cos(2 * pi() * {_unit(salt + 1)}))"


def _pick(values: tuple[str, ...], salt: int) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"list_extract([{listed}], 1 + {_below(len(values), salt)})"


def _some(sql: str, nulls: float, salt: int) -> str:
    """SQL for a cell that is empty in a share of the rows."""
    return f"CASE WHEN {_unit(salt)} < {nulls} THEN NULL ELSE {sql} END"


def _id(number: str, table: Table) -> str:
    return _key(number) if table.gaps else _permuted(number, table.rows)


def _permuted(number: str, rows: int) -> str:
    """SQL for a permutation of the numbers below `rows`, in no order.

    Four rounds of a Feistel network over two digits, one of base `a` and one of base `b` with
    a b = rows (Black and Rogaway 2002, Ciphers with arbitrary finite domains).
    """
    a = max(each for each in range(1, int(rows**0.5) + 1) if rows % each == 0)
    b = rows // a
    left, right = f"({number} // {b})", f"({number} % {b})"
    for turn in range(2):
        left = f"(({left} + {_hash(300 + turn, right)} % {a}) % {a})"
        right = f"(({right} + {_hash(310 + turn, left)} % {b}) % {b})"
    return f"CAST({left} * {b} + {right} AS BIGINT)"


def _key(number: str) -> str:
    """SQL for a permutation of 0 to 2^32 - 1 (the finalizer of MurmurHash3, Appleby).

    Keys in no order and with gaps, which a bit for each possible key does not tell apart.
    """
    word = f"CAST({number} AS UBIGINT)"
    for shift, factor in ((16, 2246822507), (13, 3266489909)):
        word = f"((xor({word}, {word} >> {shift}) * {factor}) & 4294967295)"
    return f"CAST(xor({word}, {word} >> 16) AS BIGINT)"


def _letter(salt: int) -> str:
    return f"chr(65 + {_below(26, salt)})"


#: 20 columns with the key, `id`. Later ones use earlier ones.
ORDERS = {
    "customer": f"1 + {_below(1_000_000, 1)}",
    "quantity": f"1 + CAST(floor(100 * {_unit(2)} ^ 3) AS INTEGER)",
    "grade": f"CAST(1 + {_below(5, 3)} AS SMALLINT)",
    "visits": _some(f"CAST(quantity + {_below(200, 4)} AS BIGINT)", 0.1, 5),
    "price": f"round(0.5 + 200 * {_unit(6)} ^ 2, 2)",
    "amount": "round(price * quantity, 2)",
    "ratio": _unit(7),
    "temperature": _some(f"15 + 6 * {_normal(8)}", 0.05, 10),
    "latitude": f"round(180 * {_unit(11)} - 90, 6)",
    "longitude": f"round(360 * {_unit(12)} - 180, 6)",
    "country": _pick(COUNTRIES, 13),
    "channel": _pick(CHANNELS, 14),
    "status": _some(_pick(STATUSES, 15), 0.03, 16),
    "sku": f"'SKU' || lpad(CAST({_below(10_000, 17)} AS VARCHAR), 4, '0')",
    "code": f"{_letter(18)} || {_letter(19)} || '-' || "
    f"lpad(CAST({_below(1_000_000, 20)} AS VARCHAR), 6, '0')",
    "created": f"TIMESTAMP '2024-01-01' + to_seconds(i // 2 + {_below(3600, 21)})",
    "updated": _some(f"created + to_seconds({_below(2_592_000, 22)})", 0.2, 23),
    "active": f"{_unit(24)} < 0.7 AND coalesce(status <> 'returned', true)",
    "label": f"CASE WHEN {_unit(25)} < 0.3 THEN 'yes' ELSE 'no' END",
}

#: What can be wrong with orders: the column, and SQL for the cell that is. `rows` lacks a row.
FAULTS = {
    "nulls": ("latitude", "NULL"),
    "range": ("ratio", "1.5"),
    "set": ("channel", "'fax'"),
    "regex": ("code", "lower(code)"),
    "unique": ("id", "the key of the row before"),
    "rule": ("updated", "created - INTERVAL 1 DAY"),
}

#: What the training rows have beside the measured columns, and what a request has, over a week.
TRAINED = {"key": _key("i"), "target": f"CASE WHEN {_unit(25)} < 0.3 THEN 'yes' ELSE 'no' END"}
REQUEST = {
    "key": f"CAST({_key(f'({2**31} + i)')} AS VARCHAR)",
    "time": "TIMESTAMPTZ '2026-01-05 00:00:00+00' + to_milliseconds(i * 604_800_000 // {rows})",
    "version": "'1.0.0'",
    "score": _unit(98),
    "prediction": f"CASE WHEN {_unit(98)} < 0.3 THEN 'yes' ELSE 'no' END",
}


#: The columns that move: a real one by `drift` standard deviations, a whole one, a text.
MOVED = ("real0", "whole1", "channel")


def _measured(drift: float | None) -> dict[str, str]:
    """20 columns without a key: 11 real, 4 whole, 4 texts, 1 truth value.

    Requests are other rows than those of the reference; with `drift`, `MOVED` have moved.
    """
    salt = 0 if drift is None else 1000
    cells = {f"real{n}": f"{n} + {_normal(salt + 100 + 2 * n)}" for n in range(8)}
    cells |= {f"skewed{n}": f"exp({_normal(salt + 130 + 2 * n)})" for n in range(3)}
    cells["real7"] = _some(cells["real7"], 0.05, salt + 140)
    cells |= {f"whole{n}": _below(10 ** (n + 1), salt + 150 + n) for n in range(4)}
    cells["country"] = _pick(COUNTRIES, salt + 160)
    cells["channel"] = _pick(CHANNELS, salt + 161)
    cells["status"] = _some(_pick(STATUSES, salt + 162), 0.03, salt + 163)
    cells["sku"] = f"'SKU' || CAST({_below(1000, salt + 164)} AS VARCHAR)"
    cells["active"] = f"{_unit(salt + 165)} < 0.7"
    if drift:
        cells["real0"] += f" + {drift}"
        cells["whole1"] = f"CAST(floor(100 * {_unit(salt + 151)} ^ {1 + drift}) AS INTEGER)"
        cells["channel"] = _pick((*CHANNELS, "web", "web"), salt + 161)
    return cells


if __name__ == "__main__":
    write(msgspec.json.decode(sys.argv[1], type=Table), Path(sys.argv[2]))
