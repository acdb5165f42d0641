"""What is remembered: a year's budget, earlier looks, retrainings; and two monitors at once."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mlops_steps.registry_server import running

from mlops_steps.config import Monitor
from mlops_steps.errors import UndecidedError
from mlops_steps.monitor import ledger, retraining
from mlops_steps.monitor.ledger import Ledger, Look, grant
from mlops_steps.monitor.retraining import Cause, claim, ended, held, seen
from mlops_steps.registry.address import Registry
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.oci import OciRegistry
from mlops_steps.registry.version import Alias, StateMovedError

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
CAUSE = Cause("1.0.0", ["x", "y"], "drift in x: moved", 1000.0)


@pytest.fixture(params=["folder", "oci"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    if request.param == "folder":
        yield FolderRegistry(tmp_path / "state", "tumour")
        return
    with running(tmp_path / "server") as server:
        yield OciRegistry(server.host, "tumour", "tumour", plain=True)


def test_a_state_is_compared_and_set(registry: Registry) -> None:
    assert registry.read_state("monitor") == b""
    registry.write_state("monitor", b"{}", expected=b"")
    assert registry.read_state("monitor") == b"{}"
    with pytest.raises(StateMovedError, match="written by another run"):
        registry.write_state("monitor", b"[]", expected=b"")
    registry.write_state("monitor", b"[]", expected=b"{}")
    assert registry.read_state("monitor") == b"[]"
    assert (registry.versions(), registry.read_state("other")) == ([], b"")


def test_a_ledger_that_cannot_be_read_is_undecided(registry: Registry) -> None:
    assert ledger.read(registry) == Ledger()
    registry.write_state("monitor", b'{"year": 2026, "more": 1}', expected=b"")
    with pytest.raises(UndecidedError, match="not known what this year's runs have spent"):
        ledger.read(registry)


@pytest.mark.parametrize("seed", range(5))
def test_a_year_never_spends_more_than_promised(seed: int) -> None:
    chance = random.Random(seed)
    book, day, sums = Ledger(), dt.date(2026, 1, 1), dict.fromkeys((2026, 2027), 0.0)
    while day.year < 2028:
        for _ in range(chance.choice([0, 0, 1, 1, 2, 40])):
            book, spent = grant(book, day, 0.05)
            assert spent > 0
            sums[day.year] += spent
        day += dt.timedelta(days=chance.choice([1, 1, 7, 60]))
    assert all(0.01 < each <= 0.05 + 1e-12 for each in sums.values()), sums


def test_a_weekly_run_spends_a_week() -> None:
    book, spent = Ledger(), 0.0
    for week in range(30):
        book, spent = grant(book, dt.date(2026, 1, 5) + dt.timedelta(weeks=week), 0.05)
    assert spent == pytest.approx(0.05 * 7 / 365)
    _, again = grant(book, dt.date(2026, 7, 27), 0.05)
    assert 0 < again < spent


def test_a_clock_that_is_set_back_earns_nothing() -> None:
    book, _ = grant(Ledger(), dt.date(2027, 6, 1), 0.05)
    for day in (dt.date(2027, 1, 1), dt.date(2025, 12, 31), dt.date(2027, 6, 1)):
        after, spent = grant(book, day, 0.05)
        assert (after.year, after.balance) == (2027, pytest.approx(book.balance - spent))
        book = after


def test_a_higher_alpha_gives_back_no_more_than_itself() -> None:
    book, first = grant(Ledger(), dt.date(2026, 12, 31), 0.9)
    assert first > 0.4
    book, second = grant(book, dt.date(2026, 12, 31), 0.05)
    assert (second, book.spent) == (0.0, first)


def look(until: float, version: str = "1.0.0", **effects: float) -> Look:
    return Look(version=version, until=until, rows=100, effects={"x": effects})


def test_looks_are_remembered_once_and_by_champion() -> None:
    book = ledger.looked(Ledger(), look(1, shift=0.1))
    book = ledger.looked(book, look(2, shift=0.2))
    assert ledger.looked(book, look(2, shift=0.9)) == book  # another run was faster
    book = ledger.looked(book, look(2, "1.1.0", shift=0.5))
    assert ledger.looked_until(book, "1.0.0") == 2
    assert ledger.looked_until(book, "2.0.0") is None
    (first, second) = ledger.history(book, before=3)["x"]["shift"]
    assert [each.effect for each in first] == [0.1, 0.2]
    assert [each.effect for each in second] == [0.5]
    assert ledger.history(book, before=1) == {}
    assert ledger.parts(book, "1.0.0", since=2, new=100) == 0.5
    for until in range(3, 200):
        book = ledger.looked(book, look(until))
    assert len(book.looks) == ledger.LOOKS


def test_one_reason_starts_one_retraining() -> None:
    assert held(Ledger(), CAUSE, Monitor(cooldown_days=0), None, NOON) == ""
    book = claim(Ledger(), CAUSE, NOON)
    assert book.events[0].state == "starting"
    said = held(book, CAUSE, Monitor(cooldown_days=0), None, NOON)
    assert said == "the same requests have started a retraining at 2026-03-02T12:00:00+00:00"
    # Reported as failed, it may be tried again; reported as started, it may not.
    assert held(ended(book, CAUSE.key, started=False), CAUSE, Monitor(), None, NOON) == ""
    assert held(ended(book, CAUSE.key, started=True), CAUSE, Monitor(), None, NOON)


def later(days: int) -> tuple[Cause, dt.datetime]:
    return Cause("1.0.0", ["y"], "drift", 1000.0 + days), NOON + dt.timedelta(days=days)


def test_a_retraining_gets_its_time() -> None:
    book = claim(Ledger(), CAUSE, NOON)
    cause, now = later(6)
    assert "not again before 2026-03-09" in held(book, cause, Monitor(), None, now)
    cause, now = later(7)
    assert held(book, cause, Monitor(), None, now) == ""


def test_a_year_has_a_budget() -> None:
    book = Ledger()
    for day in (0, 10):
        cause, now = later(day)
        book = claim(book, Cause("1.0.0", [f"c{day}"], "drift", cause.until), now)
    settings = Monitor(retrains_per_year=2)
    cause, now = later(20)
    assert held(book, cause, settings, None, now) == (
        "2 retrainings were started in 2026, and monitor.retrains_per_year is 2"
    )
    cause, now = later(366)
    assert held(book, cause, settings, None, now) == ""
    assert held(Ledger(), cause, Monitor(retrains_per_year=0), None, now)


def test_what_did_not_help_twice_is_not_done_a_third_time() -> None:
    book, settings = Ledger(), Monitor()
    for day in (0, 10):
        cause, now = later(day)
        assert held(book, cause, settings, None, now) == ""
        book = seen(claim(book, cause, now), ["y", "z"])
    cause, now = later(20)
    assert "2 retrainings did not end this drift: stopped until a run finds y without drift" in (
        held(book, cause, settings, None, now)
    )
    other = Cause("1.0.0", ["z"], "drift", 5000.0)  # another drift, another reason
    assert held(book, other, settings, None, now) == ""
    assert held(seen(book, ["z"]), cause, settings, None, now) == ""  # it had gone


def test_a_person_and_a_rollout_pause_it() -> None:
    assert held(Ledger(), CAUSE, Monitor(paused=True), None, NOON) == (
        "monitor.paused is set in mlops.yaml"
    )
    since = (NOON - dt.timedelta(hours=2)).isoformat(timespec="seconds")
    candidate = Alias(version="1.1.0", digest="sha256:0", reason="", since=since)
    said = held(Ledger(), CAUSE, Monitor(), candidate, NOON)
    assert said.startswith("candidate 1.1.0 was registered at 2026-03-02T10:00:00+00:00")
    assert held(Ledger(), CAUSE, Monitor(), candidate, NOON + dt.timedelta(days=1)) == ""
    same = Alias(version="1.0.0", digest="sha256:0", reason="", since=since)
    assert held(Ledger(), CAUSE, Monitor(), same, NOON) == ""


def monitor(folder: str, gate: multiprocessing.synchronize.Barrier, told: Path) -> None:
    """What a run does when it has found drift, in a process of its own."""
    registry = FolderRegistry(Path(folder), "tumour")
    gate.wait()

    def decide(found: Ledger) -> tuple[Ledger, str]:
        why = held(found, CAUSE, Monitor(), None, NOON)
        return (found if why else claim(found, CAUSE, NOON)), why

    told.write_text(ledger.update(registry, decide) or "started")


def test_two_monitors_at_once_start_one_retraining(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for attempt in range(3):
        gate = context.Barrier(4)
        told = [tmp_path / f"{attempt}-{place}" for place in range(4)]
        folder = str(tmp_path / f"state{attempt}")
        running_ = [context.Process(target=monitor, args=(folder, gate, each)) for each in told]
        for process in running_:
            process.start()
        for process in running_:
            process.join(60)
            assert process.exitcode == 0
        words = sorted(each.read_text() for each in told)
        assert words.count("started") == 1
        assert all(each.startswith(("started", "the same requests")) for each in words)
        assert len(ledger.read(FolderRegistry(Path(folder), "tumour")).events) == 1


def test_the_key_is_of_champion_columns_and_requests() -> None:
    keys = {
        CAUSE.key,
        Cause("1.1.0", ["x", "y"], "", 1000.0).key,
        Cause("1.0.0", ["x"], "", 1000.0).key,
        Cause("1.0.0", ["x", "y"], "", 1001.0).key,
    }
    assert len(keys) == 4
    assert Cause("1.0.0", ["y", "x"], "other words", 1000.0).key == CAUSE.key
    assert retraining.IN_VAIN == 2
