"""Spark's side: `python -I worker.py` in the environment that has pyspark.

Takes one request a line on stdin, a JSON object, and answers each with one on stdout:
`{"open": {...}}` reads a table and answers its columns; `{"ask": SQL}` answers rows. Trouble is
`{"error": …, "code": …}`, with the exit code that the step shall end with.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: The table as read, and with the values of its texts beside it.
TABLE = "mlops_table"
ROW = "*row*"
SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.json.enableExactStringParsing": "true",
}
#: What a local Spark needs beside: no page, few parts, nothing left in the project's folder.
LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


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


def open_table(
    session: Any, files: list[str], kind: str, base: str, keys: dict[str, str]
) -> dict[str, Any]:
    """Read files of one format as the view `TABLE`; answers its columns with Spark's types.

    Args:
        session: Of Spark.
        files: In the order of the rows; folders and other addresses are Spark's own matter.
        kind: parquet, csv or jsonl.
        base: The folder above the first folder whose name is a key; empty for none.
        keys: The columns that stand in the folders' names, with their types.
    """
    reading = {"parquet": _parquet, "csv": _csv, "jsonl": _json_lines}[kind]
    reader = session.read.option("basePath", base) if base else session.read
    frame = reading(session, reader, files, list(keys))
    for name, wanted in keys.items():
        frame = frame.withColumn(name, frame[f"`{name}`"].cast(wanted))
    frame.createOrReplaceTempView(TABLE)
    columns = {name: found for name, found in frame.dtypes if name != ROW}
    return {"columns": columns, "numbered": ROW in frame.columns}


def _parquet(_: Any, reader: Any, files: list[str], __: list[str]) -> Any:
    from pyspark.sql import functions as sql

    frame = reader.parquet(*files)
    # The place of a row is told where it is one number: in one file.
    number = [(sql.col("_metadata.row_index") + 1).alias(ROW)] if len(files) == 1 else []
    return frame.select("*", *number)


def _csv(_: Any, reader: Any, files: list[str], keys: list[str]) -> Any:
    from pyspark.sql import functions as sql
    from pyspark.sql.types import StringType, StructField, StructType

    options = {
        "header": "true", "quote": '"', "escape": '"', "multiLine": "true", "encoding": "UTF-8",
        "mode": "FAILFAST", "enforceSchema": "false", "maxCharsPerColumn": "-1",
        "ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false",
        "emptyValue": "", "nullValue": "",
    }  # fmt: skip
    named = reader.options(**options, inferSchema="false").csv(files[0]).columns
    texts = StructType([StructField(name, StringType()) for name in named if name not in keys])
    frame = reader.options(**options).schema(texts).csv(files)
    cells = [sql.expr(f"nullif({_quoted(name)}, '')").alias(name) for name in frame.columns]
    return frame.select(*cells, *_counted(files))


def _json_lines(session: Any, reader: Any, files: list[str], __: list[str]) -> Any:
    from pyspark.sql import functions as sql
    from pyspark.sql.types import StringType, StructField, StructType

    lines = session.read.text(files)
    found = lines.select(sql.explode(sql.expr("json_object_keys(value)")).alias("name"))
    names = sorted(row.name for row in found.distinct().collect())
    texts = StructType([StructField(name, StringType()) for name in names])
    options = {"mode": "FAILFAST", "allowNonNumericNumbers": "false"}
    return reader.options(**options).schema(texts).json(files).select("*", *_counted(files))


def _counted(files: list[str]) -> list[Any]:
    """Rows of one file in one part count up; several parts are noticed by their numbers."""
    from pyspark.sql import functions as sql

    one = len(files) == 1
    return [(sql.monotonically_increasing_id() + 1).alias(ROW)] if one else []


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _said(error: Exception) -> str:
    """The first line; the others may quote rows."""
    tell: Callable[[], str | None] = getattr(error, "getCondition", lambda: None)
    try:
        condition = tell() or ""
    except Exception:  # noqa: BLE001 - a server that is gone
        condition = ""
    first = (str(error).strip().splitlines() or [""])[0]
    return condition or f"{type(error).__name__}: {first}"[:300]


if __name__ == "__main__":
    sys.exit(main())
