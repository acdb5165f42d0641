"""Real HTTP requests on a few keep-alive connections, and what became of each."""

from __future__ import annotations

import datetime as dt
import http.client
import itertools
import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mlops_steps.deploy_canary.proxy import LOOPBACK, REQUEST_SECONDS, VERSION_HEADER
from mlops_steps.deploy_canary.rows import Row

CONNECTIONS = 4
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    Attributes:
        number: The row's number in the table.
        time: When it was sent, UTC.
        version: Who answered, by the proxy's word; None if not even the proxy did.
        status: The HTTP status; None without an answer.
        seconds: Until the whole answer was there, or until it was clear that none comes.
        score: The probability that was answered; None for an error.
        prediction: The class that was answered, as text; None for an error.
        error: What is wrong with it in a few words; None for a good answer.
    """

    number: int
    time: dt.datetime
    version: str | None
    status: int | None
    seconds: float
    score: float | None = None
    prediction: str | None = None
    error: str | None = None


class Replay:
    """Sends the rows to a model behind a port, over and over in their order."""

    def __init__(self, rows: Sequence[Row], port: int, model: str) -> None:
        """Nothing is sent yet."""
        self._rows = itertools.cycle(rows)
        self._port = port
        self._path = f"/v2/models/{model}/infer"

    def send(self, count: int) -> list[Answer]:
        """Send `count` requests over `CONNECTIONS` connections; the answers in order of sending.

        No request is sent twice: whatever goes wrong with it is its answer.
        """
        # One iterator under a lock: the order of sending is the rows' order.
        work = iter(list(itertools.islice(self._rows, count)))
        lock, stop = threading.Lock(), threading.Event()

        def take() -> Iterator[Row]:
            while not stop.is_set():
                with lock:
                    row = next(work, None)
                if row is None:
                    return
                yield row

        pool = ThreadPoolExecutor(CONNECTIONS)
        try:
            jobs = [pool.submit(self._client, take()) for _ in range(CONNECTIONS)]
            answers = [answer for job in jobs for answer in job.result()]
        finally:
            # A stopped step waits for no model: its requests end when the proxy is ended.
            stop.set()
            pool.shutdown(wait=False)
        return sorted(answers, key=lambda answer: answer.time)

    def _client(self, rows: Iterator[Row]) -> list[Answer]:
        # Longer than the proxy's own limit: a slow model is the proxy's to report.
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=REQUEST_SECONDS + 5)
        try:
            return [self._ask(connection, row) for row in rows]
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, row: Row) -> Answer:
        now, start = dt.datetime.now(dt.UTC), time.monotonic()
        try:
            connection.request("POST", self._path, row.body, HEADERS)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens a new one
            seconds = time.monotonic() - start
            reason = f"no answer ({type(error).__name__})"
            return Answer(row.number, now, None, None, seconds, error=reason)
        seconds = time.monotonic() - start
        version, status = response.getheader(VERSION_HEADER), response.status
        if status != http.HTTPStatus.OK:
            return Answer(row.number, now, version, status, seconds, error=f"HTTP {status}")
        try:
            score, prediction = parse(content)
        except ValueError as problem:
            return Answer(row.number, now, version, status, seconds, error=str(problem))
        return Answer(row.number, now, version, status, seconds, score, prediction)


def parse(content: bytes) -> tuple[float, str]:
    """Score and prediction of an answer in the Open Inference Protocol v2, for one row.

    Raises:
        ValueError: It is not such an answer, or the score is not a finite number.
    """
    try:
        outputs = {
            each["name"]: each["data"][0] if len(each["data"]) == 1 else None
            for each in json.loads(content)["outputs"]
        }
        score, prediction = outputs["score"], outputs["prediction"]
    except (ValueError, KeyError, IndexError, TypeError):
        raise ValueError("not an answer in the Open Inference Protocol") from None
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not _finite(score):
        raise ValueError("the score is not a finite number")
    if isinstance(prediction, (dict, list)) or prediction is None:
        raise ValueError("the prediction is not a single value")
    return float(score), str(prediction)


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # JSON has whole numbers of any length
        return False
