"""The verdict is what a plain reading of the same rule in Python says, row by row.

Tables are drawn with every kind of odd cell: missing, NaN, infinite, unreadable, repeated. The
reading below knows nothing of SQL; it is written from the page of the step.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.mlops_steps.validate_data.conftest import CONFIG

Judge = Callable[..., Any]

ROWS = 40
#: By column: its type, cells that a file of texts may have, and those that Parquet may.
COLUMNS = {
    "x": ("number", ["0", "1", "2", "3.5", "-1", "7e2", "nan", "inf", "-inf", "abc"],
          ["0", "1", "2", "3.5", "-1", "7e2", "nan", "inf", "-inf"]),
    "n": ("integer", ["1", "2", "3", "2.5", "inf", "nan", "x", "9007199254740992",
                      "9007199254740993"],
          ["1", "2", "3", "9007199254740992", "9007199254740993"]),
    "t": ("text", ["a", "b", "ab", "é…", "A", "a b"], ["a", "b", "ab", "é…", "A", "a b"]),
    "f": ("boolean", ["true", "false", "TRUE", "t", "1"], ["true", "false"]),
    "d": ("timestamp", ["2026-01-02 03:04:05", "2026-01-02", "gestern"], ["2026-01-02 03:04:05"]),
}  # fmt: skip
TYPES = {"x": "DOUBLE", "n": "BIGINT", "t": "VARCHAR", "f": "BOOLEAN", "d": "TIMESTAMP"}
NUMBERS = ("number", "integer")


class Unreadable:
    """A cell that is no value of its column's type."""


UNREADABLE = Unreadable()
Value = float | str | bool | datetime | Unreadable | None


def read(cell: str | None, wanted: str) -> Value:
    """What a cell is; None where there is no value."""
    if cell is None:
        return None
    try:
        if wanted in NUMBERS:
            number = float(cell)
            return None if math.isnan(number) else number
        if wanted == "timestamp":
            return datetime.fromisoformat(cell)
    except ValueError:
        return UNREADABLE
    if wanted == "boolean":
        return {"true": True, "false": False}.get(cell.lower(), UNREADABLE)
    return cell


@dataclass
class Read:
    """What a check comes to: rows (or groups) that it is about, and those that break it."""

    n: int
    n_failed: int = 0
    broken: bool | None = None

    def status(self, tolerate: float) -> str:
        if not self.n:
            return "undecided"
        if self.broken is not None:
            return "fail" if self.broken else "pass"
        return "fail" if self.n_failed > Fraction(str(tolerate)) * self.n else "pass"


def of_column(cells: list[str | None], wanted: dict[str, Any]) -> dict[str, Read]:
    """The checks of one column, by name."""
    values = [read(cell, wanted["type"]) for cell in cells]
    found = of_cells(values, wanted) | of_whole(values, wanted)
    if wanted.get("unique"):
        found["unique"] = Read(len(values), repeated(exact(cells, wanted["type"])))
    return found


def of_cells(values: list[Value], wanted: dict[str, Any]) -> dict[str, Read]:
    """The checks of each cell by itself."""
    kind, bounded = wanted["type"], "min" in wanted or "max" in wanted
    there = [value for value in values if value is not None]

    def bad_type(value: Value) -> bool:
        if not isinstance(value, float):
            return False
        if math.isinf(value):
            return not bounded
        return kind == "integer" and value != math.floor(value)

    def count(breaks: Callable[[Any], bool]) -> Read:
        return Read(len(values), sum(value is UNREADABLE or breaks(value) for value in there))

    found = {"type": count(bad_type)}
    if not wanted.get("nullable"):
        found["nulls"] = Read(len(values), len(values) - len(there))
    if bounded:
        found["range"] = count(lambda value: math.isinf(value) or outside(wanted, value))
    if "allowed" in wanted:
        found["set"] = count(lambda value: value not in wanted["allowed"])
    if "regex" in wanted:
        found["regex"] = count(lambda value: not re.fullmatch(wanted["regex"], value))
    if "length" in wanted:
        found["length"] = count(lambda value: outside(wanted["length"], len(value)))
    return found


def of_whole(values: list[Value], wanted: dict[str, Any]) -> dict[str, Read]:
    """The checks of a column as a whole."""
    there = [value for value in values if value is not None]
    finite = [value for value in there if isinstance(value, float) and math.isfinite(value)]
    found = {}
    if "mean" in wanted:
        mean = sum(finite) / max(1, len(finite))
        found["mean"] = Read(len(finite), broken=outside(wanted["mean"], mean))
    for each in wanted.get("quantiles", ()):
        found["quantile"] = Read(len(finite), broken=outside(each, quantile(finite, each["at"])))
    for each in wanted.get("shares", ()):
        share = Fraction(sum(value == each["value"] for value in there), max(1, len(there)))
        found["share"] = Read(len(there), broken=outside(each, share))
    if "distinct" in wanted:
        different = len({value for value in there if value is not UNREADABLE})
        found["distinct"] = Read(len(there), broken=outside(wanted["distinct"], different))
    return found


def exact(cells: list[str | None], kind: str) -> list[Any]:
    """Values to tell apart; whole numbers beyond 2^53 as they are written."""
    found: list[Any] = []
    for cell in cells:
        value = read(cell, kind)
        if value is None or value is UNREADABLE:
            continue
        if kind == "integer" and isinstance(value, float):
            if math.isinf(value) or value != math.floor(value):
                continue  # no integer: that is what its type says
            found.append(int(str(cell)))
        else:
            found.append(value)
    return found


def repeated(values: list[Any]) -> int:
    return sum(times for times in Counter(values).values() if times > 1)


def outside(bounds: dict[str, Any], value: Any) -> bool:
    return value < bounds.get("min", -math.inf) or value > bounds.get("max", math.inf)


def quantile(values: list[float], at: float) -> float:
    """The least value at or below which lies the share `at`."""
    ordered = sorted(values)
    least = (v for k, v in enumerate(ordered, 1) if k >= Fraction(str(at)) * len(ordered))
    return next(least, 0.0)


Row = dict[str, Any]
#: SQL, and when it is shown to be true for a row (None: no value, or none that can be read).
RULES: list[tuple[str, Callable[[Row], bool]]] = [
    ("x > 1", lambda r: r["x"] is not None and r["x"] > 1),
    ("x is null or n <= 3", lambda r: r["x"] is None or (r["n"] is not None and r["n"] <= 3)),
    ("not (t = 'a') or x >= 0",
     lambda r: (r["t"] is not None and r["t"] != "a") or (r["x"] is not None and r["x"] >= 0)),
    ("n in (1, 2) and length(t) < 3",
     lambda r: r["n"] in (1, 2) and r["t"] is not None and len(r["t"]) < 3),
    ("coalesce(x, 0) between -1 and 4", lambda r: -1 <= (0 if r["x"] is None else r["x"]) <= 4),
    ("f or f is null", lambda r: r["f"] is not False),
]  # fmt: skip
GROUPS: list[tuple[str, Callable[[list[Row]], bool]]] = [
    ("count(*) <= 9", lambda rows: len(rows) <= 9),
    ("max(x) < 100", lambda rows: max(there(rows, "x"), default=math.nan) < 100),
    ("count(n) > 1 and min(n) = 1",
     lambda rows: len(there(rows, "n")) > 1 and min(there(rows, "n")) == 1),
]  # fmt: skip


def there(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def of_rows(table: dict[str, list[str | None]], contract: dict[str, Any]) -> dict[str, Read]:
    """The checks beyond columns, by `column: check`."""
    read_ = {name: [read(cell, COLUMNS[name][0]) for cell in table[name]] for name in COLUMNS}
    rows = [
        {name: None if read_[name][k] is UNREADABLE else read_[name][k] for name in COLUMNS}
        for k in range(ROWS)
    ]
    found = {}
    for rule in contract.get("rules", ()):
        kept = dict(RULES)[rule["sql"]]
        found[f"{rule['name']}: rule"] = Read(ROWS, sum(not kept(row) for row in rows))
    for group in contract.get("groups", ()):
        holds = dict(GROUPS)[group["sql"]]
        members: dict[Any, list[Row]] = {}
        for k, row in enumerate(rows):
            members.setdefault(table["t"][k], []).append(row)
        broken = sum(not holds(each) for each in members.values())
        found[f"{group['name']}: group"] = Read(len(members), broken)
    for names in contract.get("unique", ()):
        keys = [
            (row["t"], int(str(table["n"][k])))
            for k, row in enumerate(rows)
            if row["t"] is not None and isinstance(row["n"], float) and row["n"].is_integer()
        ]
        found[f"{', '.join(names)}: unique"] = Read(ROWS, repeated(keys))
    return found


@st.composite
def column(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A column of a contract that makes sense."""
    kind = COLUMNS[name][0]
    wanted: dict[str, Any] = {"type": kind}

    def maybe(key: str, values: st.SearchStrategy[Any]) -> None:
        if draw(st.booleans()):
            wanted[key] = draw(values)

    maybe("nullable", st.just(True))
    maybe("unique", st.just(True))
    maybe("distinct", st.sampled_from([{"min": 2}, {"max": 3}, {"min": 2, "max": 5}]))
    if draw(st.booleans()):
        wanted["tolerate"] = draw(st.sampled_from([0.1, 0.25, 0.3]))
    if kind in NUMBERS:
        bounds = st.sampled_from([{"min": 0}, {"max": 3}, {"min": 1, "max": 3}, {}])
        wanted |= draw(bounds)
        if not {"min", "max"} & wanted.keys():
            maybe("allowed", st.just([1, 2, 3]))
        maybe("mean", st.sampled_from([{"min": 1}, {"max": 2}, {"min": 0, "max": 100}]))
        at = st.sampled_from([0.1, 0.25, 0.5, 0.9])
        bound = st.sampled_from([{"min": 1}, {"max": 2}, {"min": 0, "max": 3.5}])
        maybe("quantiles", st.tuples(at, bound).map(lambda each: [{"at": each[0], **each[1]}]))
    if kind == "text":
        maybe("regex", st.sampled_from(["a.*", "[a-z]+", "[^ ]*"]))
        maybe("length", st.sampled_from([{"min": 2}, {"max": 1}, {"min": 1, "max": 2}]))
        maybe("allowed", st.just(["a", "b", "ab"]))
        share = st.sampled_from([{"min": 0.25}, {"max": 0.25}, {"min": 0.1, "max": 0.5}])
        maybe("shares", share.map(lambda each: [{"value": "a", **each}]))
    return wanted


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, list[str | None]], dict[str, Any]]:
    """A kind of file, its cells by column, and a contract."""
    kind = draw(st.sampled_from(["csv", "jsonl", "parquet"]))
    table = {}
    for name, (_, texts, typed) in COLUMNS.items():
        # A few of the cells there may be, so that good, bad and repeated ones all occur.
        pool = typed if kind == "parquet" else texts
        some = draw(st.lists(st.sampled_from([*pool, None]), min_size=1, max_size=4))
        table[name] = draw(st.lists(st.sampled_from(some), min_size=ROWS, max_size=ROWS))
    contract: dict[str, Any] = {
        "columns": {
            "id": {"type": "integer"},
            "label": {"type": "text"},
            **{name: draw(column(name)) for name in COLUMNS},
        }
    }
    names = ("one", "two", "three")
    for key, known in (("rules", RULES), ("groups", GROUPS)):
        chosen = draw(st.lists(st.sampled_from([sql for sql, _ in known]), unique=True, max_size=3))
        listed = [{"name": name, "sql": sql} for name, sql in zip(names, chosen, strict=False)]
        for each in listed:
            if draw(st.booleans()):
                each["tolerate"] = draw(st.sampled_from([0.1, 0.3]))
            if key == "groups":
                each["by"] = ["t"]
        if listed:
            contract[key] = listed
    if draw(st.booleans()):
        contract["unique"] = [["t", "n"]]
    return kind, table, contract


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_the_verdict_is_that_of_a_plain_reading(judged: Judge, case: Any) -> None:
    kind, table, contract = case
    ids = [str(k + 1) for k in range(ROWS)]
    labels = ["good" if k % 2 else "bad" for k in range(ROWS)]
    whole = {"id": ids, **table, "label": labels}
    rows = [{name: cells[k] for name, cells in whole.items()} for k in range(ROWS)]
    found = judged(
        rows, kind=kind, types=TYPES, contract=yaml.safe_dump(contract), described=CONFIG
    )
    wanted: dict[str, tuple[Read, float]] = {}
    for name in COLUMNS:
        said = contract["columns"][name]
        for check, read_ in of_column(table[name], said).items():
            wanted[f"{name}: {check}"] = (read_, said.get("tolerate", 0))
    tolerated = {
        f"{each['name']}: {key[:-1]}": each.get("tolerate", 0)
        for key in ("rules", "groups")
        for each in contract.get(key, ())
    }
    for name, read_ in of_rows(table, contract).items():
        wanted[name] = (read_, tolerated.get(name, 0))
    for name, (read_, tolerate) in wanted.items():
        check = found.checks[name]
        assert check["status"] == read_.status(tolerate), (name, check, read_)
        if read_.broken is None:
            assert (check["n"], check["n_failed"]) == (read_.n, read_.n_failed), (name, check)
