"""The checks' SQL (DuckDB's) as Spark's, node by node.

Only what stands here is carried over, each with the types that DuckDB gives it: they are asked of
DuckDB, over an empty table, and written out as casts, so that Spark has none to choose. Whatever
has no column is computed by DuckDB. Where the two may read one value otherwise, the expression
comes with a doubt: SQL that is true for such a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import duckdb
import sqlglot
from sqlglot import exp

from mlops_steps.validate_data.spark import kinds, literals, texts
from mlops_steps.validate_data.spark.functions import aggregate, function
from mlops_steps.validate_data.spark.literals import DialectError, shown

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
    that comes with its text where that is more than a number to read. `doubts` are those of what
    is being said.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    doubtful: dict[str, tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def say(self, sql: str) -> Said:
        """One expression.

        Raises:
            DialectError: Part of it has no equal on Spark.
        """
        try:
            node = sqlglot.parse_one(sql, dialect="duckdb")
        except sqlglot.errors.SqlglotError:
            raise DialectError("the condition cannot be read") from None
        self.doubts = []
        return Said(self.part(node), tuple(dict.fromkeys(self.doubts)))

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

    def part(self, node: exp.Expr) -> str:
        """A part of what is being said; what it makes doubtful goes to `doubts`."""
        if not node.find(exp.Column, exp.AggFunc, exp.Star):
            return self._constant(node)
        for types, say in self._SAID.items():
            if isinstance(node, types):
                return say(self, node)
        return function(self, node)

    def _paren(self, node: exp.Expr) -> str:
        return f"({self.part(node.this)})"

    def _column(self, node: exp.Expr) -> str:
        if self.kind(node) == "BLOB":
            raise DialectError(f"the type of {node.name}")
        self.doubts += self.doubtful.get(node.name, ())
        if doubt := self.written.get(node.name):
            self.doubts.append(doubt)
        return kinds.quoted(node.name)

    def _joined(self, node: exp.Expr) -> str:
        left, right = self.flag(node.args["this"]), self.flag(node.args["expression"])
        return f"({left} {_SIGNS[type(node)]} {right})"

    def _not(self, node: exp.Expr) -> str:
        return f"(NOT {self.flag(node.this)})"

    def _comparison(self, node: exp.Expr) -> str:
        return self._compared(_SIGNS[type(node)], node.args["this"], node.args["expression"])

    def _between(self, node: exp.Expr) -> str:
        low = self._compared(">=", node.this, node.args["low"])
        return f"({low} AND {self._compared('<=', node.this, node.args['high'])})"

    def _of_several(self, node: exp.Expr) -> str:
        parts = [node.this, *node.expressions]
        return f"{node.key}({', '.join(self.as_kind(each, self.kind(node)) for each in parts)})"

    def _nullif(self, node: exp.Expr) -> str:
        value, other = node.args["this"], node.args["expression"]
        return f"(CASE WHEN {self._unlike(value, other)} THEN {self.part(value)} END)"

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
        return literals.written(value, kind)

    def flag(self, node: exp.Expr) -> str:
        """The same of a part that is true or false."""
        if self.kind(node) not in {"BOOLEAN", '"NULL"'}:
            raise DialectError(f"{shown(node)} as a condition")
        return self.part(node)

    def as_kind(self, node: exp.Expr, kind: str) -> str:
        """An expression of another type, as DuckDB makes one of the other where it has to."""
        said, own = self.part(node), self.kind(node)
        if own in {kind, '"NULL"'}:
            return said
        if limit := kinds.exact_below(own, kind):
            self.doubts.append(f"(abs({said}) >= {limit})")
        elif not kinds.widens(own, kind):
            raise DialectError(f"{shown(node)} ({own}) as {kind}")
        return f"CAST({said} AS {kinds.to_spark(kind)})"

    def _compared(self, sign: str, left: exp.Expr, right: exp.Expr) -> str:
        if isinstance(right, exp.Trunc) and right.this == left:
            # A number is whole if it is its own nearest whole number.
            value = self.as_kind(left, "DOUBLE")
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
        return f"({self.as_kind(left, kind)} {sign} {self.as_kind(right, kind)})"

    def _among(self, node: exp.Expr) -> str:
        if (query := node.args.get("query")) is not None:
            return self._listed(node.this, query)
        if not node.expressions:
            raise DialectError(shown(node))
        return "(" + " OR ".join(self._compared("=", node.this, e) for e in node.expressions) + ")"

    def _listed(self, cell: exp.Expr, query: exp.Expr) -> str:
        """Among the values of another file, which DuckDB reads: they are few, or it is refused."""
        sql = query.unnest().sql(dialect="duckdb", comments=False)
        found = self.connection.execute(f"SELECT * FROM ({sql}) LIMIT {LISTED + 1}").fetchall()
        if len(found) > LISTED:
            raise DialectError(f"more than {LISTED:,} rows that it may refer to")
        if not found:
            return "false"
        values = ", ".join(literals.listed(row[0]) for row in found)
        return f"({self.part(cell)} IN ({values}))"

    def _is(self, node: exp.Expr) -> str:
        if not isinstance(node.args["expression"], exp.Null):
            raise DialectError(shown(node))
        if isinstance(node.this, exp.Column) and node.this.name not in self.doubtful:
            return f"({kinds.quoted(node.this.name)} IS NULL)"
        return f"({self.part(node.this)} IS NULL)"

    def _computed(self, node: exp.Expr) -> str:
        kind = self.kind(node)
        if not kinds.is_number(kind):
            raise DialectError(shown(node))
        wide = "DOUBLE" if isinstance(node, exp.Div) and kind == "DOUBLE" else kind
        if isinstance(node, exp.Neg):
            return f"(- {self.as_kind(node.this, kind)})"
        if not isinstance(node, exp.Binary):
            raise DialectError(shown(node))
        if isinstance(node, (exp.Div, exp.Mod)):
            # What each makes of a zero depends on types and settings.
            if not isinstance(node.right, exp.Nullif):
                raise DialectError(f"{shown(node)}, which may divide by 0")
            parts = [self.as_kind(each, wide) for each in (node.left, node.right)]
            sign = _SIGNS[type(node)]
            return f"CAST({parts[0]} {sign} {parts[1]} AS {kinds.to_spark(kind)})"
        parts = [self._exact(each, kind) for each in (node.left, node.right)]
        return f"CAST({parts[0]} {_SIGNS[type(node)]} {parts[1]} AS {kinds.to_spark(kind)})"

    def _exact(self, node: exp.Expr, kind: str) -> str:
        if kind.startswith("DECIMAL") and kinds.is_exact(self.kind(node)):
            return self.part(node)
        return self.as_kind(node, kind)

    def _cast(self, node: exp.Expr) -> str:
        wanted = node.args["to"]
        cell, own = node.this, self.kind(node.this)
        kind = self.kind(node)
        number = isinstance(cell, exp.Column) and (own, kind) == ("VARCHAR", "DOUBLE")
        said = kinds.quoted(cell.name) if number else self.part(cell)
        if wanted.this == exp.DType.ENUM:
            if own != "VARCHAR":
                raise DialectError(shown(node))
            names = ", ".join(kinds.text(each.name) for each in wanted.expressions)
            return f"(CASE WHEN {said} IN ({names}) THEN 1 END)"
        if own == kind:
            return said
        if own == "VARCHAR":
            readable = texts.read(said, kind)
            if readable is None:
                raise DialectError(shown(node))
            self.doubts.append(readable.doubt)
            return readable.sql
        if kind == "VARCHAR" and kinds.writes_alike(own):
            return f"CAST({said} AS STRING)"
        if kind == "HUGEINT" and own in {"DOUBLE", "FLOAT"}:
            self.doubts.append(f"(abs({said}) >= 1e37D)")
            return f"try_cast({said} AS DECIMAL(38, 0))"
        if limit := kinds.exact_below(own, kind):
            self.doubts.append(f"(abs({said}) >= {limit})")
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
                        raise DialectError(shown(node))
                    test = f"(lower({self.part(node.this.this)}) = {self.part(condition)})"
                else:
                    test = self._compared("=", node.this, condition)
            else:
                test = self.flag(condition)
            before = len(self.doubts)
            then = self.as_kind(branch.args["true"], kind)
            self.doubts[before:] = [f"({test} AND {each})" for each in self.doubts[before:]]
            said.append(f"WHEN {test} THEN {then}")
        default = node.args.get("default" if isinstance(node, exp.Case) else "false")
        other = f" ELSE {self.as_kind(default, kind)}" if default is not None else ""
        return f"(CASE {' '.join(said)}{other} END)"

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
        (exp.AggFunc, exp.Filter): aggregate,
    }
