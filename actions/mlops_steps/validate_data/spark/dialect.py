"""The checks' SQL (DuckDB's) as Spark's, node by node.

Only what stands here is carried over, each with the types that DuckDB gives it: they are asked of
DuckDB, over an empty table, and written out as casts, so that Spark has none to choose. Whatever
has no column is computed by DuckDB. Where the two may read one value otherwise, the expression
comes with a doubt: SQL that is true for such a row.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import duckdb
import sqlglot
from sqlglot import exp

from mlops_steps.validate_data.spark import kinds, texts
from mlops_steps.validate_data.spark.patterns import PatternError, to_java


class DialectError(Exception):
    """It is not known to mean the same on Spark; the message says what."""


#: Rows of another file that a query on Spark can list.
LISTED = 10_000
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%",
    exp.And: "AND", exp.Or: "OR",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """An expression on Spark, and conditions under which a row makes it doubtful."""

    sql: str
    doubts: tuple[str, ...] = ()


@dataclass
class Dialect:
    """Carries expressions over, of the columns of `table`: an empty one of DuckDB's.

    `doubtful` has the doubts that come with a column wherever it is named, `written` the one
    that comes with its text where that is more than a number to read.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    doubtful: dict[str, tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    _doubts: list[str] = field(default_factory=list)

    def say(self, sql: str) -> Said:
        """One expression.

        Raises:
            DialectError: Part of it has no equal on Spark.
        """
        try:
            node = sqlglot.parse_one(sql, dialect="duckdb")
        except sqlglot.errors.SqlglotError:
            raise DialectError("the condition cannot be read") from None
        self._doubts = []
        return Said(self._say(node), tuple(dict.fromkeys(self._doubts)))

    def kind(self, node: exp.Expr) -> str:
        """DuckDB's type of an expression."""
        sql = node.sql(dialect="duckdb", comments=False)
        if sql not in self._kinds:
            try:
                found = self.connection.execute(f"DESCRIBE SELECT {sql} FROM {self.table}")
                self._kinds[sql] = (found.fetchone() or ("", ""))[1]
            except duckdb.Error as error:
                raise DialectError(str(error).splitlines()[0]) from None
        return self._kinds[sql]

    def _say(self, node: exp.Expr) -> str:
        if not node.find(exp.Column, exp.AggFunc, exp.Star):
            return self._constant(node)
        for types, say in self._SAID.items():
            if isinstance(node, types):
                return say(self, node)
        return self._function(node)

    def _paren(self, node: exp.Expr) -> str:
        return f"({self._say(node.this)})"

    def _column(self, node: exp.Expr) -> str:
        if self.kind(node) == "BLOB":
            raise DialectError(f"the type of {node.name}")
        self._doubts += self.doubtful.get(node.name, ())
        if doubt := self.written.get(node.name):
            self._doubts.append(doubt)
        return kinds.quoted(node.name)

    def _joined(self, node: exp.Expr) -> str:
        left, right = self._flag(node.args["this"]), self._flag(node.args["expression"])
        return f"({left} {_SIGNS[type(node)]} {right})"

    def _not(self, node: exp.Expr) -> str:
        return f"(NOT {self._flag(node.this)})"

    def _comparison(self, node: exp.Expr) -> str:
        return self._compared(_SIGNS[type(node)], node.args["this"], node.args["expression"])

    def _between(self, node: exp.Expr) -> str:
        low = self._compared(">=", node.this, node.args["low"])
        return f"({low} AND {self._compared('<=', node.this, node.args['high'])})"

    def _of_several(self, node: exp.Expr) -> str:
        parts = [node.this, *node.expressions]
        return f"{node.key}({', '.join(self._as(each, self.kind(node)) for each in parts)})"

    def _nullif(self, node: exp.Expr) -> str:
        value, other = node.args["this"], node.args["expression"]
        return f"(CASE WHEN {self._unlike(value, other)} THEN {self._say(value)} END)"

    def _unlike(self, one: exp.Expr, other: exp.Expr) -> str:
        """Spark's NaN equals itself, as DuckDB's."""
        return f"(NOT {self._compared('<=>', one, other)})"

    def _distinct(self, node: exp.Expr) -> str:
        return self._unlike(node.args["this"], node.args["expression"])

    def _constant(self, node: exp.Expr) -> str:
        kind = self.kind(node)
        (value,) = self.connection.execute(
            f"SELECT {node.sql(dialect='duckdb', comments=False)}"
        ).fetchone() or (None,)
        return _literal(value, kind)

    def _flag(self, node: exp.Expr) -> str:
        if self.kind(node) not in {"BOOLEAN", '"NULL"'}:
            raise DialectError(f"{_shown(node)} as a condition")
        return self._say(node)

    def _as(self, node: exp.Expr, kind: str) -> str:
        """An expression of another type, as DuckDB makes one of the other where it has to."""
        said, own = self._say(node), self.kind(node)
        if own in {kind, '"NULL"'}:
            return said
        if limit := kinds.exact_below(own, kind):
            self._doubts.append(f"(abs({said}) >= {limit})")
        elif not kinds.widens(own, kind):
            raise DialectError(f"{_shown(node)} ({own}) as {kind}")
        return f"CAST({said} AS {kinds.to_spark(kind)})"

    def _compared(self, sign: str, left: exp.Expr, right: exp.Expr) -> str:
        if isinstance(right, exp.Trunc) and right.this == left:
            # A number is whole if it is its own nearest whole number.
            value = self._as(left, "DOUBLE")
            return f"({value} {sign} rint({value}))"
        one, other = self.kind(left), self.kind(right)
        if one == other:
            kind = one
        elif kinds.is_number(one) and kinds.is_number(other):
            kind = self.kind(exp.Coalesce(this=left.copy(), expressions=[right.copy()]))
        elif {one, other} == {"DATE", "TIMESTAMP"}:
            kind = "TIMESTAMP"
        else:
            raise DialectError(f"{one} beside {other}")
        return f"({self._as(left, kind)} {sign} {self._as(right, kind)})"

    def _among(self, node: exp.Expr) -> str:
        if (query := node.args.get("query")) is not None:
            return self._listed(node.this, query)
        if not node.expressions:
            raise DialectError(_shown(node))
        return "(" + " OR ".join(self._compared("=", node.this, e) for e in node.expressions) + ")"

    def _listed(self, cell: exp.Expr, query: exp.Expr) -> str:
        """Among the values of another file, which DuckDB reads: they are few, or it is refused."""
        sql = query.unnest().sql(dialect="duckdb", comments=False)
        found = self.connection.execute(f"SELECT * FROM ({sql}) LIMIT {LISTED + 1}").fetchall()
        if len(found) > LISTED:
            raise DialectError(f"more than {LISTED:,} rows that it may refer to")
        if not found:
            return "false"
        values = ", ".join(_value(row[0]) for row in found)
        return f"({self._say(cell)} IN ({values}))"

    def _is(self, node: exp.Expr) -> str:
        if not isinstance(node.args["expression"], exp.Null):
            raise DialectError(_shown(node))
        if isinstance(node.this, exp.Column) and node.this.name not in self.doubtful:
            return f"({kinds.quoted(node.this.name)} IS NULL)"
        return f"({self._say(node.this)} IS NULL)"

    def _computed(self, node: exp.Expr) -> str:
        kind = self.kind(node)
        if not kinds.is_number(kind):
            raise DialectError(_shown(node))
        wide = "DOUBLE" if isinstance(node, exp.Div) and kind == "DOUBLE" else kind
        if isinstance(node, exp.Neg):
            return f"(- {self._as(node.this, kind)})"
        if not isinstance(node, exp.Binary):
            raise DialectError(_shown(node))
        if isinstance(node, (exp.Div, exp.Mod)):
            # What each makes of a zero depends on types and settings.
            if not isinstance(node.right, exp.Nullif):
                raise DialectError(f"{_shown(node)}, which may divide by 0")
            parts = [self._as(each, wide) for each in (node.left, node.right)]
            sign = _SIGNS[type(node)]
            return f"CAST({parts[0]} {sign} {parts[1]} AS {kinds.to_spark(kind)})"
        parts = [self._exact(each, kind) for each in (node.left, node.right)]
        return f"CAST({parts[0]} {_SIGNS[type(node)]} {parts[1]} AS {kinds.to_spark(kind)})"

    def _exact(self, node: exp.Expr, kind: str) -> str:
        if kind.startswith("DECIMAL") and kinds.is_exact(self.kind(node)):
            return self._say(node)
        return self._as(node, kind)

    def _cast(self, node: exp.Expr) -> str:
        wanted = node.args["to"]
        cell, own = node.this, self.kind(node.this)
        kind = self.kind(node)
        number = isinstance(cell, exp.Column) and (own, kind) == ("VARCHAR", "DOUBLE")
        said = kinds.quoted(cell.name) if number else self._say(cell)
        if wanted.this == exp.DType.ENUM:
            if own != "VARCHAR":
                raise DialectError(_shown(node))
            names = ", ".join(kinds.text(each.name) for each in wanted.expressions)
            return f"(CASE WHEN {said} IN ({names}) THEN 1 END)"
        if own == kind:
            return said
        if own == "VARCHAR":
            readable = texts.read(said, kind)
            if readable is None:
                raise DialectError(_shown(node))
            self._doubts.append(readable.doubt)
            return readable.sql
        if kind == "VARCHAR" and kinds.writes_alike(own):
            return f"CAST({said} AS STRING)"
        if kind == "HUGEINT" and own in {"DOUBLE", "FLOAT"}:
            self._doubts.append(f"(abs({said}) >= 1e37D)")
            return f"try_cast({said} AS DECIMAL(38, 0))"
        if limit := kinds.exact_below(own, kind):
            self._doubts.append(f"(abs({said}) >= {limit})")
        if limit or kinds.widens(own, kind) or (own, kind) == ("TIMESTAMP", "DATE"):
            return f"CAST({said} AS {kinds.to_spark(kind)})"
        raise DialectError(f"{own} as {kind}")

    def _case(self, node: exp.Expr) -> str:
        kind = self.kind(node)
        branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        said = []
        for branch in branches:
            condition = branch.this
            if isinstance(node, exp.Case) and node.this is not None:
                if isinstance(node.this, exp.Lower) and self.kind(node.this.this) == "VARCHAR":
                    # No sign but their own letters becomes one of those of true and false.
                    if condition.name not in {"true", "false"}:
                        raise DialectError(_shown(node))
                    test = f"(lower({self._say(node.this.this)}) = {self._say(condition)})"
                else:
                    test = self._compared("=", node.this, condition)
            else:
                test = self._flag(condition)
            before = len(self._doubts)
            then = self._as(branch.args["true"], kind)
            self._doubts[before:] = [f"({test} AND {each})" for each in self._doubts[before:]]
            said.append(f"WHEN {test} THEN {then}")
        default = node.args.get("default" if isinstance(node, exp.Case) else "false")
        other = f" ELSE {self._as(default, kind)}" if default is not None else ""
        return f"(CASE {' '.join(said)}{other} END)"

    def _aggregate(self, node: exp.Expr, only: str = "") -> str:  # noqa: PLR0911 - one a kind
        if isinstance(node, exp.Filter):
            only = f" FILTER (WHERE {self._flag(node.expression.this)})"
            return self._aggregate(node.this, only)
        if isinstance(node, exp.CountIf):
            return f"count_if({self._flag(node.this)}){only}"
        if isinstance(node, exp.Count):
            if isinstance(node.this, exp.Star):
                return f"count(*){only}"
            if isinstance(node.this, exp.Distinct):
                values = ", ".join(map(self._say, node.this.expressions))
                return f"count(DISTINCT {values}){only}"
            return f"count({self._say(node.this)}){only}"
        kind = self.kind(node.this)
        if isinstance(node, (exp.Min, exp.Max)) and not node.expressions:
            return f"{node.key}({self._say(node.this)}){only}"
        if isinstance(node, (exp.Avg, exp.Sum)) and kinds.is_integer(kind):
            # Whole numbers are added exactly.
            total = f"sum(CAST({self._say(node.this)} AS DECIMAL(38, 0))){only}"
            if isinstance(node, exp.Sum):
                return total
            count = f"count({self._say(node.this)}){only}"
            return f"(CAST({total} AS DOUBLE) / nullif({count}, 0))"
        if isinstance(node, (exp.Avg, exp.Sum)) and kind in {"DOUBLE", "FLOAT"}:
            return f"{node.key}(CAST({self._say(node.this)} AS DOUBLE)){only}"
        raise DialectError(_shown(node))

    def _function(self, node: exp.Expr) -> str:  # noqa: PLR0911 - one a kind
        name = node.name.lower() if isinstance(node, exp.Anonymous) else node.key
        parts = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
        if name in {"row", "struct"}:
            return f"struct({', '.join(self._say(each) for each in node.expressions)})"
        if name in {"isnan", "isinf", "isfinite"}:
            value = self._as(parts[0], "DOUBLE")
            infinite = f"(abs({value}) = CAST('Infinity' AS DOUBLE))"
            # Spark's isnan of NULL is false; DuckDB's is NULL.
            no_number = f"(CASE WHEN {value} IS NOT NULL THEN isnan({value}) END)"
            finite = f"(NOT {no_number} AND NOT {infinite})"
            return {"isnan": no_number, "isinf": infinite, "isfinite": finite}[name]
        if isinstance(node, exp.RegexpFullMatch):
            return self._matched(node)
        if self.kind(parts[0]) == "VARCHAR":
            value = self._say(parts[0])
            if isinstance(node, exp.Length):
                return f"CAST(char_length({value}) AS BIGINT)"
            if isinstance(node, (exp.Lower, exp.Upper)):
                self._doubts.append(f"({value} RLIKE '[^\\\\x00-\\\\x7F]')")
                return f"{node.key}({value})"
            if isinstance(node, exp.Trim) and not node.expression and not node.args.get("position"):
                return f"trim({value})"
            if isinstance(node, exp.StartsWith):
                return f"startswith({value}, {self._say(node.expression)})"
            if isinstance(node, exp.Like) and _is_plain(node.expression):
                return f"({value} LIKE {self._say(node.expression)})"
        elif isinstance(node, exp.Abs) and kinds.is_number(self.kind(node)):
            return f"abs({self._as(node.this, self.kind(node))})"
        raise DialectError(_shown(node))

    def _matched(self, node: exp.Expr) -> str:
        pattern = node.args["expression"]
        if node.args.get("options") or not pattern.is_string or self.kind(node.this) != "VARCHAR":
            raise DialectError(_shown(node))
        try:
            java = to_java(pattern.name)
        except PatternError as error:
            raise DialectError(f"{error} in {pattern.name!r}, which Java reads otherwise") from None
        return f"({self._say(node.this)} RLIKE {kinds.text(f'{chr(92)}A(?:{java}){chr(92)}z')})"

    #: How each part of an expression is said; what is not among them is a function.
    _SAID: ClassVar[dict[Any, Callable[[Dialect, exp.Expr], str]]] = {
        exp.Paren: _paren,
        exp.Column: _column,
        (exp.And, exp.Or): _joined,
        exp.Not: _not,
        _COMPARED: _comparison,
        exp.Between: _between,
        exp.In: _among,
        exp.Is: _is,
        exp.NullSafeNEQ: _distinct,
        exp.Nullif: _nullif,
        (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg): _computed,
        (exp.Cast, exp.TryCast): _cast,
        (exp.Case, exp.If): _case,
        (exp.Coalesce, exp.Least, exp.Greatest): _of_several,
        (exp.AggFunc, exp.Filter): _aggregate,
    }


def _value(value: Any) -> str:
    if isinstance(value, (dict, tuple)):
        parts = value.values() if isinstance(value, dict) else value
        return f"struct({', '.join(_value(each) for each in parts)})"
    return _literal(value, "VARCHAR")


def _literal(value: Any, kind: str) -> str:  # noqa: PLR0911 - one a type
    """A value of DuckDB's as Spark writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return kinds.text(value)
    if isinstance(value, float):
        words = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f"CAST('{value!r}' AS {kind})" if math.isfinite(value) else f"double('{words}')"
    if isinstance(value, (int, Decimal)):
        return f"CAST('{value}' AS {kinds.to_spark(kind)})"
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return f"TIMESTAMP_NTZ '{value}'"
    if type(value) is dt.date:
        return f"DATE '{value}'"
    raise DialectError(f"{value!r} ({kind})")


def _is_plain(pattern: exp.Expr) -> bool:
    return pattern.is_string and "\\" not in pattern.name


def _shown(node: exp.Expr) -> str:
    return node.sql(dialect="duckdb", comments=False)[:80]
