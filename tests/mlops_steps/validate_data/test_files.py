"""What a contract asks of the files of a manifest: their size, that they are whole, each once."""

from __future__ import annotations

import io
import json
import wave
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.mlops_steps.validate_data.test_tasks import FILE_CONTRACT, FILES

from mlops_steps.errors import ConfigError
from mlops_steps.spec import Status
from mlops_steps.validate_data.whole import torn

Judge = Callable[..., Any]
COUNT = 60


def picture(number: int, form: str) -> bytes:
    """A picture as an encoder in use writes it; every number another one."""
    made = Image.new("RGB", (40, 30), (number, 255 - number, 7))
    for place in range(30):
        made.putpixel((place, place), (place * 8, number, 99))
    stream = io.BytesIO()
    made.save(stream, form, **({"lossless": True} if form == "WEBP" else {}))
    return stream.getvalue()


def sound() -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2000))
    return stream.getvalue()


FORMS = {
    "png": picture(1, "PNG"),
    "jpg": picture(1, "JPEG"),
    "gif": picture(1, "GIF"),
    "webp": picture(1, "WEBP"),
    "wav": sound(),
    "txt": "Grüße, 世界\n".encode() * 20_000,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_whole_is_told_from_every_beginning_of_it(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    path.write_bytes(FORMS[form])
    assert torn(path) == ""
    content = FORMS[form]
    step = max(1, len(content) // 300)
    lengths = range(0, len(content), step) if form != "txt" else [5, len(content) - 2]
    for length in lengths:
        path.write_bytes(content[:length])
        if form == "txt":
            assert torn(path) == "is not UTF-8" if length != 5 else True
        else:
            assert torn(path), length
    other = tmp_path / f"b.{form.upper()}"
    other.write_bytes(b"\xff\xfe neither")
    assert torn(other)


def test_every_byte_of_a_png_is_looked_at(tmp_path: Path) -> None:
    path, content = tmp_path / "a.png", FORMS["png"]
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert torn(path), place


def test_what_follows_the_end_of_a_picture_is_no_harm(tmp_path: Path) -> None:
    for form in ("png", "jpg", "webp"):
        path = tmp_path / f"a.{form}"
        path.write_bytes(FORMS[form] + b"\0" * 100)
        assert torn(path) == ""
    progressive = tmp_path / "p.jpeg"
    Image.new("RGB", (300, 300), (1, 2, 3)).save(progressive, progressive=True)
    assert torn(progressive) == ""
    unknown = tmp_path / "a.bin"
    unknown.write_bytes(b"")
    assert torn(unknown) == ""


def test_a_chunk_that_claims_to_be_huge_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    head = b"IHDR" + bytes(13)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + head + zlib.crc32(head).to_bytes(4)
                     + b"\xff\xff\xff\xffIDAT" + b"x" * 10)  # fmt: skip
    assert torn(path) == "ends too early"


@pytest.fixture
def manifest(judged: Judge, tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "data/images").mkdir(parents=True)
    for number in range(COUNT):
        (tmp_path / f"data/images/{number}.png").write_bytes(picture(number, "PNG"))

    def judge(asked: str, **more: Any) -> Any:
        lines = [f"{n},images/{n}.png,c{n % 3}" for n in range(COUNT)]
        text = "\n".join(["id,image,label", *lines]) + "\n"
        return judged(text, contract=FILE_CONTRACT + asked, described=FILES, **more)

    return judge


ALL = "files: {size: {min: 50, max: 20000}, whole: true, once: true}\n"


def test_good_files_pass(manifest: Callable[..., Any]) -> None:
    found = manifest(ALL)
    assert (found.status, found.red()) == (Status.PASS, {})
    assert {"image: size", "image: whole", "image: once"} <= set(found.checks)
    assert not {"image: size", "image: whole", "image: once"} & set(manifest("").checks)


def test_each_fault_turns_its_check_red(manifest: Callable[..., Any], tmp_path: Path) -> None:
    images = tmp_path / "data/images"
    (images / "7.png").write_bytes(picture(7, "PNG")[:-5])
    found = manifest(ALL)
    assert found.red() == {"image: whole": "fail"}
    assert found.checks["image: whole"]["rows"] == [8]
    assert "1 of 60 rows name a file that is not whole" in found.checks["image: whole"]["message"]
    (images / "7.png").write_bytes(picture(7, "JPEG"))
    assert manifest(ALL).red() == {"image: whole": "fail"}
    (images / "7.png").write_bytes(b"")
    assert manifest(ALL).red() == {"image: whole": "fail", "image: size": "fail"}
    (images / "7.png").write_bytes(picture(7, "PNG") + bytes(20_000))
    found = manifest(ALL)
    assert found.red() == {"image: size": "fail"}
    assert "fewer than 50 or more than 20,000 bytes" in found.checks["image: size"]["message"]
    (images / "7.png").write_bytes((images / "8.png").read_bytes())
    found = manifest(ALL)
    assert found.red().get("image: once") == "fail"
    assert found.checks["image: once"]["rows"] == [8, 9]


def test_a_warning_and_a_tolerated_share(manifest: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "data/images/7.png").write_bytes(b"torn")
    found = manifest("files: {whole: true, severity: warn}\n")
    assert (found.status, found.red()) == (Status.PASS, {"image: whole": "fail"})
    assert manifest("files: {whole: true, tolerate: 0.02}\n").red() == {}
    assert manifest("files: {whole: true, tolerate: 0.01}\n").red() == {"image: whole": "fail"}


@pytest.mark.parametrize("asked", [ALL, "files: {size: {min: 50}, once: true}\n"])
def test_all_of_it_is_proved(manifest: Callable[..., Any], tmp_path: Path, asked: str) -> None:
    found = manifest(asked, prove="true")
    assert found.status is Status.PASS, found.verdict.lines
    proofs = json.loads((tmp_path / "out/validate-data/proof.json").read_text())
    outcome = {each["check"]: each["outcome"] for each in proofs if each["column"] == "image"}
    kinds = {"file", "listed", "leak", "size", "once"} | ({"whole"} if "whole" in asked else set())
    assert {kind for kind, each in outcome.items() if each == "proved"} >= kinds
    assert "missed" not in outcome.values()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("files: {}\n", "files: asks for nothing"),
        ("files: {size: {}}\n", "files.size: has neither min nor max"),
        ("files: {size: {min: 0}}\n", "files.size: lets every size pass"),
        ("files: {size: {min: 9, max: 8}}\n", "max, 8, is below min, 9"),
        ("files: {size: {min: -1}}\n", "size"),
    ],
)
def test_what_makes_no_sense(manifest: Callable[..., Any], asked: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        manifest(asked)
    assert words in str(error.value)


def test_a_table_has_no_files(judged: Judge, good: Callable[[], Any]) -> None:
    from tests.mlops_steps.validate_data.conftest import CONTRACT

    with pytest.raises(ConfigError, match="files: is for the kind files"):
        judged(good(), contract=CONTRACT + "files: {whole: true}\n")
