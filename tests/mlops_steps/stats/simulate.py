"""How often intervals miss the truth: below it (the truth lies above) and above it.

    python tests/mlops_steps/stats/simulate.py [RUNS]

Each side is promised 2.5 %. Seeded, so that everybody sees the same figures; 2,000 runs a cell
take about a minute. docs/steps/evaluate.md quotes them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlops_steps.stats import deviations, recalls
from mlops_steps.stats.results import Interval

Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Numbers]

#: Errors of a model, and the true mean of their sizes and of their squares.
ERRORS: dict[str, tuple[Draw, float, float]] = {
    "normal": (lambda rng, n: rng.standard_normal(n), (2 / np.pi) ** 0.5, 1.0),
    "Laplace": (lambda rng, n: rng.laplace(size=n), 1.0, 2.0),
    # By integration over the density: E|t| = 4 sqrt(5) / (3 pi) and E t^2 = 5 / 3.
    "Student, 5 degrees": (
        lambda rng, n: rng.standard_t(5, n),
        4 * 5**0.5 / (3 * np.pi),
        5 / 3,
    ),
    "5 % five times as large": (
        lambda rng, n: rng.standard_normal(n) * np.where(rng.random(n) < 0.05, 5.0, 1.0),
        (2 / np.pi) ** 0.5 * 1.2,
        2.2,
    ),
}

#: Rows and true recalls of each class.
CLASSES: dict[str, tuple[list[int], list[float]]] = {
    "10 of 54, all 0.97": ([54] * 10, [0.97] * 10),
    "10 of 13, all 0.95": ([13] * 10, [0.95] * 10),
    "100, 20, 10: 0.95, 0.8, 0.6": ([100, 20, 10], [0.95, 0.8, 0.6]),
    "300, 30, 10: 0.99, 0.9, 0.7": ([300, 30, 10], [0.99, 0.9, 0.7]),
    "20 of 5, all 0.8": ([5] * 20, [0.8] * 20),
}


def misses(intervals: Sequence[Interval | None], truth: float) -> tuple[float, float]:
    """The shares of intervals that lie below the truth, and above it; none known misses none."""
    known = [each for each in intervals if each is not None]
    below = sum(high < truth for _, high in known)
    above = sum(low > truth for low, _ in known)
    return below / len(intervals), above / len(intervals)


def errors(kind: str, n: int, runs: int) -> dict[str, tuple[float, float]]:
    """Of the intervals for mae and rmse, of `n` rows with errors of a kind."""
    draw, size, square = ERRORS[kind]
    rng = np.random.default_rng(n)
    drawn = [draw(rng, n) for _ in range(runs)]
    return {
        "mae": misses([deviations.mean_interval(np.abs(e), 0.95) for e in drawn], size),
        "rmse": misses([deviations.root_interval(e**2, 0.95) for e in drawn], square**0.5),
    }


def differences(kind: str, n: int, runs: int) -> dict[str, tuple[float, float]]:
    """Of the paired intervals, when a model adds noise (0.3 of the first's spread) to another's."""
    draw, *_ = ERRORS[kind]
    rng = np.random.default_rng(n + 1)
    many = draw(rng, 4_000_000)
    noisy = many + 0.3 * rng.standard_normal(len(many))
    truth = (
        float(np.abs(noisy).mean() - np.abs(many).mean()),
        float((noisy**2).mean() ** 0.5 - (many**2).mean() ** 0.5),
    )
    means, roots = [], []
    for _ in range(runs):
        e = draw(rng, n)
        f = e + 0.3 * rng.standard_normal(n)
        means.append(deviations.paired_mean(np.abs(f), np.abs(e), 0.95))
        roots.append(deviations.paired_root(f**2, e**2, 0.95))
    return {"mae": misses(means, truth[0]), "rmse": misses(roots, truth[1])}


def classes(name: str, runs: int) -> tuple[float, float]:
    """Of the interval for balanced accuracy."""
    rows, shares = CLASSES[name]
    rng = np.random.default_rng(len(rows))
    drawn = rng.binomial(rows, shares, (runs, len(rows)))
    found = [recalls.score([int(x) for x in hits], rows, 0.95) for hits in drawn]
    return misses(found, float(np.mean(shares)))


def class_differences(name: str, runs: int) -> tuple[float, float]:
    """Of its paired interval: 4 % of the rows only the first has right, 2 % only the second."""
    rows, _ = CLASSES[name]
    rng = np.random.default_rng(len(rows) + 1)
    found = []
    for _ in range(runs):
        cells = np.array([rng.multinomial(n, [0.04, 0.02, 0.94]) for n in rows])
        first, second = ([int(x) for x in column] for column in (cells[:, 0], cells[:, 1]))
        found.append(recalls.paired_difference(first, second, rows, 0.95))
    return misses(found, 0.02)


def main() -> None:
    """Print every cell."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000

    def say(what: str, found: tuple[float, float]) -> None:
        print(f"{what:62} below {100 * found[0]:4.1f} %  above {100 * found[1]:4.1f} %", flush=True)

    for kind in ERRORS:
        for n in (100, 130, 500):
            for name, found in errors(kind, n, runs).items():
                say(f"{name}, {n} rows, {kind}", found)
    for kind in ERRORS:
        for n in (100, 130, 500):
            for name, found in differences(kind, n, runs).items():
                say(f"difference of {name}, {n} rows, {kind}", found)
    for name in CLASSES:
        say(f"balanced_accuracy, {name}", classes(name, min(runs, 500)))
        say(f"difference of balanced_accuracy, {name}", class_differences(name, min(runs, 500)))


if __name__ == "__main__":
    main()
