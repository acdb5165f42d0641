"""Several files that are one table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

#: What writers of folders put in the place of a missing value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Parts:
    """Files that are one table.

    Attributes:
        name: What messages call the table.
        files: In the order of the rows.
        keys: The columns that stand in the folders' names, as in `year=2024/month=01/`; every
            file lies below such folders, in this order.
    """

    name: str
    files: tuple[Path, ...]
    keys: tuple[str, ...] = ()


Table = Path | Parts


def files_of(table: Table) -> tuple[Path, ...]:
    """The files of a table."""
    return table.files if isinstance(table, Parts) else (table,)


def key_kinds(table: Parts) -> dict[str, str]:
    """The type of each key in SQL: BIGINT where every value is a whole number, else VARCHAR."""
    found: dict[str, set[str]] = {key: set() for key in table.keys}
    for path in table.files:
        parts = dict(part.split("=", 1) for part in path.parent.parts if "=" in part)
        for key in table.keys:
            if parts[key] != _NO_VALUE:
                found[key].add(unquote(parts[key]))
    # Up to 18 digits fit into a BIGINT.
    whole = re.compile(r"-?[0-9]{1,18}")
    return {
        key: "BIGINT" if all(whole.fullmatch(each) for each in values) else "VARCHAR"
        for key, values in found.items()
    }
