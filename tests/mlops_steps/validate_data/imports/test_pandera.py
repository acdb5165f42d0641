"""pandera: the imported contract accepts and refuses what the schema itself does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_steps.validate_data.conftest import Judged, Row
from tests.mlops_steps.validate_data.imports.conftest import (
    Case,
    agree,
    good_table,
    original,
    spoilt,
    types,
)

from mlops_steps.errors import CommandError, ConfigError
from mlops_steps.validate_data.imports import command, output, pandera_schema

pytestmark = pytest.mark.timeout(300)  # the first builds the environment

CASES = [
    Case("above", "DOUBLE", "float, C.gt(0)", ("0.5", "3"), ("0", None)),
    Case("least", "BIGINT", "int, C.ge(2)", ("2", "5"), ("1",)),
    Case("below", "BIGINT", "int, C.lt(5)", ("4", "-3"), ("5",)),
    Case("most", "DOUBLE", "float, C.le(1.5)", ("1.5", "-2"), ("1.6",)),
    Case("half", "DOUBLE", "float, C.in_range(0, 1, include_max=False)", ("0", "0.9"), ("1",)),
    Case("both", "BIGINT", "int, C.in_range(1, 9)", ("1", "9"), ("0", "10")),
    Case("seven", "BIGINT", "int, C.eq(7)", ("7",), ("8",)),
    Case("other", "VARCHAR", "str, C.ne('x')", ("a", "xx"), ("x",)),
    Case("among", "VARCHAR", "str, C.isin([\"it's\", 'b'])", ("it's", "b"), ("c", None)),
    Case("grade", "BIGINT", "int, C.isin([1, 2])", ("1", "2"), ("3",)),
    Case("barred", "BIGINT", "int, C.notin([3, 4])", ("1", "5"), ("3",)),
    Case("true", "BOOLEAN", "bool, C.eq(True)", ("true",), ("false",)),
    Case("code", "VARCHAR", r"str, C.str_matches(r'^[A-Z]\w{2}$')", ("Abc", "Aö1"), ("Abcd",)),
    Case("starts", "VARCHAR", "str, C.str_matches('ab|cd')", ("abx", "cd"), ("xab",)),
    Case("finds", "VARCHAR", r"str, C.str_contains(r'\d\d')", ("x12", "99y"), ("1x2",)),
    Case("head", "VARCHAR", "str, C.str_startswith('a.')", ("a.b", "a."), ("xa.",)),
    Case("tail", "VARCHAR", "str, C.str_endswith('$')", ("a$", "$"), ("$a",)),
    Case("long", "VARCHAR", "str, C.str_length(2, 3)", ("ab", "äöü"), ("a", "abcd")),
    Case("exact", "VARCHAR", "str, C.str_length(exact_value=2)", ("ab",), ("a", "abc")),
    Case("maybe", "DOUBLE", "float, C.ge(0), nullable=True", (None, "0", "1"), ("-1",)),
    Case("under", "DOUBLE", "float, C.lt(5), nullable=True", (None, "4.9"), ("5",)),
    Case("since", "TIMESTAMP", "TIME, C.ge(START)", ("2020-01-01", "2024-02-03 04:05:06"),
         ("2019-12-31 23:59:59",)),
    Case("whole", "VARCHAR", "str, C.unique_values_eq({'p', 'q'})", ("p", "q"), ("r",)),
    Case("told", "BIGINT", "int, C.ge(0, raise_warning=True)", ("1",), ("-1",)),
    Case("two", "BIGINT", "int, [C.ge(0), C.le(9)]", ("0", "9"), ("-1", "10")),
]  # fmt: skip
SCHEMA = """\
import datetime
import pandera.{library} as pa

C, START = pa.Check, datetime.datetime(2020, 1, 1)
TIME = {time}
schema = pa.DataFrameSchema(
    {{
        "id": pa.Column(int, unique=True),
        "label": pa.Column(str),
{columns}
    }},
    strict=True,
    unique=["label", "serial"],
)
"""
JUDGE = """\
import json, sys, warnings
warnings.simplefilter("ignore")
import {library}
{prepare}
sys.path.insert(0, {source!r})
import schema
found = dict()
for name, path in json.load(open("tables.json")).items():
    try:
        schema.schema.validate({library}.read_parquet(path))
        found[name] = True
    except (schema.pa.errors.SchemaError, schema.pa.errors.SchemaErrors):
        found[name] = False
print(json.dumps(found))
"""
#: Without it pandas would hand the expressions of Python to another engine.
PREPARE = {"pandas": 'pandas.set_option("mode.string_storage", "python")', "polars": ""}
TIMES = {"pandas": '"datetime64[us]"', "polars": "datetime.datetime"}


def tables(cases: list[Case]) -> dict[str, list[Row]]:
    found = {"good": good_table(cases)} | {name: rows for name, _, rows in spoilt(cases)}
    for number, row in enumerate(found["good"]):
        row["serial"] = str(number)
    for name in found:
        found[name] = [{**row, "serial": str(number)} for number, row in enumerate(found[name])]
    twice = [dict(row) for row in found["good"]]
    twice[5]["id"] = twice[6]["id"]
    together = [dict(row) for row in found["good"]]
    together[6]["serial"] = together[9]["serial"]  # both of the label good
    lacking = [{name: cell for name, cell in row.items() if name != "grade"}
               for row in found["good"]]  # fmt: skip
    never_q = [{**row, "whole": "p"} for row in found["good"]]
    extra = [{**row, "surplus": "1"} for row in found["good"]]
    return found | {"twice": twice, "together": together, "lacking": lacking, "never q": never_q,
                    "extra": extra}  # fmt: skip


def test_the_contract_says_what_the_schema_says(
    project: Callable[[str], Path],
    judged: Callable[..., Judged],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases = [*CASES, Case("serial", "BIGINT", "int", ("0",), ())]
    every, kinds = tables(cases), types(cases) | {"surplus": "BIGINT"}
    columns = "\n".join(f'        "{case.name}": pa.Column({case.asked}),' for case in cases)
    folder = project("pandera.txt")
    contracts, verdicts = [], []
    for library in ("pandas", "polars"):
        source = SCHEMA.format(library=library, columns=columns, time=TIMES[library])
        (folder / "schema.py").write_text(source)
        options = {"source": "schema:schema", "kind": "", "output": "", "force": True}
        assert command.run(folder, options | {"strict": True}) == 0, capsys.readouterr().out
        title, _, contract = (folder / "data" / "contract.yaml").read_text().partition("\n")
        assert title == f"# From schema:schema (pandera 0.35.0, {library}): 83 checks carried over"
        contracts.append(contract)
        program = JUDGE.format(library=library, prepare=PREPARE[library], source=str(folder))
        verdicts.append(original(program, "pandera.txt", every, kinds, tmp_path / library))
    assert contracts[0] == contracts[1]
    assert verdicts[0] == verdicts[1]
    assert [name for name, passes in verdicts[0].items() if passes] == ["good", "told=-1"]
    agree(verdicts[0], every, kinds, contracts[0], judged)


def notes(folder: Path, source: str) -> list[str]:
    (folder / "checks.py").write_text(source)
    draft, _ = pandera_schema.read(folder, "checks:schema", "requirements.txt")
    draft.finish({})
    return [f"{note.kind}: {output.line(note)}" for note in draft.notes]


LEFT = """\
import pandera.pandas as pa
def even(cells): return cells % 2 == 0
schema = pa.DataFrameSchema(
    {
        "a": pa.Column(int, [pa.Check(lambda cells: cells > 3), pa.Check(even, name="gt")]),
        "b": pa.Column("timedelta64[ns]"),
        "^c_": pa.Column(float, regex=True),
        "d": pa.Column(str, pa.Check.str_matches(r"a(?=b)"), required=False, coerce=True),
        "e": pa.Column(float, pa.Check.ge(0, ignore_na=False), nullable=True, unique=True),
        "f": pa.Column(int, default=3),
    },
    checks=pa.Check(lambda table: table.a > table.f, name="a above f"),
    index=pa.Index(int, name="row"),
    strict=True,
    ordered=True,
)
"""


def test_what_is_left_out_is_listed_with_its_place(project: Callable[[str], Path]) -> None:
    found = notes(project("pandera.txt"), LEFT)
    rule = "it is a function of Python. Instead: a rule: an SQL expression"
    for line in (
        f"left out: column 'a': check <lambda> at checks.py:5: {rule}",
        f"left out: column 'a': check gt at checks.py:2: {rule}",
        "left out: column 'b': column: a contract has no type for timedelta64[ns]",
        "left out: column '^c_': column: the name is a pattern, or no text",
        r"left out: column 'd': str_matches: 'a(?=b)' holds '(?=b', which RE2 does not have",
        "differs: column 'd': required: False: a column of a contract is there",
        "differs: schema: coerce of d: a contract changes nothing",
        "left out: column 'e': check greater_than_or_equal_to: it looks at empty cells, too",
        "differs: column 'e': unique: rows in which one of the columns has no value",
        "left out: column 'f': default: a contract fills in nothing",
        "left out: schema: check a above f at checks.py:12: it is about the whole table",
        "left out: schema: index 'row': a file has no index",
        "left out: schema: ordered: a contract names columns, and not their order",
        "differs: schema: strict: columns that the contract does not name are let pass",
    ):
        assert [each for each in found if each.startswith(line)], (line, found)
    assert len(found) == 14


def test_what_python_alone_can_hold_is_carried_over_or_listed(
    project: Callable[[str], Path],
) -> None:
    folder = project("pandera.txt")
    (folder / "checks.py").write_text(
        "import datetime, re\nimport numpy, pandas\nimport pandera.pandas as pa\n"
        "zone = datetime.timezone.utc\nC = pa.Check\n"
        "schema = pa.DataFrameSchema({\n"
        "'a': pa.Column(str, C.str_matches(re.compile('x.', re.I | re.S))),\n"
        "'b': pa.Column(str, C.str_matches(re.compile('^x', re.M))),\n"
        "'c': pa.Column('uint8', C.isin(numpy.array([1, 2]))),\n"
        "'d': pa.Column('datetime64[ns, UTC]', C.ge(datetime.datetime(2020, 1, 1, tzinfo=zone))),\n"
        "'e': pa.Column('datetime64[ns]', C.lt(pandas.Timestamp(2020, 1, 1))),\n"
        "'f': pa.Column(float, C.le(float('inf'))),\n"
        "'g': pa.Column(pandas.CategoricalDtype(['u', 'v'])),\n"
        "'h': pa.Column('int8'), 'i': pa.Column(None, nullable=True),\n"
        "})\n"
    )
    draft, _ = pandera_schema.read(folder, "checks:schema", "requirements.txt")
    contract = draft.finish({"i": "number"})
    assert contract["columns"] == {
        "a": {"type": "text", "regex": "(?is)x.(?s:.*)"},
        "b": {"type": "text"},
        "c": {"type": "integer", "allowed": [1, 2]},
        "d": {"type": "timestamp"},
        "e": {"type": "timestamp"},
        "f": {"type": "number"},
        "g": {"type": "text", "allowed": ["u", "v"]},
        "h": {"type": "integer", "min": -128, "max": 127},
        "i": {"type": "number", "nullable": True},
    }
    assert [rule["sql"] for rule in contract["rules"]] == ["e < '2020-01-01 00:00:00'"]
    zoned = "2020-01-01 00:00:00+00:00 has a time zone, which a rule does not compare"
    assert [output.line(note) for note in draft.notes] == [
        "column 'b': str_matches: its expression has re.MULTILINE",
        "column 'f': less_than_or_equal_to: bounds nothing",
        "columns.i: type: the source says none; the table has number",
        f"column 'd': greater_than_or_equal_to: {zoned}",
    ]


@pytest.mark.parametrize(
    ("wanted", "source", "kind", "said"),
    [
        ("nowhere:schema", "", ConfigError, "there is no module 'nowhere' in src or in this fo"),
        ("checks:other", "schema = 1", ConfigError, "checks has no 'other'"),
        ("checks:schema", "schema = 1", ConfigError, "schema is a int, not a DataFrameSchema"),
        ("checks:schema", "import absent", CommandError, "No module named 'absent'"),
        ("checks:schema", "1 / 0", CommandError, "ZeroDivisionError"),
        ("checks schema", "", ConfigError, "is no place of a schema. Allowed: module:name"),
        ("--help:x", "", ConfigError, "is no place of a schema. Allowed: module:name"),
    ],
)
def test_a_schema_that_cannot_be_read(
    wanted: str, source: str, kind: type[Exception], said: str, project: Callable[[str], Path]
) -> None:
    folder = project("pandera.txt")
    (folder / "checks.py").write_text(source)
    with pytest.raises(kind, match=said.replace("(", r"\(")):
        pandera_schema.read(folder, wanted, "requirements.txt")


def test_a_model_is_a_schema_and_what_its_module_prints_is_no_answer(
    project: Callable[[str], Path],
) -> None:
    folder = project("pandera.txt")
    (folder / "src").mkdir()
    (folder / "src" / "pandera_schema.py").write_text(
        "import pandera.polars as pa\nprint('{}')\n"
        "class Model(pa.DataFrameModel):\n    id: int\n"
        "    label: str = pa.Field(isin=['good', 'bad'])\n"
    )
    draft, title = pandera_schema.read(folder, "pandera_schema:Model", "requirements.txt")
    assert draft.finish({})["columns"] == {
        "id": {"type": "integer"},
        "label": {"type": "text", "allowed": ["good", "bad"]},
    }
    assert title == "pandera_schema:Model (pandera 0.35.0, polars)"
    assert draft.notes == []


def test_an_environment_without_pandera_says_so(project: Callable[[str], Path]) -> None:
    folder = project("tensorflow_metadata.txt")
    with pytest.raises(ConfigError, match="the project's environment has no pandera"):
        pandera_schema.read(folder, "checks:schema", "requirements.txt")
