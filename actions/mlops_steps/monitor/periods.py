"""Can the requests since the last look be told from those before? What is read for that."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from mlops_steps.data.profile import Profile, column_types
from mlops_steps.data.tables import identifier
from mlops_steps.monitor import log
from mlops_steps.monitor.apart import Periods, Rows, tell_apart

if TYPE_CHECKING:
    import duckdb

    from mlops_steps.monitor.apart import Matrix

#: Rows of each period: at least, and at most; columns at most; cells of both periods at most.
LEAST, MOST, COLUMNS, CELLS = 250, 5_000, 200, 1_000_000
#: Values of a text that are told from each other; the rest is one more.
VALUES = 30
#: Rank correlation with the request's time from which on a column is taken for a time.
_RUNS = 0.95


def compare(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    reference: Profile,
    *,
    champion: str,
    looked: float | None,
) -> Periods:
    """Read rows of both periods, each key once with its latest request, and tell them apart.

    Args:
        connection: Where the log is read.
        table: SQL for the FROM clause that reads it.
        reference: The training profile, whose columns are the features.
        champion: Its version.
        looked: Up to when earlier looks have counted, seconds since 1970.
    """
    if looked is None:
        return Periods(note="the first look: there is no earlier one to compare with")
    kinds = column_types(connection, table)
    names = [name for name in reference.columns if name in kinds]
    if not 0 < len(names) <= COLUMNS:
        return Periods(note=f"{len(names):,} columns; up to {COLUMNS} are looked at together")
    import duckdb

    try:
        wanted = {
            name: "DOUBLE" if reference.columns[name].kind == "number" else "VARCHAR"
            for name in names
        }
        parts = _sampled(connection, table, wanted, champion=champion, looked=looked)
    except duckdb.Error as error:  # what decides nothing stops nothing
        return Periods(note=f"cannot be read: {str(error).splitlines()[0]}")
    counts = [len(part[log.TIME]) for part in parts]
    if min(counts) < LEAST:
        short = f"{counts[0]:,} rows before the last look and {counts[1]:,} since, each key once"
        return Periods(
            earlier=counts[0], later=counts[1], note=f"{short}; {LEAST} of each are wanted"
        )
    return tell_apart(_rows(parts, names, reference, kinds))


def _sampled(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    wanted: dict[str, str],
    *,
    champion: str,
    looked: float,
) -> list[dict[str, Any]]:
    """Columns, by name and SQL type, of the rows of each period with the smallest hash of the key.

    As masked arrays where something is missing; beside them the time, in seconds since 1970.
    """
    kinds = column_types(connection, table)
    moment, each = log.when(kinds), min(MOST, CELLS // (2 * len(wanted)))
    since = looked - log.RECENT_DAYS * log.DAY
    span = f"{moment} > {since!r} AND {log.ours(kinds, champion)}"
    total = (connection.execute(f"SELECT count(*) FROM {table} WHERE {span}").fetchone() or (0,))[0]
    # A key's requests are all in or all out, so that each counts once over both periods.
    every = max(1, total // (8 * each))
    some = f"(SELECT * FROM {table} WHERE {span} AND hash({log.KEY}) % {every} = 0)"
    latest = log.once(connection, some, moment)
    cells = [f"{moment} AS moment", f"CAST({log.KEY} AS VARCHAR) AS called"]
    cells += [
        f"TRY_CAST({identifier(name)} AS {kind}) AS c{place}"
        for place, (name, kind) in enumerate(wanted.items())
    ]
    found = []
    for period in (f"moment <= {looked!r}", f"moment > {looked!r}"):
        part = connection.execute(
            f"SELECT * EXCLUDE (called) FROM (SELECT {', '.join(cells)} FROM {latest}) "
            f"WHERE {period} ORDER BY sha256(called) LIMIT {each}"
        ).fetchnumpy()
        columns = {name: part[f"c{place}"] for place, name in enumerate(wanted)}
        found.append({log.TIME: part["moment"], **columns})
    return found


def _rows(
    parts: list[dict[str, Any]], names: list[str], reference: Profile, kinds: dict[str, str]
) -> Rows:
    """Both periods as one matrix, without what would tell them apart by its nature."""
    import numpy as np

    sizes = [len(part[log.TIME]) for part in parts]
    later = np.repeat([False, True], sizes)
    moments = np.concatenate([np.ma.getdata(part[log.TIME]) for part in parts]).astype(float)
    columns, texts, kept, left_out = [], [], [], {}
    for name in names:
        text = reference.columns[name].kind != "number"
        if text:
            values = _codes([cell for part in parts for cell in part[name]])
        else:
            values = np.concatenate([np.ma.filled(part[name], np.nan) for part in parts])
        why = "it is a time" if kinds[name].startswith(("TIMESTAMP", "DATE", "TIME")) else ""
        if reference.columns[name].identifies or (text and _names_rows(values)):
            why = why or "it names rows"
        for period in (later, ~later):
            if _runs_with_time(values[period], moments[period], text=text):
                why = why or "it runs with the time of the requests"
        if why:
            left_out[name] = why
            continue
        if text:  # the frequent values first, the others together
            values = np.where(values >= VALUES, VALUES, values)
        kept.append(name)
        texts.append(text)
        columns.append(values)
    matrix = np.column_stack(columns) if columns else np.empty((len(later), 0))
    return Rows(kept, matrix, texts, later, left_out)


def _codes(cells: list[Any]) -> Matrix:
    """Texts as numbers, the most frequent one 0; NaN for none."""
    import numpy as np

    given = [None if cell is np.ma.masked else str(cell) for cell in cells]
    counts = Counter(text for text in given if text is not None)
    ranked = sorted(counts, key=lambda text: (-counts[text], text))
    place = {text: float(number) for number, text in enumerate(ranked)}
    return np.array([math.nan if text is None else place[text] for text in given])


def _names_rows(codes: Matrix) -> bool:
    """Whether more than half of the values are different ones."""
    import numpy as np

    present = codes[~np.isnan(codes)]
    return len(np.unique(present)) > max(VALUES, len(present) / 2)


def _runs_with_time(values: Matrix, moments: Matrix, *, text: bool) -> bool:
    """Whether the order of the values, of a text that of its mean times, is that of the time."""
    import numpy as np
    from scipy.stats import rankdata

    present = np.isfinite(values)
    if present.sum() < LEAST // 2:
        return False
    values, time = values[present], rankdata(moments[present])
    if text:
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        values = (np.bincount(place, time) / counts)[place]
    order = rankdata(values)
    if not order.std() or not time.std():
        return False
    return bool(abs(np.corrcoef(order, time)[0, 1]) >= _RUNS)
