"""What a contract and mlops.yaml ask of a table, compiled once for all who judge by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlops_steps.config import Config
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check, check_together, compile_checks
from mlops_steps.validate_data.privacy import privacy
from mlops_steps.validate_data.rows import fitting, reference_checks, rule_checks
from mlops_steps.validate_data.table import key_checks, target_total
from mlops_steps.validate_data.totals import Total, totals
from mlops_steps.validate_data.view import View


@dataclass(frozen=True)
class Compiled:
    """Conditions on rows, and on all rows together; `judge` takes both."""

    checks: list[Check]
    totals: list[Total]


def compiled(
    view: View, cells: Cells, config: Config, files: dict[str, Path], *, now: datetime, looked: str
) -> Compiled:
    """All that is judged in the one pass.

    Args:
        view: The rows, for what their types allow a rule to compare.
        cells: How they stand in SQL.
        config: mlops.yaml.
        files: Those that the contract refers to, by the name that it has for them.
        now: From when the age of the latest row counts.
        looked: SQL for the rows in which personal data are looked for.

    Raises:
        UndecidedError: A file that is referred to cannot be read as a table.
    """
    table, task = config.table, config.model.task
    checks = compile_checks(cells) + check_together(cells)
    checks += fitting(view, rule_checks(cells)) + reference_checks(cells, files)
    checks += key_checks(table, cells)
    whole = totals(cells, now)
    whole.append(target_total(table, cells.kinds, task=task))
    whole += privacy(cells.contract, cells.kinds, looked)
    return Compiled(checks, whole)


def looking_at_all(asked: Compiled, cells: Cells) -> Compiled:
    """The same, for a few rows: personal data are looked for in all of them."""
    kept = [total for total in asked.totals if not total.kind.startswith("personal")]
    return Compiled(asked.checks, kept + privacy(cells.contract, cells.kinds, "true"))
