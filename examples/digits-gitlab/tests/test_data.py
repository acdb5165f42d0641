"""The table in data/ is what the code believes it to be."""

from collections import Counter
from pathlib import Path

import pytest

from digits import data

SAMPLES = Path(__file__).parents[1] / "data" / "samples.csv"


def name(column: str) -> str:
    """A column's name as CSV writes it."""
    return '"' + column.replace('"', '""') + '"'


def test_samples_load() -> None:
    table = data.read(SAMPLES)
    assert [key for key, times in Counter(table.keys).items() if times > 1] == []
    assert table.target is not None
    assert "" not in table.target


def test_rows_without_target_load(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f'{name(data.KEY)},a,b\n7,1,"x, y"\n8,,z\n', encoding="utf-8")
    table = data.read(path)
    assert (table.keys, table.target) == (["7", "8"], None)
    assert table.columns == {"a": ["1", ""], "b": ["x, y", "z"]}
    assert table.where(1, "a") == f"{path}:3: a"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "among none"),
        ("a,b\n1,2\n", "among a, b"),
        ("{key},a\n1,2\n3\n", r"rows\.csv:3: 1 cells, but 2 columns"),
        ("{key},a,a\n1,2,3\n", "the same name"),
        ('{key},a\n1,"2"3\n', r"rows\.csv:2: "),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text.replace("{key}", name(data.KEY)), encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        data.read(path)
