"""DuckDB's functions and aggregates as Spark's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from mlops_steps.validate_data.spark import kinds
from mlops_steps.validate_data.spark.literals import DialectError, shown
from mlops_steps.validate_data.spark.patterns import PatternError, to_java

if TYPE_CHECKING:
    from mlops_steps.validate_data.spark.dialect import Dialect


def aggregate(dialect: Dialect, node: exp.Expr, only: str = "") -> str:  # noqa: PLR0911 - one a kind
    """An aggregate on Spark; `only` is the FILTER around it.

    Raises:
        DialectError: It has no equal.
    """
    if isinstance(node, exp.Filter):
        only = f" FILTER (WHERE {dialect.flag(node.expression.this)})"
        return aggregate(dialect, node.this, only)
    if isinstance(node, exp.CountIf):
        return f"count_if({dialect.flag(node.this)}){only}"
    if isinstance(node, exp.Count):
        if isinstance(node.this, exp.Star):
            return f"count(*){only}"
        if isinstance(node.this, exp.Distinct):
            values = ", ".join(map(dialect.part, node.this.expressions))
            return f"count(DISTINCT {values}){only}"
        return f"count({dialect.part(node.this)}){only}"
    kind = dialect.kind(node.this)
    if isinstance(node, (exp.Min, exp.Max)) and not node.expressions:
        return f"{node.key}({dialect.part(node.this)}){only}"
    if isinstance(node, (exp.Avg, exp.Sum)) and kinds.is_integer(kind):
        # Whole numbers are added exactly.
        total = f"sum(CAST({dialect.part(node.this)} AS DECIMAL(38, 0))){only}"
        if isinstance(node, exp.Sum):
            return total
        count = f"count({dialect.part(node.this)}){only}"
        return f"(CAST({total} AS DOUBLE) / nullif({count}, 0))"
    if isinstance(node, (exp.Avg, exp.Sum)) and kind in {"DOUBLE", "FLOAT"}:
        return f"{node.key}(CAST({dialect.part(node.this)} AS DOUBLE)){only}"
    raise DialectError(shown(node))


def function(dialect: Dialect, node: exp.Expr) -> str:  # noqa: PLR0911 - one a kind
    """A call of a function on Spark, its arguments as `dialect` says them.

    Raises:
        DialectError: It has no equal.
    """
    name = node.name.lower() if isinstance(node, exp.Anonymous) else node.key
    parts = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
    if name in {"row", "struct"}:
        return f"struct({', '.join(dialect.part(each) for each in node.expressions)})"
    if name in {"isnan", "isinf", "isfinite"}:
        value = dialect.as_kind(parts[0], "DOUBLE")
        infinite = f"(abs({value}) = CAST('Infinity' AS DOUBLE))"
        # Spark's isnan of NULL is false; DuckDB's is NULL.
        no_number = f"(CASE WHEN {value} IS NOT NULL THEN isnan({value}) END)"
        finite = f"(NOT {no_number} AND NOT {infinite})"
        return {"isnan": no_number, "isinf": infinite, "isfinite": finite}[name]
    if isinstance(node, exp.RegexpFullMatch):
        return _matched(dialect, node)
    if dialect.kind(parts[0]) == "VARCHAR":
        value = dialect.part(parts[0])
        if isinstance(node, exp.Length):
            return f"CAST(char_length({value}) AS BIGINT)"
        if isinstance(node, (exp.Lower, exp.Upper)):
            dialect.doubts.append(f"({value} RLIKE '[^\\\\x00-\\\\x7F]')")
            return f"{node.key}({value})"
        if isinstance(node, exp.Trim) and not node.expression and not node.args.get("position"):
            return f"trim({value})"
        if isinstance(node, exp.StartsWith):
            return f"startswith({value}, {dialect.part(node.expression)})"
        if isinstance(node, exp.Like) and _is_plain(node.expression):
            return f"({value} LIKE {dialect.part(node.expression)})"
    elif isinstance(node, exp.Abs) and kinds.is_number(dialect.kind(node)):
        return f"abs({dialect.as_kind(node.this, dialect.kind(node))})"
    raise DialectError(shown(node))


def _matched(dialect: Dialect, node: exp.Expr) -> str:
    pattern = node.args["expression"]
    if node.args.get("options") or not pattern.is_string or dialect.kind(node.this) != "VARCHAR":
        raise DialectError(shown(node))
    try:
        java = to_java(pattern.name)
    except PatternError as error:
        raise DialectError(f"{error} in {pattern.name!r}, which Java reads otherwise") from None
    return f"({dialect.part(node.this)} RLIKE {kinds.text(f'{chr(92)}A(?:{java}){chr(92)}z')})"


def _is_plain(pattern: exp.Expr) -> bool:
    return pattern.is_string and "\\" not in pattern.name
