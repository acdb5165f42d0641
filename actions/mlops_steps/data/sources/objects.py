"""Reader of S3 and Google Cloud Storage, by the package obstore: one wheel, no dependencies."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import obstore
from obstore.exceptions import (
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import GCSStore, S3Store

from mlops_steps.data.sources.asked import Answer, File, Request
from mlops_steps.errors import ConfigError, InfrastructureError, UndecidedError

MOST_FILES = 10_000
_PATTERN = re.compile(r"[*?\[]")


class Bucket:
    """A bucket, or a folder of one, from which at most so many bytes are fetched."""

    def __init__(self, request: Request) -> None:
        """Nothing is sent yet."""
        # No address of the web: `?` and `#` are signs of a name.
        scheme, _, place = request.address.partition("://")
        name, _, path = place.partition("/")
        self.root, self.path = f"{scheme}://{name}", path.strip("/")
        self._left = self._limit = request.limit
        self._store = _store(request, name)

    def list(self, prefix: str) -> Iterator[dict[str, Any]]:
        """The objects below a folder, without the folders' own."""
        with _told(f"{self.root}/{prefix}"):
            for block in obstore.list(self._store, prefix or None):
                yield from (each for each in block if not each["path"].endswith("/"))

    def head(self, key: str) -> dict[str, Any] | None:
        """An object's size and marks; None where there is none."""
        with _told(f"{self.root}/{key}"):
            try:
                found: dict[str, Any] = obstore.head(self._store, key)
            except (FileNotFoundError, NotFoundError):
                return None
            return found

    def fetch(self, key: str, target: Path) -> str:
        """Copy an object to a file; returns its mark.

        Raises:
            UndecidedError: It is not there, or is more than may still be fetched.
        """
        with _told(f"{self.root}/{key}"), target.open("wb") as stream:
            found = obstore.get(self._store, key)
            for block in found.stream(min_chunk_size=8 << 20):
                self._left -= len(block)
                if self._left < 0:
                    raise UndecidedError(
                        f"more than {self._limit:,} bytes; `maximum_gigabytes` allows no more"
                    )
                stream.write(block)
            return str(found.meta.get("version") or found.meta.get("e_tag") or "")

    def read(self, key: str) -> bytes:
        """An object as bytes.

        Raises:
            UndecidedError: As `fetch`.
        """
        with _told(f"{self.root}/{key}"):
            found = obstore.get(self._store, key)
            self._left -= found.meta["size"]
            if self._left < 0:
                raise UndecidedError(
                    f"more than {self._limit:,} bytes; `maximum_gigabytes` allows no more"
                )
            return bytes(found.bytes())


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """Turn obstore's errors into ours: short, with the address, without a server's page."""
    try:
        yield
    except (FileNotFoundError, NotFoundError):
        raise UndecidedError(f"{address}: not found") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise _refused(address) from None
    except BaseError as error:
        text = str(error)
        # Of a listing it says no more than this.
        if re.search(r"status: 40[13]\b|\b40[13] (Forbidden|Unauthorized)", text):
            raise _refused(address) from None
        if re.search(r"NoSuchBucket|status: 404\b|\b404 Not Found", text):
            raise UndecidedError(f"{address}: there is no such bucket") from None
        first = (text.splitlines() or [""])[0].split(" - Server returned")[0][:300]
        if "invalid path" in first:
            raise UndecidedError(f"{address}: {first}") from None
        raise InfrastructureError(f"{address}: {first}") from None


def _refused(address: str) -> ConfigError:
    return ConfigError(f"{address}: may not be read with these credentials")


def _store(request: Request, bucket: str) -> Any:
    secret = request.credentials
    patience: dict[str, Any] = {"timeout": "10 minutes", "connect_timeout": "10 seconds"}
    retries: dict[str, Any] = {"max_retries": 3, "retry_timeout": dt.timedelta(minutes=2)}
    if request.address.startswith("gs:"):
        return GCSStore(
            bucket, client_options=patience, retry_config=retries, **_google(secret.get("token"))
        )
    options: dict[str, Any] = {"region": request.region or "us-east-1"}
    if request.endpoint:
        options |= {"endpoint": request.endpoint.rstrip("/"), "virtual_hosted_style_request": False}
        patience |= {"allow_http": request.endpoint.startswith("http://")}
    if secret:
        options |= {"access_key_id": secret["key"], "secret_access_key": secret["secret"]}
        if "session" in secret:
            options["session_token"] = secret["session"]
    else:
        options["skip_signature"] = True
    return S3Store(bucket, client_options=patience, retry_config=retries, **options)


def _google(token: str | None) -> dict[str, Any]:
    """How to sign in at Google: with a service account's key (JSON), a token, or not at all."""
    if not token:
        return {"skip_signature": True}
    if not token.lstrip().startswith("{"):
        return {"credential_provider": lambda: {"token": token, "expires_at": None}}
    try:
        json.loads(token)
    except ValueError:
        raise ConfigError("the credential token is no service account's key in JSON") from None
    return {"service_account_key": token}


def read(request: Request) -> Answer:
    """Fetch the object, the objects that a pattern matches, or those below a folder.

    Folders with keys in their names (`year=2024/`) are kept; else an object gets a number for
    its name: what a stranger calls it is no path of ours.
    """
    bucket = Bucket(request)
    found = sorted(_wanted(bucket), key=lambda each: each["path"])
    if not found:
        raise UndecidedError(f"{request.address}: no object is there")
    if len(found) > MOST_FILES:
        raise UndecidedError(f"{request.address}: {len(found):,} objects; at most {MOST_FILES:,}")
    if sum(each["size"] for each in found) > request.limit:
        raise UndecidedError(
            f"{request.address}: more than {request.limit:,} bytes; `maximum_gigabytes` allows no "
            "more"
        )
    files = []
    for number, each in enumerate(found):
        target = Path(request.folder, *_keys(each["path"]), f"{number:05}")
        target.parent.mkdir(parents=True, exist_ok=True)
        mark = bucket.fetch(each["path"], target)
        if mark != str(each.get("version") or each.get("e_tag") or ""):
            raise UndecidedError(f"{bucket.root}/{each['path']}: was changed while it was read")
        files.append(File(str(target), f"{bucket.root}/{each['path']}", mark))
    return Answer(tuple(files))


def _wanted(bucket: Bucket) -> Iterator[dict[str, Any]]:
    pattern = _PATTERN.search(bucket.path)
    if not pattern:
        one = bucket.head(bucket.path)
        if one:
            yield one
            return
        for each in bucket.list(bucket.path):
            inner = each["path"].removeprefix(f"{bucket.path}/").split("/")
            if not any(part.startswith(("_", ".")) for part in inner):
                yield each
        return
    folder = bucket.path[: pattern.start()].rpartition("/")[0]
    matches = re.compile(_regular(bucket.path))
    yield from (each for each in bucket.list(folder) if matches.fullmatch(each["path"]))


def _regular(pattern: str) -> str:
    """A pattern as a regular expression: `*` and `?` stay in their folder, `**/` does not."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|.", pattern, re.DOTALL)
    return "".join(words.get(each) or _class(each) for each in parts)


def _class(part: str) -> str:
    """One sign, or one of those in brackets; `[!…]` is none of them."""
    if len(part) == 1:
        return re.escape(part)
    inner = part[1:-1].replace("\\", "\\\\")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner.replace('^', chr(92) + '^')}]"


def _keys(path: str) -> list[str]:
    """The folders of an object's path that hold keys, as names of folders here."""
    folders = [part for part in path.split("/")[:-1] if "=" in part]
    return [_PATTERN.sub(lambda sign: quote(sign[0]), part) for part in folders]
