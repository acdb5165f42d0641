"""One Spark for all tests of a run, and tables judged on it and by DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG, Row, write_table
from tests.mlops_steps.validate_data.conftest import checks as listed

from mlops_steps import config
from mlops_steps.record import Record
from mlops_steps.validate_data import contract as contracts
from mlops_steps.validate_data.judge import Result
from mlops_steps.validate_data.spark.run import judge_table
from mlops_steps.validate_data.spark.session import Session, session
from mlops_steps.validate_data.step import STEP, run


@pytest.fixture(scope="session")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings for few rows, of which most of the time is compiling: some compilers wait."""
    folder = tmp_path_factory.mktemp("conf")
    (folder / "spark-defaults.conf").write_text(
        "spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1\n"
        "spark.sql.codegen.wholeStage false\n"
        "spark.sql.codegen.factoryMode NO_CODEGEN\n"
    )
    return folder


@pytest.fixture(scope="session")
def spark(fast: Path) -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(fast))
        with session("local[2]") as started:
            yield started


@dataclass
class Both:
    """The checks of one table by `column: check`, as each engine judged them."""

    spark: dict[str, Result]
    duckdb: dict[str, dict[str, Any]]

    def unlike(self) -> list[str]:
        """Where both judged and differ: in status, counts, share or numbers of rows."""
        assert sorted(self.spark) == sorted(self.duckdb)
        found = []
        for name, there in self.duckdb.items():
            here = self.spark[name]
            one = (here.status, here.n, here.n_failed, here.share, here.rows)
            other = tuple(there[key] for key in ("status", "n", "n_failed", "share", "rows"))
            if one != other and name not in self.undecided():
                found.append(f"{name}: {one} {here.message!r} beside {other} {there['message']!r}")
        return found

    def undecided(self) -> set[str]:
        """What DuckDB judged, and Spark did not."""
        return {
            name
            for name, here in self.spark.items()
            if here.status == "undecided" != self.duckdb[name]["status"]
        }


@pytest.fixture
def both(spark: Session, tmp_path: Path) -> Callable[..., Both]:
    """Judge rows on both engines."""

    def judge(
        rows: list[Row] | str | bytes,
        contract: str,
        *,
        kind: str = "csv",
        types: dict[str, str] | None = None,
        split: str = "test",
        described: str = CONFIG,
        on: Session | None = None,
    ) -> Both:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "mlops.yaml").write_text(described)
        (tmp_path / "data" / "contract.yaml").write_text(contract)
        table = tmp_path / "data" / "things"
        if isinstance(rows, list):
            write_table(table, rows, kind, types)
        else:
            table.write_bytes(rows.encode() if isinstance(rows, str) else rows)
        loaded = config.load(tmp_path)
        record = Record(STEP, tmp_path, loaded, {"split": split})
        run(record)
        wanted = contracts.load(tmp_path, loaded.table)
        others = {each.file: tmp_path / each.file for each in wanted.references}
        _, found = judge_table(on or spark, loaded, wanted, table, others, split=split)
        by_name = {f"{each.column}: {each.check}".removeprefix(": "): each for each in found}
        return Both(by_name, listed(tmp_path))

    return judge
