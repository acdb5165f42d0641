"""validate-data: hold the labelled table against its contract, before anything is trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_steps.spec import Input, Kind, Status, Step

if TYPE_CHECKING:
    from pathlib import Path

    from mlops_steps.data.parts import Table
    from mlops_steps.record import Record
    from mlops_steps.validate_data.cells import Cells
    from mlops_steps.validate_data.compiled import Compiled
    from mlops_steps.validate_data.contract import Contract
    from mlops_steps.validate_data.judge import Result
    from mlops_steps.validate_data.prove import Proof
    from mlops_steps.validate_data.view import View

STEP = Step(
    name="validate-data",
    summary="Hold the labelled table against its contract.",
    requires=("duckdb", "sqlglot"),
    inputs=(
        Input(
            "split",
            "The split that will judge the model. With valid, test rows are not looked at.",
            default="test",
            choices=("test", "valid"),
        ),
        Input(
            "propose",
            "Write what the rows ask to change in the contract. The verdict stays what it is.",
            kind=Kind.FLAG,
        ),
        Input(
            "prove",
            "Plant a row that breaks it for every check, and fail where that is not caught.",
            kind=Kind.FLAG,
        ),
    ),
)

#: Findings that are shown; all are in checks.json.
SHOWN = 10


def run(record: Record) -> Status:
    """Judge every check; `checks.json` holds them all."""
    from mlops_steps.data.sources.taking import take, taking
    from mlops_steps.validate_data import contract as contracts

    table = record.config.table
    contract = contracts.load(record.root, table, task=record.config.model.task)
    for name in (
        *([] if table.source else [table.path]),
        *(each.file for each in contract.references),
    ):
        contracts.refuse_links(record.root, name)
    record.take(table.contract)
    others = {each.file: record.take(each.file) for each in contract.references}
    if table.engine == "spark":
        from mlops_steps.validate_data.spark.run import on_spark

        return _report(record, *on_spark(record, contract, take(record), others))
    with taking(record) as source:  # digested beside all that follows
        return _judge(record, source, contract, others)


def _judge(record: Record, source: Table, contract: Contract, others: dict[str, Path]) -> Status:
    from dataclasses import replace
    from datetime import UTC, datetime

    from mlops_steps.data.parts import files_of
    from mlops_steps.data.profile import column_types
    from mlops_steps.data.split import split_sql
    from mlops_steps.data.tables import (
        about_rows,
        connect,
        footers,
        format_of,
        reading,
        scan,
    )
    from mlops_steps.validate_data.cells import Cells
    from mlops_steps.validate_data.compiled import compiled
    from mlops_steps.validate_data.familiar import familiar
    from mlops_steps.validate_data.files import check_files
    from mlops_steps.validate_data.groups import check_groups
    from mlops_steps.validate_data.judge import judge
    from mlops_steps.validate_data.privacy import sampled
    from mlops_steps.validate_data.sides import check_copies
    from mlops_steps.validate_data.table import check_shape, check_split, refuse_unjudgeable
    from mlops_steps.validate_data.view import View

    table = record.config.table
    # A row without a key is looked at in every case: it must not hide.
    where = "true"
    if record.inputs["split"] == "valid":
        where = f"coalesce({split_sql(table.key, table.split)} <> 'test', true)"
    with connect() as connection, reading(table.path):
        scanned = scan(source, text=True)
        kinds = column_types(connection, scanned)
        refuse_unjudgeable(source, table.key, list(kinds))
        typed = format_of(source) == "parquet"
        cells = Cells(contract, kinds, typed=typed)
        rows, files = about_rows(source), len(files_of(source))
        told = footers(source) if typed else ""
        view = View(connection, cells.with_values(scanned), where, rows, files, told)
        cells = replace(cells, familiar=familiar(view, cells))
        looked = sampled(rows, table.key, kinds)
        asked = compiled(view, cells, record.config, others, now=datetime.now(UTC), looked=looked)
        rows, results = judge(view, asked.checks, asked.totals, samples=contract.samples)
        results += check_groups(view, cells)
        results += check_copies(view, table, cells, judge=record.inputs["split"])
        results += check_files(view, table, record.root, list(kinds), contract.files)
        (whole_rows,) = (rows,) if where == "true" else view.ask(f"SELECT count(*) FROM {scanned}")
        results.append(check_split(view, table, whole_rows))
        proofs = _proofs(record, View(connection, scanned, where), cells, asked)
    results = [*check_shape(contract, list(kinds), whole_rows), *results]
    if record.inputs.get("propose") == "true":
        from mlops_steps.validate_data.propose import write

        write(record, source)
    return _with_proofs(record, _report(record, rows, results), proofs)


def _proofs(record: Record, own: View, cells: Cells, asked: Compiled) -> list[Proof]:
    """What is planted for each check, if that is asked for; `own` has the table's own columns."""
    if record.inputs.get("prove") != "true":
        return []
    from mlops_steps.validate_data.compiled import looking_at_all
    from mlops_steps.validate_data.planting import Sample
    from mlops_steps.validate_data.prove import prove

    all_rows = looking_at_all(asked, cells)
    return prove(own, Sample(own.connection, cells), all_rows, record.config, record.root)


def _with_proofs(record: Record, status: Status, proofs: list[Proof]) -> Status:
    if not proofs:
        return status
    from mlops_steps.validate_data.prove import told, write

    missed = write(record, proofs)
    line = record.verdict.line
    line = f"{missed} planted rows were not caught; {line}" if missed else line
    record.say(line, *record.verdict.lines, *told(proofs))
    return Status.FAIL if missed else status


def _report(record: Record, rows: int, results: list[Result]) -> Status:
    import msgspec

    from mlops_steps.files import write_json

    checks = [msgspec.to_builtins(each) | {"share": each.share} for each in results]
    write_json(record.folder / "checks.json", checks)
    record.wrote(record.folder / "checks.json")

    deciding = [each for each in results if each.severity == "error"]
    failed = [each for each in deciding if each.status == "fail"]
    undecided = [each for each in deciding if each.status == "undecided"]
    idle = [each for each in results if each.idle]
    warned = [each for each in results if each.severity == "warn" and each.status != "pass"]
    record.figure("rows", rows, unit="rows")
    record.figure("checks", len(results))
    record.figure("failed", len(failed), n=len(results))
    record.figure("undecided", len(undecided), n=len(results))
    record.figure("could-not-fail", len(idle), n=len(results))
    words = [_found(record, each) for each in [*failed, *undecided, *warned]]
    more = [f"and {len(words) - SHOWN} more: out/validate-data/checks.json"]
    more = more if len(words) > SHOWN else []
    warnings = [f"{len(warned)} warning{'s' if len(warned) > 1 else ''}"] if warned else []
    if idle:
        words.append(_idle(record, idle))
        warnings.append(f"{len(idle)} could not have failed")
    if not failed and not undecided:
        left_out = [] if record.inputs["split"] == "test" else ["none of the test split"]
        parts = [f"{len(results)} checks", f"{rows:,} rows", *left_out, *warnings]
        record.say(", ".join(parts), *words[:SHOWN], *more)
        return Status.PASS
    parts = [f"{len(failed)} of {len(results)} checks failed"] if failed else []
    if undecided:
        parts.append(f"{len(undecided)} of {len(results)} checks could not be judged")
    closing = "Nothing was trained on this table."
    record.say(", ".join([*parts, f"{rows:,} rows", *warnings]), *words[:SHOWN], *more, closing)
    return Status.FAIL if failed else Status.UNDECIDED


def _idle(record: Record, idle: list[Result]) -> str:
    """Note once which checks passed and say nothing of this table, and say it in a line."""
    named = [_place(each) for each in idle[:SHOWN]]
    more = f" and {len(idle) - SHOWN} more" if len(idle) > SHOWN else ""
    message = f"could not have failed on these rows: {', '.join(named)}{more}"
    record.find("data/idle", message, level="notice", file=record.config.table.contract)
    return f"note: {message}"


def _place(each: Result) -> str:
    return f"{each.column}: {each.check}" if each.column else each.check


def _found(record: Record, each: Result) -> str:
    """Note what was found, and say it in a line."""
    place = _place(each)
    word = "cannot be judged: " if each.status == "undecided" else ""
    message = f"{place}: {word}{each.message}"
    record.find(
        f"data/{each.check}",
        message,
        level="warning" if each.severity == "warn" else "error",
        file=record.config.table.path,
        column=each.column,
        n=each.n,
        n_failed=each.n_failed,
        share=each.share,
    )
    return f"warning: {message}" if each.severity == "warn" else message
