"""Real HTTP requests on a few keep-alive connections, and what became of each."""

from __future__ import annotations

import datetime as dt
import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mlops_steps.deploy_canary.protocol import ANSWER_LIMIT, Wanted, parse
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
        score: The probability that was answered, for a regression the number; None for an error.
        prediction: The class that was answered, or the number, as text; None for an error.
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

    def __init__(self, rows: Sequence[Row], port: int, model: str, wanted: Wanted) -> None:
        """Nothing is sent yet."""
        self._wanted = wanted
        self._rows = itertools.cycle(rows)
        self._port = port
        self._path = f"/v2/models/{model}/infer"

    def send(self, count: int) -> list[Answer]:
        """Send `count` requests over `CONNECTIONS` connections; the answers in order of sending.

        No request is sent twice: whatever goes wrong with it is its answer.

        Raises:
            UndecidedError: The file that belongs to a row has gone: that is no model's fault.
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
        body = row.content()
        now, start = dt.datetime.now(dt.UTC), time.monotonic()
        try:
            connection.request("POST", self._path, body, HEADERS)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens a new one
            seconds = time.monotonic() - start
            reason = f"no answer ({type(error).__name__})"
            return Answer(row.number, now, None, None, seconds, error=reason)
        version, status = response.getheader(VERSION_HEADER), response.status
        try:
            content = _read(response)
            seconds = time.monotonic() - start
            if status != http.HTTPStatus.OK:
                return Answer(row.number, now, version, status, seconds, error=f"HTTP {status}")
            score, prediction = parse(content, self._wanted)
        except ValueError as problem:
            seconds = time.monotonic() - start
            return Answer(row.number, now, version, status, seconds, error=str(problem))
        finally:
            if not response.isclosed():
                connection.close()  # what is left of an answer would be taken for the next one
        return Answer(row.number, now, version, status, seconds, score, prediction)


def _read(response: http.client.HTTPResponse) -> bytes:
    """The whole answer, or one byte more than any may have.

    Raises:
        ValueError: It broke off; the version that began it is known, so it is that one's error.
    """
    try:
        content = response.read(ANSWER_LIMIT + 1)
    except (OSError, http.client.HTTPException):
        raise ValueError("the answer broke off") from None
    if len(content) <= ANSWER_LIMIT and not response.isclosed():
        raise ValueError("the answer broke off")
    return content
