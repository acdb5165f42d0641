"""Rules that a contract states as SQL expressions: parsed, never pasted.

Only what stands in `_WORDS` is let through, so that an expression reads the columns of its row
and nothing else: no statement, no subquery, no file, no function that nobody listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlglot
from sqlglot import exp

#: What an expression may be made of.
_WORDS = (
    *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is),
    *(exp.In, exp.Between, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg),
    *(exp.Case, exp.If, exp.Coalesce, exp.Least, exp.Greatest, exp.Cast, exp.DataType),
    *(exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Length, exp.Lower, exp.Upper, exp.Trim),
    *(exp.Substring, exp.StartsWith, exp.RegexpFullMatch, exp.Interval, exp.Var, exp.DateDiff),
)
_COMPUTED = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
_AGGREGATES = (exp.Count, exp.Distinct, exp.Star, exp.Sum, exp.Avg, exp.Min, exp.Max)
#: Characters of an expression, and expressions within each other: more take the square, or the
#: cube, of the time.
LONGEST, DEEPEST = 4_000, 300
_TYPES = {"INT", "BIGINT", "DOUBLE", "FLOAT", "TEXT", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN"}


class RuleError(Exception):
    """The expression is none, or does what no rule may; the message is for the user."""


def read(sql: str, *, grouped: bool = False) -> exp.Expr:
    """Read one expression; with `grouped` of aggregates, each column inside of one.

    Raises:
        RuleError: It cannot be read, or holds what is not allowed.
    """
    if len(sql) > LONGEST:
        raise RuleError(f"has {len(sql):,} characters. Allowed: at most {LONGEST:,}")
    try:
        found = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise RuleError(f"cannot be read: {_plain(str(error))}") from None
    except RecursionError:
        raise RuleError("is nested too deeply") from None
    if len(found) != 1 or found[0] is None:
        raise RuleError("is not one expression")
    expression = found[0]
    if _deep(expression):
        raise RuleError("is nested too deeply")
    allowed = _WORDS + (_AGGREGATES if grouped else ())
    for node in expression.walk():
        if not isinstance(node, allowed):
            raise RuleError(f"holds {_shown(node)}, which no rule may hold")
        if isinstance(node, exp.DataType) and node.this.value.removesuffix("NTZ") not in _TYPES:
            raise RuleError(f"casts to {_shown(node)}. Allowed: {', '.join(sorted(_TYPES))}")
        if isinstance(node, exp.Column) and node.table:
            raise RuleError(f"names {_shown(node)}: a column stands alone, in double quotes if odd")
    if not grouped and not columns(expression):
        raise RuleError("names no column")
    loose = [name for name, inside in _columns(expression) if grouped and not inside]
    if loose:
        raise RuleError(f"names {loose[0]!r} outside of an aggregate (count, sum, avg, min, max)")
    return expression


def _deep(expression: exp.Expr) -> bool:
    """Whether more than `DEEPEST` expressions stand within each other."""
    level, depth = [expression], 0
    while level and depth <= DEEPEST:
        level = [inner for each in level for inner in each.iter_expressions()]
        depth += 1
    return bool(level)


def columns(expression: exp.Expr) -> list[str]:
    """The names of the columns in it, each once."""
    return list(dict.fromkeys(name for name, _ in _columns(expression)))


def claimed(rule: exp.Expr) -> exp.Expr | None:
    """The part of a rule that tells of which rows it claims something.

    `x is null or CLAIM`, `not (WHEN) or CLAIM`, `x <> 1 or CLAIM` and
    `case when WHEN then CLAIM else true end` claim nothing of the other rows.

    Returns:
        An expression that is true where the rule claims something; None where it always does.
    """
    rule = rule.unnest()
    if isinstance(rule, exp.Case) and not rule.this:
        default = rule.args.get("default")
        if isinstance(default, exp.Boolean) and default.this:
            return exp.or_(*(each.this for each in rule.args["ifs"]), copy=True)
        return None
    parts = [part.unnest() for part in rule.flatten()] if isinstance(rule, exp.Or) else []
    guards = [part for part in parts if _is_guard(part)]
    return exp.not_(exp.or_(*guards, copy=True)) if 0 < len(guards) < len(parts) else None


def compares_rows(rule: exp.Expr) -> bool:
    """Whether a rule of groups is about how their rows differ, and says nothing of one row alone.

    It holds min and max of the same column, or counts different values; and no other count or
    sum, which may be wrong for a group of one row, too.
    """
    least = {each.this for each in rule.find_all(exp.Min)}
    different = any(isinstance(each.this, exp.Distinct) for each in rule.find_all(exp.Count))
    if rule.find(exp.Sum, exp.Avg) or any(
        not isinstance(each.this, exp.Distinct) for each in rule.find_all(exp.Count)
    ):
        return False
    return different or any(each.this in least for each in rule.find_all(exp.Max))


def _is_guard(part: exp.Expr) -> bool:
    if isinstance(part, exp.Not):
        return not isinstance(part.this, exp.Is)
    return isinstance(part, exp.NEQ) or (
        isinstance(part, exp.Is) and isinstance(part.expression, exp.Null)
    )


def write(
    rule: exp.Expr,
    cell: Callable[[str], str],
    *,
    nan: Callable[[str], bool] = lambda _: False,
    dialect: str = "duckdb",
) -> str:
    """A rule as SQL, `cell` in the place of a column's name.

    What cannot be cast is NULL, and so no row that keeps the rule; and so is what a number is
    divided by where that is 0. NaN is NULL, too, as it is everywhere in a contract, whether it
    is a column's (`nan` says of which a value may be one) or computed, as infinity less infinity
    is. Engines take it for greater than every number, and so for one that keeps `x > 0`.
    """
    written = exp.Paren(this=rule.copy())  # so that every part has one above it
    computed = written.find_all(*_COMPUTED, exp.Sum, exp.Avg)
    infinite = [each for each in computed if _is_whole(each) and _may_be_infinite(each, nan)]
    for column in list(written.find_all(exp.Column)):
        name = column.name
        column.set("this", exp.to_identifier(cell(name), quoted=True))
        if nan(name):
            there = exp.not_(exp.IsNan(this=column.copy()))
            column.replace(exp.Paren(this=exp.Case(ifs=[exp.If(this=there, true=column.copy())])))
    for cast in [each for each in written.find_all(exp.Cast) if not isinstance(each, exp.TryCast)]:
        cast.replace(exp.TryCast(this=cast.this, to=cast.to))
    for division in list(written.find_all(exp.Div, exp.Mod)):
        divisor = division.expression  # itself, not a copy: it may hold what is replaced next
        zero = exp.Literal.number(0)
        division.set("expression", exp.Nullif(this=divisor, expression=zero))
    for part in reversed(infinite):  # what stands within another comes first
        no_number = exp.cast(exp.Literal.string("NaN"), "DOUBLE")
        part.replace(exp.Nullif(this=part.copy(), expression=no_number))
    return written.sql(dialect=dialect, comments=False)


def _is_whole(computed: exp.Expr) -> bool:
    """Whether what is computed is no part of a greater computation, which would be NaN as well."""
    if not isinstance(computed, _COMPUTED):
        return True  # an aggregate
    above = computed.parent
    while isinstance(above, exp.Paren):
        above = above.parent
    return not isinstance(above, _COMPUTED)


def _may_be_infinite(computed: exp.Expr, nan: Callable[[str], bool]) -> bool:
    """Whether something in it may be, and so the whole NaN; what tells a time never is."""
    if computed.find(exp.Interval):
        return False
    casts = any(each.to.this.value in {"DOUBLE", "FLOAT"} for each in computed.find_all(exp.Cast))
    return casts or any(nan(each.name) for each in computed.find_all(exp.Column))


def _columns(expression: exp.Expr) -> Iterator[tuple[str, bool]]:
    for node in expression.find_all(exp.Column):
        yield node.name, node.find_ancestor(exp.AggFunc) is not None


def _shown(node: exp.Expr) -> str:
    return _plain(node.sql(dialect="duckdb", comments=False))


def _plain(text: str) -> str:
    """In one line, without the colours that the parser puts around a place."""
    words = "".join(sign for sign in text if sign.isprintable() or sign.isspace())
    return " ".join(words.replace("[4m", "").replace("[0m", "").split())[:160]
