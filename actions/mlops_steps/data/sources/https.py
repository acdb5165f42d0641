"""One file from a web server: by https only, from the host that is named, and not without end."""

from __future__ import annotations

import errno
import http.client
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from mlops_steps.data.sources.asked import Answer, File, Request
from mlops_steps.errors import ConfigError, InfrastructureError, MlopsError, UndecidedError

#: Seconds to wait before each further try.
BACKOFF = (0.5, 2.0)
#: Seconds for the next bytes, and for all of them.
_PATIENCE, _LONGEST = 60, 2 * 60 * 60
_BUSY = frozenset({429, 500, 502, 503, 504})
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_BLOCK = 1 << 20


def read(request: Request) -> Answer:
    """Fetch the file that an address names.

    Raises:
        ConfigError: The server refuses us, or its certificate is not to be trusted.
        UndecidedError: Nothing is there, it is longer than allowed, it is not whole, or the
            server sends us elsewhere.
        InfrastructureError: The server does not answer, asked three times.
    """
    waits = iter(BACKOFF)
    while True:
        try:
            return _fetch(request)
        except InfrastructureError:
            wait = next(waits, None)
            if wait is None:
                raise
            time.sleep(wait)


def _fetch(request: Request) -> Answer:
    target, shown = Path(request.folder, "00000"), _shown(request.address)
    opener = urllib.request.OpenerDirector()  # the usual one knows `file:` and `ftp:`, too
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(context=_context(request)),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    address = request.address
    for _ in range(_MOST_REDIRECTS):
        asked = urllib.request.Request(address, headers={"Accept-Encoding": "identity"})  # noqa: S310 - https: the address was checked
        if "token" in request.credentials:
            asked.add_header("Authorization", f"Bearer {request.credentials['token']}")
        try:
            with opener.open(asked, timeout=_PATIENCE) as response:
                _copy(response, target, request)
                mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
                return Answer((File(str(target), shown, mark),))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in _ELSEWHERE:
                raise _answered(shown, error.code, error.reason) from None
            address = _same_host(address, error.headers.get("Location") or "")
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise _unreachable(shown, error) from None
    raise UndecidedError(f"{shown}: sends us on again and again")


def _context(request: Request) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=request.certificates)
    except OSError as error:
        raise ConfigError(f"`certificates` cannot be read: {error.strerror or error}") from None


def _same_host(old: str, location: str) -> str:
    """Where a server sends us on to, if that is a place of its own: a token is for nobody else."""
    new = urljoin(old, location)
    before, after = urlsplit(old), urlsplit(new)
    if (before.scheme, before.netloc) != (after.scheme, after.netloc):
        where = f"{after.scheme}://{after.hostname or ''}"
        raise UndecidedError(
            f"{_shown(old)}: sends us on to {where}, and only the named host is asked. Name the "
            "address of the file itself"
        )
    return new


def _copy(response: http.client.HTTPResponse, target: Path, request: Request) -> None:
    shown = _shown(request.address)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise UndecidedError(f"{shown}: is sent compressed, though that was not asked for")
    stated, got = response.headers.get("Content-Length"), 0
    end = time.monotonic() + _LONGEST
    with target.open("wb") as stream:
        while block := response.read1(_BLOCK):
            got += len(block)
            if got > request.limit:
                raise UndecidedError(
                    f"{shown}: more than {request.limit:,} bytes; `maximum_gigabytes` allows no "
                    "more"
                )
            if time.monotonic() > end:
                raise InfrastructureError(f"{shown}: took longer than {_LONGEST:,} s")
            stream.write(block)
    if stated is not None and stated != str(got):
        raise InfrastructureError(f"{shown}: broke off after {got:,} of {stated} bytes")


def _answered(shown: str, code: int, reason: str) -> MlopsError:
    words = f"{shown}: answers {code} {reason}"
    if code in {401, 403}:
        return ConfigError(f"{words}; `credentials` may name a token")
    return InfrastructureError(words) if code in _BUSY else UndecidedError(words)


def _unreachable(shown: str, error: Exception) -> MlopsError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ConfigError(f"{shown}: its certificate is not trusted: {reason.verify_message}")
    return InfrastructureError(f"{shown}: does not answer ({reason})")


def _shown(address: str) -> str:
    """Without what stands after `?`: it may be a signature that opens the file."""
    return address.partition("?")[0]
