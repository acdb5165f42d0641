"""Targets of several classes and of numbers, and the files of a manifest: each fault turns red."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG

from mlops_steps.errors import ConfigError
from mlops_steps.spec import Status

Judge = Callable[..., Any]

NUMBERS = CONFIG.replace("binary", "regression").replace("      positive: bad\n", "")
NUMBERS = NUMBERS.replace("roc_auc >= 0.5", "rmse <= 5")
CLASSES = CONFIG.replace("binary", "multiclass").replace("      positive: bad\n", "")
CLASSES = CLASSES.replace("roc_auc >= 0.5", "accuracy >= 0.5")
FILES = CLASSES.replace("      key: id\n", "      key: id\n      kind: files\n      file: image\n")

NUMBER_CONTRACT = "columns:\n  id: {type: integer}\n  label: {type: number, nullable: true}\n"
CLASS_CONTRACT = "columns:\n  id: {type: integer}\n  label: {type: text, nullable: true}\n"
FILE_CONTRACT = "columns:\n  id: {type: integer}\n  image: {type: text}\n  label: {type: text}\n"


def share(key: int) -> float:
    """The definition of the split, written once more."""
    return int(hashlib.sha256(f"s:{key}".encode()).hexdigest()[:15], 16) / 16**15


def rows(cells: dict[int, str], other: Callable[[int], str]) -> str:
    """100 rows, some of them with a cell of their own."""
    return "id,label\n" + "".join(f"{n},{cells.get(n, other(n))}\n" for n in range(100))


@pytest.mark.parametrize(
    ("cells", "red"),
    [
        ({}, {}),
        ({41: ""}, {"label: target": "fail"}),
        ({41: "nan"}, {"label: target": "fail"}),
        ({41: "inf"}, {"label: target": "fail", "label: type": "fail"}),
        ({41: "large"}, {"label: target": "fail", "label: type": "fail"}),
        (dict.fromkeys(range(100), "2.5"), {"label: target": "fail"}),
    ],
)
def test_the_target_of_regression_is_numbers_that_vary(
    judged: Judge, cells: dict[int, str], red: dict[str, str]
) -> None:
    text = rows(cells, lambda n: f"{n / 7}")
    found = judged(text, contract=NUMBER_CONTRACT, described=NUMBERS)
    assert found.red() == red
    if len(cells) == 1:
        words = "1 of 100 rows have no finite number; regression wants one"
        assert found.checks["label: target"]["message"] == words
    elif cells:
        assert "has 1 different values; regression wants at least two" in found.verdict.lines[0]


@pytest.mark.parametrize("kind", ["text", "boolean", "timestamp"])
def test_a_contract_whose_target_is_no_number_is_refused(judged: Judge, kind: str) -> None:
    contract = NUMBER_CONTRACT.replace("number, nullable: true", kind)
    with pytest.raises(ConfigError) as caught:
        judged(rows({}, str), contract=contract, described=NUMBERS)
    assert str(caught.value) == (
        f"data/contract.yaml:3:11: columns.label.type: is {kind}; "
        "the target of the task regression is number or integer"
    )


@pytest.mark.parametrize(("values", "status"), [(1, "fail"), (2, "pass"), (3, "pass"), (9, "pass")])
def test_the_target_of_several_classes_has_several(judged: Judge, values: int, status: str) -> None:
    text = rows({}, lambda n: f"c{n % values}")
    found = judged(text, contract=CLASS_CONTRACT, described=CLASSES)
    assert found.checks["label: target"]["status"] == status
    assert (found.status is Status.PASS) == (status == "pass")


@pytest.fixture
def manifest(judged: Judge, tmp_path: Path) -> Callable[..., Any]:
    """Judge 100 rows that name a file each; some name what they are told to."""
    (tmp_path / "data/images").mkdir(parents=True)
    for number in range(100):
        (tmp_path / f"data/images/{number}.png").write_text(str(number))

    def judge(names: dict[int, str], **more: Any) -> Any:
        lines = [f"{n},{names.get(n, f'images/{n}.png')},c{n % 3}" for n in range(100)]
        text = "\n".join(["id,image,label", *lines]) + "\n"
        return judged(text, contract=FILE_CONTRACT, described=FILES, **more)

    return judge


def test_good_files_pass(manifest: Callable[..., Any]) -> None:
    found = manifest({})
    assert (found.status, found.red()) == (Status.PASS, {})
    assert {"image: file", "image: listed", "image: leak"} <= set(found.checks)


@pytest.mark.parametrize(
    "name",
    ["/etc/hostname", "../mlops.yaml", "images/none.png", "images", "link.png", "things", "a\\b"],
)
def test_a_row_that_names_no_file_inside_is_named_by_its_number(
    manifest: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    (tmp_path / "data/link.png").symlink_to("images/1.png")
    found = manifest({41: name})
    assert found.red() == {"image: file": "fail"}
    assert found.checks["image: file"]["rows"] == [42]
    assert found.verdict.lines[0] == (
        "image: file: 1 of 100 rows name no file in the manifest's folder (missing, outside, "
        "a link, the manifest itself) (row 42)"
    )


def test_an_empty_cell_names_no_file(manifest: Callable[..., Any]) -> None:
    assert manifest({41: ""}).red() == {"image: file": "fail", "image: nulls": "fail"}


def test_a_file_is_listed_once(manifest: Callable[..., Any]) -> None:
    one, other = _side()[:2]
    found = manifest({one: f"./images/{other}.png"})
    assert found.red() == {"image: listed": "fail"}
    assert found.checks["image: listed"]["rows"] == sorted([one + 1, other + 1])


def test_no_content_is_on_two_sides(manifest: Callable[..., Any], tmp_path: Path) -> None:
    train, test = _side()[0], next(n for n in range(100) if share(n) < 0.3)
    (tmp_path / f"data/images/{train}.png").write_text(str(test))
    found = manifest({})
    assert found.red() == {"image: leak": "fail"}
    assert found.checks["image: leak"]["rows"] == sorted([train + 1, test + 1])
    # With valid as the judge, the files of test rows are not opened.
    assert manifest({}, split="valid").red() == {}


def test_the_same_content_twice_on_one_side_is_no_leak(
    manifest: Callable[..., Any], tmp_path: Path
) -> None:
    one, other = _side()[:2]
    (tmp_path / f"data/images/{one}.png").write_text(str(other))
    assert manifest({}).red() == {}


def test_a_manifest_without_the_column_cannot_be_judged(judged: Judge) -> None:
    found = judged("id,label\n1,a\n2,b\n", contract=FILE_CONTRACT, described=FILES)
    for check in ("file", "listed", "leak"):
        assert found.checks[f"image: {check}"]["status"] == "undecided"


def test_a_contract_says_something_of_the_files(judged: Judge) -> None:
    with pytest.raises(ConfigError, match="columns: says nothing of 'image'"):
        judged("id,label\n1,a\n", contract=CLASS_CONTRACT, described=FILES)


def _side() -> list[int]:
    """The rows to train on."""
    return [number for number in range(100) if share(number) >= 0.5]
