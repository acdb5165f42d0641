"""The demonstrations: real data for every task, small enough to carry along.

Their rules were chosen so that an honest model passes them with the rows there are.
"""

from __future__ import annotations

import csv
import functools
import shutil
from importlib import resources
from pathlib import Path

from mlops_init.datasets import Dataset, Source, images

_TUMOURS = Dataset(
    path="data/samples.csv",
    key="id",
    target="diagnosis",
    positive="malignant",
    kind="table",
    file="",
    salt="tumour-1",
    test="0.3",
    valid="0.2",
    rules_test=("roc_auc >= 0.95", "accuracy >= champion - 0.05"),
    rules_valid=("roc_auc >= 0.90",),
    rules_about=(),
    about="Tells malignant from benign tumours by the shape of their cell nuclei.",
    credit=(
        "`data/samples.csv` is the Breast Cancer Wisconsin (Diagnostic) data set of Wolberg, "
        "Mangasarian, Street and Street, 1995, 569 rows, CC BY 4.0."
    ),
)
_DIGITS = Dataset(
    path="data/samples.csv",
    key="id",
    target="digit",
    positive="",
    kind="table",
    file="",
    salt="digits-1",
    test="0.3",
    valid="0.2",
    rules_test=("accuracy >= 0.90", "accuracy >= champion - 0.03"),
    rules_valid=("accuracy >= 0.85",),
    rules_about=(),
    about="Tells which digit was written by hand, from 8 x 8 shades of grey.",
    credit=(
        "`data/samples.csv` is the test part of the Optical Recognition of Handwritten Digits data "
        "set of Alpaydin and Kaynak, 1998, 1,797 rows, CC BY 4.0; each shade, 0 to 16, is the "
        "number of inked dots in 4 x 4."
    ),
)
_DIABETES = Dataset(
    path="data/samples.csv",
    key="id",
    target="progression",
    positive="",
    kind="table",
    file="",
    salt="diabetes-5",
    test="0.3",
    valid="0.25",
    rules_test=("rmse <= 70", "rmse <= champion + 1"),
    rules_valid=("rmse <= 75",),
    rules_about=(),
    about="Foretells how far diabetes has progressed after a year.",
    credit=(
        "`data/samples.csv` is the diabetes data of Efron, Hastie, Johnstone and Tibshirani, Least "
        "Angle Regression, Annals of Statistics 32 (2004), 442 rows, as distributed with "
        "scikit-learn (BSD-3-Clause). Its own source states no licence: ask before you publish it."
    ),
)
_IMAGES = Dataset(
    path="data/manifest.csv",
    key="id",
    target="digit",
    positive="",
    kind="files",
    file="image",
    salt="digits-1",
    test="0.3",
    valid="0.2",
    rules_test=("accuracy >= 0.90", "accuracy >= champion - 0.03"),
    rules_valid=("accuracy >= 0.85",),
    rules_about=(),
    about="Tells which digit was written by hand, from an image of 8 x 8 pixels.",
    credit=(
        "`data/images/` is the test part of the Optical Recognition of Handwritten Digits data set "
        "of Alpaydin and Kaynak, 1998, 1,797 images, CC BY 4.0, here as files in PNG. "
        "`data/manifest.csv` adds the mean of an image's shades and their standard deviation, "
        "between black, 0, and white, 1."
    ),
)
#: By task.
DEMOS = {
    "binary": _TUMOURS,
    "multiclass": _DIGITS,
    "regression": _DIABETES,
    "images": _IMAGES,
}


def source(task: str) -> Source:
    """The demonstration of a task."""
    write = _write_images if task == "images" else functools.partial(_write_table, task)
    return Source(DEMOS[task], write)


def folder() -> Path:
    """Where the tables lie: in the wheel, or in a checkout."""
    installed = Path(str(resources.files("mlops_init"))) / "data"
    if installed.is_dir():
        return installed
    return Path(__file__).resolve().parents[3] / "templates" / "data"


def _write_table(task: str, to: Path) -> None:
    for name in ("samples.csv", "contract.yaml"):
        shutil.copyfile(folder() / task / name, to / name)


def _write_images(to: Path) -> None:
    with (folder() / "multiclass" / "samples.csv").open(encoding="utf-8", newline="") as stream:
        _, *rows = csv.reader(stream)
    images.write(((row[0], list(map(int, row[1:-1])), row[-1]) for row in rows), to)
    shutil.copyfile(folder() / "images" / "contract.yaml", to / "contract.yaml")
