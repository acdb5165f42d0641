"""Great Expectations: what an expectation asks of columns together or of the whole table.

And the expectations that no contract can say, with what is near.
"""

from __future__ import annotations

from collections.abc import Callable

from mlops_steps.validate_data.contract import ColumnType
from mlops_steps.validate_data.imports.conditions import OneOf, name_of
from mlops_steps.validate_data.imports.draft import Draft, Types
from mlops_steps.validate_data.imports.expectation_kinds import BOUNDS, Expectation, values
from mlops_steps.validate_data.imports.values import require

#: Names of types in pandas, SQL and Spark, without what stands in brackets.
_TYPES: dict[ColumnType, str] = {
    "integer": "int int8 int16 int32 int64 uint8 uint16 uint32 uint64 integer bigint smallint "
    "tinyint integertype longtype shorttype bytetype",
    "number": "float float16 float32 float64 number double real numeric decimal floattype "
    "doubletype decimaltype",
    "text": "str object string text varchar char nvarchar stringtype",
    "boolean": "bool boolean bool_ booleantype",
    "timestamp": "datetime64 datetime date timestamp timestamptype datetype datetime64[ns] "
    "datetime64[us]",
}


def _exists(draft: Draft, each: Expectation) -> None:
    draft.column(each.column)


def _columns(draft: Draft, each: Expectation) -> None:
    for name in each.texts("column_set"):
        draft.column(name)
    draft.extra_columns = each.take("exact_match", bool, default=True) is False


def _ordered(draft: Draft, each: Expectation) -> None:
    for name in each.texts("column_list"):
        draft.column(name)
    draft.extra_columns = False
    draft.note("differs", each.told, "a contract names columns, and not their order")


def _row_count(draft: Draft, each: Expectation) -> None:
    _rows(draft, each, *each.counts())


def _row_count_equal(draft: Draft, each: Expectation) -> None:
    value = each.need("value", int)
    _rows(draft, each, value, value)


def _rows(draft: Draft, each: Expectation, low: int | None, high: int | None) -> None:
    require(each.told.plain, "the number of rows is an error of a contract, never a warning")
    require(high is None or high >= 1, "a contract never lets a table without rows pass")
    if low is not None:
        draft.rows["min"] = max(low, 1, draft.rows.get("min", 1))
    if high is not None:
        draft.rows["max"] = min(high, draft.rows.get("max", high))


def _of_type(draft: Draft, each: Expectation) -> None:
    _declare(draft, each, [each.need("type_", str)])


def _of_types(draft: Draft, each: Expectation) -> None:
    _declare(draft, each, each.texts("type_list"))


def _declare(draft: Draft, each: Expectation, names: list[str]) -> None:
    plain = [name.partition("(")[0].strip().lower() for name in names]
    kinds = {_kind(name) for name in plain}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    kind = kinds.pop() if len(kinds) == 1 else None
    require(kind is not None, f"{', '.join(names)} is no one type of a contract")
    require(each.told.plain, "a contract neither tolerates another type nor only warns of it")
    draft.column(each.column, kind)


def _kind(name: str) -> ColumnType | None:
    return next((kind for kind, known in _TYPES.items() if name in known.split()), None)


def _equal_set(draft: Draft, each: Expectation) -> None:
    found = values(each)
    count = len(set(found))
    draft.ask_whole(each.column, "distinct", {"min": count, "max": count}, each.told)
    draft.ask(each.column, OneOf(found), each.told)


def _compound(draft: Draft, each: Expectation) -> None:
    ignored = each.take("ignore_row_if", str, "all_values_are_missing")
    names = each.texts("column_list")
    draft.together(names, each.told, nulls_differ=ignored != "any_value_is_missing")


def _greater(draft: Draft, each: Expectation) -> None:
    _pair(draft, each, ">=" if each.flag("or_equal") else ">")


def _equal(draft: Draft, each: Expectation) -> None:
    _pair(draft, each, "=")


def _pair(draft: Draft, each: Expectation, sign: str) -> None:
    names = (str(each.need("column_A", str)), str(each.need("column_B", str)))
    first, second = map(name_of, names)
    ignored = each.take("ignore_row_if", str, "both_values_are_missing")
    unless = {
        "both_values_are_missing": f"({first} IS NULL AND {second} IS NULL) OR ",
        "either_value_is_missing": f"{first} IS NULL OR {second} IS NULL OR ",
    }.get(ignored, "")

    def sql(types: Types) -> str:
        kinds = {"number" if types.get(name) == "integer" else types.get(name) for name in names}
        known = len(kinds) == 1 and None not in kinds
        require(known, "the two columns are not known to have one type")
        empty = any(draft.nullable(name) for name in names)
        return f"{unless if empty else ''}{first} {sign} {second}"

    draft.state(names, sql, each.told)


_PAIR = "column_A column_B ignore_row_if"
#: Who reads an expectation, and the keywords that are read, beside `mostly`.
OF_TABLES: dict[str, tuple[Callable[[Draft, Expectation], None], str]] = {
    "expect_column_to_exist": (_exists, "column"),
    "expect_table_columns_to_match_set": (_columns, "column_set exact_match"),
    "expect_table_columns_to_match_ordered_list": (_ordered, "column_list"),
    "expect_table_row_count_to_be_between": (_row_count, BOUNDS),
    "expect_table_row_count_to_equal": (_row_count_equal, "value"),
    "expect_column_values_to_be_of_type": (_of_type, "column type_"),
    "expect_column_values_to_be_in_type_list": (_of_types, "column type_list"),
    "expect_column_distinct_values_to_equal_set": (_equal_set, "column value_set"),
    "expect_compound_columns_to_be_unique": (_compound, "column_list ignore_row_if"),
    "expect_multicolumn_values_to_be_unique": (_compound, "column_list ignore_row_if"),
    "expect_column_pair_values_a_to_be_greater_than_b": (_greater, f"{_PAIR} or_equal"),
    "expect_column_pair_values_to_be_equal": (_equal, _PAIR),
}

_COUNTED = ("a contract names columns, and does not count them", "extra_columns: false")
_ORDER = ("the rows of a contract have no order", "")
_LIKE = ("LIKE differs between databases", "a rule, such as: sql: name LIKE 'A%'")
_DRIFT = ("it compares distributions", "mlops.yaml: monitor, whose distance is one")
_EMPTY = "what an empty cell equals or adds differs between engines"
#: Why others are left out, and what to write instead.
HINTS: dict[str, tuple[str, str]] = {
    "expect_table_column_count_to_equal": _COUNTED,
    "expect_table_column_count_to_be_between": _COUNTED,
    "expect_table_row_count_to_equal_other_table": ("it is about two tables", ""),
    "expect_column_values_to_be_increasing": _ORDER,
    "expect_column_values_to_be_decreasing": _ORDER,
    "expect_column_values_to_be_dateutil_parseable": (
        "dateutil reads far more than a contract takes for a time", "type: timestamp"),
    "expect_column_values_to_match_strftime_format": (
        "a contract reads ISO times only", "type: timestamp, or regex"),
    "expect_column_values_to_match_like_pattern": _LIKE,
    "expect_column_values_to_match_like_pattern_list": _LIKE,
    "expect_column_values_to_not_match_like_pattern": _LIKE,
    "expect_column_values_to_not_match_like_pattern_list": _LIKE,
    "expect_column_kl_divergence_to_be_less_than": _DRIFT,
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than": _DRIFT,
    "expect_column_chisquare_test_p_value_to_be_greater_than": _DRIFT,
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than": _DRIFT,
    "expect_column_stdev_to_be_between": (
        "a contract has no bound on the deviation", "two quantiles of the column"),
    "expect_column_sum_to_be_between": (
        "a contract has no bound on a sum", "mean of the column, and rows"),
    "expect_column_distinct_values_to_contain_set": (
        "a contract does not ask that a value occurs", "shares of the column, with a min"),
    "expect_column_proportion_of_unique_values_to_be_between": (
        "a contract counts different values", "distinct of the column"),
    "expect_column_most_common_value_to_be_in_set": (
        "a contract does not rank values", "shares of the column, with a min"),
    "expect_multicolumn_sum_to_equal": (_EMPTY, "a rule, such as: sql: a + b = 100"),
    "expect_multicolumn_values_to_be_equal": (_EMPTY, "a rule, such as: sql: a = b"),
    "expect_select_column_values_to_be_unique_within_record": (
        _EMPTY, "a rule, such as: sql: a <> b"),
    "expect_column_pair_values_to_be_in_set": (
        "it lists rows, not columns", "a rule, such as: sql: (a = 1 AND b = 2) OR (a = 3)"),
    "unexpected_rows_expectation": (
        "it is a query; a rule is an expression", "a rule that is true for a good row"),
}  # fmt: skip
