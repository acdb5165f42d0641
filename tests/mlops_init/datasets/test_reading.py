"""A user's file is read as every other reader would, or refused with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.mlops_init.datasets.tables import write

from mlops_init.datasets.reading import Row, open_table, rows
from mlops_init.errors import UsageError

FEW = "id,a,b\n1,x,2\n2,y,3\n"


def read(path: Path) -> list[Row]:
    return list(rows(open_table(path)))


@pytest.mark.parametrize(
    ("content", "anew"),
    [
        (FEW, ""),
        (FEW.replace("\n", "\r\n"), ""),
        (FEW.removesuffix("\n"), ""),
        (FEW.replace("2,y", "\n2,y"), ""),
        ('id,a,b\r\n"1",x,"2"\r\n2,"y",3\r\n', ""),
        ("\ufeff" + FEW, "without its byte order mark"),
        (FEW.replace("\n", "\r"), "with one kind of line ends"),
        (FEW.replace("x,2\n", "x,2\r\n"), "with one kind of line ends"),
    ],
    ids=["plain", "windows", "no end", "empty line", "quotes", "mark", "old mac", "mixed"],
)
def test_one_table_however_it_is_written(tmp_path: Path, content: str, anew: str) -> None:
    table = open_table(write(tmp_path / "t.csv", content))
    assert (table.columns, table.anew) == (("id", "a", "b"), anew)
    assert [row.cells for row in rows(table)] == [["1", "x", "2"], ["2", "y", "3"]]


def test_a_row_begins_on_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", 'a,b\n1,"two\nlines"\n\n3,"say ""so"", then"\n')
    assert read(path) == [Row(2, ["1", "two\nlines"]), Row(5, ["3", 'say "so", then'])]


def test_json_lines_are_read_as_they_are_written(tmp_path: Path) -> None:
    lines = [
        '{"id": 1, "a": 1.50, "t": true}',
        "",
        '{"a": null, "id": 12345678901234567890, "e": "\\u00e9\u2028\\n", "b": -1e400}',
    ]
    table = open_table(write(tmp_path / "t.jsonl", "\ufeff" + "\n".join(lines)))
    assert (table.columns, table.lines) == (("id", "a", "t", "e", "b"), True)
    assert list(rows(table)) == [
        Row(1, ["1", "1.50", "true", "", ""]),
        Row(3, ["12345678901234567890", "", "", "é\u2028\n", "-1e400"]),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        (b"PAR1\x15\x04", "COPY (FROM 't.csv') TO 't.csv'\"` or in pandas"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "is compressed (gzip); unpack it first"),
        (b"PK\x03\x04rest", "a ZIP archive or a spreadsheet"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16; write it as UTF-8"),
        (b"a,b\n1,2\nx,caf\xe9\n", "line 3: byte 0xe9 is not UTF-8 text"),
        (b"a,\xff\n1,2\n", "line 1: byte 0xff is not UTF-8 text"),
        (b"a,b\n1,\0\n", "holds a NUL byte"),
        ("a;b\n1;2\n", "line 1: semicolons between the cells? Wanted are commas"),
        ("a\tb\n1\t2\n", "line 1: tabs between the cells?"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, 2 are wanted"),
        ('a,b\n1,"2\n3,4\n', "unexpected end of data"),
        ('a,b\n1,"2"3\n', "line 2: ',' expected after '\"'"),
        ("a,b\n1," + "x" * 200_000 + "\n", "line 2: field larger than field limit"),
        ("a\n1\n\n2\n", "line 3: an empty line"),
        (",a\n0,1\n", "line 1: column 1, '': has no name (an index that was written along?)"),
        ("a, \n0,1\n", "line 1: column 2, ' ': has no name"),
        ("a,b,a\n1,2,3\n", "two columns have the same name: 'a', 'a'"),
        ("Age,age\n1,2\n", "two columns have names that differ only in their case: 'Age', 'age'"),
        ('"a\nb",c\n1,2\n', "column 1, 'a\\nb': has a line end or another control character"),
        ("a," + "b" * 10_000 + "\n1,2\n", "10,000 characters; at most 200 are allowed"),
        ("a,*row*\n1,2\n", "'*row*': a name must not begin with *"),
        (",".join(f"c{i}" for i in range(2001)) + "\n", "2,001 columns; at most 2,000"),
        ('[{"a": 1}]', "is a JSON array; wanted is JSON lines"),
        ('{"a": 1}\n{"a": 1\n', "line 2: column 8: no JSON: Expecting ',' delimiter"),
        ('{"a": 1}\n[1]\n', "line 2: not an object; wanted is one object a line"),
        ('{"a": 1}\n{"a": [1]}\n', "line 2: 'a': holds a list"),
        ('{"a": {"b": 1}}\n', "line 1: 'a': holds an object"),
        ('{"a": NaN}\n', "line 1: NaN is no number of JSON; leave the value out"),
        ('{"a": 1, "a": 2}\n', "line 1: an object has a name twice"),
        ('{"a": "\\ud800"}\n', "line 1: 'a': half a character"),
        ('{"\\ud800": 1}\n', "has a line end or another control character"),
        ('{"a": ' + "[" * 200_000 + "\n", "line 1: nested too deeply"),
        ("{a,b\n1,2\n", "line 1: column 2: no JSON: Expecting property name"),
        ('"{a",b\n1,2\n', "the first name must not begin with {, as JSON lines do"),
        ('{"{a": 1}\n', "the first name must not begin with {, as JSON lines do"),
        ('{"a": 1}\n{"A": 1}\n', "names that differ only in their case: 'a', 'A'"),
    ],
    ids=lambda each: ascii(each)[:40],
)
def test_what_is_refused_has_its_place(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = write(tmp_path / "t.csv", content)
    with pytest.raises(UsageError) as refused:
        read(path)
    said = str(refused.value)
    assert words in said
    assert said.startswith("t.csv: ")
    assert said.endswith(". Nothing was written")
    assert len(said) < 400
    assert "\n" not in said


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: No such file"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="is not a file"):
        open_table(tmp_path)
    with pytest.raises(UsageError, match="is not a file"):
        open_table(Path("/dev/zero"))


def test_a_file_that_changes_between_two_looks_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", FEW)
    table = open_table(path)
    assert len(list(rows(table))) == 2
    write(path, FEW + "3,z,4\n")
    with pytest.raises(UsageError, match="was changed while it was read"):
        list(rows(table))


def test_names_may_hold_what_a_csv_may(tmp_path: Path) -> None:
    names = ["a,b", 'say "so"', "größe", "x: [y]", "{{ name }}", "it's", "#1", "\\n", "日本"]
    path = write(tmp_path / "t.csv", [names, [str(i) for i in range(len(names))]])
    assert list(open_table(path).columns) == names
    lines = write(tmp_path / "t.jsonl", json.dumps(dict.fromkeys(names, 1)))
    assert list(open_table(lines).columns) == names
