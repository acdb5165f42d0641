"""The ways of `metrics.prom`: into the run's folder, to a node exporter, to a Pushgateway.

Figures for a dashboard decide nothing: whatever goes wrong here is a warning.
"""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mlops_steps import ci
from mlops_steps.errors import InfrastructureError, MlopsError
from mlops_steps.files import write_whole
from mlops_steps.monitor import ledger, metrics
from mlops_steps.monitor.drift import Drift
from mlops_steps.monitor.performance import Performance
from mlops_steps.registry.address import open_registry
from mlops_steps.spec import Status

if TYPE_CHECKING:
    from mlops_steps.config import Metrics
    from mlops_steps.record import Record

NAME, RULE = "metrics.prom", "monitor/metrics"
#: Seconds for a push, from the look-up of the name to the last byte of the answer.
PATIENCE = 10.0
#: Bytes of an answer that may tell why.
ANSWER = 500

T = TypeVar("T")


def told(record: Record, watch: Callable[[Record], Status]) -> Status:
    """Run the monitor, and tell its figures whatever came of it; returns its verdict.

    A run that was stopped by a signal tells nothing: it has seconds, and silence is seen, too.
    """
    try:
        status = Status(watch(record))
    except Exception as error:
        # What does not answer is not asked a second time.
        _export(record, Status.UNDECIDED, remembered=not isinstance(error, InfrastructureError))
        raise
    _export(record, status, remembered=True)
    return status


def _export(record: Record, status: Status, *, remembered: bool) -> None:
    try:
        content = metrics.text(_facts(record, status, remembered=remembered))
        write_whole(record.folder / NAME, content)
        record.wrote(record.folder / NAME)
        settings, model = record.config.monitor.metrics, record.config.model.name
        for problem in _sent(record.root, settings, model, content):
            record.find(RULE, f"monitor.metrics.{problem}", level="warning")
    except Exception as error:  # noqa: BLE001 - not even a defect here may change the verdict
        record.find(RULE, f"no figures for Prometheus: {type(error).__name__}", level="warning")


def _facts(record: Record, status: Status, *, remembered: bool) -> metrics.Facts:
    book = None
    if remembered:
        try:
            book = ledger.read(open_registry(record))
        except MlopsError as error:
            words = f"no figures of budget and retrainings for Prometheus: {error}"
            record.find(RULE, words, level="warning")
    return metrics.Facts(
        model=record.config.model.name,
        settings=record.config.monitor,
        status=status,
        now=dt.datetime.now(dt.UTC),
        figures=record.verdict.figures,
        due=record.verdict.outputs.get("retrain") == "true",
        drift=_written(record.folder / "drift.json", Drift),
        performance=_written(record.folder / "performance.json", Performance),
        ledger=book,
    )


def _written(path: Path, kind: type[T]) -> T | None:
    """What this very run has written: the frame has removed what the last one left."""
    return msgspec.json.decode(path.read_bytes(), type=kind) if path.is_file() else None


def _sent(root: Path, settings: Metrics, model: str, content: str) -> Iterator[str]:
    """Hand the text on as mlops.yaml says; yields what went wrong."""
    if settings.textfile is not None:
        problem = to_textfile(root / settings.textfile, model, content)
        if problem:
            yield f"textfile: {settings.textfile}: {problem}"
    if settings.pushgateway is not None:
        problem = to_pushgateway(settings, model, content)
        if problem:
            yield f"pushgateway: {settings.pushgateway}: {problem}"


def to_textfile(folder: Path, model: str, content: str) -> str:
    """Put the text where a node exporter reads it, whole; returns what went wrong, or nothing.

    The file is `mlops_monitor_<model>.prom`. It appears by a rename: the exporter reads only
    what ends in .prom, and never half a file.
    """
    if ci.hosted():
        return "is lost with the hosted runner, and no node exporter reads it. Use a pushgateway"
    if not folder.is_dir():
        return "no such folder on this runner"
    try:
        write_whole(folder / f"mlops_monitor_{model}.prom", content)
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    return ""


def to_pushgateway(settings: Metrics, model: str, content: str) -> str:
    """Replace the model's group; returns what went wrong, or nothing.

    PUT, not POST: what this run does not know must not stand there from the run before. The
    answer comes within `PATIENCE` seconds or not at all. A redirection is not followed.
    """
    lacking = [name for name in settings.credentials.values() if not os.environ.get(name)]
    if lacking:
        return f"{', '.join(lacking)}: not set in this job. Nothing was sent"
    secret = {kind: os.environ[name] for kind, name in settings.credentials.items()}
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    if "token" in secret:
        headers["Authorization"] = f"Bearer {secret['token']}"
    elif secret:
        pair = f"{secret['user']}:{secret['password']}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    address = f"{str(settings.pushgateway).rstrip('/')}/metrics/job/mlops_monitor/model/{model}"
    outcome = [f"no answer within {PATIENCE:g} s"]

    def send() -> None:
        outcome.append(_put(address, content.encode(), headers))

    # A server can keep any single read alive for ever; a thread that is left behind cannot.
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    said = outcome[-1]
    for each in (*secret.values(), headers.get("Authorization", "")):
        said = said.replace(each, "***") if each else said
    return said


def _put(address: str, body: bytes, headers: dict[str, str]) -> str:
    try:
        asked = urllib.request.Request(address, data=body, headers=headers, method="PUT")  # noqa: S310 - http or https: config.py
        urllib.request.urlopen(asked, timeout=PATIENCE).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            why = error.read(ANSWER).decode(errors="replace")
        return " ".join(f"HTTP {error.code}: {why}".split())
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__
    except ValueError:  # its words hold the header
        return "the address or a credential has a sign that HTTP cannot carry"
    return ""
