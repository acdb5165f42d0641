"""What `source` may say in mlops.yaml: each mistake is found before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mlops_steps.conftest import MLOPS_YAML

from mlops_steps.config import load
from mlops_steps.errors import ConfigError

GOOD = [
    "address: data/*.parquet",
    "address: data/events/",
    "address: 's3://bucket/a/**/?.parquet'\nregion: eu-central-1",
    "address: s3://bucket/a\ncredentials: {key: DATA_KEY, secret: DATA_SECRET}",
    "address: s3://bucket/a\ncredentials: {key: A_K, secret: A_S, session: A_T}",
    "address: gs://bucket/a\ncredentials: {token: GOOGLE_KEY}",
    "address: https://example.org/a.csv?x=1\ncertificates: ca.pem",
    "kind: delta\naddress: data/delta\nversion: 3",
    "kind: iceberg\naddress: s3://bucket/t/metadata/v3.metadata.json",
    "kind: duckdb\naddress: d.duckdb\ntable: main.t",
    "kind: sqlite\naddress: d.sqlite\nquery: SELECT 1 AS id",
    "kind: postgres\naddress: postgresql://h:5433/d\ntable: t\ncredentials: {user: DB_USER}",
]
BAD = [
    ("address: ../outside.csv", "address: '../outside.csv' leads out of the project"),
    ("address: /etc/*", "'/etc/*' leads out of the project"),
    ("address: ~/x.csv", "leads out of the project"),
    ("address: http://example.org/a", "http: is nothing that the kind files reads. Allowed"),
    ("address: file:///etc/passwd", "file: is nothing that the kind files reads"),
    ("address: https://me:word@example.org/a", "holds a user or password"),
    ("address: https://example.org/*.csv", "a web server lists no files"),
    ("address: https://example.org", "names no host or no path"),
    ("address: 'https://[bad/a'", "cannot be read"),
    ("address: s3://bucket", "names no bucket or no path"),
    ("address: s3://key:word@bucket/a", "names no bucket or no path"),
    ("address: s3://bucket/../a", "names no bucket or no path"),
    ("kind: delta\naddress: https://example.org/t", "https: is nothing that the kind delta"),
    ("kind: sqlite\naddress: d.sqlite", "sqlite needs either a table or a query"),
    ("kind: sqlite\naddress: d\ntable: t\nquery: q", "sqlite needs either a table or a query"),
    ("kind: duckdb\naddress: d\nquery: q", "of a DuckDB file a table is read, no query"),
    ("address: a.csv\ntable: t", "files has no tables to choose from"),
    ("address: a.csv\nversion: 1", "only delta and iceberg have versions"),
    ("address: a.csv\nregion: x", "goes with s3:// only"),
    ("address: a.csv\ncertificates: x", "goes with https:// and postgresql:// only"),
    ("address: a.csv\ncredentials: {token: DATA_TOKEN}", "credentials: token. Allowed: none"),
    ("address: s3://b/a\ncredentials: {key: DATA_KEY}", "Allowed: key, secret or key, secret, ses"),
    ("kind: postgres\naddress: postgresql://h\ntable: t", "names no host or no path"),
    ("kind: postgres\naddress: postgresql://u:word@h/d\ntable: t", "holds a user or password"),
    ("kind: postgres\naddress: postgresql://h/d?password=word\ntable: t", "a part after ? or #"),
    ("address: gs://b/a\ncredentials: {token: GITHUB_TOKEN}", "names no variable of the job"),
    ("address: gs://b/a\ncredentials: {token: ya29.word}", "names no variable of the job"),
    ("address: gs://b/a\ncredentials: {password: DATA_TOKEN}", "Allowed: token"),
    ("address: gs://b/a\ncredentials: {pin: DATA_TOKEN}", "credentials"),
    ("address: a.csv\nmaximum_gigabytes: 0", "maximum_gigabytes"),
    ("address: s3://b/a\nendpoint: ftp://h", "endpoint"),
    ("kind: oracle\naddress: a", "Allowed: delta, duckdb, files, iceberg, postgres, sqlite"),
]


def write(folder: Path, source: str, extra: str = "") -> None:
    lines = "".join(f"        {line}\n" for line in source.splitlines())
    before, mark, after = MLOPS_YAML.partition("      key: id\n")
    (folder / "mlops.yaml").write_text(f"{before}      source:\n{lines}{extra}{mark}{after}")


@pytest.mark.parametrize("source", GOOD)
def test_a_source_is_read(tmp_path: Path, source: str) -> None:
    write(tmp_path, source)
    assert load(tmp_path).table.source is not None


@pytest.mark.parametrize(("source", "words"), BAD)
def test_a_mistake_is_told_with_its_place_and_without_a_secret(
    tmp_path: Path, source: str, words: str
) -> None:
    write(tmp_path, source)
    with pytest.raises(ConfigError) as told:
        load(tmp_path)
    assert str(told.value).startswith("mlops.yaml:")
    assert words in str(told.value)
    assert "word@" not in str(told.value)
    assert "=word" not in str(told.value)
    assert "ya29" not in str(told.value)


def test_a_manifest_has_no_source(tmp_path: Path) -> None:
    write(tmp_path, "address: s3://b/a", "      kind: files\n      file: image\n")
    with pytest.raises(ConfigError, match="only the kind table has a source"):
        load(tmp_path)
