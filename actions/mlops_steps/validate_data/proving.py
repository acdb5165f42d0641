"""Prove the checks of whole columns and of the table: a column's cells are spoilt, or rows go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from mlops_steps.config import Config
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data.contract import Bounds, Category, Column, Counts, Fresh
from mlops_steps.validate_data.judge import Result
from mlops_steps.validate_data.planting import Missed, Sample, Unplanted, must_fail
from mlops_steps.validate_data.sides import check_copies, features, same_features
from mlops_steps.validate_data.spoiling import Cell, outside
from mlops_steps.validate_data.spoilt_files import checks_of_files, spoil_files
from mlops_steps.validate_data.table import check_shape, check_split
from mlops_steps.validate_data.totals import Total

#: A check's kind and column, and what proves it, or raises why not.
Attempt = tuple[str, str, Callable[[], str]]
#: Different values that are planted, at most.
_MOST_VALUES = 100_000


def whole_columns(sample: Sample, totals: list[Total], config: Config) -> list[Attempt]:
    """One attempt for each check of a whole column, in their order."""
    seen: Counter[tuple[str, str]] = Counter()
    found: list[Attempt] = []
    for total in totals:
        place = seen[total.kind, total.column]
        seen[total.kind, total.column] += 1
        attempt = partial(_of_column, sample, total, config, place)
        found.append((total.kind, total.column, attempt))
    return found


def _of_column(sample: Sample, total: Total, config: Config, place: int) -> str:
    if total.undecided:
        raise Unplanted(f"it cannot be judged: {total.undecided}")
    planted, reasons = [], []
    for cells, words in _spoilt(sample, total, config, place):
        try:
            view = sample.fill(total.column, cells)
        except Unplanted as reason:
            reasons.append(str(reason))
            continue
        if sample.told(view, total).status != "fail":
            raise Missed(words)
        planted.append(words)
    if not planted:
        raise Unplanted(reasons[0] if reasons else "no column of cells breaks it")
    return "; ".join(planted)


def _spoilt(
    sample: Sample, total: Total, config: Config, place: int
) -> Iterator[tuple[list[Cell], str]]:
    """Columns that break a check of one: cells, in turn for all rows, and what they are."""
    contract = sample.cells.contract
    column = contract.columns.get(total.column)
    match total.kind:
        case "personal-name":
            raise Unplanted("it is about the column's name, not about rows")
        case "personal":
            yield from _people(column)
        case "target":
            first = None if config.model.task == "regression" else "1"
            yield [first], f"{'no value' if first is None else 'one value'} in all rows"
        case "fresh":
            mine = [each for each in contract.fresh if each.column == total.column]
            yield from _moments(mine[place])
        case _ if column is not None:
            yield from _figures(total.kind, column, place)


def _figures(kind: str, column: Column, place: int) -> Iterator[tuple[list[Cell], str]]:
    if kind == "distinct" and column.distinct:
        yield from _values(column, column.distinct)
    elif kind == "share":
        yield from _shares(column, column.shares[place])
    else:
        bounds = column.mean if kind == "mean" else column.quantiles[place]
        for cell in outside(bounds) if bounds else []:
            yield [cell], f"{cell} in all rows"


def _shares(column: Column, share: Category) -> Iterator[tuple[list[Cell], str]]:
    if share.max is not None and share.max < 1:
        yield [share.value], "this value in all rows"
    if share.min is not None and share.min > 0:
        other = f"{share.value}?"
        if column.type in {"number", "integer"}:
            other = "1" if share.value != "1" else "2"
        elif column.type == "boolean":
            other = "true" if share.value == "false" else "false"
        elif column.type == "timestamp":
            other = "1900-01-01 00:00:00"
        yield [other], "another value in all rows"


def _values(column: Column, wanted: Counts) -> Iterator[tuple[list[Cell], str]]:
    if wanted.min is not None and wanted.min > 1:
        value = {"text": "?", "boolean": "true", "timestamp": "1900-01-01 00:00:00"}
        yield [value.get(column.type, "1")], "one value in all rows"
    if wanted.max is not None:
        if wanted.max >= 1000 or column.type in {"boolean", "timestamp"}:
            raise Unplanted(f"a thousand rows of {column.type} hold no more than {wanted.max:,}")
        count = wanted.max + 1
        yield [str(each) for each in range(count)], f"{count} different values"


def _moments(fresh: Fresh) -> Iterator[tuple[list[Cell], str]]:
    number, unit = fresh.within.split()
    age = timedelta(**{unit: int(number)})
    now = datetime.now(UTC)
    for moment, words in (
        (now - age - timedelta(days=2), "older"),
        (now + timedelta(days=2), "to come"),
    ):
        yield [f"{moment:%Y-%m-%d %H:%M:%S}"], f"times that are {words}"


def _people(column: Column | None) -> Iterator[tuple[list[Cell], str]]:
    if column is not None and column.allowed is not None:
        raise Unplanted("it is about the values that the contract lists, not about rows")
    if column is None or column.type == "text":
        yield ["a.b@example.org"], "an e-mail address in all rows"
    if column is None or column.type != "text":
        cards: list[Cell] = [_card(411111111110000 + each) for each in range(100)]
        yield cards, "100 card numbers"


def _card(number: int) -> str:
    """Sixteen digits, the last of which makes them keep Luhn's check (ISO/IEC 7812-1)."""
    digits = [int(sign) for sign in str(number)]
    doubled = [2 * each if at % 2 == 0 else each for at, each in enumerate(digits)]
    total = sum(each // 10 + each % 10 for each in doubled)
    return f"{number}{-total % 10}"


def whole_tables(sample: Sample, config: Config, root: Path) -> list[Attempt]:
    """One attempt for each check of the table as a whole, and of the files that it names."""
    found: list[Attempt] = [("rows", "", partial(_rows, sample))]
    if sample.cells.contract.rows.change:
        found.append(("change", "", partial(_change, sample)))
    if not sample.cells.contract.extra_columns:
        found.append(("columns", "", partial(_columns, sample)))
    if config.table.key in sample.cells.kinds:
        found.append(("split", "", partial(_split, sample, config)))
    if sample.cells.contract.copies is not None:
        found.append(("copies", "", partial(_copies, sample, config)))
    if config.table.file in sample.cells.kinds and config.table.file:
        name, kinds = config.table.file, checks_of_files(sample)
        found += [(kind, name, partial(spoil_files, sample, config, root, kind)) for kind in kinds]
    return found


def _rows(sample: Sample) -> str:
    wanted = sample.cells.contract.rows
    tried = [wanted.min - 1, *([wanted.max + 1] if wanted.max else [])]
    for count in tried:
        must_fail(_shape(sample, [], count)["rows"], f"{count:,} rows")
    return " or ".join(f"{count:,} rows" for count in tried)


def _change(sample: Sample) -> str:
    rows = sample.cells.contract.rows
    change, accepted = rows.change or Bounds(), rows.accepted or 1
    ends = ((change.min, -1), (change.max, 1))
    tried = [int(times * accepted) + further for times, further in ends if times]
    for count in tried:
        must_fail(_shape(sample, [], count)["change"], f"{count:,} rows")
    return " or ".join(f"{count:,} rows" for count in tried)


def _shape(sample: Sample, columns: list[str], rows: int) -> dict[str, Result]:
    return {each.check: each for each in check_shape(sample.cells.contract, columns, rows)}


def _columns(sample: Sample) -> str:
    columns = [*sample.cells.kinds, "*another*"]
    rows = sample.cells.contract.rows.min
    must_fail(_shape(sample, columns, rows)["columns"], "a column more")
    return "a column more"


def _split(sample: Sample, config: Config) -> str:
    split = split_sql(config.table.key, config.table.split)
    for name in ("test", "valid", "train"):
        sample.base(f"{split} <> '{name}'")
        result = check_split(sample.based(), config.table, rows=1000)
        must_fail(result, f"no row of {name}")
    return "no row of test, of valid, of train"


def _copies(sample: Sample, config: Config) -> str:
    table, cells = config.table, sample.cells
    if table.key not in cells.kinds or not features(table, cells):
        raise Unplanted("it cannot be judged: the table lacks the key, or has no features")
    split = split_sql(table.key, table.split)
    sample.base("true", apart=same_features(table, cells))
    base = sample.based()
    for judge in ("test", "valid"):
        key = f"min({identifier(table.key)}) FILTER (WHERE {split} = {literal(judge)})"
        (found,) = base.ask(f"SELECT CAST({key} AS VARCHAR) FROM {base.table}")
        if found is None:
            continue
        if check_copies(base, table, cells, judge=judge)[0].status != "pass":
            raise Missed("rows that differ are red, too")
        tolerate = cells.contract.copies.tolerate if cells.contract.copies else 0
        view = sample.plant({table.key: found}, tolerate=tolerate, where=f"{split} = 'train'")
        words = f"a row of train with a key of {judge}"
        must_fail(check_copies(view, table, cells, judge=judge)[0], words)
        return words
    raise Unplanted("no row that was tried is of a split that judges")
