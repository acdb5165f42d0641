"""A server's API: one address, one token, JSON both ways, no redirects, nothing repeated."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from mlops_init.errors import InitError, UsageError

#: Seconds to wait for an answer, and the most that is read of it.
PATIENCE, LARGEST = 30, 5_000_000
#: Entries on a page of a list, and the most pages that are read.
PAGE, PAGES = 100, 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServerError(InitError):
    """The server refused, did not answer, or did not do as it said."""

    exit_code = 4


class NotThereError(ServerError):
    """HTTP 404: it is not there, or the token may not see it."""


@dataclass(frozen=True)
class Api:
    """Where to ask, and with what; `token` is never shown."""

    address: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what would give the token away."""
        parts = urllib.parse.urlsplit(self.address)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise UsageError(f"{self.address}: not https, and a token is not sent in the clear")
        if not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            # Not shown, and checked here, because the HTTP client's complaint would repeat it.
            raise UsageError("the token holds characters that no token has")

    def get(self, path: str) -> Any:
        """What lies at a path; raises NotThereError, or ServerError."""
        return self.call("GET", path)

    def pages(self, path: str, inside: str = "") -> list[Any]:
        """All entries of a list, page by page."""
        mark = "&" if "?" in path else "?"
        entries: list[Any] = []
        for number in range(1, PAGES + 1):
            page = self.get(f"{path}{mark}per_page={PAGE}&page={number}")
            page = page.get(inside) if inside and isinstance(page, dict) else page
            if not isinstance(page, list):
                raise ServerError(f"GET {path}: the answer is not a list")
            entries += page
            if len(page) < PAGE:
                return entries
        raise ServerError(f"GET {path}: more than {PAGE * PAGES} entries")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call; returns what the answer holds, or None where it is empty.

        Raises:
            NotThereError: HTTP 404.
            ServerError: Any other refusal, no answer, or an answer that is not JSON.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self.token}",
            "User-Agent": "mlops-init",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(  # noqa: S310 - its scheme was checked above
            f"{self.address}/{path}", data=data, headers=headers, method=method
        )
        what = f"{method} {self.address}/{path}"
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=PATIENCE) as answer:
                text = answer.read(LARGEST + 1)
        except urllib.error.HTTPError as error:
            with error:
                kind = NotThereError if error.code == 404 else ServerError
                raise kind(f"{what}: HTTP {error.code}{self._reason(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            words = str(getattr(error, "reason", "") or error) or type(error).__name__
            raise ServerError(f"{what}: no answer: {words}") from None
        if not text.strip():
            return None
        try:
            return json.loads(text) if len(text) <= LARGEST else self._too_large()
        except ValueError:
            raise ServerError(f"{what}: the answer is not JSON") from None

    def _too_large(self) -> None:
        raise ValueError

    def _reason(self, error: urllib.error.HTTPError) -> str:
        """What the server says of its refusal, on one line and without the token."""
        if 300 <= error.code < 400:
            return ": it leads elsewhere, where the token is not sent"
        try:
            said = json.loads(error.read(10_000))
            words = said.get("message") or said.get("error") or ""
            more = [each.get("message", each) if isinstance(each, dict) else each
                    for each in said.get("errors") or []]  # fmt: skip
        except (OSError, http.client.HTTPException, ValueError, AttributeError, TypeError):
            return ""
        text = "; ".join(part if isinstance(part, str) else json.dumps(part)
                         for part in [words, *more] if part)  # fmt: skip
        text = "".join(sign for sign in text if sign.isprintable())[:300]
        if self.token:
            text = text.replace(self.token, "(the token)")
        return f": {text}" if text else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an error: the token is for this address alone."""

    def redirect_request(self, *_: object) -> None:
        return None
