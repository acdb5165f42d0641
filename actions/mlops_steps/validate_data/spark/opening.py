"""Open a table on Spark, and refuse what Spark's readers take for something else than DuckDB's."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mlops_steps.data.parts import Parts, Table, files_of, key_kinds
from mlops_steps.data.profile import column_types
from mlops_steps.data.tables import Format, connect, format_of, reading, refuse_twins, scan
from mlops_steps.errors import UndecidedError
from mlops_steps.validate_data.spark import kinds, texts
from mlops_steps.validate_data.spark.session import Session

#: The table as the worker opens it.
TABLE = "mlops_table"


@dataclass(frozen=True)
class Opened:
    """A table that Spark has open as `TABLE`.

    Attributes:
        kinds: Its columns with DuckDB's types; a type that the two see differently is named by
            both, and none that DuckDB knows.
        form: parquet, csv or jsonl.
        numbered: Whether rows have numbers, in the order of the table's only file.
    """

    kinds: dict[str, str]
    form: Format
    numbered: bool


def open_table(spark: Session, source: Table, key: str) -> Opened:
    """Open a table; `key` is the column whose text says to which split a row falls.

    Raises:
        UndecidedError: A file cannot be read, or Spark may read it otherwise than DuckDB.
    """
    form = format_of(source)
    with connect() as connection, reading(source.name):
        wanted = _wanted(connection, source, form)
    place = _place(source, form)
    inside = [name for name in wanted if name not in place["keys"]]
    opened = spark.open(**place, kind=form, names=inside)
    found = _like(wanted, {name: kinds.to_ours(kind) for name, kind in opened["columns"].items()})
    refuse_twins(source, found)
    if form == "jsonl":
        _refuse_rewritten(spark, key, found)
    if form == "csv":
        _refuse_signs(spark, found)
    return Opened(found, form, opened["numbered"] and (form == "parquet" or _in_one_part(spark)))


def _wanted(connection: duckdb.DuckDBPyConnection, source: Table, form: Format) -> dict[str, str]:
    """The columns and their types as DuckDB has them; of JSON lines Spark itself looks for them.

    Raises:
        UndecidedError: As `column_names`; or a file of JSON lines begins with a byte order mark.
    """
    if form != "jsonl":
        return column_types(connection, scan(source, text=True))
    for path in files_of(source):
        with path.open("rb") as stream:
            if stream.read(len(BOM_UTF8)) == BOM_UTF8:
                raise UndecidedError(f"{path.name}: JSON lines begin with a byte order mark")
    return {}


def _like(wanted: dict[str, str], found: dict[str, str]) -> dict[str, str]:
    """The columns with the types that both engines see; one that differs has a type of none.

    Raises:
        UndecidedError: The names differ.
    """
    if wanted and list(wanted) != list(found):
        raise UndecidedError(f"Spark finds other columns than DuckDB: {', '.join(found)[:200]}")
    return {
        name: kind
        if kinds.same(kind, wanted.get(name, kind))
        else f"{wanted[name]} (Spark: {kind})"
        for name, kind in found.items()
    }


def _place(source: Table, form: Format) -> dict[str, Any]:
    files = [str(path.resolve()) for path in files_of(source)]
    if not isinstance(source, Parts) or not source.keys:
        return {"files": files, "base": "", "keys": {}}
    first = next(at for at, part in enumerate(Path(files[0]).parts) if "=" in part)
    keys = {
        key: kinds.to_spark(kind) if form == "parquet" else "STRING"
        for key, kind in key_kinds(source).items()
    }
    return {"files": files, "base": str(Path(*Path(files[0]).parts[:first])), "keys": keys}


def _refuse_rewritten(spark: Session, key: str, found: dict[str, str]) -> None:
    """Refuse keys that DuckDB writes anew: their rows may fall to another split.

    Raises:
        UndecidedError: There are such.
    """
    if count := _count(spark, texts.rewritten(kinds.quoted(key))) if key in found else 0:
        raise UndecidedError(
            f"{key}: {count:,} keys are numbers that DuckDB writes otherwise than the file does"
        )


def _in_one_part(spark: Session) -> bool:
    """Whether the numbers that Spark counts are those of the rows in their file."""
    parts = f"SELECT spark_partition_id() AS part FROM {TABLE}"
    last = spark.ask(f"SELECT max(part) FROM ({parts})")[0][0]
    return last in {0, None}


def _refuse_signs(spark: Session, found: dict[str, str]) -> None:
    """Refuse texts of CSV that Spark's reader may have changed.

    Raises:
        UndecidedError: There are such.
    """
    # It makes one of several line ends, and takes a quote behind spaces for one of the text.
    signs = kinds.text(r'[\r\n]|\A +"')
    odd = " OR ".join(f"{kinds.quoted(name)} RLIKE {signs}" for name in found)
    if count := _count(spark, odd):
        raise UndecidedError(
            f"{count:,} rows hold a line end inside of a text, or a quote behind spaces, which "
            "Spark's reader of CSV may change. Parquet keeps them"
        )


def _count(spark: Session, condition: str) -> int:
    """The rows for which a condition is true."""
    return int(spark.ask(f"SELECT count_if({condition}) FROM {TABLE}")[0][0])
