"""What a `source` of mlops.yaml may say: which keys go with which kind, and which addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mlops_steps.config import Source

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):")
#: The schemes that each kind of source knows; "" is a path of the project.
SCHEMES = {
    "files": ("", "s3", "gs", "https"),
    "delta": ("", "s3", "gs"),
    "iceberg": ("", "s3", "gs"),
    "duckdb": ("",),
    "sqlite": ("",),
    "postgres": ("postgresql",),
}
#: The credentials that each scheme knows: all of a set, or none of them.
CREDENTIALS: dict[str, tuple[frozenset[str], ...]] = {
    "": (),
    "https": (frozenset({"token"}),),
    "gs": (frozenset({"token"}),),
    "s3": (frozenset({"key", "secret"}), frozenset({"key", "secret", "session"})),
    "postgresql": (frozenset({"user"}), frozenset({"user", "password"})),
}
#: The readers that need packages of their own, each by its lock, and the kinds they read.
_READERS = {"files": "objects", "delta": "delta", "iceberg": "iceberg", "postgres": "postgres"}
#: What a variable that holds a credential may be called: nothing of a platform or of the steps.
VARIABLE = r"(?!(?:ACTIONS|CI|GH|GITHUB|GITLAB|INPUT|LD|MLOPS|PYTHON|RUNNER)_)[A-Z]+_[A-Z0-9_]+"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_WORDS = {
    "": "a path of the project",
    "s3": "s3://BUCKET/PATH",
    "gs": "gs://BUCKET/PATH",
    "https": "https://HOST/PATH",
    "postgresql": "postgresql://HOST[:PORT]/DATABASE",
}


def scheme_of(address: str) -> str:
    """The scheme of an address, in small letters; empty for a path of the project."""
    found = _SCHEME.match(address)
    return found[1].lower() if found else ""


def reader_of(kind: str, address: str) -> str:
    """The reader with packages of its own that a source needs; empty if it needs none."""
    scheme = scheme_of(address)
    if scheme == "https" or (kind == "files" and not scheme):
        return ""
    return _READERS.get(kind, "")


def is_loopback(address: str) -> bool:
    """Whether an address names this very machine."""
    return urlsplit(address).hostname in _LOOPBACK


def problems(source: Source) -> dict[str, str]:
    """What of a source does not fit together, by its key, in words that never show a secret."""
    wrong: dict[str, str] = {}
    scheme = scheme_of(source.address)
    if words := _bad_address(source, scheme):
        wrong["address"] = words
        return wrong
    database = source.kind in {"duckdb", "sqlite", "postgres"}
    if database and (source.table is None) == (source.query is None):
        wrong["table"] = f"{source.kind} needs either a table or a query"
    elif source.query is not None and source.kind == "duckdb":
        wrong["query"] = "of a DuckDB file a table is read, no query"
    elif not database and (source.table or source.query) is not None:
        wrong["table" if source.table else "query"] = f"{source.kind} has no tables to choose from"
    if source.version is not None and source.kind not in {"delta", "iceberg"}:
        wrong["version"] = f"only delta and iceberg have versions; this is {source.kind}"
    for key in ("endpoint", "region"):
        if getattr(source, key) is not None and scheme != "s3":
            wrong[key] = "goes with s3:// only"
    if source.certificates is not None and scheme not in {"https", "postgresql"}:
        wrong["certificates"] = "goes with https:// and postgresql:// only"
    allowed = CREDENTIALS[scheme]
    if source.credentials and frozenset(source.credentials) not in allowed:
        sets = " or ".join(", ".join(sorted(each)) for each in allowed) or "none"
        wrong["credentials"] = f"{', '.join(source.credentials)}. Allowed: {sets}"
    return wrong


def _bad_address(source: Source, scheme: str) -> str:
    """Why an address cannot be read; what may be a password is not shown."""
    allowed = SCHEMES[source.kind]
    options = " or ".join(_WORDS[each] for each in allowed)
    if scheme not in allowed:
        found = f"{scheme}:" if scheme else "a path"
        return f"{found} is nothing that the kind {source.kind} reads. Allowed: {options}"
    if re.search(r"[\0-\x1f]", source.address):
        return "holds a sign that no address has"
    if scheme:
        words = _bad_link(source.address, scheme)
        return f"{words}. Allowed: {options}" if words else ""
    climbs = source.address.startswith(("/", "~")) or ".." in source.address.split("/")
    return f"{source.address!r} leads out of the project" if climbs else ""


def _bad_link(address: str, scheme: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "cannot be read"
    words = ""
    if scheme in {"s3", "gs"}:
        # No address of the web: `?` and `#` are signs of a name.
        fits = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*/+[^/].*", address.partition("://")[2])
        words = "" if fits and ".." not in address.split("/") else "names no bucket or no path"
    elif "@" in parts.netloc:
        words = "holds a user or password; `credentials` names the variables that hold them"
    elif parts.fragment or (parts.query and scheme != "https"):
        words = "has a part after ? or #"
    elif not host or not parts.path.strip("/") or ".." in parts.path.split("/"):
        words = "names no host or no path"
    elif scheme == "https" and re.search(r"[*\[]", parts.path):
        words = "is a pattern, but a web server lists no files"
    elif scheme == "postgresql" and not re.fullmatch(r"/[^/]+", parts.path):
        words = "names no database"
    return words
