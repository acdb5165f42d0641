"""A log, labels, a registered version and a ledger from somebody who means harm, or is broken.

Each ends as a finding or with exit code 3, starts nothing where it could not be judged, and is
no defect of the step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.footers import STAND_IN, make_nan
from tests.mlops_steps.monitor.test_step import SAME, SHIFTED, watched

from mlops_steps.data.profile import read_profile, write_profile
from mlops_steps.data.tables import connect
from mlops_steps.errors import UndecidedError
from mlops_steps.monitor.log import scan_files

__all__ = ["watched"]

Road = Callable[..., Any]
SECRET = "Geheim4711"


def ends(made: Any, code: int, words: str = "", *, started: bool = False) -> str:
    """Run it; what it says, once it has ended as it should."""
    ran = made.run("monitor", start="ct")
    said = ran.text + json.dumps(ran.verdict)
    assert (ran.code, words in said) == (code, True), said
    for word in ("defect of the step", "Traceback", SECRET, "\x1b"):
        assert word not in said
    assert Path(made.env["MLOPS_DISPATCH"]).exists() == started
    assert not [path for path in (made.folder / "out").rglob(".*") if path.is_file()]
    return said


def changed(what: str) -> str:
    return f"SELECT * REPLACE ({what}) FROM ({SAME})"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (changed("'290000-01-01'::TIMESTAMP AS time"), "a request of the future: 9999-12-31"),
        (changed("'0044-01-01 (BC)'::TIMESTAMP AS time"), "569 requests of the inference log have"),
        (changed("TIMESTAMP '1960-01-01' AS time"), "a time before 2000"),
        (changed("CASE WHEN mean_area > 500 THEN TIMESTAMP '1970-01-01' ELSE time END AS time"),
         "a time before 2000"),
        (changed("'infinity'::TIMESTAMP AS time"), "no time that can be read"),
        (changed("DATE '5000000-01-01' AS time"), "no time that can be read"),
        (changed("[time] AS time"), "cannot be read"),
        (changed("5 AS time"), "no time that can be read"),
        (f"SELECT t.* REPLACE ('k' AS key) FROM ({SAME}) t, range(2000)",
         "1 different keys in 1,138,000 requests"),
    ],
)  # fmt: skip
def test_a_log_that_cannot_be_counted(watched: Road, query: str, words: str) -> None:
    ends(watched(query), 3, words)


@pytest.mark.parametrize(
    "value", ["[1, 2]", f"{{{{'a': '{SECRET}'}}}}", "'x'::BLOB", f"'{SECRET}'"]
)
def test_a_feature_of_another_type_is_drift(watched: Road, value: str) -> None:
    said = ends(watched(changed(f"{value} AS mean_area")), 0, started=True)
    assert "mean_area: no number any more: 0.0% of training rows, 100.0% of requests" in said


@pytest.mark.parametrize("name", ["h", "moment", "*row*", "\x1b[31m$(id)", 'a"; drop table t'])
def test_a_feature_may_have_any_name(watched: Road, name: str) -> None:
    quoted = name.replace('"', '""')
    made = watched(f'SELECT t.*, 1 AS "{quoted}" FROM ({SAME}) t, range(2)')
    ends(made, 0, "drift in 1 of 31 columns, 569 rows")


def test_a_million_repeats_are_one_request_each(watched: Road) -> None:
    ends(watched(f"SELECT t.* FROM ({SAME}) t, range(2000)"), 0, "569 rows, no drift")


@pytest.mark.parametrize(
    ("zone", "code", "words"), [("+14", 0, "no drift"), ("", 3, "a request of the future")]
)
def test_a_time_with_a_zone_is_that_moment(watched: Road, zone: str, code: int, words: str) -> None:
    later = "strftime(now()::TIMESTAMP + INTERVAL 30 HOUR, '%Y-%m-%d %H:%M:%S')"
    ends(watched(changed(f"{later} || '{zone}' AS time")), code, words)


def logged(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (logged(b""), "the file is empty"),
        (logged(b"key,time\n"), "0 different keys in 0 requests"),
        (logged(f"key,time\n1,2,{SECRET}\n".encode()), "cannot be read"),
        (logged(b"key,time,x\n" + b"1,2026-01-01,\xff\n" * 500), "cannot be read"),
        (logged("key,time\n".encode("utf-16")), "cannot be read"),
        (logged(b"\x1f\x8b\x08" + b"\0" * 99), "is compressed"),
        (logged(b"PAR1 no more"), "cannot be read"),
        (logged(f'{{"key": "{SECRET}", "ti'.encode()), "Malformed JSON"),
        (logged(b'{"key": 1, "time": 2, "time": 3}\n'), "give a key twice"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.symlink_to("/dev/zero"), "is a symbolic link"),
        (os.mkfifo, "is neither a file nor a folder"),
    ],
)
def test_a_log_of_the_project_that_is_none(watched: Road, spoil: Any, words: str) -> None:
    made = watched(log="requests")
    spoil(made.folder / "requests")
    ends(made, 3, words)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (b"", "the file is empty"),
        (f"key,diagnosis\n1,{SECRET},3\n".encode(), "cannot be read"),
        (b"key,x\n1,2\n", "has no column 'diagnosis'"),
        ("key,diagnosis\n".encode("utf-16"), "cannot be read"),
        (b"key,diagnosis\n1,benign\n1,malignant\n", "1 keys have two labels that differ"),
        (b"key,diagnosis\n,benign\n", "labels without a key"),
        (b"key,diagnosis\n", "0 answers have one"),
    ],
)
def test_labels_that_are_none(watched: Road, labels: bytes, words: str) -> None:
    made = with_answers(watched, "(i % 2)::TINYINT", "(i % 100) / 100.0")
    (made.folder / "labels.csv").write_bytes(labels)
    ends(made, 3, words)


@pytest.mark.parametrize(
    ("label", "score", "words"),
    [
        (f"'{SECRET}'", "0.5", "label holds VARCHAR, wanted numbers"),
        ("'(SELECT 1)'", "0.5", "label holds VARCHAR, wanted numbers"),
        ("[1]", "0.5", "label holds INTEGER[], wanted numbers"),
        ("7", "0.5", "rows hold what no binary model answers"),
        ("NULL::TINYINT", "0.5", "rows hold what no binary model answers"),
        ("1", "'nan'::DOUBLE", "rows hold what no binary model answers"),
        ("1", "NULL::DOUBLE", "rows hold what no binary model answers"),
    ],
)
def test_answers_of_evaluate_that_are_none(
    watched: Road, label: str, score: str, words: str
) -> None:
    made = with_answers(watched, label, score)
    (made.folder / "labels.csv").write_text("key,diagnosis\n1,benign\n")
    ran = made.run("monitor")
    assert (ran.code, words in ran.text) == (3, True), ran.text
    for word in ("defect of the step", "Traceback", SECRET):
        assert word not in ran.text


def with_answers(watched: Road, label: str, score: str) -> Any:
    """A champion of which evaluate left these labels and scores; its labels are a file."""
    kept = f"i::VARCHAR AS key, {label} AS label, {label} AS prediction, {score}"
    query = SAME.replace("0.5 AS score", "(CAST(id AS BIGINT) % 100) / 100.0 AS score")
    return watched(query, monitor="labels: labels.csv", scores=kept)


Change = Callable[[dict[str, Any]], object]
COLUMN = "mean_area"


def column(**changes: Any) -> Change:
    return lambda profile: profile["columns"][COLUMN].update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (column(counts=[1, 2]), "2 counts for"),
        (column(counts=[0] * 52), "does not count every one of 569 rows once"),
        (column(nulls=-5), "a figure below zero"),
        (column(nulls=10**9), "does not count every one"),
        (column(unreadable=-1), "a figure below zero"),
        (column(sd=-1.0), "a figure below zero"),
        (column(low=1e300, high=-1e300), "a least value above the greatest"),
        (column(edges=[1.0] * 51), "edges that do not ascend"),
        (column(edges=[float(at) for at in range(100_000)]), "more than 5,000 edges"),
        (lambda profile: profile.update(rows=10**400), "no number of rows"),
        (lambda profile: profile.update(rows=-1), "no number of rows"),
        (lambda profile: profile.update(format=3), "is of format 3"),
        (lambda profile: profile.update(surprise=1), "not a training profile"),
        (lambda profile: profile["columns"].update(
            {COLUMN: {"kind": "category", "nulls": 0, "values": {"a": -9}, "rest": 578}}
        ), "a figure below zero"),
    ],
)  # fmt: skip
def test_a_profile_that_nobody_counted(
    sample: Callable[..., Any], tmp_path: Path, change: Change, words: str
) -> None:
    path = tmp_path / "profile.json"
    write_profile(sample().folder / "data/samples.csv", path, leave_out=["id", "diagnosis"])
    assert read_profile(path).rows == 569
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))
    with pytest.raises(UndecidedError, match=words):
        read_profile(path)


@pytest.mark.parametrize("content", [b"", b"\xff\0", b"[]", b"[" * 100_000, b'{"rows": NaN}'])
def test_a_profile_that_is_no_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "profile.json").write_bytes(content)
    with pytest.raises(UndecidedError, match="not a training profile"):
        read_profile(tmp_path / "profile.json")


EVENT = {"key": "k", "at": "2026-11-01T00:00:00+00:00", "version": "1.0.0",
         "columns": ["worst_area"], "reason": "r", "state": "started"}  # fmt: skip
LOOK = {"version": "1.0.0", "until": 1.0, "rows": 10, "effects": {"mean_area": {"shift": 0.1}}}


@pytest.mark.parametrize(
    "damaged",
    [
        b"{",
        b"\xff\0",
        b"[" * 100_000,
        {"balance": -5},
        {"spent": -1e308},
        {"vain": -5},
        {"day": -100_000},
        {"events": [EVENT | {"at": "gestern"}]},
        {"events": [EVENT | {"at": "2026-11-20T00:00:00"}]},
        {"events": [EVENT | {"at": "9999-12-31T23:59:59+00:00"}]},
        {"events": [EVENT] * 201},
        {"looks": [LOOK] * 61},
        {"looks": [LOOK | {"rows": 0}, LOOK | {"rows": 0, "until": 2.0}]},
        {"looks": [LOOK | {"effects": {"worst_area": {"shift": 1e308}}}]},
        {"surprise": 1},
    ],
)
def test_a_damaged_ledger_stops_the_run(watched: Road, damaged: Any) -> None:
    made = watched(SHIFTED)
    state = Path(made.env["MLOPS_STATE"]) / "state"
    state.mkdir(exist_ok=True)
    whole = {"year": 2026, "day": 300, "balance": 0.01, "spent": 0.01, "runs": 3, "format": 1}
    content = damaged if isinstance(damaged, bytes) else json.dumps(whole | damaged).encode()
    (state / "monitor.json").write_bytes(content)
    ends(made, 3, "the state monitor cannot be read")
    assert (state / "monitor.json").read_bytes() == content  # as evidence


def test_a_nan_that_the_footer_of_a_log_leaves_out_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    rows = f"(VALUES (0.5::DOUBLE), ({STAND_IN}), (2.5)) v(x)"
    duckdb.execute(f"COPY (FROM {rows}) TO '{path}' (COMPRESSION uncompressed)")
    make_nan(path)
    with connect() as connection:
        found = connection.execute(f"SELECT count_if(isnan(x)) FROM {scan_files([path])}")
        assert found.fetchall() == [(1,)]
