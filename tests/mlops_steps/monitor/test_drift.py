"""Two profiles side by side: what has moved is seen, named and told apart from chance."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
import scipy.spatial
import scipy.stats
from tests.mlops_steps.monitor import simulation

from mlops_steps.data.profile import Column, Profile
from mlops_steps.data.profiling import count, profile_of
from mlops_steps.monitor import measures
from mlops_steps.monitor.drift import ColumnDrift, Look, compare, in_order
from mlops_steps.monitor.effects import effects, share
from mlops_steps.monitor.wobble import Window, margin, weights

#: What a weekly run may spend, in the long run.
SPENT = 0.05 * 7 / 365


def profiles(then: str, now: str) -> tuple[Profile, Profile]:
    """Of two queries, the second on the edges of the first."""
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"CREATE TABLE a AS {then}")
        connection.execute(f"CREATE TABLE b AS {now}")
        reference = profile_of(connection, "a", leave_out=(), name="a")
        return reference, count(connection, "b", reference, asked_now=True)


def judged(then: str, now: str) -> dict[str, ColumnDrift]:
    reference, current = profiles(then, now)
    look = Look("recent", current, 1.0, SPENT)
    found = compare(reference, [look], allowed=0.1, judged=len(reference.columns), history={})
    return {each.name: each for each in in_order(found)}


NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"


@pytest.mark.parametrize("rows", [1000, 1001])
def test_a_row_more_of_training_turns_no_verdict(rows: int) -> None:
    for shift, drifted in ((0.0, False), (0.15, False), (0.8, True)):
        found = judged(
            f"SELECT {NORMAL} AS x FROM range({rows})",
            f"SELECT {NORMAL} + {shift} AS x FROM range(1000)",
        )["x"]
        assert found.drifted is drifted, (shift, found)


def test_twenty_identical_columns_give_no_alarm() -> None:
    columns = ", ".join(f"{NORMAL} AS c{n}" for n in range(20))
    found = judged(f"SELECT {columns} FROM range(500)", f"SELECT {columns} FROM range(500)")
    assert len(found) == 20
    assert not any(each.drifted for each in found.values())


def test_nulls_are_drift() -> None:
    found = judged(
        f"SELECT {NORMAL} AS x, {NORMAL} AS y FROM range(1000)",
        f"SELECT CASE WHEN random() > 0.6 THEN {NORMAL} END AS x, {NORMAL} AS y FROM range(1000)",
    )
    assert (found["x"].kind, found["y"].kind) == ("nulls", "")
    assert found["x"].reason.startswith("without a value: 0.0% of training rows, ")
    assert found["x"].nulls == pytest.approx(0.6, abs=0.05)


def test_a_column_that_is_all_null_is_drift() -> None:
    values, none = (f"SELECT {each} AS x FROM range(500)" for each in ("random()", "NULL::DOUBLE"))
    found = judged(values, none)
    assert (found["x"].kind, found["x"].nulls) == ("nulls", 1.0)
    filled = judged(none, values)["x"]
    assert (filled.drifted, filled.nulls, filled.reference_nulls) == (True, 0.0, 1.0)


def test_a_vanished_column_is_drift_and_comes_first() -> None:
    found = judged(
        "SELECT random() AS x, random() AS y FROM range(500)",
        "SELECT random() + 3 AS x FROM range(500)",
    )
    assert list(found) == ["y", "x"]
    assert (found["y"].kind, found["y"].distance, found["y"].drifted) == ("vanished", None, True)
    assert found["x"].drifted


def test_a_new_category_is_drift_and_named() -> None:
    found = judged(
        "SELECT CASE WHEN random() < 0.3 THEN 'red' ELSE 'blue' END AS c FROM range(2000)",
        "SELECT CASE WHEN random() < 0.05 THEN 'green' WHEN random() < 0.3 THEN 'red' "
        "ELSE 'blue' END AS c FROM range(1000)",
    )["c"]
    assert (found.kind, found.new) == ("categories", ["green"])
    assert found.reason.startswith("values not seen in training ('green'): 0.0% of training rows")


def test_a_share_that_moves_is_drift_of_that_value() -> None:
    found = judged(
        "SELECT CASE WHEN random() < 0.3 THEN 'red' ELSE 'blue' END AS c FROM range(2000)",
        "SELECT CASE WHEN random() < 0.6 THEN 'red' ELSE 'blue' END AS c FROM range(1000)",
    )["c"]
    assert found.kind == "moved"
    assert found.effect in {"=red", "=blue"}
    assert found.reason.startswith(f"{found.effect[1:]!r}: ")


def test_a_changed_type_is_drift() -> None:
    numbers = f"SELECT {NORMAL} AS x FROM range(500)"
    words = f"SELECT CASE WHEN random() < 0.2 THEN 'n/a' ELSE ({NORMAL})::VARCHAR END AS x"
    found = judged(numbers, f"{words} FROM range(500)")["x"]
    assert found.kind == "type"
    dates = judged(numbers, "SELECT DATE '2026-01-01' AS x FROM range(500)")["x"]
    assert (dates.kind, dates.drifted) == ("type", True)
    assert dates.reason == "no number any more: 0.0% of training rows, 100.0% of requests"


def test_numbers_that_name_rows_are_no_drift() -> None:
    found = judged(
        "SELECT i AS id, random() AS x FROM range(1000) t(i)",
        "SELECT i + 5000 AS id, random() AS x FROM range(1000) t(i)",
    )["id"]
    assert (found.drifted, found.effect) == (False, "nulls")
    assert "name rows" in found.note


@pytest.mark.parametrize(
    ("now", "effect"),
    [
        (f"{NORMAL} + 0.6", "shift"),
        (f"1.6 * {NORMAL}", "spread"),
        (f"CASE WHEN {NORMAL} > 0 THEN 1.0 ELSE -1.0 END + 0.05 * {NORMAL}", "tails"),
    ],
)
def test_every_change_of_shape_is_seen(now: str, effect: str) -> None:
    found = judged(f"SELECT {NORMAL} AS x FROM range(3000)", f"SELECT {now} AS x FROM range(3000)")[
        "x"
    ]
    assert found.drifted
    reference, current = profiles(
        f"SELECT {NORMAL} AS x FROM range(3000)", f"SELECT {now} AS x FROM range(3000)"
    )
    sizes = {
        each.name: abs(each.value)
        for each in effects(reference.columns["x"], current.columns["x"], (3000, 3000))
    }
    assert sizes[effect] > 0.3


def test_an_effect_is_in_standard_deviations() -> None:
    chance = np.random.default_rng(1)
    edges = [np.unique(np.quantile(chance.normal(size=100_000), np.linspace(0, 1, 51)))]
    then = simulation.columns_of(chance.normal(size=(400_000, 1)), edges)["c0"]
    for shift, wanted in ((0.1, 0.0977), (0.5, 0.478)):  # sqrt(12) (Phi(shift / sqrt 2) - 1/2)
        now = simulation.columns_of(chance.normal(shift, size=(400_000, 1)), edges)["c0"]
        found = effects(then, now, (400_000, 400_000))[0]
        assert found.value == pytest.approx(wanted, abs=0.006)
    wider = simulation.columns_of(chance.normal(0, 1.08, size=(400_000, 1)), edges)["c0"]
    spread = effects(then, wider, (400_000, 400_000))[1]
    assert (spread.name, spread.value) == ("spread", pytest.approx(0.095, abs=0.008))


@pytest.mark.parametrize("scale", [1.0, 0.4, 2.0])
def test_the_stated_variance_is_the_true_one(scale: float) -> None:
    chance = np.random.default_rng(2)
    edges = [np.quantile(chance.normal(size=50_000), np.linspace(0, 1, 51))]
    m, n, found = 600, 300, []
    for _ in range(400):
        then = simulation.columns_of(chance.normal(size=(m, 1)), edges)["c0"]
        now = simulation.columns_of(chance.normal(0.3, scale, size=(n, 1)), edges)["c0"]
        found.append(effects(then, now, (m, n))[:2])
    for place in range(2):
        values = np.array([each[place].value for each in found])
        stated = np.mean([each[place].now + each[place].then for each in found])
        # At most: a variance below that of the training rows is not believed.
        assert np.var(values) <= 1.2 * stated
        assert np.var(values) >= 0.3 * stated


def test_the_scale_of_shares_has_a_constant_variance() -> None:
    chance = np.random.default_rng(3)
    for p in (0.01, 0.2, 0.5):
        found = [
            share("x", (chance.binomial(2000, p), chance.binomial(1000, p)), (2000, 1000), 1.0)
            for _ in range(2000)
        ]
        values = np.array([each.value for each in found])
        assert np.var(values) == pytest.approx(found[0].now + found[0].then, rel=0.12)
        assert abs(values.mean()) < 0.01


def test_a_margin_widens_with_little_history_and_with_wobble() -> None:
    chance = np.random.default_rng(4)

    def after(windows: int, tau: float) -> float:
        effects_ = chance.normal(0, math.hypot(tau, 0.02), size=windows)
        return margin(weights([[Window(each, 0.0004) for each in effects_]]), 1e-4, 1.0, 1e-5)

    nothing = margin(weights([]), 1e-4, 1.0, 1e-5)
    steady = np.mean([after(40, 0.0) for _ in range(20)])
    restless = np.mean([after(40, 0.06) for _ in range(20)])
    assert steady < 0.6 * nothing
    assert restless > 0.2 > steady
    # A lasting drift between two windows is no wobble that lasts.
    assert sum(weights([])) == pytest.approx(1)


def test_without_wobble_a_margin_is_that_of_the_normal_distribution() -> None:
    only_zero = (1.0, *[0.0] * (len(weights([])) - 1))
    for alpha in (0.05, 1e-6):
        wanted = scipy.stats.norm.isf(alpha) * 0.02
        assert margin(only_zero, 0.0004, 1.0, alpha) == pytest.approx(wanted, rel=1e-4)


def measured(then: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> measures.Measures:
    edges = np.unique(np.quantile(then, np.linspace(0, 1, 51)))
    found = [simulation.columns_of(each[:, None], [edges])["c0"] for each in (then, now)]
    ends = [
        Column(
            kind="number", nulls=0, edges=each.edges, counts=each.counts,
            sd=float(of.std()), low=float(of.min()), high=float(of.max()),
        )
        for each, of in zip(found, (then, now), strict=True)
    ]  # fmt: skip
    return measures.measures(*ends)


def test_measures_agree_with_scipy() -> None:
    chance = np.random.default_rng(5)
    then, now = chance.normal(size=5000), chance.normal(0.4, 1.3, size=3000)
    found = measured(then, now)
    assert found.wasserstein is not None
    assert found.kolmogorov_smirnov is not None
    wanted = scipy.stats.wasserstein_distance(then, now) / then.std()
    assert found.wasserstein.value == pytest.approx(wanted, rel=0.05)  # bins at the ends are wide
    wanted = scipy.stats.ks_2samp(then, now).statistic
    assert found.kolmogorov_smirnov.value == pytest.approx(wanted, abs=0.02)
    cells = [(120, 80), (300, 250), (40, 90), (0, 3)]
    a, b = (np.array(each) for each in zip(*cells, strict=True))
    statistic, v = measures.chi_squared(cells)
    wanted = scipy.stats.chi2_contingency(np.array([a, b]), correction=False)
    assert statistic is not None
    assert v is not None
    assert (statistic.value, statistic.chance) == (pytest.approx(wanted.statistic), wanted.dof)
    raw = math.sqrt(wanted.statistic / (a.sum() + b.sum()))
    assert 0.9 * raw < v.value < raw
    js = measures.jensen_shannon(cells)
    assert js is not None
    wanted = scipy.spatial.distance.jensenshannon(a / a.sum(), b / b.sum(), base=2)
    assert js.value == pytest.approx(wanted)


def test_measures_are_near_what_chance_makes_of_them() -> None:
    chance = np.random.default_rng(6)
    found = [measured(chance.normal(size=2000), chance.normal(size=1000)) for _ in range(100)]
    for name in ("psi", "jensen_shannon", "wasserstein", "kolmogorov_smirnov"):
        each = [getattr(one, name) for one in found]
        ratio = np.mean([one.value for one in each]) / np.mean([one.chance for one in each])
        assert 0.8 < ratio < 1.2, name
    cells = [(chance.binomial(1000, 0.5), chance.binomial(1000, 0.5)) for _ in range(5)]
    _, v = measures.chi_squared(cells)
    assert v is not None
    assert v.value < 0.05


def test_nothing_to_measure_is_none() -> None:
    assert measures.measures(
        Column(kind="category", nulls=5), Column(kind="category", nulls=3)
    ) == (measures.Measures())
