"""What a reader in an environment of its own is asked, and what it answers: JSON both ways.

Only the standard library: both sides import it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

#: What stands for a missing value in the CSV that PostgreSQL sends: no text of a table is so.
NULL = "\\N\x01"


@dataclass(frozen=True)
class Request:
    """What to read, and where to put it.

    Attributes:
        address: Of mlops.yaml; a path of the project is absolute here.
        folder: Exists and is empty; whatever is fetched goes there.
        limit: Bytes that may be fetched.
        credentials: The values themselves, by role.
    """

    address: str
    folder: str
    limit: int
    table: str | None = None
    query: str | None = None
    version: int | None = None
    endpoint: str | None = None
    region: str | None = None
    certificates: str | None = None
    credentials: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class File:
    """A file that was fetched, or that lies in the project.

    Attributes:
        path: Where it is.
        name: What its source calls it.
        mark: What its source gives to tell its versions apart (an ETag, a generation).
        values: Of the columns that its rows share and that may not be in it, as text.
        needed: Ids of columns that have to be in it.
    """

    path: str
    name: str
    mark: str = ""
    values: dict[str, str | None] = field(default_factory=dict)
    needed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of a table that knows its columns.

    Attributes:
        name: As the table calls it.
        kind: Its type in DuckDB; empty: as the files have it.
        id: By which a file's column is found, whatever it is called there.
    """

    name: str
    kind: str = ""
    id: int | None = None


@dataclass(frozen=True)
class Answer:
    """What was read. `version` names it where the source can."""

    files: tuple[File, ...]
    columns: tuple[Column, ...] = ()
    version: str = ""


def to_json(value: Request | Answer) -> str:
    """One line."""
    return json.dumps(dataclasses.asdict(value))


def request(text: str) -> Request:
    """A request, from its JSON."""
    return Request(**json.loads(text))


def answer(text: str) -> Answer:
    """An answer, from its JSON."""
    found: dict[str, Any] = json.loads(text)
    return Answer(
        files=tuple(File(**{**each, "needed": tuple(each["needed"])}) for each in found["files"]),
        columns=tuple(Column(**each) for each in found["columns"]),
        version=found["version"],
    )
