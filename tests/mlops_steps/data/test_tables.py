"""What can be read, what is refused, and that a text stays the text it was."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.footers import STAND_IN, make_nan

from mlops_steps.data.parts import Parts, Table
from mlops_steps.data.tables import MEMORY_LIMIT, column_names, connect, format_of, reading, scan
from mlops_steps.errors import UndecidedError


def rows(path: Path, *, text: bool = True) -> list[tuple[object, ...]]:
    with connect() as connection, reading(path.name):
        return connection.execute(f"SELECT * FROM {scan(path, text=text)}").fetchall()


def put(folder: Path, content: str | bytes) -> Path:
    path = folder / "table"  # no ending: the content tells
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("id,b\n007,1.50\n", [("007", "1.50")]),
        ('id,b\n1,"a, ""b"""\n2,\n3,"x\ny"\n', [("1", 'a, "b"'), ("2", None), ("3", "x\ny")]),
        ("id,b\r\n1,2\r\n", [("1", "2")]),
        ("\ufeffid,b\n1,2\n", [("1", "2")]),
        ("id,b\n1,2", [("1", "2")]),
        ("id,b\n#1,NULL\n", [("#1", "NULL")]),
        ("id,b\n1, x \n", [("1", " x ")]),
        ("id,b\n", []),
        ('{"id": "007", "b": 2}\n{"id": 8, "b": null}\n', [("007", "2"), ("8", None)]),
        ('{"id": 1}\n{"id": 2, "b": "x"}\n', [("1", None), ("2", "x")]),
    ],
)
def test_cells_are_read_as_they_stand(
    tmp_path: Path, content: str, wanted: list[tuple[str | None, ...]]
) -> None:
    path = put(tmp_path, content)
    assert rows(path) == wanted
    assert column_names(path) == ["id", "b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        (b"\x1f\x8b\x08\x00rest", "is compressed"),
        ("id,b\n1,2,3\n", "cannot be read"),
        ("id,b\n1\n", "cannot be read"),
        ('id,b\n1,"open\n', "cannot be read"),
        (b"id,b\n1,\xe9\n", "cannot be read"),
        (b"id,\xe9\n1,2\n", "header cannot be read"),
        ("id,a,A\n1,2,3\n", "two columns are named 'a' and 'A'"),
        ("id,,b\n1,2,3\n", "a column has no name"),
        ('{"id": 1}\nnot json\n', "cannot be read"),
        (b"PAR1 but no more", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_undecided(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(UndecidedError, match=reason):
        rows(put(tmp_path, content))


@pytest.mark.timeout(60)
def test_a_line_without_an_end_is_not_read_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("wb") as stream:
        stream.write(b"id,a")
        stream.truncate(1 << 40)
    with pytest.raises(UndecidedError, match=r"a line has 16,777,216 characters or more"):
        column_names(tmp_path / "t.csv")


def test_an_error_quotes_no_row(tmp_path: Path) -> None:
    path = put(tmp_path, "id,name\n1,secret person,x\n")
    with pytest.raises(UndecidedError) as caught:
        rows(path)
    assert "secret" not in str(caught.value)


def test_a_bad_row_far_down_is_an_error_too(tmp_path: Path) -> None:
    path = put(tmp_path, "id,b\n" + "1,2\n" * 100_000 + "1,2,3\n")
    with pytest.raises(UndecidedError, match="cannot be read"):
        rows(path)


def test_a_missing_file_is_undecided(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="No such file"):
        format_of(tmp_path / "none.csv")


def test_names_that_look_like_patterns_or_sql_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]*'s"
    folder.mkdir()
    (folder / "other").write_text("id\n9\n")
    assert rows(put(folder, 'id,"x"") y"\n1,2\n')) == [("1", "2")]


def test_a_cast_that_fails_is_null_and_not_an_error(tmp_path: Path) -> None:
    # DuckDB 2.0.0 moves the cast into its CSV reader, unless told not to.
    path = put(tmp_path, "id,a\n1,2.5\n2,x\n3,nan\n")
    with connect() as connection:
        query = f"SELECT TRY_CAST(a AS DOUBLE) FROM {scan(path, text=True)}"
        found = [value for (value,) in connection.execute(query).fetchall()]
    assert (found[0], found[1], str(found[2])) == (2.5, None, "nan")


def test_typed_columns_are_told_from_the_whole_file(tmp_path: Path) -> None:
    path = put(tmp_path, "id,a\n" + "1,2\n" * 30_000 + "1,2.5\n")
    assert rows(path, text=False)[-1] == (1, 2.5)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with connect() as connection:
        (folder,) = connection.execute("SELECT current_setting('temp_directory')").fetchone() or ()
        (limit,) = connection.execute("SELECT current_setting('memory_limit')").fetchone() or ()
    assert not Path(folder).exists()
    assert not any(tmp_path.iterdir())
    assert (MEMORY_LIMIT, limit) == ("256MiB", "256.0 MiB")


def test_the_memory_limit_holds_when_values_are_compared() -> None:
    # 4 million different keys of 40 characters are more than the limit: DuckDB goes to disk.
    # It says nothing meanwhile: a step's output is read by people and CI platforms.
    # `ru_maxrss` would not do on Linux: a process inherits there the peak of who starts it.
    code = """
import pathlib, resource
from mlops_steps.data.tables import connect
with connect() as connection:
    query = "SELECT count(*) FROM (SELECT k FROM (SELECT repeat('k', 32) || i AS k FROM "
    query += "range(4_000_000) t(i)) GROUP BY k HAVING count(*) > 1)"
    assert connection.execute(query).fetchall() == [(0,)]
status = pathlib.Path("/proc/self/status")
if status.exists():
    print(status.read_text().split("VmHWM:")[1].split()[0])
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    # The limit, and what DuckDB and Python need themselves, in KiB.
    assert int(found.stdout) < 600 * 1024


@pytest.mark.parametrize("files", [1, 2])
def test_numbers_that_footers_leave_out_are_seen(tmp_path: Path, files: int) -> None:
    path = tmp_path / "t.parquet"
    rows = f"range(1000) t(i) JOIN (VALUES (0.5::DOUBLE), ({STAND_IN}), (2.5)) v(x) ON true"
    duckdb.execute(f"COPY (SELECT i, x FROM {rows}) TO '{path}' (COMPRESSION uncompressed)")
    make_nan(path)
    # What makes the test one: DuckDB itself believes the footer.
    assert duckdb.execute(f"SELECT count_if(isnan(x)) FROM '{path}'").fetchall() == [(0,)]
    table: Table = path if files == 1 else Parts("t", (path, path))
    with connect() as connection:
        for query in ("SELECT count_if(isnan(x)) FROM {}", "SELECT count(*) FROM {} WHERE isnan(x)",
                      "SELECT count(*) FROM {} WHERE x > 100"):  # fmt: skip
            found = connection.execute(query.format(scan(table))).fetchone()
            assert found == (1000 * files,), query
        (low, most) = connection.execute(f"SELECT min(x), max(x) FROM {scan(table)}").fetchone()
        assert (low, math.isnan(most)) == (0.5, True)
