"""How often the monitor's intervals hold, and how often it calls a drop that is none.

    python -m tests.mlops_steps.monitor.coverage

writes the two tables of docs/steps/monitor.md anew (some minutes of one core). Rows are real
draws; the code of the step judges them, from the counted cells to the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlops_steps.config import Monitor, Split, TableInput
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.monitor import performance
from mlops_steps.monitor.answers import Known
from mlops_steps.monitor.estimates import Cells, cells_of, estimates
from mlops_steps.monitor.labels import Labelled
from mlops_steps.monitor.priors import priors

PAGE = Path(__file__).parents[3] / "docs" / "steps" / "monitor.md"
Z = 1.959964
SPLIT = Split(by="hash", salt="s", test=0.3, valid=0.2)
TABLE = TableInput(path="t.csv", key="id", target="y", split=SPLIT, contract="c.yaml")


@dataclass(frozen=True)
class Case:
    """Evaluate's rows, answers, and how what is asked differs.

    Attributes:
        task: Of the model.
        rows: Of evaluate.
        answers: Now.
        moved: Mean of the feature now, in sd; 0 in evaluate.
        concept: Of a binary model the share of labels that are turned round now; of a regression
            by how much its errors are larger.
    """

    task: str
    rows: int
    answers: int
    moved: float = 0.0
    concept: float = 0.0


def binary(rows: int, moved: float, concept: float, chance: np.random.Generator) -> Judged:
    """An honest score of a normal feature, 0.5 the threshold."""
    score = 1 / (1 + np.exp(-2.5 * chance.normal(moved, 1, rows)))
    label = (chance.random(rows) < score) ^ (chance.random(rows) < concept)
    return Judged(label.astype(int), Answers((score > 0.5).astype(int), score), None)


def regression(rows: int, moved: float, concept: float, chance: np.random.Generator) -> Judged:
    """Errors that grow with the prediction."""
    said = 150 + 30 * chance.normal(moved, 1, rows)
    size = (1 + concept) * np.maximum(said, 1) / 10
    return Judged(said + chance.normal(0, 1, rows) * size, Answers(said), None)


DRAW: dict[str, Callable[..., Judged]] = {"binary": binary, "regression": regression}


def placed(cells: Cells, judged: Judged, *, scored: bool) -> list[int]:
    """Answers by cell, as the step's SQL counts them; those in none are left out."""
    counts, said = np.zeros(len(cells.rows), dtype=int), judged.candidate.prediction
    values, first = judged.candidate.scores if scored else said, 0
    for group in cells.groups:
        inside = (values >= group.low) & (values <= group.high)
        own = inside if group.said is None else inside & (said == group.said)
        bins = np.searchsorted(np.array(group.edges), values[own], side="left")
        size = len(group.edges) + 1
        counts[first : first + size] += np.bincount(bins, minlength=size)
        first += size
    return counts.tolist()


def true_figures(case: Case, rows: int = 400_000) -> dict[str, float]:
    """What the model's figures are now, on so many rows that chance does not matter."""
    judged = DRAW[case.task](rows, case.moved, case.concept, np.random.default_rng(99))
    known = Known(case.task, TABLE, judged, "text")  # type: ignore[arg-type]
    return {k: v.value for k, v in performance.measured(known, judged, 0.95).items()}


def coverage(case: Case, repetitions: int, *, seed: int) -> dict[str, float]:
    """How often the 95 % interval of each estimated figure holds the true one."""
    truth, scored, hits = true_figures(case), case.task != "regression", dict[str, int]()
    for place in range(repetitions):
        chance = np.random.default_rng([seed, place])
        then = DRAW[case.task](case.rows, 0.0, 0.0, chance)
        now = DRAW[case.task](case.answers, case.moved, case.concept, chance)
        cells = cells_of(then, scored=scored)
        asked = placed(cells, now, scored=scored)
        for name, each in estimates(then, cells, asked, task=case.task).items():
            low, high = each.interval(Z)
            hits[name] = hits.get(name, 0) + (low <= truth[name] <= high)
    return {name: count / repetitions for name, count in hits.items()}


def prior_coverage(case: Case, repetitions: int, *, seed: int, share: float) -> float:
    """How often BBSE's 95 % interval holds the share of positives; evaluate's is one half."""
    hits = 0
    for place in range(repetitions):
        chance = np.random.default_rng([seed, place])
        label = chance.integers(0, 2, case.rows)
        said = label ^ (chance.random(case.rows) < 0.15)
        positive = chance.random(case.answers) < share
        claimed = int((positive ^ (chance.random(case.answers) < 0.15)).sum())
        found = priors(label, said, np.array([case.answers - claimed, claimed], dtype=float))
        if isinstance(found, str):
            continue
        hits += abs(found.now[1] - share) <= Z * found.deviation[1]
    return hits / repetitions


def drops(
    case: Case, repetitions: int, *, seed: int, alpha: float = 0.05, drop: float = 0.05
) -> tuple[float, dict[str, float]]:
    """How often labels prove a drop of any metric, and of each.

    Returns:
        The share of repetitions with any metric called dropped, and by metric.
    """
    settings, anywhere, by = Monitor(drop=drop), 0, dict[str, int]()
    for place in range(repetitions):
        chance = np.random.default_rng([seed, place])
        then = DRAW[case.task](case.rows, 0.0, 0.0, chance)
        now = DRAW[case.task](case.answers, case.moved, case.concept, chance)
        known = Known(case.task, TABLE, then, "text")  # type: ignore[arg-type]
        found = Labelled(now, case.answers, 0, 0.0, 1.0, 0, [1] * 10, [1] * 10)
        dropped = performance.by_labels(known, found, settings, alpha).dropped
        anywhere += bool(dropped)
        for each in dropped:
            by[each.name] = by.get(each.name, 0) + 1
    return anywhere / repetitions, {name: count / repetitions for name, count in by.items()}


def turned(points: float = 0.05) -> float:
    """Of labels, so that the accuracy of `binary` falls by so much."""
    accuracy = true_figures(Case("binary", 1, 1), 2_000_000)["accuracy"]
    return points / (2 * accuracy - 1)


ESTIMATED = {
    "binary, nothing moved": Case("binary", 170, 1000),
    "binary, feature +0.5 sd": Case("binary", 170, 1000, moved=0.5),
    "binary, feature -1 sd": Case("binary", 2000, 10_000, moved=-1.0),
    "regression, nothing moved": Case("regression", 200, 1000),
    "regression, feature +0.5 sd": Case("regression", 200, 1000, moved=0.5),
    "regression, feature +0.5 sd, many": Case("regression", 2000, 10_000, moved=0.5),
    "binary, concept: 20 % of labels turned": Case("binary", 2000, 10_000, concept=0.2),
    "regression, concept: errors 30 % larger": Case("regression", 2000, 10_000, concept=0.3),
}


def main(repetitions: int = 1000, runs: int = 300) -> None:
    """Write both tables between their marks."""
    heads = "| what has moved | rows of evaluate | answers | 95 % intervals that held |"
    first = [heads, "| --- | --- | --- | --- |"]
    for place, (name, case) in enumerate(ESTIMATED.items()):
        found = coverage(case, repetitions, seed=place)
        said = ", ".join(f"{key} {share:.1%}".replace("%", " %") for key, share in found.items())
        first.append(f"| {name} | {case.rows:,} | {case.answers:,} | {said} |")
        print(first[-1], flush=True)
    for share in (0.5, 0.2, 0.05):
        case = Case("binary", 500, 2000)
        found_share = prior_coverage(case, repetitions, seed=50, share=share)
        held = f"share {found_share:.1%}".replace("%", " %")
        name = f"prior, 50 % positive to {share:.0%}".replace("%", " %").replace("50  %", "50 %")
        first.append(f"| {name} | 500 | 2,000 | {held} |")
        print(first[-1], flush=True)
    second = ["| what has happened | rows of evaluate | labels | called a drop |"]
    second.append("| --- | --- | --- | --- |")
    edge = turned()
    for name, concept, rows, labels in (
        ("nothing", 0.0, 170, 500),
        ("accuracy exactly 5 points lower", edge, 500, 2000),
        ("accuracy 10 points lower", 2 * edge, 500, 2000),
        ("accuracy 15 points lower", 3 * edge, 500, 2000),
        ("accuracy 15 points lower", 3 * edge, 500, 500),
        ("accuracy 15 points lower", 3 * edge, 2000, 2000),
    ):
        _, by = drops(
            Case("binary", rows, labels, concept=concept), runs, seed=70, alpha=0.05 / 104
        )
        share = f"{by.get('accuracy', 0.0):.1%}".replace("%", " %")
        second.append(f"| {name} | {rows:,} | {labels:,} | {share} |")
        print(second[-1], flush=True)
    text = PAGE.read_text(encoding="utf-8")
    for mark, lines in (("estimated", first), ("drops", second)):
        before, _, rest = text.partition(f"<!-- {mark} -->\n")
        after = rest.partition(f"<!-- /{mark} -->")[2]
        text = f"{before}<!-- {mark} -->\n" + "\n".join(lines) + f"\n<!-- /{mark} -->{after}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
