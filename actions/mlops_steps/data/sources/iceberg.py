"""Reader of Iceberg tables, by the package pyiceberg: which files are the table, in which snapshot.

The specification: iceberg.apache.org/spec. Everything has to lie below the table's own location:
what the metadata name elsewhere is not opened, wherever they come from. So a table that was
moved as a whole can be read, too.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import StaticTable
from pyiceberg.transforms import IdentityTransform

from mlops_steps.data.sources.asked import Answer, Column, File, Request
from mlops_steps.errors import ConfigError, UndecidedError

if TYPE_CHECKING:
    from mlops_steps.data.sources.objects import Bucket

_KINDS = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "string": "VARCHAR",
    "uuid": "UUID",
    "binary": "BLOB",
}
_NUMBERED = re.compile(r"(?:v(\d+)|(\d+)-[^/]*)\.metadata\.json")


class Place:
    """A table's folder, here or in a bucket."""

    def __init__(self, request: Request, base: str) -> None:
        """`base` is the folder: absolute, or the key in the bucket."""
        self.base, self.location = base, ""
        self._folder = Path(request.folder)
        self._bucket: Bucket | None = None
        if "://" in request.address:
            from mlops_steps.data.sources.objects import Bucket

            self._bucket = Bucket(request)

    def inner(self, address: str) -> str:
        """An address in the metadata, relative to the table.

        Raises:
            UndecidedError: It does not lie below the table's location.
        """
        name = _plain(address).removeprefix(f"{_plain(self.location)}/")
        if name == _plain(address) or ".." in name.split("/"):
            raise UndecidedError("names a file outside of the table's own location")
        return name

    def read(self, name: str) -> bytes:
        """A file of the table as bytes."""
        if self._bucket:
            return self._bucket.read(f"{self.base}/{name}")
        return self.here(name).read_bytes()

    def here(self, name: str) -> Path:
        """Where a file of a table that lies here is; a link is none.

        Raises:
            UndecidedError: There is none.
        """
        path = Path(self.base, name)
        if not path.is_file() or path.resolve() != path:
            raise UndecidedError(f"{name}: not found, or behind a link")
        return path

    def fetch(self, name: str, number: int) -> tuple[str, str]:
        """Where a file is now, and its mark."""
        if not self._bucket:
            return str(self.here(name)), ""
        path = self._folder / f"{number:05}"
        return str(path), self._bucket.fetch(f"{self.base}/{name}", path)

    def names(self) -> list[str]:
        """What lies in the folder of metadata."""
        if self._bucket:
            found = self._bucket.list(f"{self.base}/metadata")
            return [each["path"].rpartition("/")[2] for each in found]
        folder = Path(self.base, "metadata")
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []


class _Input(InputFile):  # type: ignore[misc]
    def __init__(self, address: str, place: Place) -> None:
        super().__init__(address)
        self._place = place

    def __len__(self) -> int:
        return len(self._place.read(self._place.inner(self.location)))

    def exists(self) -> bool:
        return True

    def open(self, seekable: bool = True) -> InputStream:  # noqa: FBT001, FBT002, ARG002 - its interface
        return io.BytesIO(self._place.read(self._place.inner(self.location)))


class _Files(FileIO):  # type: ignore[misc]
    """All that the package opens: through a place, and for reading only."""

    def __init__(self, place: Place) -> None:
        super().__init__({})
        self._place = place

    def new_input(self, location: str) -> InputFile:
        return _Input(location, self._place)

    def new_output(self, location: str) -> OutputFile:
        raise NotImplementedError(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise NotImplementedError(str(location))


def read(request: Request) -> Answer:
    """The files of the table's current snapshot, or of the one that is asked for."""
    address = request.address.rstrip("/")
    scheme = address.partition("://")[0] if "://" in address else ""
    path = address.split("/", 3)[3] if scheme else address
    base, _, name = path.partition("/metadata/")
    if not name:
        base = path
    place = Place(request, base)
    name = name or _newest(request.address, place)
    table = _table(request.address, place, name)
    snapshot = table.current_snapshot()
    if request.version is not None:
        snapshot = table.snapshot_by_id(request.version)
        if snapshot is None:
            raise ConfigError(f"{request.address}: has no snapshot {request.version}")
    if snapshot is None:
        raise UndecidedError(f"{request.address}: the table is empty: it has no snapshot")
    columns = tuple(_column(request.address, each) for each in table.schema().fields)
    files = []
    tasks = table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
    named = sorted((place.inner(task.file.file_path), task) for task in tasks)
    for number, (inner, task) in enumerate(named):
        if task.delete_files:
            raise UndecidedError(
                f"{request.address}: rows of it are deleted by delete files, which are not applied "
                "here. Write the table anew (rewrite_data_files), then run again"
            )
        if task.file.file_format.value != "PARQUET":
            raise UndecidedError(f"{request.address}: has files that are not Parquet")
        where, mark = place.fetch(inner, number)
        needed = _needed(table, task.file.spec_id)
        files.append(File(where, inner, mark, needed=needed))
    if not files:
        raise UndecidedError(f"{request.address}: the snapshot {snapshot.snapshot_id} has no rows")
    return Answer(tuple(files), columns, f"snapshot {snapshot.snapshot_id}")


def _newest(address: str, place: Place) -> str:
    """The metadata file that the hint names, else the one with the highest number."""
    names = place.names()
    numbers: dict[int, list[str]] = {}
    for name in names:
        found = _NUMBERED.fullmatch(name)
        if found:
            numbers.setdefault(int(found[1] or found[2]), []).append(name)
    if "version-hint.text" in names:
        hint = place.read("metadata/version-hint.text")[:20].decode(errors="replace").strip()
        hinted = numbers.get(int(hint), []) if hint.isdigit() else []
        numbers = {0: hinted} if hinted else {}
    if not numbers:
        raise UndecidedError(f"{address}: is no Iceberg table: it has no metadata")
    newest = numbers[max(numbers)]
    if len(newest) > 1:
        raise UndecidedError(
            f"{address}: {len(newest)} files of metadata have the same number, and only a catalog "
            "knows which one counts. Name one of them"
        )
    return newest[0]


def _table(address: str, place: Place, name: str) -> StaticTable:
    file = f"metadata/{name}"
    if ".." in name.split("/"):
        raise UndecidedError(f"{address}: leads out of the table")
    place.location = "mlops:"
    files = _Files(place)
    try:
        metadata = FromInputFile.table_metadata(files.new_input(f"mlops:/{file}"))
    except (ValueError, TypeError, KeyError):
        raise UndecidedError(f"{address}: {file} is no metadata of a table") from None
    place.location = metadata.location
    if metadata.format_version > 2:
        raise UndecidedError(f"{address}: format version {metadata.format_version} is not read")
    # Not `from_metadata`: there the table's own properties choose the code that opens files.
    return StaticTable(
        identifier=("table",),
        metadata=metadata,
        metadata_location=f"{metadata.location}/{file}",
        io=files,
        catalog=NoopCatalog("none"),
    )


def _plain(address: str) -> str:
    """Without the scheme's spelling: `file:/a`, `file:///a` and `/a`; `s3a:` and `s3:`."""
    text = re.sub(r"^file:/*", "/", address)
    return re.sub(r"^s3[an]:", "s3:", text).rstrip("/")


def _column(address: str, field: Any) -> Column:
    kind = str(field.field_type)
    found = kind.upper().replace(" ", "") if kind.startswith("decimal(") else _KINDS.get(kind)
    if not found:
        raise UndecidedError(f"{address}: the column {field.name!r} is {kind}, which is not read")
    return Column(field.name, found, field.field_id)


def _needed(table: StaticTable, spec_id: int) -> tuple[int, ...]:
    """The columns by which the files are divided: a file may leave them out, which is not read."""
    spec = table.specs()[spec_id]
    same = [each for each in spec.fields if isinstance(each.transform, IdentityTransform)]
    return tuple(each.source_id for each in same)
