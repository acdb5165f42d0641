"""What is kept of a column is small, and is what the whole column would say."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_init.datasets import sketch as sketches
from mlops_init.datasets.reading import Row
from mlops_init.datasets.sketch import Sketch, sketch


def of(cells: list[str], scratch: Path, key: str = "") -> Sketch:
    rows = (Row(line, [cell]) for line, cell in enumerate(cells, 2))
    (column,) = sketch(rows, ["a"], key=key, target="", scratch=scratch)
    return column


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "007"], "integer"),
        (["1", "2.5"], "number"),
        (["1e3", ".5", "5.", "-1.5E-3"], "number"),
        (["true", "False", "TRUE"], "boolean"),
        (["2024-01-31", "2024-01-31T10:00", "2024-01-31 10:00:00.123"], "timestamp"),
        (["2024-13-01"], "text"),
        (["a", "1"], "text"),
        (["true", "1"], "text"),
        (["1_000"], "text"),
        (["+5"], "text"),
        (["inf"], "text"),
        (["nan"], "text"),
        (["1e400"], "text"),
        (["--5"], "text"),
        ([" 5"], "text"),
        (["٣"], "text"),
        (["2024-01-3٣"], "text"),
    ],
)
def test_a_cell_is_what_every_reader_takes_it_for(
    tmp_path: Path, cells: list[str], kind: str
) -> None:
    assert of(cells, tmp_path).kind == kind
    assert of(["", *cells, ""], tmp_path).kind == kind


def test_moments_and_ends_are_those_of_all_numbers(tmp_path: Path) -> None:
    chance = random.Random(1)
    numbers = [1e6 + chance.gauss(0, 1) for _ in range(3 * sketches.BATCH_ROWS + 7)]
    found = of([repr(each) for each in numbers], tmp_path)
    assert found.mean == pytest.approx(statistics.fmean(numbers), rel=1e-12)
    spread = math.sqrt(found.squares / found.rows)
    assert spread == pytest.approx(statistics.pstdev(numbers), rel=1e-9)
    assert (found.low, found.high) == (min(numbers), max(numbers))
    middle = sorted(found.sample)[len(found.sample) // 2]
    assert middle == pytest.approx(statistics.median(numbers), abs=0.2)
    assert 256 < len(found.sample) <= 1024


def test_missing_cells_are_counted_and_named(tmp_path: Path) -> None:
    found = of(["1", "", "2", "", *[""] * 9], tmp_path)
    assert (found.rows, found.nulls, found.present) == (13, 11, 2)
    assert found.null_lines == [3, 5, 6, 7, 8]


def test_a_text_among_numbers_is_named_with_its_first_line(tmp_path: Path) -> None:
    found = of([*map(str, range(100)), "n/a", "7", "n/a"], tmp_path)
    assert found.kind == "text"
    assert {text: (odd.count, odd.line) for text, odd in found.odd.items()} == {"n/a": (2, 102)}


@pytest.mark.parametrize("extra", [[], ["k00007"], ["k99999"], ["k50001"]])
@pytest.mark.parametrize("key", ["", "a"])
def test_unique_in_memory_and_beyond_it(tmp_path: Path, extra: list[str], key: str) -> None:
    count = 2 * sketches.HELD + 5
    found = of([*(f"k{number:05d}" for number in range(count)), *extra], tmp_path, key)
    assert any(tmp_path.iterdir())
    assert found.unique == (not extra)
    if extra:
        assert found.repeated == sketches.digest(extra[0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=40),
    st.integers(1, 7),
)
def test_batches_make_no_difference(cells: list[str], size: int) -> None:
    whole, parts = Sketch("a"), Sketch("a")
    lines = list(range(2, len(cells) + 2))
    if cells:
        whole.add(lines, cells)
    for start in range(0, len(cells), size):
        parts.add(lines[start : start + size], cells[start : start + size])
    assert (whole.kind if cells else "text") == (parts.kind if cells else "text")
    assert (whole.rows, whole.nulls, whole.values) == (parts.rows, parts.nulls, parts.values)
    assert (whole.low, whole.high, whole.longest) == (parts.low, parts.high, parts.longest)
    assert whole.mean == pytest.approx(parts.mean)
    assert whole.squares == pytest.approx(parts.squares, abs=1e-9)


def test_a_large_table_is_not_held_in_memory(tmp_path: Path) -> None:
    # 75 MB of rows under 70 MB for all: the interpreter and what is kept of 6 columns.
    program = """
import sys
from pathlib import Path
from mlops_init.datasets.reading import open_table, rows
from mlops_init.datasets.sketch import sketch
path = Path(sys.argv[1]) / "t.csv"
with path.open("w") as stream:
    stream.write("id,a,b,note,c,y\\n")
    for number in range(400_000):
        stream.write(f"{number},{number % 977}.5,{number * 7919 % 1000003},")
        stream.write(f"{'note %d ' % number * 14},{number % 3},{number % 2}\\n")
size = path.stat().st_size
table = open_table(path)
found = sketch(rows(table), table.columns, key="", target="y", scratch=Path(sys.argv[1]))
assert found[0].unique and found[0].rows == 400_000, found[0]
# Not getrusage, which begins with what the process was that started this one.
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(size // 10**6, int(peak) // 1000)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    size, peak = map(int, found.stdout.split())
    assert size > 70
    assert peak < 70
