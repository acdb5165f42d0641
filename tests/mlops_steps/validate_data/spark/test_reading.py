"""Files as each engine reads them: cell for cell the same, or refused."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mlops_steps.data.parts import Parts
from mlops_steps.data.tables import connect, scan
from mlops_steps.errors import UndecidedError
from mlops_steps.validate_data.spark import kinds
from mlops_steps.validate_data.spark.opening import TABLE, open_table
from mlops_steps.validate_data.spark.session import Session

#: Read by both, and as the same; one file each.
ALIKE = [
    (
        'id,b\n"""x"" y",2\n"x""y",2\n\ufffd,2\nx"y,2\n x , 2 \n"x" ,2\n"",""\n'
        ",\n\n1,2\n#x,\\\n\x00,\u2028\n\n\n"
    ),
    "\ufeffid,b\r\n1,2\r\n3,4\r\n",
    "id,b\r1,2\r3,4\r",
    "id,b\n",
    '"id","b,`.c"\n1,2',
    '{"id":1}\n\n{"id":null}\n \t{"id":"x", "c" : true }\r\n{}\n'
    '{"id":"\\u00e9\\ud83d\\ude00\\u0000\\/"}\n{"b":12345678901234567890123}\n'
    '{"id":1.5,"b":-0.25}\n{"id":9.0,"b":123456789.125}\n{"b.`c":"\\\\"}\n'
    '{"id":" \\"x\\r\\ny"}\n{"id":"\\ufffd"}\n'
    '{"id":"' + "xé" * 20_000 + '\\t"}\n',
]
#: Refused on Spark: DuckDB makes another thing of it, or nothing.
REFUSED: list[str | bytes] = [
    'id,b\n"x\ny",2\n',
    'id,b\n"x\r\ny",2\n',
    "id,b\n1,2\r\n3,4\r\n",
    "id,b\r\n1,2\n3,4\n",
    b"id,b\n\xe9,2\n",
    b"id,b\r\n" + b"1,2\r\n" * 900 + b"\xff,2\r\n",
    'id,b\n "x",2\n',
    'id,b\n"x"y,2\n',
    'id,b\n"x"\t,2\n',
    "id,b\n1\n",
    "id,b\n1,2,3\n",
    "id\n1\n\n2\n",
    "\nid,b\n1,2\n",
    "id,ID\n1,2\n",
    '{"id":1,"ID":2}\n',
    '\ufeff{"id":1}\n',
    '{"":1,"id":2}\n',
    '{"id":1}\n{"id":2',
]
#: Lines of JSON of which each is refused.
ODD = [
    b'{"id":1,"id":2}',
    b'{"id":1,"b":0,"\\u0069d":2}',
    b'{"id":{"b": 1.50}}',
    b'{"id":[1, 2]}',
    b'[{"id":2}]',
    b"5",
    b"null",
    b'{"id":1} {"id":2}',
    b'{"id":1}\r{"id":2}',
    b'{"id":1} trailing',
    b'{"id":1},',
    b"{'id':1}",
    b"{id:1}",
    b'{"id":NaN}',
    b'{"id":01}',
    b'{"id":1,}',
    b'{"id":"\\ud800"}',
    b'{"id":"\t"}',
    b'{"id":"\\x"}',
    b'{"id":"\xe9"}',
    b'{"\xe9":1}',
    b"\x0b",
]
#: Keys that DuckDB writes otherwise: another text falls to another split.
REWRITTEN = ["1.50", "1E5", "1e-07", "-0", "0.1000000000000000055", "9007199254740993.0"]


def by_duckdb(source: Path | Parts) -> list[tuple[str | None, ...]]:
    with connect() as connection:
        return connection.execute(
            f"SELECT * FROM {scan(source, text=True)} ORDER BY ALL"
        ).fetchall()


def by_spark(spark: Session, source: Path | Parts) -> list[tuple[str | None, ...]]:
    found = open_table(spark, source, "id")
    with connect() as connection:
        names = [each[0] for each in connection.sql(f"FROM {scan(source, text=True)}").description]
    listed = ", ".join(kinds.quoted(name) for name in names)
    assert sorted(found.kinds) == sorted(names)
    rows = spark.ask(f"SELECT {listed} FROM {TABLE}")
    return sorted((tuple(row) for row in rows), key=lambda row: [(c is None, c) for c in row])


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("content", ALIKE)
def test_cells_are_the_same(spark: Session, tmp_path: Path, content: str) -> None:
    path = written(tmp_path / "t", content)
    assert by_spark(spark, path) == by_duckdb(path)


@pytest.mark.parametrize("content", REFUSED)
def test_what_may_be_read_otherwise_is_refused(
    spark: Session, tmp_path: Path, content: str | bytes
) -> None:
    with pytest.raises(UndecidedError):
        open_table(spark, written(tmp_path / "t", content), "id")


def test_every_odd_line_of_json_is_noticed(spark: Session, tmp_path: Path) -> None:
    lines = [b'{"id":"good"}', *ODD, b'{"id":1}', b""]
    with pytest.raises(UndecidedError) as error:
        open_table(spark, written(tmp_path / "t", b"\n".join(lines)), "id")
    assert f"{len(ODD)} lines hold no plain object" in str(error.value)


def test_keys_that_are_written_anew_are_refused(spark: Session, tmp_path: Path) -> None:
    lines = "".join(f'{{"id":{number}}}\n' for number in [*REWRITTEN, "1", "0.5"])
    path = written(tmp_path / "t", lines)
    assert not {row[0] for row in by_duckdb(path)} & set(REWRITTEN)
    with pytest.raises(UndecidedError) as error:
        open_table(spark, path, "id")
    assert f"{len(REWRITTEN)} keys are numbers" in str(error.value)


def test_several_files_and_keys_of_folders(spark: Session, tmp_path: Path) -> None:
    for kind in ("csv", "jsonl", "parquet"):
        files = []
        for year, rows in (("2024", "(1, 'x')"), ("07", "(2, CAST(NULL AS VARCHAR))")):
            for place in ("a=é b", "a=__HIVE_DEFAULT_PARTITION__"):
                path = tmp_path / kind / f"year={year}" / place / "part%20 1"
                path.parent.mkdir(parents=True)
                form = {"jsonl": "FORMAT json", "csv": "FORMAT csv, HEADER"}
                option = form.get(kind, "FORMAT parquet")
                query = f"SELECT * FROM (VALUES {rows}) t(id, b)"
                duckdb.execute(f"COPY ({query}) TO {str(path)!r} ({option})")
                files.append(path)
        source = Parts("t", tuple(files), ("year", "a"))
        found, wanted = by_spark(spark, source), by_duckdb(source)
        assert found == wanted
        assert len(found) == 4
        assert {row[2] for row in found} == ({2024, 7} if kind == "parquet" else {"2024", "07"})


@pytest.mark.parametrize("name", ["_part.csv", ".part.csv", "b[1].csv", "b*.csv"])
def test_no_file_is_left_out_or_added_by_its_name(
    spark: Session, tmp_path: Path, name: str
) -> None:
    files = (written(tmp_path / "a.csv", "id,b\n1,2\n"), written(tmp_path / name, "id,b\n3,4\n"))
    written(tmp_path / "b1.csv", "id,b\n5,6\n")
    with pytest.raises(UndecidedError):
        open_table(spark, Parts("t", files), "id")


def test_a_key_of_folders_hides_no_column(spark: Session, tmp_path: Path) -> None:
    path = written(tmp_path / "id=5" / "t", '{"id":1,"b":2}\n')
    with pytest.raises(UndecidedError) as error:
        open_table(spark, Parts("t", (path,), ("id",)), "id")
    assert "folders' names" in str(error.value)


def test_a_type_that_the_two_see_differently_is_none(spark: Session, tmp_path: Path) -> None:
    path = tmp_path / "t"
    listed = (
        "1::UBIGINT AS id, 1::UTINYINT AS small, [1] AS b, 1.5::DECIMAL(9, 2) AS cost, "
        "TIMESTAMPTZ '2026-01-02 03:04:05+00' AS zone"
    )
    duckdb.execute(f"COPY (SELECT {listed}) TO {str(path)!r} (FORMAT parquet)")
    found = open_table(spark, path, "id").kinds
    assert found == {
        "id": "UBIGINT (Spark: DECIMAL(20,0))",
        "small": "SMALLINT",
        "b": "INTEGER[] (Spark: ARRAY<INT>)",
        "zone": "TIMESTAMP WITH TIME ZONE",
        "cost": "DECIMAL(9,2)",
    }
