"""`mlops-init new --data`: a project from somebody's own table."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.mlops_init.datasets import tables
from tests.mlops_init.datasets.tables import write
from tests.mlops_init.helpers import PIN, files, run

from mlops_init import answers

Here = Callable[..., tuple[int, str, str]]
NEW = ("--defaults", "--pin", PIN)


def test_a_project_from_a_table(here: Here, tmp_path: Path) -> None:
    path = write(tmp_path / "customers.csv", tables.customers())
    code, out, err = here("new", "churn", "--data", str(path), "--target", "churned", *NEW)
    assert (code, err) == (0, "")
    folder = tmp_path / "churn"
    assert (folder / "data" / "customers.csv").read_bytes() == path.read_bytes()
    kept = answers.load(folder)
    made = kept.answers
    assert (made.data, made.key, made.target) == ("customers.csv", "customer_id", "churned")
    assert (made.task, made.positive) == ("binary", "yes")
    assert kept.files["data/customers.csv"] == hashlib.sha256(path.read_bytes()).hexdigest()
    for words in (
        "data      data/customers.csv        900 rows, 8 columns, byte for byte",
        "key       'customer_id'",
        "target    'churned'                 binary: two values, 'no' (",
        "positive  'yes'                     it says so",
        "rules     roc_auc >= 0.5, accuracy >= champion - 0.",
        "contract  data/contract.yaml: inferred from these rows, read it",
    ):
        assert words in out
    assert len(out.splitlines()) <= 32


def test_no_demonstration_is_left_in_it(here: Here, tmp_path: Path) -> None:
    path = write(tmp_path / "customers.csv", tables.customers())
    here("new", "churn", "--data", str(path), "--target", "churned", *NEW)
    folder = tmp_path / "churn"
    assert {each.name for each in (folder / "data").iterdir()} == {"customers.csv", "contract.yaml"}
    for name, content in files(folder).items():
        for word in (b"tumour", b"diagnosis", b"malignant", b"samples.csv", b"Wisconsin"):
            assert word not in content, name


def test_answers_in_a_file_or_as_settings_are_the_same(here: Here, tmp_path: Path) -> None:
    write(tmp_path / "c.csv", tables.customers())
    (tmp_path / "a.toml").write_text('data = "c.csv"\ntarget = "churned"\nkey = "customer_id"\n')
    settings = ("-c", "data=c.csv", "-c", "target=churned", "-c", "key=customer_id")
    flags = ("--data", "c.csv", "--target", "churned", "--key", "customer_id")
    made = []
    for number, given in enumerate((("--answers", "a.toml"), settings, flags)):
        (tmp_path / str(number)).mkdir()
        code, _, err = here("new", "churn", *given, *NEW, "--output", str(number))
        assert (code, err) == (0, "")
        made.append(files(tmp_path / str(number)))
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("make", [tables.customers, tables.plants], ids=["copied", "with a key"])
def test_a_projects_own_record_makes_it_again(
    here: Here, tmp_path: Path, make: Callable[[], list[list[str]]]
) -> None:
    rows = make()
    write(tmp_path / "t.csv", rows)
    code, _, err = here("new", "churn", "--data", "t.csv", "--target", rows[0][-1], *NEW)
    assert (code, err) == (0, "")
    (tmp_path / "t.csv").unlink()
    (tmp_path / "again").mkdir()
    record = tmp_path / "churn" / answers.FILE_NAME
    code, _, err = here("new", "churn", "--answers", str(record), *NEW, "--output", "again")
    assert (code, err) == (0, "")
    assert files(tmp_path / "again" / "churn") == files(tmp_path / "churn")


def test_the_task_that_was_asked_for(here: Here, tmp_path: Path) -> None:
    rows = tables.with_column(tables.plants(), "grade", [str(row % 7) for row in range(900)])
    write(tmp_path / "t.csv", rows)
    for name, given, task in (
        ("a", (), "multiclass"),
        ("b", ("-c", "task=regression"), "regression"),
    ):
        code, out, err = here("new", name, "--data", "t.csv", "--target", "grade", *given, *NEW)
        assert (code, err) == (0, "")
        assert answers.load(tmp_path / name).answers.task == task
        assert f"'grade'                   {task}: " in out


def test_mlops_yaml_names_the_table(here: Here, tmp_path: Path) -> None:
    rows = tables.with_column(tables.customers(), "n,o", [f"k{row}" for row in range(900)])
    rows[0][-1] = 'left "us"'
    write(tmp_path / "t.csv", rows)
    code, _, err = here(
        "new", "churn", "--data", "t.csv", "--target", 'left "us"', "--key", "n,o", *NEW
    )
    assert (code, err) == (0, "")
    text = (tmp_path / "churn" / "mlops.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    table = content["data"]["inputs"]["samples"]
    assert (table["path"], table["key"]) == ("data/t.csv", "n,o")
    assert (table["target"], table["positive"]) == ('left "us"', "yes")
    assert content["model"]["task"] == "binary"
    assert content["gate"]["test"][0] == "roc_auc >= 0.5"
    assert "better than guessing" in text
    contract = yaml.safe_load((tmp_path / "churn" / "data" / "contract.yaml").read_text("utf-8"))
    assert list(contract["columns"]) == rows[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,y\n", "t.csv: no rows below the names of the columns. Nothing was written"),
        ("id,y\n1,a\n2,b\n", "t.csv: no column besides key and target"),
        ("PAR1", "is Parquet, for which no reader is installed here"),
        ("id,a,y\n1,2,a\n2,3,b\n", "2 rows are too few"),
        ("id,a,y\n1,2,a\n2,3,\n", "line 3: no value of the target 'y'"),
    ],
)
def test_a_bad_table_writes_nothing(here: Here, tmp_path: Path, content: str, words: str) -> None:
    write(tmp_path / "t.csv", content)
    code, out, err = here("new", "churn", "--data", "t.csv", "--target", "y", *NEW)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_memory_stays_small_whatever_the_table(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w") as stream:
        stream.write("a,b,note,y\n")
        for row in range(250_000):
            note = f"note {row} " * 20
            stream.write(f"{row % 977}.5,{row * 7919 % 1000003},{note},{row % 2}\n")
    size = (tmp_path / "t.csv").stat().st_size
    # Not getrusage, which begins with what the process was that started this one.
    program = (
        "import atexit, pathlib, sys\n"
        "from mlops_init.main import main\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: pathlib.Path('status').write_text(status.read_text()))\n"
        "main()\n"
    )
    new = ["new", "churn", "--data", "t.csv", "--target", "y", *NEW]
    found = run(sys.executable, "-c", program, *new, folder=tmp_path, timeout=300)
    assert found.returncode == 0, found.stderr
    peak = int((tmp_path / "status").read_text().partition("VmHWM:")[2].split()[0])
    # With the interpreter, it takes less than the table alone would.
    assert peak * 1024 < size
    # A key had to be added, so the copy was written row by row, too.
    with (tmp_path / "churn" / "data" / "t.csv").open() as stream:
        assert [next(stream)[:6], next(stream)[:4]] == ["row,a,", "1,0."]
