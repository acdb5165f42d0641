"""Images become shades of one size, from files and from requests alike, or are refused."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from {{ cookiecutter.package }} import data, features


def image(side: int, form: str = "PNG") -> bytes:
    """A file with an image that is black on the left and white on the right."""
    shades = np.zeros((side, side), dtype=np.uint8)
    shades[:, side // 2 :] = 255
    stream = io.BytesIO()
    Image.fromarray(shades).save(stream, form)
    return stream.getvalue()


def manifest(folder: Path, name: str) -> data.Table:
    """One row that names a file."""
    return data.Table(folder / "manifest.csv", [2], ["1"], {features.FILE: [name]}, None)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("side", [8, 40])
def test_any_size_becomes_one(tmp_path: Path, side: int, form: str) -> None:
    (tmp_path / "a").write_bytes(image(side, form))
    shades = features.Encoder(8).encode(manifest(tmp_path, "a"))
    assert (shades.shape, shades.dtype) == ((1, 8, 8), np.float32)
    assert shades[0, :, :3].max() < 0.1
    assert shades[0, :, 5:].min() > 0.9


def test_a_request_is_encoded_as_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(image(8))
    encoder = features.Encoder(8)
    sent = encoder.encode_request({features.FILE: [base64.b64encode(image(8)).decode()]})
    assert np.array_equal(sent, encoder.encode(manifest(tmp_path, "a")))


def test_an_encoder_survives_its_file() -> None:
    assert features.restore(features.Encoder(8).dump()) == features.Encoder(8)


@pytest.mark.parametrize("name", ["", "/etc/hostname", "../a", "missing.png"])
def test_a_path_that_leads_nowhere_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"manifest\.csv:2: {features.FILE}: "):
        features.Encoder(8).encode(manifest(tmp_path, name))


@pytest.mark.parametrize("content", [b"", b"no image", image(8)[:50], image(8, "GIF")])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match="is no image in PNG or JPEG"):
        features.Encoder(8).encode(manifest(tmp_path, "a"))
    sent = base64.b64encode(content).decode()
    with pytest.raises(ValueError, match="row 0 is no image in PNG or JPEG"):
        features.Encoder(8).encode_request({features.FILE: [sent]})


def test_an_image_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MAXIMUM_PIXELS", 63)
    with pytest.raises(ValueError, match="more than 63 pixels"):
        features.Encoder(8).encode_request({features.FILE: [base64.b64encode(image(8)).decode()]})


def test_what_is_not_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="is not base64"):
        features.Encoder(8).encode_request({features.FILE: ["n/a!"]})
