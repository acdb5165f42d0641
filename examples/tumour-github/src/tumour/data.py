"""The table of samples, read from a file."""

import csv
from dataclasses import dataclass
from pathlib import Path

# As in mlops.yaml: the column that names a row, and the column to be told.
KEY = "id"
TARGET = "diagnosis"


@dataclass(frozen=True)
class Table:
    """Rows of samples, each cell as the text that stands there; an empty one is a missing value.

    `columns` holds all but key and target, by name. `target` is None where the table has none,
    as for predict. `lines` are the rows' lines in the file `source`, for messages.
    """

    source: Path
    lines: list[int]
    keys: list[str]
    columns: dict[str, list[str]]
    target: list[str] | None

    def where(self, row: int, column: str) -> str:
        """The place of a cell: file, line, column."""
        return f"{self.source}:{self.lines[row]}: {column}"


def read(path: Path) -> Table:
    """Read a CSV file.

    Raises ValueError, with the line, where it is no table with the key among its columns.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            names = next(reader, [])
            found = [(reader.line_num, row) for row in reader if row]
        except csv.Error as error:
            raise ValueError(f"{path}:{reader.line_num}: {error}") from None
    if KEY not in names:
        raise ValueError(f"{path}: no column {KEY!r} among {', '.join(names) or 'none'}")
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: two columns have the same name")
    for line, row in found:
        if len(row) != len(names):
            raise ValueError(f"{path}:{line}: {len(row)} cells, but {len(names)} columns")
    columns = {name: [row[place] for _, row in found] for place, name in enumerate(names)}
    keys, target = columns.pop(KEY), columns.pop(TARGET, None)
    return Table(path, [line for line, _ in found], keys, columns, target)
