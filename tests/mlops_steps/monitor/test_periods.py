"""The classifier of two periods: what it finds, and what it must not use."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from mlops_steps.data.profiling import profile_of
from mlops_steps.monitor import periods
from mlops_steps.monitor.apart import Periods, Rows, tell_apart
from mlops_steps.monitor.periods import compare

LOOKED = 1_770_000_000.0
DAY = 86_400.0


def matrix(rows: int, columns: int, seed: int) -> Rows:
    """Normal columns that are the same in both periods."""
    values = np.random.default_rng(seed).normal(size=(2 * rows, columns))
    names = [f"c{place}" for place in range(columns)]
    return Rows(names, values, [False] * columns, np.repeat([False, True], rows), {})


def flipped(found: Rows, correlation: float) -> Rows:
    """c1 goes with c0, and after the look against it; each by itself stays as it was."""
    values, sign = found.values, np.where(found.later, -correlation, correlation)
    values[:, 1] = sign * values[:, 0] + np.sqrt(1 - correlation**2) * values[:, 1]
    return found


def test_equal_periods_are_not_told_apart() -> None:
    # 100 repetitions gave 99 intervals with 0.5 in them, and no name; 40 here.
    found = [tell_apart(matrix(400, 20, seed)) for seed in range(40)]
    held = [each.low <= 0.5 <= each.high for each in found if each.low and each.high]
    assert len(held) == 40
    assert sum(held) >= 36, "at 95 % fewer would come once in 300 times"
    assert sum(bool(each.columns) for each in found) <= 2
    assert 0.48 < np.mean([each.auc for each in found if each.auc]) < 0.52


def test_what_no_column_shows_by_itself_is_found() -> None:
    for seed in range(5):
        found = tell_apart(flipped(matrix(1_000, 20, seed), 0.7))
        assert found.low is not None
        assert found.low > 0.6
        assert {"c0", "c1"} == {each.name for each in found.columns}, seed
        assert all(each.low > 0.05 for each in found.columns)


def test_as_many_rows_as_are_taken_give_the_same_figures_twice() -> None:
    given = flipped(matrix(periods.MOST, 20, 0), 0.7)
    found = tell_apart(given)
    assert (found.earlier, found.later) == (5_000, 5_000)
    assert found == tell_apart(given), "the same rows, the same figures"


def judged(
    extra: str, *, looked: float | None = LOOKED, rows: int = 2_000, again: int = 0
) -> Periods:
    """Compare a log of three weeks before a look and one after it; keys rise with the time.

    `extra` is SQL of further columns: `i` is the key's number, `moment` the time in seconds,
    `after` is 1 from the look on. The first `again` keys come again after it.
    """
    every = 28 * DAY / rows
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            "CREATE TABLE asked AS SELECT make_timestamp((moment * 1e6)::BIGINT) AS time, '1.0.0' "
            f"AS version, CAST(i AS VARCHAR) AS key, random() AS plain, {extra} FROM (SELECT i, "
            f"{LOOKED} - 21 * {DAY} + i * {every} AS moment, (i > {rows * 3 // 4})::INT AS after "
            f"FROM range(1, {rows + 1}) t(i))"
        )
        connection.execute(
            "INSERT INTO asked SELECT time + INTERVAL 28 DAY, * EXCLUDE (time) FROM asked "
            f"WHERE key::INT <= {again}"
        )
        trained = "(SELECT * EXCLUDE (time, version, key) FROM asked)"
        like = profile_of(connection, trained, leave_out=(), name="asked")
        return compare(connection, "asked", like, champion="1.0.0", looked=looked)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("make_timestamp((moment * 1e6)::BIGINT)", "it is a time"),
        ("CAST(make_timestamp((moment * 1e6)::BIGINT) AS DATE)", "it is a time"),
        ("moment", "it runs with the time of the requests"),
        ("floor(moment / 3600) * 2 + (i % 7)", "it runs with the time of the requests"),
        ("strftime(make_timestamp((moment * 1e6)::BIGINT), '%d.%m.%Y')", "it runs with the time"),
        ("(i * 7919) % 40009", "it names rows"),
        ("'order-' || i", "it names rows"),
    ],
)
def test_a_time_or_a_key_is_not_used(column: str, why: str) -> None:
    found = judged(f"{column} AS leak")
    assert found.left_out.keys() == {"leak"}
    assert why in found.left_out["leak"]
    assert (found.earlier, found.later) == (1_500, 500)
    assert found.auc is not None
    assert abs(found.auc - 0.5) < 0.1
    assert found.columns == []


@pytest.mark.parametrize(
    "column",
    [
        "random() + 0.5 * after",
        "CASE WHEN random() < 0.3 + 0.4 * after THEN 'red' ELSE 'blue' END",
        "CASE WHEN random() < 0.5 * after THEN NULL ELSE random() END",
        "(random() < 0.3 + 0.4 * after)",
    ],
    ids=["number", "text", "nulls", "truth"],
)
def test_what_has_moved_is_named(column: str) -> None:
    found = judged(f"{column} AS moved")
    assert [each.name for each in found.columns] == ["moved"]
    assert found.left_out == {}
    assert "decides nothing" in found.note


@pytest.mark.parametrize(
    ("looked", "rows", "note"),
    [
        (None, 2_000, "the first look: there is no earlier one to compare with"),
        (LOOKED, 800, "600 rows before the last look and 200 since, each key once; 250 of each"),
        (LOOKED + 8 * DAY, 2_000, " rows before the last look and 0 since"),
    ],
)
def test_too_little_to_compare_is_said(looked: float | None, rows: int, note: str) -> None:
    found = judged("random() AS other", looked=looked, rows=rows)
    assert found.auc is None
    assert note in found.note


def test_a_key_of_both_periods_counts_once() -> None:
    found = judged("random() AS other", again=1_500)
    assert (found.earlier, found.later, found.auc) == (0, 2_000, None)


def test_more_columns_than_are_looked_at_together() -> None:
    many = ", ".join(f"random() AS x{place}" for place in range(periods.COLUMNS))
    assert judged(many).note == "201 columns; up to 200 are looked at together"
