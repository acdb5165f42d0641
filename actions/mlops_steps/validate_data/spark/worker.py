"""Spark's side: `python -I worker.py` in the environment that has pyspark.

Takes one request a line on stdin, a JSON object, and answers each with one on stdout:
`{"open": {...}}` reads a table and answers its columns; `{"ask": SQL}` answers rows. Trouble is
`{"error": …, "code": …}`, with the exit code that the step shall end with.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

#: The table as read, and with the values of its texts beside it.
TABLE = "mlops_table"
ROW = "*row*"
SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    # A product of decimals keeps its digits, or is an error.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.json.enableExactStringParsing": "true",
    # A row with a cell too many or too few is noticed in every pass.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
}
#: What a local Spark needs beside: no page, few parts, nothing left in the project's folder.
LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


#: Seconds in which a server of Spark Connect has to take a connection.
PATIENCE = 20


class RefusedError(Exception):
    """The files hold what Spark may read otherwise than DuckDB; the message says what."""


def main() -> int:
    """Answer until stdin ends; returns 0."""
    # As in enter.py: by its place, never through sys.path.
    package = type(sys)("mlops_steps")
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["mlops_steps"] = package
    # Java writes to stdout, too: the answers go where it does not.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    session: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "start" in request:
                session = start(**request["start"])
                answer: dict[str, Any] = {"version": session.version}
            elif "open" in request:
                answer = open_table(session, **request["open"])
            else:
                rows = session.sql(request["ask"]).collect()
                answer = {"rows": [list(row) for row in rows]}
            text = json.dumps(answer, default=str)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was judged
            code = 4 if "start" in request else 3
            text = json.dumps({"error": _said(error), "code": code})
        told.write(text + "\n")
        told.flush()
    if session is not None:
        session.stop()
    return 0


def start(address: str, folder: str) -> Any:
    """A session of Spark: `local[N]`, `spark://HOST:PORT`, or `sc://HOST:PORT` (Spark Connect)."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("mlops validate-data")
    if address.startswith("sc://"):
        # The client itself would try for minutes.
        place = urlsplit(address)
        socket.create_connection((place.hostname, place.port), timeout=PATIENCE).close()
        session = builder.remote(address).getOrCreate()
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
        register(session)
        return session
    builder = builder.master(address)
    settings = SETTINGS | (LOCAL if address.startswith("local") else {})
    settings |= {"spark.local.dir": folder, "spark.sql.warehouse.dir": folder}
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    register(session)
    return session


def register(session: Any) -> None:
    """Let SQL count personal data by the code of `personal`, which goes along as it is."""
    from pyspark import cloudpickle

    from mlops_steps.validate_data import personal

    cloudpickle.register_pickle_by_value(personal)

    def count(cells: list[str], values: int, numbers: bool) -> str:  # noqa: FBT001 - called by SQL
        return json.dumps(personal.count(cells, values, numbers=numbers))

    session.udf.register("mlops_personal", count, "string")


def open_table(  # noqa: PLR0917 - by name, as they come
    session: Any, files: list[str], kind: str, base: str, keys: dict[str, str], names: list[str]
) -> dict[str, Any]:
    """Read files of one format as the view `TABLE`; answers its columns with Spark's types.

    Args:
        session: Of Spark.
        files: In the order of the rows; folders and other addresses are Spark's own matter.
        kind: parquet, csv or jsonl.
        base: The folder above the first folder whose name is a key; empty for none.
        keys: The columns that stand in the folders' names, with their types.
        names: The columns inside of the files, where they are known.
    """
    from mlops_steps.validate_data.spark.kinds import quoted

    readers: dict[str, Callable[..., Any]] = {
        "parquet": _parquet, "csv": _csv, "jsonl": _json_lines
    }  # fmt: skip
    places = [f"file://{path}" for path in files]
    reader = session.read.option("basePath", f"file://{base}") if base else session.read
    frame = readers[kind](session, reader, places, list(keys), names)
    # Spark leaves out files by their names (`_part.csv`), without a word.
    read = {unquote(urlsplit(place).path) for place in frame.inputFiles()}
    if read != set(files):
        raise RefusedError(f"Spark reads {len(read)} of {len(files)} files, or others")
    for name, wanted in keys.items():
        frame = frame.withColumn(name, frame[quoted(name)].cast(wanted))
    frame.createOrReplaceTempView(TABLE)
    columns = {name: found for name, found in frame.dtypes if name != ROW}
    return {"columns": columns, "numbered": ROW in frame.columns}


def _parquet(_: Any, reader: Any, files: list[str], *__: list[str]) -> Any:
    from pyspark.sql import functions as sql

    frame = reader.parquet(*files)
    # The place of a row is told where it is one number: in one file.
    number = [(sql.col("_metadata.row_index") + 1).alias(ROW)] if len(files) == 1 else []
    return frame.select("*", *number)


def _csv(session: Any, reader: Any, files: list[str], _: list[str], names: list[str]) -> Any:
    from pyspark.sql import functions as sql
    from pyspark.sql.types import StringType, StructField, StructType

    from mlops_steps.validate_data.spark.kinds import quoted, text
    from mlops_steps.validate_data.spark.texts import QUOTED

    odd = f"NOT is_valid_utf8(value) OR value RLIKE {text(QUOTED)}"
    _refuse(session.read.text(files), odd, "no UTF-8, or white space behind a closing quote")
    options = {
        "header": "true", "quote": '"', "escape": '"', "multiLine": "true", "encoding": "UTF-8",
        "mode": "FAILFAST", "enforceSchema": "false", "maxCharsPerColumn": "-1",
        "ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false",
        "emptyValue": "", "nullValue": "", "unescapedQuoteHandling": "RAISE_ERROR",
    }  # fmt: skip
    if len(names) == 1:
        raise RefusedError("an empty line of a CSV file with one column is a row, and not to Spark")
    texts = StructType([StructField(name, StringType()) for name in names])
    frame = reader.options(**options).schema(texts).csv(files)
    cells = [sql.expr(f"nullif({quoted(name)}, '')").alias(name) for name in frame.columns]
    return frame.select(*cells, *_counted(files))


def _json_lines(session: Any, reader: Any, files: list[str], keys: list[str], _: list[str]) -> Any:
    from pyspark.sql.types import StringType, StructField, StructType

    from mlops_steps.validate_data.spark.kinds import text
    from mlops_steps.validate_data.spark.texts import FLAT_LINE

    lines = session.read.option("lineSep", "\n").text(files)
    named = "coalesce(json_object_keys(value), array())"
    odd = f"NOT is_valid_utf8(value) OR NOT value RLIKE {text(FLAT_LINE)}"
    odd += f" OR size({named}) <> size(array_distinct({named}))"
    all_names = f"array_distinct(flatten(collect_set({named})))"
    words = "no plain object in UTF-8: with a name twice, a value in a value, or none"
    names = sorted(_refuse(lines, odd, words, all_names))
    if hidden := {name.lower() for name in names} & {key.lower() for key in keys}:
        raise RefusedError(f"{min(hidden)!r} stands in the rows and in the folders' names")
    texts = StructType([StructField(name, StringType()) for name in names])
    # Without `encoding`: with it, numbers are written anew.
    options = {"mode": "FAILFAST", "lineSep": "\n"}
    return reader.options(**options).schema(texts).json(files).select("*", *_counted(files))


def _refuse(lines: Any, odd: str, words: str, wanted: str = "NULL") -> Any:
    """Refuse lines that Spark's readers may take for something else than DuckDB's do.

    Returns another aggregate of the lines.
    """
    count, found = lines.selectExpr(f"count_if({odd})", wanted).collect()[0]
    if count:
        raise RefusedError(f"{count:,} lines hold {words}, which Spark reads otherwise than DuckDB")
    return found


def _counted(files: list[str]) -> list[Any]:
    """Rows of one file in one part count up; several parts are noticed by their numbers."""
    from pyspark.sql import functions as sql

    one = len(files) == 1
    return [(sql.monotonically_increasing_id() + 1).alias(ROW)] if one else []


def _said(error: Exception) -> str:
    """The first line; the others may quote rows."""
    if isinstance(error, RefusedError):
        return str(error)
    tell: Callable[[], str | None] = getattr(error, "getCondition", lambda: None)
    try:
        condition = tell() or ""
    except Exception:  # noqa: BLE001 - a server that is gone
        condition = ""
    first = (str(error).strip().splitlines() or [""])[0]
    return condition or f"{type(error).__name__}: {first}"[:300]


if __name__ == "__main__":
    sys.exit(main())
