"""A written table held against its contract by what the step validate-data itself uses."""

from __future__ import annotations

from pathlib import Path

from mlops_init.datasets import Dataset
from mlops_steps.config import Split, TableInput
from mlops_steps.data.profile import column_types
from mlops_steps.data.tables import connect, scan
from mlops_steps.validate_data import contract as contracts
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import compile_checks
from mlops_steps.validate_data.judge import Result, judge
from mlops_steps.validate_data.table import check_shape, check_split, key_checks
from mlops_steps.validate_data.view import View


def table_of(dataset: Dataset) -> TableInput:
    """As mlops.yaml would say it."""
    return TableInput(
        path=dataset.path,
        key=dataset.key,
        target=dataset.target,
        positive=dataset.positive or None,
        kind="files" if dataset.kind == "files" else "table",
        file=dataset.file or None,
        split=Split(
            by="hash", salt=dataset.salt, test=float(dataset.test), valid=float(dataset.valid)
        ),
        contract="data/contract.yaml",
    )


def breaks(root: Path, dataset: Dataset) -> list[Result]:
    """The checks that did not pass; the tables have to lie in `root/data`."""
    table = table_of(dataset)
    contract = contracts.load(root, table)
    path = root / table.path
    with connect() as connection:
        scanned = scan(path, text=True)
        kinds = column_types(connection, scanned)
        cells = Cells(contract, kinds, typed=False)
        view = View(connection, cells.with_values(scanned), "true")
        count, results = judge(view, compile_checks(cells) + key_checks(table, cells))
        results.append(check_split(view, table, count))
    results += check_shape(contract, list(kinds), count)
    assert count > 0
    assert len(results) > len(contract.columns)
    return [each for each in results if each.status != "pass"]
