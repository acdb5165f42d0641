"""Hold a table against its contract on Spark: what `step.run` does with DuckDB."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec

from mlops_steps.config import Config, Spark, Split
from mlops_steps.data.parts import Table
from mlops_steps.data.split import SPLITS
from mlops_steps.data.tables import connect, identifier, literal
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.compiled import compiled
from mlops_steps.validate_data.contract import Contract
from mlops_steps.validate_data.judge import Result, Verdict
from mlops_steps.validate_data.spark import kinds, texts
from mlops_steps.validate_data.spark.dialect import Dialect, Said
from mlops_steps.validate_data.spark.judging import Rows, check_groups, judge
from mlops_steps.validate_data.spark.opening import TABLE, open_table
from mlops_steps.validate_data.spark.personal_data import check_personal, looks_at_values
from mlops_steps.validate_data.spark.session import Session, session
from mlops_steps.validate_data.table import check_shape
from mlops_steps.validate_data.view import View

if TYPE_CHECKING:
    from mlops_steps.record import Record

#: The parts of a contract that are judged here; any other that it has is undecided.
JUDGED = {"columns", "rows", "extra_columns", "unique", "rules", "groups", "references", "fresh"}
JUDGED |= {"samples"}
#: 16^15, by which a row's hash is divided; a double holds it.
_ALL = f"{2**60}D"


def on_spark(
    record: Record, contract: Contract, source: Table, others: dict[str, Path]
) -> tuple[int, list[Result]]:
    """Judge every check of a run; the number of rows looked at, and the results.

    Raises:
        ConfigError: The run asks for what only DuckDB does.
        InfrastructureError: Spark cannot be installed, or does not answer.
        UndecidedError: It cannot read the table, or run the checks.
    """
    for flag in ("prove", "propose"):
        if record.inputs.get(flag) == "true":
            raise ConfigError(f"--{flag}: is for `engine: duckdb`, and mlops.yaml says spark")
    address = (record.config.table.spark or Spark()).address
    with session(address) as spark:
        split = record.inputs["split"]
        found = judge_table(spark, record.config, contract, source, others, split=split)
        record.verdict.versions["spark"] = spark.version
    return found


def judge_table(
    spark: Session,
    config: Config,
    contract: Contract,
    source: Table,
    others: dict[str, Path],
    *,
    split: str,
) -> tuple[int, list[Result]]:
    """Judge every check; the number of rows looked at, and the results.

    `others` are the files that the contract refers to, `split` is the one that judges.

    Raises:
        UndecidedError: Spark cannot read the table, or run the checks.
    """
    opened = open_table(spark, source, config.table.key)
    found, form, table = opened.kinds, opened.form, config.table
    where = "true"
    if split == "valid":
        side = _split(table.key, found, table.split)
        where = f"coalesce({side} <> 'test', true)"
    with connect() as connection:
        empty = _empty(connection, found)
        cells = Cells(contract, found, typed=form == "parquet")
        view = View(connection, cells.with_values(empty), "true")
        now = dt.datetime.now(dt.UTC)
        asked = compiled(view, cells, config, others, now=now, looked="true")
        dialect, on_spark = _with_values(connection, cells, empty, form)
        rows = Rows(spark, dialect, on_spark, where, opened.numbered)
        totals = [each for each in asked.totals if not looks_at_values(each)]
        count, results = judge(rows, asked.checks, totals, samples=contract.samples)
        whole = int(spark.ask(f"SELECT count(*) FROM {TABLE}")[0][0])
        looking = [each for each in asked.totals if looks_at_values(each)]
        results += check_personal(rows, cells, looking, table.key, whole=whole, count=count)
        results += check_groups(rows, cells)
    results.append(_check_split(spark, config, found, whole))
    results += _unjudged(contract)
    return count, [*check_shape(contract, list(found), whole), *results]


def _empty(connection: duckdb.DuckDBPyConnection, found: dict[str, str]) -> str:
    """An empty table of DuckDB's with the same columns; one of an unknown type is a blob."""
    name = "looked_at"
    listed = []
    for column, kind in found.items():
        try:
            connection.execute(f"SELECT CAST(NULL AS {kind})")
            listed.append(f"{identifier(column)} {kind}")
        except duckdb.Error:
            listed.append(f"{identifier(column)} BLOB")
    connection.execute(f"CREATE TABLE {name} ({', '.join(listed)})")
    return name


def _with_values(
    connection: duckdb.DuckDBPyConnection, cells: Cells, empty: str, form: str
) -> tuple[Dialect, str]:
    """The dialect of the columns, and the table on Spark with the value of each text beside it."""
    dialect = Dialect(connection, cells.with_values(empty))
    if cells.typed:
        return dialect, TABLE
    plain = Dialect(connection, empty)
    if form == "jsonl":
        plain.written = {name: texts.rewritten(kinds.quoted(name)) for name in cells.kinds}
        dialect.written = plain.written
    values = []
    for name, value in cells.values():
        said: Said = plain.say(value)
        own = cells.in_rules(name)
        values.append(f"{said.sql} AS {kinds.quoted(own)}")
        dialect.doubtful[own] = said.doubts
    return dialect, f"(SELECT {', '.join(['*', *values])} FROM {TABLE})"


def _split(key: str, found: dict[str, str], split: Split) -> str:
    """Spark's SQL for the split of a row: the same hash as `data.split.split_sql`.

    Raises:
        UndecidedError: The key is written otherwise on Spark.
    """
    kind = found.get(key, "")
    if not kinds.writes_alike(kind):
        raise UndecidedError(f"{key}: a key of type {kind or 'none'} is written otherwise on Spark")
    text = f"CAST({kinds.quoted(key)} AS STRING)"
    salted = f"concat({kinds.text(split.salt + ':')}, {text})"
    digits = f"substring(sha2({salted}, 256), 1, 15)"
    share = f"(CAST(CAST(conv({digits}, 16, 10) AS BIGINT) AS DOUBLE) / {_ALL})"
    return (
        f"(CASE WHEN {text} IS NULL THEN NULL "
        f"WHEN {share} < CAST({literal(repr(split.test))} AS DOUBLE) THEN 'test' "
        f"WHEN {share} < CAST({literal(repr(split.test + split.valid))} AS DOUBLE) THEN 'valid' "
        "ELSE 'train' END)"
    )


def _check_split(spark: Session, config: Config, found: dict[str, str], rows: int) -> Result:
    """As `table.check_split`."""
    try:
        side = _split(config.table.key, found, config.table.split)
    except UndecidedError as error:
        return Result(check="split", status="undecided", n=rows, message=str(error))
    sides = spark.ask(f"SELECT collect_set({side}) FROM {TABLE}")[0][0]
    empty = [name for name in SPLITS if name not in sides]
    message = f"no row falls to {' and '.join(empty)}" if empty else ""
    status: Verdict = "fail" if empty else "pass"
    return Result(check="split", status=status, n=rows, n_failed=int(bool(empty)), message=message)


def _unjudged(contract: Contract) -> list[Result]:
    """What the contract asks for and Spark is not asked: undecided, so that it never passes."""
    reason = "is not judged on Spark; say `engine: duckdb`"
    return [
        Result(check=field.name, status="undecided", n=0, message=reason)
        for field in msgspec.structs.fields(Contract)
        if field.name not in JUDGED and getattr(contract, field.name) != field.default
    ]
