"""From the files that a manifest names to the shades that a model computes with."""

import base64
import binascii
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from .data import Table

#: The manifest's column of file paths, relative to it, as in mlops.yaml.
FILE = {{ quoted(dataset.file) }}
#: What is read of the many formats that there are.
FORMATS = ("PNG", "JPEG")
#: An image may be small as a file and enormous in memory.
MAXIMUM_PIXELS = 50_000_000


@dataclass(frozen=True)
class Encoder:
    """Every image in grey, and of the same size: `side` pixels each way."""

    side: int

    @property
    def inputs(self) -> dict[str, str]:
        """What a request has to hold: datatypes of the Open Inference Protocol, by name."""
        return {FILE: "BYTES"}

    def encode(self, table: Table) -> np.ndarray:
        """The manifest's images, shape (rows, side, side), black 0 and white 1.

        Raises ValueError, with the place, for a file that is missing or no image.
        """
        if FILE not in table.columns:
            raise ValueError(f"{table.source}: no column {FILE!r}")
        images = np.empty((len(table.keys), self.side, self.side), dtype=np.float32)
        for row, name in enumerate(table.columns[FILE]):
            where = f"{table.where(row, FILE)}: {name!r}"
            if not name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{where} is no path below the manifest's folder")
            try:
                content = (table.source.parent / name).read_bytes()
            except OSError as error:
                raise ValueError(f"{where}: {error.strerror}") from None
            images[row] = self._decode(content, where)
        return images

    def encode_request(self, columns: Mapping[str, Sequence[str]]) -> np.ndarray:
        """The same for the images of a request, each its file's content in base64."""
        images = []
        for row, text in enumerate(columns[FILE]):
            where = f"tensor {FILE!r}: row {row}"
            try:
                content = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError(f"{where} is not base64") from None
            images.append(self._decode(content, where))
        return np.stack(images)

    def dump(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def _decode(self, content: bytes, where: str) -> np.ndarray:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a large image; we have a bound of our own
                with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                    if image.width * image.height > MAXIMUM_PIXELS:
                        raise ValueError(f"more than {MAXIMUM_PIXELS:,} pixels")
                    grey = image.convert("L").resize((self.side, self.side))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = "" if isinstance(error, OSError | SyntaxError) else f": {error}"
            raise ValueError(f"{where} is no image in {' or '.join(FORMATS)}{reason}") from None
        return np.asarray(grey, dtype=np.float32) / 255


def restore(content: Mapping[str, Any]) -> Encoder:
    """The encoder whose `dump` this is."""
    return Encoder(content["side"])
