"""The step against a real registry in a folder: what is drift, what is not, what is not known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.mlops_steps import killing

from mlops_steps.data.profile import write_profile
from mlops_steps.data.tables import literal
from mlops_steps.monitor.step import one_line
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.version import describe

Road = Callable[..., Any]


@pytest.fixture
def watched(sample: Callable[..., Any], tmp_path: Path) -> Road:
    """A project with a champion; `requests` is SQL for the rows of the inference log."""

    def make(
        *requests: str, champion: bool = True, log: str = "", monitor: str = "", scores: str = ""
    ) -> Any:
        made = sample()
        made.env["MLOPS_DISPATCH"] = str(tmp_path / "dispatch")
        if log or monitor:
            path = made.folder / "mlops.yaml"
            settings = f"log: {log}" if log else monitor
            path.write_text(path.read_text() + f"monitor: {{{settings}}}\n")
        registry = FolderRegistry(Path(made.env["MLOPS_STATE"]), "tumour")
        if champion:
            folder = tmp_path / "version"
            for part in ("model", "source"):
                (folder / part).mkdir(parents=True)
                (folder / part / "file").write_text("x")
            write_profile(
                made.folder / "data" / "samples.csv",
                folder / "records" / "train" / "profile.json",
                leave_out=["id", "diagnosis"],
            )
            if scores:  # what evaluate leaves of the champion's answers
                answers = folder / "records" / "evaluate" / "predictions.parquet"
                answers.parent.mkdir()
                rows = f"SELECT {scores} AS score FROM range(400) t(i)"
                duckdb.execute(f"COPY ({rows}) TO {literal(answers)} (FORMAT parquet)")
            manifest = describe(folder, model="tumour", version="1.0.0")
            (folder / "version.json").write_bytes(manifest.encoded())
            registry.publish("1.0.0", folder)
            registry.set_alias("champion", "1.0.0", expected=None, reason="first")
        for place, query in enumerate(requests):
            file = tmp_path / f"requests{place}.parquet"
            table = f"read_csv({literal(made.folder / 'data' / 'samples.csv')})"
            duckdb.execute(
                f"COPY ({query.format(table=table)}) TO {literal(file)} (FORMAT parquet)"
            )
            if log:
                file.replace(made.folder / log)
            else:
                registry.append_log(file)
        return made

    return make


#: The rows of the table as requests; `{changed}` is another value of a column.
REQUESTS = """
    SELECT TIMESTAMP '2026-01-01' + to_seconds(CAST(id AS BIGINT)) AS time, '1.0.0' AS version,
        CAST(id AS VARCHAR) AS key, * EXCLUDE (id, diagnosis) REPLACE ({changed}),
        0.5 AS score, 'benign' AS prediction
    FROM {{table}}
"""
SAME = REQUESTS.format(changed="worst_area AS worst_area")
SHIFTED = REQUESTS.format(changed="worst_area + 800 AS worst_area")


def drift(made: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made.folder / "out" / "monitor" / "drift.json").read_text())
    return found


def test_the_same_traffic_is_no_drift(watched: Road, tmp_path: Path) -> None:
    made = watched(SAME)
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    assert ran.verdict["line"] == "30 columns, 569 rows, no drift above 0.1 sd"
    (against,) = ran.verdict["lines"]
    assert against.startswith("against 569 training rows of 1.0.0; this run may give a false alarm")
    assert against.endswith("all runs of the year 0.05")
    assert ran.verdict["outputs"] == {"status": "pass", "retrain": "false", "reason": ""}
    assert set(ran.verdict["wrote"]) == {"out/monitor/drift.json", "out/monitor/metrics.prom"}
    assert len(drift(made)["columns"]) == 30
    assert not (tmp_path / "dispatch").exists()


def test_drift_warns_and_starts_the_next_workflow(watched: Road, tmp_path: Path) -> None:
    made = watched(SHIFTED)
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    assert ran.verdict["line"] == "drift in 1 of 30 columns, 569 rows"
    assert ran.verdict["lines"][-1] == "ct starts next"
    (finding,) = ran.verdict["findings"]
    assert (finding["rule"], finding["level"]) == ("monitor/drift", "warning")
    assert finding["details"]["column"] == "worst_area"
    outputs = ran.verdict["outputs"]
    assert outputs["retrain"] == "true"
    assert outputs["reason"].startswith("drift in worst_area: moved by +1.")
    request = json.loads((tmp_path / "dispatch").read_text())
    assert request == {"workflow": "ct", "inputs": {"reason": outputs["reason"]}}
    figure = ran.verdict["figures"]["distance"]
    assert figure["low"] > 0.1
    assert (figure["n"], figure["value"]) == (569, drift(made)["columns"][0]["distance"])


def test_without_start_nothing_is_started_and_it_says_so(watched: Road, tmp_path: Path) -> None:
    ran = watched(SHIFTED).run("monitor")
    assert ran.verdict["outputs"]["retrain"] == "true"
    assert ran.verdict["lines"][-1] == "Nothing was started: no workflow was named."
    assert not (tmp_path / "dispatch").exists()


def test_a_key_counts_once_with_its_latest_request(watched: Road) -> None:
    later = SHIFTED.replace("2026-01-01", "2026-02-01")
    made = watched(SHIFTED, SAME.replace("2026-01-01", "2026-03-01"), later)
    assert made.run("monitor").verdict["outputs"]["retrain"] == "false"
    assert (drift(made)["rows"], drift(made)["logged"]) == (569, 3 * 569)
    assert drift(made)["columns"][0]["distance"] == pytest.approx(0, abs=1e-9)


def test_repeats_are_no_evidence(watched: Road) -> None:
    few = f"SELECT t.* FROM ({SHIFTED} LIMIT 99) t, range(50)"
    ran = watched(few).run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    wanted = "not enough rows yet: 99 different keys in 4,950 requests, 100 are wanted"
    assert ran.verdict["line"] == wanted
    assert ran.verdict["lines"] == ["Nothing was started."]
    assert ran.verdict["outputs"]["retrain"] == "false"


def test_a_vanished_column_and_nulls_are_drift(watched: Road) -> None:
    query = SAME.replace("EXCLUDE (", "EXCLUDE (mean_area, mean_radius, ")
    ran = watched(f"SELECT *, NULL::DOUBLE AS mean_area FROM ({query})").run("monitor")
    assert (ran.code, ran.verdict["line"]) == (0, "drift in 2 of 30 columns, 569 rows")
    assert ran.verdict["lines"][:2] == [
        "mean_radius: is in no request any more",
        "mean_area: without a value: 0.0% of training rows, 100.0% of requests",
    ]
    reason = "drift in mean_radius: is in no request any more, and 1 more"
    assert ran.verdict["outputs"]["reason"] == reason


@pytest.mark.parametrize("champion", [True, False])
def test_nothing_to_compare_is_undecided(watched: Road, champion: bool) -> None:
    ran = watched(champion=champion).run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    wanted = "not enough rows yet: 0 different keys" if champion else "no champion in folder:"
    assert ran.verdict["line"].startswith(wanted)


def test_a_log_of_the_project(watched: Road) -> None:
    ran = watched(SHIFTED, log="requests").run("monitor")
    assert ran.verdict["line"] == "drift in 1 of 30 columns, 569 rows"
    assert "requests" in ran.verdict["took"]
    assert ran.code == 0


def test_a_log_of_the_project_that_is_not_there_is_undecided(watched: Road) -> None:
    ran = watched(log="requests").run("monitor")
    assert (ran.code, ran.verdict["line"]) == (3, "requests: not found")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (SAME.replace(" AS key", " AS k"), "the inference log has no column 'key'"),
        (SAME.replace(" AS time", " AS t"), "the inference log has no column 'time'"),
        (SAME.replace("CAST(id AS VARCHAR) AS key", "NULL::VARCHAR AS key"), "569 requests of"),
        (f"SELECT * REPLACE ('soon' AS time) FROM ({SAME})", "569 requests of the inference log h"),
        (SAME.replace("2026-", "2996-"), "the inference log has a request of the future: 2996-"),
    ],
)
def test_a_log_that_cannot_be_counted_is_undecided(watched: Road, query: str, reason: str) -> None:
    ran = watched(query).run("monitor")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert ran.verdict["line"].startswith(reason)


def test_gitlab_always_gets_a_child_pipeline(watched: Road) -> None:
    made = watched(SAME)
    made.env["GITLAB_CI"] = "false"
    assert made.run("monitor", start="ct").code == 0
    assert "nothing-to-start" in (made.folder / "out" / "monitor" / "next.yml").read_text()


def test_gitlab_starts_the_child_when_there_is_drift(watched: Road) -> None:
    made = watched(SHIFTED)
    made.env["GITLAB_CI"] = "false"
    ran = made.run("monitor", start="ct")
    child = json.loads((made.folder / "out" / "monitor" / "next.yml").read_text())
    assert child["include"] == [{"local": ".gitlab/ct.yml"}]
    reason = ran.verdict["outputs"]["reason"]
    assert child["variables"] == {"REASON": {"value": reason, "expand": False}}


def test_a_reason_is_short_and_expands_to_nothing() -> None:
    assert one_line("drift in a$HOME`b\n: 3 %") == "drift in a HOME b : 3 %"
    assert len(one_line("x" * 500)) == 199
    assert len(one_line("".join(map(chr, range(0x2030)))[:150]).splitlines()) == 1
    assert one_line("a\x85b\u2028c\u2029d") == "a b c d"


def book(made: Any) -> dict[str, Any]:
    """The monitor's ledger."""
    path = Path(made.env["MLOPS_STATE"]) / "state" / "monitor.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def test_five_requests_are_too_few_and_spend_nothing(watched: Road) -> None:
    made = watched(f"SELECT * FROM ({SHIFTED}) LIMIT 5")
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert ran.verdict["line"].startswith("not enough rows yet: 5 different keys in 5 requests")
    assert book(made) == {}


def test_what_a_run_spends_is_kept_and_the_next_has_less(watched: Road) -> None:
    made = watched(SAME)
    made.run("monitor")
    first = drift(made)["spent"]
    assert book(made)["spent"] == first
    assert (len(book(made)["looks"]), drift(made)["new_rows"]) == (1, 569)
    made.run("monitor")
    assert drift(made)["spent"] == pytest.approx(first / 2, rel=0.2)
    assert book(made)["spent"] == pytest.approx(first + drift(made)["spent"])
    # The same requests are looked at again, and remembered once.
    assert (len(book(made)["looks"]), drift(made)["new_rows"], drift(made)["rows"]) == (1, 0, 569)


def test_after_many_runs_of_a_day_nothing_is_left_to_spend(watched: Road) -> None:
    made = watched(SHIFTED)
    made.run("monitor")
    path = Path(made.env["MLOPS_STATE"]) / "state" / "monitor.json"
    path.write_text(json.dumps({**book(made), "balance": 1e-13}))
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (3, "false")
    assert ran.verdict["line"].startswith("today's part of this year's false alarms is spent: 2 ru")


def test_the_same_drift_starts_one_retraining(watched: Road, tmp_path: Path) -> None:
    made = watched(SHIFTED, monitor="cooldown_days: 0")
    assert made.run("monitor", start="ct").verdict["outputs"]["retrain"] == "true"
    again = made.run("monitor", start="ct")
    assert (again.code, again.verdict["outputs"]["retrain"]) == (0, "false")
    assert again.verdict["lines"][-1].startswith(
        "Nothing was started: the same requests have started a retraining at 20"
    )
    assert again.verdict["outputs"]["reason"].startswith("drift in worst_area")
    assert len((tmp_path / "dispatch").read_text().splitlines()) == 1
    (event,) = book(made)["events"]
    assert (event["state"], event["columns"], event["version"]) == (
        "started",
        ["worst_area"],
        "1.0.0",
    )


def test_a_pause_by_hand(watched: Road, tmp_path: Path) -> None:
    made = watched(SHIFTED, monitor="paused: true")
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (0, "false")
    said = "Nothing was started: monitor.paused is set in mlops.yaml."
    assert ran.verdict["lines"][-1] == said
    assert ran.verdict["line"] == "drift in 1 of 30 columns, 569 rows"
    assert not (tmp_path / "dispatch").exists()


def test_a_workflow_that_could_not_be_started_is_tried_again(watched: Road, tmp_path: Path) -> None:
    made = watched(SHIFTED)
    dispatch = made.env.pop("MLOPS_DISPATCH")
    made.env |= {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main"}
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (4, "undecided"), ran.text
    assert "MLOPS_TOKEN is empty" in ran.text
    assert book(made)["events"][0]["state"] == "failed"
    made.env["MLOPS_DISPATCH"] = dispatch
    del made.env["GITHUB_ACTIONS"]
    assert made.run("monitor", start="ct").verdict["outputs"]["retrain"] == "true"
    assert len((tmp_path / "dispatch").read_text().splitlines()) == 1


def test_a_new_column_warns_and_retrains_nothing(watched: Road) -> None:
    made = watched(f"SELECT *, 7 AS trace FROM ({SAME})")
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (0, "false")
    (finding,) = ran.verdict["findings"]
    assert (finding["rule"], finding["details"]["column"]) == ("monitor/new-column", "trace")
    assert ran.verdict["lines"][-1].startswith("Nothing was started: a column that training")


def test_an_ignored_column_is_not_watched(watched: Road) -> None:
    query = SHIFTED.replace("0.5 AS score", "7 AS trace, 0.5 AS score")
    made = watched(query, monitor="ignore: [worst_area, trace]")
    assert made.run("monitor").verdict["line"] == "29 columns, 569 rows, no drift above 0.1 sd"


SCORES = "(i % 100) / 100.0"


@pytest.mark.parametrize(
    ("query", "score", "shift"),
    [
        (SAME, "(CAST(id AS BIGINT) % 100) / 100.0", "none"),
        (SAME, "0.9 + (CAST(id AS BIGINT) % 100) / 1000.0", "predictions"),
        (SHIFTED, "(CAST(id AS BIGINT) % 100) / 100.0", "features"),
        (SHIFTED, "0.9 + (CAST(id AS BIGINT) % 100) / 1000.0", "both"),
    ],
)
def test_predictions_are_told_from_features(
    watched: Road, query: str, score: str, shift: str
) -> None:
    made = watched(query.replace("0.5 AS score", f"{score} AS score"), scores=SCORES)
    ran = made.run("monitor")
    found = drift(made)
    assert (found["shift"], found["predictions_compared"]) == (shift, True), ran.text
    assert [each["name"] for each in found["columns"] if each["role"] == "prediction"] == [
        "prediction"
    ]


def test_requests_to_the_version_before_are_not_the_champions(watched: Road) -> None:
    before = SHIFTED.replace("'1.0.0' AS version", "'0.9.0' AS version").replace("01-01", "01-09")
    made = watched(before, SAME.replace("2026-01-01", "2026-01-20"))
    assert made.run("monitor").verdict["line"] == "30 columns, 569 rows, no drift above 0.1 sd"
    assert drift(made)["logged"] == 2 * 569


def test_measures_are_in_drift_json(watched: Road) -> None:
    made = watched(SHIFTED)
    made.run("monitor")
    worst, other = drift(made)["columns"][0], drift(made)["columns"][-1]
    assert (worst["name"], worst["kind"], worst["effect"]) == ("worst_area", "moved", "shift")
    for name in ("psi", "jensen_shannon", "wasserstein", "kolmogorov_smirnov"):
        assert worst["measures"][name]["value"] > 3 * worst["measures"][name]["chance"]
        assert other["measures"][name]["value"] == pytest.approx(0, abs=1e-9)
    assert worst["measures"]["cramers_v"] is None


def test_killed_anywhere_it_has_spent_before_it_looked_and_starts_once(
    watched: Road, tmp_path: Path
) -> None:
    made = watched(SHIFTED, monitor="cooldown_days: 0")
    state, out, sent = Path(made.env["MLOPS_STATE"]), made.folder / "out", tmp_path / "dispatch"
    out.mkdir()
    kept = tmp_path / "kept"
    shutil.copytree(state, kept)
    under = [state, out, sent]
    writes = killing.count_writes(made, "monitor", under=under, start="ct")
    ends: set[str] = set()
    for number in range(1, writes + 1):
        for place in (state, out):
            shutil.rmtree(place)
        shutil.copytree(kept, state)
        sent.unlink(missing_ok=True)
        killing.kill_before_write(made, number, "monitor", under=under, start="ct")
        verdict = (
            json.loads((out / "monitor" / "verdict.json").read_text())
            if (out / "monitor" / "verdict.json").exists()
            else {"status": "none"}
        )
        looked = (out / "monitor" / "drift.json").exists()
        spent = book(made).get("spent", 0.0)
        assert spent > 0 or not looked, number
        started = sent.exists()
        events = [each["state"] for each in book(made).get("events", [])]
        assert events or not started, number  # on disk before it acts
        again = made.run("monitor", start="ct")
        assert again.code == 0, (number, again.text)
        assert book(made)["spent"] > spent
        lines = sent.read_text().splitlines() if sent.exists() else []
        assert len(lines) <= 1, number
        # Nothing is lost but between the claim and the start, and that is said.
        if not lines:
            assert events == ["starting"]
            assert "have started a retraining" in again.verdict["lines"][-1]
        ends.add(f"{verdict['status']} {events} {started}")
    assert "undecided ['starting'] False" in ends
    assert "undecided ['starting'] True" in ends


def test_what_tells_the_last_look_from_those_before_is_named_and_decides_nothing(
    watched: Road, tmp_path: Path
) -> None:
    part = "SELECT * FROM ({rows}) WHERE key::INT {which} 280"
    made = watched(part.format(rows=SAME, which="<="))
    assert made.run("monitor").code == 0
    first = drift(made)["periods"]
    assert first["auc"] is None
    assert first["note"] == "the first look: there is no earlier one to compare with"
    # The radius has the values that it had, in other rows: only beside others does it show.
    table = f"read_csv({literal(made.folder / 'data' / 'samples.csv')})"
    query = part.format(rows=SAME, which=">").format(table=table)
    numbered = "SELECT *, row_number() OVER (ORDER BY mean_radius {}) AS n FROM ({})"
    turned = (
        "SELECT a.* EXCLUDE (n) REPLACE (b.mean_radius AS mean_radius) "
        f"FROM ({numbered.format('', query)}) a JOIN ({numbered.format('DESC', query)}) b USING (n)"
    )
    file = tmp_path / "turned.parquet"
    duckdb.execute(f"COPY ({turned}) TO {literal(file)} (FORMAT parquet)")
    FolderRegistry(Path(made.env["MLOPS_STATE"]), "tumour").append_log(file)
    ran = made.run("monitor")
    found = drift(made)
    by = found["periods"]
    assert (by["earlier"], by["later"]) == (280, 289)
    assert by["low"] > 0.8
    assert "mean_radius" in {each["name"] for each in by["columns"]}
    assert "requests since the last look are told from those before by" in ran.text
    assert "it decides nothing" in ran.text
    assert "mean_radius" not in {each["name"] for each in found["columns"] if each["drifted"]}
    assert ran.verdict["outputs"]["retrain"] == "false", ran.text
