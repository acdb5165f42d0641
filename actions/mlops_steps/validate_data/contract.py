"""The contract: what every row of a table has to satisfy, as a file beside the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from mlops_steps.config import Part, RelativePath, TableInput, Task
from mlops_steps.errors import ConfigError
from mlops_steps.yaml_file import at, read_yaml

ColumnType = Literal["number", "integer", "text", "boolean", "timestamp"]
Severity = Literal["error", "warn"]
#: Bytes of a contract: read, it takes five hundred times as much memory.
LARGEST = 500_000
#: Where a column is there: in what a model learns from, or in what one is asked. Only the
#: first is judged by a step.
Environment = Literal["training", "serving"]
Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]
#: What a column says about people; `none` is an answer, too: it looks like it, and is not.
Personal = Literal["email", "phone", "iban", "card", "ip", "name", "other", "none"]
Share = Annotated[float, Meta(ge=0, lt=1)]


Environments = Annotated[tuple[Environment, ...], Meta(min_length=1)]


class Bounds(Part, frozen=True):
    """What a figure of a whole column may be; at least one of both."""

    min: float | None = None
    max: float | None = None


class Rows(Part, frozen=True):
    """How many rows the whole table has; none at all is never allowed.

    `accepted` is the number that was last accepted, by who committed it; `change` bounds the
    number that there is as a multiple of it.
    """

    min: Annotated[int, Meta(ge=1)] = 1
    max: Annotated[int, Meta(ge=1)] | None = None
    accepted: Annotated[int, Meta(ge=1)] | None = None
    change: Bounds | None = None


class Category(Bounds, kw_only=True, frozen=True):
    """What the share of a value may be, among the rows that have one."""

    value: str


class Quantile(Bounds, kw_only=True, frozen=True):
    """What a quantile may be: `at` is the share of values at or below it."""

    at: Annotated[float, Meta(gt=0, lt=1)]


class Counts(Part, frozen=True):
    """What a count may be; at least one of both."""

    min: Count | None = None
    max: Count | None = None


class Judged(Part, frozen=True):
    """How a broken rule counts.

    `warn` is a finding and no failure. `tolerate` is the share of rows that may break it.
    """

    severity: Severity = "error"
    tolerate: Share = 0


class Column(Judged, kw_only=True, frozen=True):
    """One column. `min` and `max` are for numbers, `allowed` for numbers and texts.

    An empty CSV cell, a JSON null and NaN are nulls. `unique` is about values that are there.
    `regex` (RE2) is for texts, the whole of which it matches; `length` counts their characters.
    `mean`, `quantiles`, `shares` and `distinct` (the number of values) bound the column as a
    whole. In an environment that is not among `environments` the column may be missing.
    `personal` declares personal data: else a column that looks like it is a finding.
    """

    type: ColumnType
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    allowed: Annotated[list[str | int | float], Meta(min_length=1)] | None = None
    unique: bool = False
    regex: Text | None = None
    length: Counts | None = None
    mean: Bounds | None = None
    quantiles: tuple[Quantile, ...] = ()
    shares: tuple[Category, ...] = ()
    distinct: Counts | None = None
    environments: Environments = ("training", "serving")
    personal: Personal | None = None


class Rule(Judged, kw_only=True, frozen=True):
    """A condition on the columns of a row, as an SQL expression that is true for a good row."""

    name: Text
    sql: Text


class Group(Judged, kw_only=True, frozen=True):
    """A condition on all rows that share the values of `by`, as an SQL expression of aggregates."""

    name: Text
    by: Annotated[tuple[Text, ...], Meta(min_length=1)]
    sql: Text


class Reference(Judged, kw_only=True, frozen=True):
    """The values of some columns stand together in a row of another file of the project."""

    columns: Annotated[tuple[Text, ...], Meta(min_length=1)]
    file: RelativePath
    to: Annotated[tuple[Text, ...], Meta(min_length=1)] | None = None


class Fresh(Judged, kw_only=True, frozen=True):
    """The latest value of a timestamp column (UTC, unless it has a zone) is not older than this."""

    column: Text
    within: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,5} (minutes|hours|days)$")]


class Copies(Judged, kw_only=True, frozen=True):
    """No row that judges has the features of a row to train on; `tolerate` is a share of these."""


class Files(Judged, kw_only=True, frozen=True):
    """What the files of a manifest have to be: so many bytes, whole, each there once.

    `whole` is told without a decoder; `once` compares contents.
    """

    size: Counts | None = None
    whole: bool = False
    once: bool = False


class Contract(Part, frozen=True):
    """The whole file. Columns that it does not name are refused, unless `extra_columns`.

    `unique` lists columns whose values together stand in no two rows. `copies`, which may be
    `{}`, asks that no row that judges is one to train on under another key. `samples`: how findings
    show the cells that break a rule; redacted shows every digit as 9 and every letter as x.
    """

    columns: Annotated[dict[str, Column], Meta(min_length=1)]
    rows: Rows = Rows()
    extra_columns: bool = False
    unique: tuple[Annotated[tuple[Text, ...], Meta(min_length=2)], ...] = ()
    rules: tuple[Rule, ...] = ()
    groups: tuple[Group, ...] = ()
    references: tuple[Reference, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    copies: Copies | None = None
    files: Files | None = None
    samples: Literal["redacted", "shown", "none"] = "redacted"


def refuse_links(root: Path, name: str) -> None:
    """Refuse a file of the project that is, or lies behind, a link: messages quote what it holds.

    Raises:
        ConfigError: It does.
    """
    places = [root / name, *(root / name).parents]
    try:
        linked: bool | None = any(
            place.is_symlink() for place in places if place.is_relative_to(root) and place != root
        )
    except OSError:  # too long, say
        linked = None
    if linked is None or "\0" in name:
        raise ConfigError(f"{name[:80]!r}: can be the name of no file")
    if linked:
        raise ConfigError(f"{name}: is, or lies behind, a link; name a file of the project")


def load(root: Path, table: TableInput, *, task: Task = "binary") -> Contract:
    """Read a table's contract.

    Raises:
        ConfigError: With file, line and column: it breaks the schema, says something that
            makes no sense, says nothing of the key, the target or the file, or says of the
            target what the task or the positive value cannot use.
    """
    from mlops_steps.validate_data.sense import misfits

    path = root / table.contract
    refuse_links(root, table.contract)
    if path.is_file() and path.stat().st_size > LARGEST:
        words = f"is larger than {LARGEST:,} bytes; long sets of values go into a file: references"
        raise ConfigError(f"{table.contract}: {words}")
    contract = read_yaml(path, Contract, shown_as=table.contract)
    for key, problem in misfits(contract, table, task=task):
        raise ConfigError(f"{at(path, key, shown_as=table.contract)}: {problem}")
    return contract
