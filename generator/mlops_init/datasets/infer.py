"""What a table's columns say about the task, the key, and what somebody should know of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_init.datasets.reading import SHOWN, named_lines, refused, shown
from mlops_init.datasets.sketch import Sketch, natural_key

#: The inference log's own columns (deploy_canary/rows.py); no feature has one of these names.
LOG_COLUMNS = ("time", "version", "key", "score", "prediction")
#: A whole number with more different values is a quantity; a text with more is no class.
NUMBER_CLASSES, TEXT_CLASSES = 20, 100
#: Rows that a class has on average, at least.
CLASS_ROWS = 10
_POSITIVE = {"true", "1", "1.0", "yes", "y", "t", "positive", "pos"}
_MISSING = {
    *("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown"),
    *("?", "-", "--", ".", "inf", "+inf", "-inf", "infinity", "-infinity"),
}
_PERSONAL = {
    *("email", "mail", "phone", "telephone", "mobile", "fax", "iban", "ssn", "passport"),
    *("surname", "firstname", "lastname", "fullname", "username", "birthday", "birthdate"),
    *("dob", "birth", "address", "street", "ip"),
}
_WHOSE = {"first", "last", "full", "middle", "maiden", "customer", "patient", "person", "client"}
_LOOKS_PERSONAL = (
    ("e-mail addresses", re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")),
    ("bank accounts", re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?")),
    ("phone numbers", re.compile(r"(?:\+|00)\d[\d ()/-]{7,18}")),
)


@dataclass(frozen=True)
class Target:
    """What is to be told.

    Attributes:
        column: Its column.
        task: binary, multiclass or regression.
        why: What was seen that says so.
        positive: The value that counts as positive; empty unless the task is binary.
        positive_why: By which rule it was chosen.
    """

    column: Sketch
    task: str
    why: str
    positive: str = ""
    positive_why: str = ""


@dataclass(frozen=True)
class Key:
    """What names a row.

    Attributes:
        name: The column.
        why: Why this one.
        added: Whether the table has no such column, and gets one: the row's number.
    """

    name: str
    why: str
    added: bool = False


def target_of(path: Path, column: Sketch, task: str, positive: str) -> Target:
    """What the target says about the task.

    Args:
        path: For messages.
        column: The target.
        task: As was asked for; empty to tell it from the values.
        positive: The same.

    Raises:
        UsageError: The target cannot be told, or not by that task.
    """
    name = shown(column.name)
    if column.nulls:
        where = named_lines(column.null_lines, column.nulls)
        raise refused(path, f"{where}: no value of the target {name}; take such rows out")
    _no_markers(path, column, "take such rows out")
    if column.values is not None and len(column.values) == 1:
        raise refused(path, f"the target {name} has one value in all rows: nothing to tell")
    found, why = _task(column)
    if task and task != found:
        _fits(path, column, task)
        found, why = task, f"as you say; its values look like {found}" if found else "as you say"
    if not found:
        problem = f"the target {name} has {_number_of(column)} in {column.rows:,} rows: {why}"
        raise refused(path, problem)
    if found != "regression":
        _no_twins(path, column)
    elif not math.isfinite(column.squares):
        raise refused(path, f"the target {name} holds numbers too large to be squared; scale them")
    if found != "binary":
        if positive:
            raise refused(path, f"positive: for the task binary only, and this is {found}")
        return Target(column, found, why)
    return Target(column, found, why, *_positive(path, column, positive))


def _task(column: Sketch) -> tuple[str, str]:
    """The task and why, or no task and why not."""
    values = column.values
    count = len(values) if values is not None else column.rows
    numeric = column.kind in {"integer", "number"}
    if values is not None and count == 2:
        return "binary", f"two values, {_listed(column)}"
    supported = column.rows >= CLASS_ROWS * count
    if numeric:
        whole = values is not None and all(float(value).is_integer() for value in values)
        if whole and count <= NUMBER_CLASSES and supported:
            return "multiclass", f"{count} whole numbers, {_ends(column)}; or -c task=regression"
        return "regression", f"{_number_of(column)}, {_ends(column)}"
    if count > TEXT_CLASSES:
        return "", f"neither numbers nor classes, of which there are at most {TEXT_CLASSES}"
    if not supported:
        return "", f"fewer than {CLASS_ROWS} rows a class; say -c task=multiclass if that is meant"
    return "multiclass", f"{count} values, {_listed(column)}"


def _fits(path: Path, column: Sketch, task: str) -> None:
    """Raises `UsageError` if the target cannot be told by the task that was asked for."""
    name, found = shown(column.name), _number_of(column)
    if task == "binary":
        raise refused(path, f"task binary: the target {name} has {found}, not two")
    if task == "regression" and column.kind not in {"integer", "number"}:
        raise refused(path, f"task regression: the target {name} holds {column.kind}, not numbers")
    if task == "multiclass" and (column.values is None or len(column.values) > TEXT_CLASSES):
        problem = f"task multiclass: the target {name} has {found}; at most {TEXT_CLASSES}"
        raise refused(path, f"{problem} are allowed")
    if task == "images":
        raise refused(path, "task images: a table of your own is not allowed with it")


def _no_twins(path: Path, column: Sketch) -> None:
    """Two ways of writing one class are two classes to every step that compares texts."""
    numeric = column.kind in {"integer", "number"}
    seen: dict[str | float, str] = {}
    for value in sorted(column.values or ()):
        same = float(value) if numeric else value.strip().lower()
        twin = seen.setdefault(same, value)
        if twin != value:
            problem = f"{shown(twin)} and {shown(value)} of the target {shown(column.name)}"
            raise refused(path, f"{problem} seem to be one class; write it in one way")


def _positive(path: Path, column: Sketch, wanted: str) -> tuple[str, str]:
    values: Mapping[str, int] = column.values or {}
    if wanted and wanted not in values:
        raise refused(path, f"positive: {shown(wanted)} is none of {_listed(column)}")
    if wanted:
        return wanted, "as you say"
    spoken = [value for value in values if value.strip().lower() in _POSITIVE]
    if len(spoken) == 1:
        return spoken[0], "it says so"
    # In a fixed order, so that the same table gives the same class.
    rarer = min(sorted(values, reverse=True), key=lambda value: values[value])
    return rarer, f"the rarer one, in {values[rarer]:,} of {column.rows:,} rows"


def key_of(
    path: Path,
    columns: Sequence[Sketch],
    target: str,
    wanted: str,
    places: Callable[[Sketch], list[int]],
) -> Key:
    """What names a row: the column that was named, or one that looks like it, or a new one.

    Args:
        path: For messages.
        columns: All of them.
        target: The name of the target.
        wanted: The column that was named to be the key, or empty.
        places: Finds the lines of a value that is there twice, if it is asked.

    Raises:
        UsageError: The named column cannot be the key.
    """
    if wanted:
        return _named(path, columns, target, wanted, places)
    others = [each for each in columns if each.name != target and _may_be_key(each)]
    others.sort(key=lambda each: (each.name.lower() != "id", not natural_key(each.name)))
    for column in others:
        if column.unique:
            called = natural_key(column.name)
            return Key(column.name, "by its name, and no two are the same" if called else "unique")
    taken = {each.name.lower() for each in columns}
    name = next(n for n in ("row", *(f"row_{i}" for i in range(2, 9999))) if n not in taken)
    return Key(name, "added: no column names a row; it is the row's number", added=True)


def _may_be_key(column: Sketch) -> bool:
    """A column of numbers may be one only if it counts: else it is more likely a measurement."""
    if column.name.lower() in {"score", "prediction"} or _personal(column):
        return False
    if natural_key(column.name) or column.kind == "text":
        return column.names_a_row
    counts = column.low >= 0 and column.high - column.low < 2 * column.rows
    return column.names_a_row and counts


def _named(
    path: Path,
    columns: Sequence[Sketch],
    target: str,
    wanted: str,
    places: Callable[[Sketch], list[int]],
) -> Key:
    column = find(path, columns, wanted, "key")
    name = shown(wanted)
    if wanted == target:
        raise refused(path, f"key: {name} is the target")
    if wanted.lower() in {"score", "prediction"}:
        raise refused(path, f"key: {name} is a column that predictions have of their own")
    if column.nulls:
        where = named_lines(column.null_lines, column.nulls)
        raise refused(path, f"{where}: no value of the key {name}")
    if not column.unique:
        found = places(column)
        where = named_lines(found, len(found))
        raise refused(path, f"{where}: the same value of the key {name}; a key names one row")
    return Key(wanted, "as you say")


def find(path: Path, columns: Sequence[Sketch], name: str, what: str) -> Sketch:
    """The column of a name.

    Raises:
        UsageError: There is none, with those that there are.
    """
    for column in columns:
        if column.name == name:
            return column
    listed = ", ".join(shown(each.name) for each in columns[:20])
    more = f", … ({len(columns):,} in all)" if len(columns) > 20 else ""
    raise refused(path, f"{what}: no column {shown(name)}. There are: {listed}{more}")


def check_features(path: Path, features: Sequence[Sketch]) -> None:
    """Refuse what no step could work with.

    Raises:
        UsageError: A name that the inference log has itself; words for what is missing.
    """
    if not features:
        raise refused(path, "no column besides key and target: nothing to tell it from")
    for column in features:
        if column.name.lower() in LOG_COLUMNS:
            problem = f"column {shown(column.name)}: the inference log has a column of that name"
            raise refused(path, f"{problem} itself; give it another")
        _no_markers(path, column, "an empty cell is what says that something is missing")


def _no_markers(path: Path, column: Sketch, advice: str) -> None:
    numbers = column.counts["integer"] + column.counts["number"]
    texts = column.counts["text"]
    if not numbers > texts > 0 or len(column.odd) == SHOWN:
        return
    for text, odd in column.odd.items():
        if text.strip().lower() in _MISSING:
            problem = f"line {odd.line}: column {shown(column.name)} holds numbers, and"
            rows = f"{odd.count:,} row{'s' if odd.count > 1 else ''}"
            raise refused(path, f"{problem} {shown(text)} in {rows}; {advice}")


def notes(features: Sequence[Sketch]) -> list[str]:
    """What somebody should know before this is committed; lines."""
    personal = [f"{shown(each.name)} ({words})" for each in features if (words := _personal(each))]
    constant = [shown(each.name) for each in features if each.constant]
    many = [
        shown(each.name)
        for each in features
        if each.kind in {"text", "timestamp"}
        and (each.values is None or 2 * len(each.values) > each.present)
        and not each.constant
    ]
    mixed = [
        f"{shown(each.name)} ({shown(next(iter(each.odd)))})"
        for each in features
        if each.kind == "text"
        and 0 < each.counts["text"] < each.counts["integer"] + each.counts["number"]
    ]
    found = []
    if personal:
        found.append(
            f"looks like personal data: {_some(personal)}. It is committed with the project, "
            "and the model learns from it: take out what it does not need"
        )
    if constant:
        found.append(f"one value in all rows, which tells nothing: {_some(constant)}")
    if many:
        found.append(f"hardly a value twice, so of little use as it is: {_some(many)}")
    if mixed:
        found.append(f"read as text, although most of it are numbers: {_some(mixed)}")
    return found


def _personal(column: Sketch) -> str:
    """What makes a column look like personal data, or nothing."""
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", column.name)
    words = [word for word in re.split(r"[\W_]+", split.lower()) if word]
    named = bool(_PERSONAL & set(words)) or words == ["name"]
    if named or (words[-1:] == ["name"] and _WHOSE & set(words)):
        return "its name"
    for kind, pattern in _LOOKS_PERSONAL:
        hits = sum(pattern.fullmatch(each.strip()) is not None for each in column.examples)
        if hits * 2 > len(column.examples):
            return kind
    return ""


def _number_of(column: Sketch) -> str:
    if column.values is None:
        return "more than 1,000 different values"
    return f"{len(column.values):,} different values"


def _ends(column: Sketch) -> str:
    return f"{column.low:g} to {column.high:g}"


def _listed(column: Sketch) -> str:
    """The most frequent values with their rows."""
    values = sorted((column.values or {}).items(), key=lambda each: (-each[1], each[0]))
    return _some([f"{shown(value)} ({count:,})" for value, count in values])


def _some(words: list[str]) -> str:
    more = f", … ({len(words)} in all)" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
