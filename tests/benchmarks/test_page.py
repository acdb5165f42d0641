"""The page of figures: a benchmark that runs alone replaces its own, and leaves the others."""

from __future__ import annotations

from pathlib import Path

from benchmarks.__main__ import write
from benchmarks.measure import at_least, at_most


def test_a_benchmark_replaces_its_own_figures(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    write([at_most("drift", "slow", 3, 4, {}), at_least("startup", "quick", 1, 2, {})], page)
    rows = page.read_text().splitlines()[-2:]
    assert rows == [
        "| startup | quick | 1 | >= 2 | no |  |",
        "| drift | slow | 3 | <= 4 | yes |  |",
    ]
    write([at_most("startup", "quicker", 1, 4, {"peer": 2.5})], page)
    head, *_ = page.read_text().splitlines()
    assert head.startswith("<!-- Written by")
    assert page.read_text().splitlines()[-2:] == [
        "| startup | quicker | 1 | <= 4 | yes | peer 2.5 |",
        rows[1],
    ]
