"""GitHub's API over HTTP: bounded, patient, and no token where it does not belong.

No text of a server is repeated anywhere: a status code says enough, and much of what a server
answers was written by whoever opened the pull request.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar

import msgspec

from mlops_steps.errors import ConfigError, InfrastructureError

TOKEN = "MLOPS_TOKEN"
#: Seconds to wait before each further try.
BACKOFF = (0.5, 1.0, 2.0)
#: Seconds to wait for a connection, and for the next bytes; and for the whole of an answer.
PATIENCE, LONGEST = 20, 60
#: Seconds that a server may ask us to wait; if it wants more, the next run may try.
LONGEST_WAIT = 30
#: Bytes: 50 comments of 65,536 characters are less, even with every character escaped.
LARGEST = 32 * 1024 * 1024
_BUSY = frozenset({500, 502, 503, 504})
_GOOD = frozenset({200, 201, 204})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BLOCK = 1 << 16

T = TypeVar("T")


class AnswerError(InfrastructureError):
    """No answer, or one that is of no use; the next question may fare better.

    Attributes:
        code: HTTP's, or 0 when there was none, or what came is not what GitHub answers.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code


class LimitError(InfrastructureError):
    """GitHub takes no more questions for a while."""


@dataclass(frozen=True)
class Answer:
    """What came, whole."""

    status: int
    headers: Message
    content: bytes


class Api:
    """The API of one repository, with one token.

    Every method raises ConfigError when the token may not do what is asked, LimitError when
    there were too many questions, and AnswerError for every other answer that is of no use.
    """

    def __init__(self) -> None:
        """Read the job's variables; nothing is sent yet.

        Raises:
            ConfigError: One is missing, or the token would be sent in the clear.
        """
        env = os.environ
        needed = ("GITHUB_API_URL", "GITHUB_REPOSITORY", TOKEN)
        missing = [each for each in needed if not env.get(each, "").strip()]
        if missing:
            raise ConfigError(f"{', '.join(missing)}: empty, or not set for this job")
        self._token = env[TOKEN].strip()
        # Checked here, because the HTTP client's own complaint would repeat it.
        if not (self._token.isascii() and self._token.isprintable()):
            raise ConfigError(f"{TOKEN} holds characters that no token has")
        self._server = env["GITHUB_API_URL"].rstrip("/")
        self._graphql = env.get("GITHUB_GRAPHQL_URL") or _graphql(self._server)
        self._base = f"{self._server}/repos/{env['GITHUB_REPOSITORY']}"
        for name, each in (("API", self._server), ("GRAPHQL", self._graphql)):
            if not _private(each):
                raise ConfigError(
                    f"GITHUB_{name}_URL: not https, and a token is not sent in the clear"
                )

    def get(self, path: str, kind: type[T]) -> T:
        """What lies at a path below the repository, as a type."""
        return _decoded(self._send("GET", path), kind, path)

    def pages(
        self,
        path: str,
        kind: type[T],
        query: Mapping[str, object],
        *,
        most: int,
        whole: bool = False,
    ) -> Iterator[T]:
        """The pages of a list, in order, and no more than `most`.

        Raises:
            AnswerError: Also, with `whole`, when there are more.
        """
        for number in range(1, most + 1):
            asked = urllib.parse.urlencode({**query, "page": number})
            answer = self._send("GET", path, address=f"{self._base}/{path}?{asked}")
            yield _decoded(answer, kind, path)
            # Which page comes next is ours to say, so that no answer leads elsewhere.
            if 'rel="next"' not in answer.headers.get("Link", ""):
                return
        if whole:
            raise AnswerError(f"{path}: more than {most} pages")

    def create(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        """POST, tried once: whether it was carried out is not known if no answer comes."""
        return _decoded(self._send("POST", path, body=body, tries=1), kind, path)

    def change(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        """PATCH."""
        return _decoded(self._send("PATCH", path, body=body), kind, path)

    def delete(self, path: str) -> None:
        """DELETE."""
        self._send("DELETE", path)

    def ask(self, query: str, kind: type[T]) -> T:
        """GraphQL, for what the other interface has no question for."""
        answer = self._send("POST", "graphql", address=self._graphql, body={"query": query})
        return _decoded(answer, kind, "graphql")

    def download(self, path: str, *, largest: int) -> bytes:
        """A file to which the API leads: one step elsewhere is taken, and without the token.

        Raises:
            AnswerError: Also when it is larger than `largest` bytes.
        """
        answer = self._send("GET", path, good=_GOOD | _REDIRECTS, largest=largest)
        if answer.status in _REDIRECTS:
            there = answer.headers.get("Location", "")
            inward = _is_loopback(there) and not _is_loopback(self._server)
            if inward or not _private(there):
                raise AnswerError(f"{path}: leads where it is not followed")
            answer = self._send("GET", path, address=there, own=False, largest=largest)
        return answer.content

    def _send(
        self,
        method: str,
        path: str,
        *,
        address: str = "",
        body: Mapping[str, Any] | None = None,
        tries: int = len(BACKOFF) + 1,
        good: frozenset[int] = _GOOD,
        largest: int = LARGEST,
        own: bool = True,
    ) -> Answer:
        """Ask until there is a good answer. An address that is not our own gets no token."""
        request = urllib.request.Request(  # noqa: S310 - checked by `_private`
            address or f"{self._base}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers() if own else {},
            method=method,
        )
        shown = f"{method} {path}{'' if own else ', where it leads'}"
        for wait in (*BACKOFF[: tries - 1], None):
            pause = wait
            try:
                answer = _receive(request, largest, shown)
            except (OSError, http.client.HTTPException, ValueError) as error:
                # A time-out, a broken line, no HTTP at all.
                trouble: Exception = AnswerError(f"{shown}: no answer ({type(error).__name__})")
            else:
                if answer.status in good:
                    return answer
                trouble = _refusal(answer, shown, own=own)
                if isinstance(trouble, LimitError) and pause is not None:
                    pause = _asked_to_wait(answer)
                elif answer.status not in _BUSY:
                    pause = None
            if pause is None:
                raise trouble
            time.sleep(pause)
        raise AssertionError  # the last round has no pause

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        }


def _graphql(server: str) -> str:
    """On an own server `/api/v3` and `/api/graphql` lie side by side."""
    return f"{server.removesuffix('/v3')}/graphql"


def _private(address: str) -> bool:
    """Whether nobody on the way can read what is sent there."""
    return _parts(address)[0] == "https" or _is_loopback(address)


def _is_loopback(address: str) -> bool:
    scheme, host = _parts(address)
    return scheme in {"http", "https"} and host in _LOOPBACK


def _parts(address: str) -> tuple[str, str]:
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """No answer is an error yet, and none is followed."""

    def http_response(self, request: object, response: Any) -> Any:  # noqa: ARG002 - its interface
        return response

    def https_response(self, request: object, response: Any) -> Any:
        return self.http_response(request, response)


def _receive(request: urllib.request.Request, largest: int, shown: str) -> Answer:
    """One answer, whole.

    Raises:
        AnswerError: It is larger than `largest` bytes, or took too long as a whole.
        OSError, HTTPException, ValueError: There is none, or nothing came for too long.
    """
    end = time.monotonic() + LONGEST
    content = bytearray()
    with urllib.request.build_opener(_AsItIs).open(request, timeout=PATIENCE) as answer:
        while block := answer.read1(_BLOCK):
            content += block
            if len(content) > largest:
                raise AnswerError(f"{shown}: more than {largest:,} bytes")
            if time.monotonic() > end:
                raise AnswerError(f"{shown}: more than {LONGEST} seconds")
        if answer.length:
            raise http.client.IncompleteRead(b"")
        return Answer(answer.status, answer.headers, bytes(content))


_HINTS = {
    401: f": {TOKEN} is not valid",
    403: f": {TOKEN} may not do that; the job's permissions name what it may",
    404: f": not there, or {TOKEN} may not see it",
    410: ": gone",
}


def _refusal(answer: Answer, shown: str, *, own: bool) -> InfrastructureError | ConfigError:
    code = answer.status
    if not own:
        return AnswerError(f"{shown}: HTTP {code}", code)
    limited = answer.headers.get("X-RateLimit-Remaining", "").strip() == "0"
    if code == 429 or (code == 403 and (limited or "Retry-After" in answer.headers)):
        return LimitError(f"{shown}: HTTP {code}: GitHub's limit of requests is reached for now")
    message = f"{shown}: HTTP {code}{_HINTS.get(code, '')}"
    return ConfigError(message) if code in {401, 403} else AnswerError(message, code)


def _asked_to_wait(answer: Answer) -> float | None:
    """Seconds; None when that is not said, or too long."""
    said = answer.headers.get("Retry-After", "").strip()
    wait = int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else LONGEST_WAIT + 1
    return wait if wait <= LONGEST_WAIT else None


def _decoded(answer: Answer, kind: type[T], path: str) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise AnswerError(f"{path}: the answer is not what GitHub answers") from None
