"""The same 40 checks of the table `orders`, once, as each program under measurement reads them."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.tables import CHANNELS, COUNTRIES, STATUSES


class Column(NamedTuple):
    """What a column holds; `low` to `high`, `allowed` and `pattern` as far as they are checked."""

    type: str
    low: float | None = None
    high: float | None = None
    allowed: tuple[str | int, ...] | None = None
    pattern: str | None = None
    nullable: bool = False
    unique: bool = False


COLUMNS = {
    "id": Column("integer", 0, 2**32, unique=True),
    "customer": Column("integer", 1, 1_000_000),
    "quantity": Column("integer", 1, 100),
    "grade": Column("integer", allowed=(1, 2, 3, 4, 5)),
    "visits": Column("integer", 0, 500, nullable=True),
    "price": Column("number", 0, 1000),
    "amount": Column("number", 0, 100_000),
    "ratio": Column("number", 0, 1),
    "temperature": Column("number", -60, 80, nullable=True),
    "latitude": Column("number", -90, 90),
    "longitude": Column("number", -180, 180),
    "country": Column("text", allowed=COUNTRIES, pattern="^[A-Z]{2}$"),
    "channel": Column("text", allowed=CHANNELS),
    "status": Column("text", allowed=STATUSES, nullable=True),
    "sku": Column("text", pattern="^SKU[0-9]{4}$"),
    "code": Column("text", pattern="^[A-Z]{2}-[0-9]{6}$"),
    "created": Column("timestamp"),
    "updated": Column("timestamp", nullable=True),
    "active": Column("boolean"),
    "label": Column("text", allowed=("yes", "no")),
}

#: True for a good row, never NULL for one.
RULES = {
    "updated_later": "updated IS NULL OR updated >= created",
    "amount_covers_price": "amount >= price",
    "returned_is_inactive": "status IS NULL OR NOT (status = 'returned' AND active)",
    "visits_cover_quantity": "visits IS NULL OR visits >= quantity",
}

COUNT = 40


def checks(rows: int) -> list[dict[str, Any]]:
    """The checks of a table with so many rows, each with its kind.

    nulls, unique: column. range: column, low, high. set: column, allowed. regex: column,
    pattern. rule: name, sql (true for a good row). rows: count.
    """
    found: list[dict[str, Any]] = [{"kind": "rows", "count": rows}]
    for name, column in COLUMNS.items():
        if not column.nullable:
            found.append({"kind": "nulls", "column": name})
        if column.low is not None:
            found.append({"kind": "range", "column": name, "low": column.low, "high": column.high})
        if column.allowed:
            found.append({"kind": "set", "column": name, "allowed": column.allowed})
        if column.pattern:
            found.append({"kind": "regex", "column": name, "pattern": column.pattern})
        if column.unique:
            found.append({"kind": "unique", "column": name})
    found += [{"kind": "rule", "name": name, "sql": sql} for name, sql in RULES.items()]
    if len(found) != COUNT:
        raise AssertionError(f"{len(found)} checks, not {COUNT}")
    return found


def contract(rows: int) -> dict[str, Any]:
    """The same as a contract of validate-data, which also checks each column's type."""
    columns: dict[str, dict[str, Any]] = {}
    for name, column in COLUMNS.items():
        columns[name] = {
            "type": column.type,
            "nullable": column.nullable or None,
            "min": column.low,
            "max": column.high,
            "allowed": column.allowed,
            "regex": column.pattern,
            "unique": column.unique or None,
        }
        columns[name] = {key: value for key, value in columns[name].items() if value is not None}
    rules = [{"name": name, "sql": sql} for name, sql in RULES.items()]
    return {"rows": {"min": rows, "max": rows}, "columns": columns, "rules": rules}
