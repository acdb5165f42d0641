"""Reader of PostgreSQL, by the package psycopg: one table or query, as CSV, row by row.

In one read-only transaction that sees one state of the database. A database keeps no versions:
what was read cannot be read again, so its copy is what everything is judged by.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from mlops_steps.data.sources.address import is_loopback
from mlops_steps.data.sources.asked import NULL, Answer, Column, File, Request
from mlops_steps.errors import ConfigError, InfrastructureError, UndecidedError

#: PostgreSQL's own names of types, and DuckDB's; what is not here comes as the text it prints.
_KINDS = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "oid": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "uuid": "UUID",
}
_SETTINGS = (
    "SET TIME ZONE 'UTC'",
    "SET datestyle = 'ISO, YMD'",
    "SET extra_float_digits = 1",
    "SET client_encoding = 'UTF8'",
)


def read(request: Request) -> Answer:
    """Copy the rows to one CSV file; returns it with the columns and their types."""
    target = Path(request.folder, "rows.csv")
    left = request.limit
    try:
        with _connect(request) as connection:
            for setting in _SETTINGS:
                connection.execute(setting)
            wanted = _wanted(request)
            with connection.cursor() as cursor:
                # Prepared: the server then takes one statement and no more.
                first = sql.SQL("SELECT * FROM {} LIMIT 0").format(wanted)
                cursor.execute(first, prepare=True)
                columns = tuple(_column(connection, each) for each in cursor.description or ())
                copy = sql.SQL(
                    "COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER true, NULL {})"
                ).format(wanted, sql.Literal(NULL))
                with target.open("wb") as stream, cursor.copy(copy) as blocks:
                    for block in blocks:
                        left -= len(block)
                        if left < 0:
                            raise UndecidedError(
                                f"{request.address}: more than {request.limit:,} bytes; "
                                "`maximum_gigabytes` allows no more"
                            )
                        stream.write(block)
    except psycopg.Error as error:
        raise _trouble(request, error) from None
    if not columns:
        raise UndecidedError(f"{request.address}: has no columns")
    return Answer((File(str(target), request.table or "query"),), columns)


def _connect(request: Request) -> psycopg.Connection[Any]:
    parts = urlsplit(request.address)
    options: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": _authorities(request)}
    if is_loopback(request.address):
        options = {"sslmode": "prefer"}
    connection = psycopg.connect(
        host=parts.hostname,
        port=parts.port or 5432,
        dbname=parts.path.strip("/"),
        connect_timeout=10,
        application_name="mlops-init",
        user=request.credentials.get("user") or "postgres",
        password=request.credentials.get("password"),
        passfile="/dev/null",
        **options,
    )
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _authorities(request: Request) -> str:
    found = request.certificates or ssl.get_default_verify_paths().cafile
    for place in (found, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        if place and Path(place).is_file():
            return place
    raise ConfigError("no certificates are known here to check the server's by: `certificates`")


def _wanted(request: Request) -> sql.Composable:
    if request.table is not None:
        return sql.Identifier(*request.table.split("."))
    return sql.SQL("({}\n) AS wanted").format(sql.SQL(request.query or ""))


def _column(connection: psycopg.Connection[Any], found: psycopg.Column) -> Column:
    known = connection.adapters.types.get(found.type_code)
    # Of an array the type of its members is found.
    name = known.name if known and known.oid == found.type_code else ""
    kind = _KINDS.get(name, "VARCHAR")
    if name == "numeric":
        precision, scale = found.precision, found.scale
        fits = precision is not None and precision <= 38 and (scale or 0) >= 0
        kind = f"DECIMAL({precision},{scale or 0})" if fits else "DOUBLE"
    return Column(found.name, kind)


def _trouble(request: Request, error: psycopg.Error) -> Exception:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    words = f"{request.address}: {first}"
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        refused = any(
            each in first for each in ("authentication failed", "no password", "does not exist")
        )
        return ConfigError(words) if refused else InfrastructureError(words)
    if isinstance(error, (psycopg.errors.InsufficientPrivilege, psycopg.ProgrammingError)):
        return ConfigError(words)
    return UndecidedError(words)
