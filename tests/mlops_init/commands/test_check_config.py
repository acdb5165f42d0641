"""`mlops-init check-config`: every planted mistake on a line of its own, with its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests.mlops_init.helpers import run

from mlops_init.answers import Kept, complete, keep
from mlops_steps.data.tables import literal

Here = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.timeout(300)  # the first builds the environment


MLOPS_YAML = """\
# What is built.
model:
  name: tumour
  task: binary
data:
  inputs:
    samples:
      path: data/samples.csv
      key: id
      target: diagnosis
      positive: malignant
      split: {by: hash, salt: tumour-1, test: 0.3, valid: 0.2}
      contract: data/contract.yaml
commands:
  train: python -m tumour.train
  predict: python predict.py
  serve: python -m tumour
  test: python -m pytest -q
train:
  seed: 20
gate:
  test:
    - roc_auc >= 0.95
    - accuracy >= champion - 0.05
  valid:
    - roc_auc >= 0.90
registry: "platform"
deploy:
  weights: [5, 25, 50]
monitor:
  distance: 0.1
"""
FILES = {
    "mlops.yaml": MLOPS_YAML,
    "data/samples.csv": "id,mean_radius,diagnosis\n1,2.5,malignant\n",
    "data/contract.yaml": """\
columns:
  id: {type: text}
  mean_radius: {type: number}
  diagnosis: {type: text, allowed: [malignant, benign]}
""",
    "requirements.txt": "# made by hand\npytest==9.0 \\\n    --hash=sha256:00\n",
    "src/tumour/__init__.py": "",
    "src/tumour/__main__.py": "",
    "src/tumour/train.py": "",
    "predict.py": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose files git tracks; nobody generated it."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run("git", "init", "-q", folder=tmp_path)
    run("git", "add", "-A", folder=tmp_path)
    return tmp_path


def answered(folder: Path, **given: str) -> None:
    """Keep answers in the project, as if it had been generated."""
    kept = Kept(complete({"name": "tumour", **given}), "0" * 40, "1", {})
    (folder / ".mlops-init.toml").write_text(keep(kept))


def edit(folder: Path, old: str, new: str, name: str = "mlops.yaml") -> None:
    path = folder / name
    text = path.read_text()
    assert text.count(old) == 1, (old, text.count(old))
    path.write_text(text.replace(old, new))


def problems(here: Here, *arguments: str) -> list[str]:
    code, out, err = here("check-config", *arguments)
    assert (code, err) == (2, "")
    assert "no problem" not in out
    return out.splitlines()


def place(folder: Path, text: str, name: str = "mlops.yaml") -> str:
    """`FILE:LINE:COLUMN`, counted here, of a text in a file."""
    lines = (folder / name).read_text().splitlines()
    (number,) = [n for n, line in enumerate(lines) if text in line]
    return f"{name}:{number + 1}:{lines[number].index(text) + 1}"


def test_nothing_is_wrong(here: Here, project: Path) -> None:
    answered(project)
    code, out, err = here("check-config")
    assert (code, err) == (0, "")
    assert out == (
        "mlops.yaml: no problem found in 3 rules, 4 commands, data/samples.csv with 3 columns, "
        "data/contract.yaml on 3 of them\n"
    )


def test_a_generated_project(here: Here, projects: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(projects["both-plain"], tmp_path, dirs_exist_ok=True)
    run("git", "init", "-q", folder=tmp_path)
    run("git", "add", "-A", folder=tmp_path)
    code, out, _ = here("check-config")
    assert code == 0, out


def test_another_folder(here: Here, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = project / "src"
    monkeypatch.chdir(elsewhere)
    edit(project, "roc_auc >= 0.95", "acuracy >= 0.95")
    (line,) = problems(here, "..")
    assert line.startswith(place(project, "acuracy"))
    assert 'unknown metric "acuracy". Did you mean "accuracy"?' in line
    code, _, err = here("check-config", "nowhere")
    assert (code, err) == (2, "mlops-init: nowhere: no such folder\n")


def test_everything_at_once(here: Here, project: Path) -> None:
    edit(project, "- roc_auc >= 0.95", "- roc_auc => champion")
    edit(project, "- roc_auc >= 0.90", "- accuracy >= champion - 0.05")
    edit(project, "test: 0.3, valid: 0.2", "test: 0.8, valid: 0.2")
    edit(project, "target: diagnosis", "target: diagnose")
    edit(project, "tumour.train", "tumour.trian")
    edit(project, "test: python -m pytest -q", "test: ./check.sh 'now'")
    edit(project, 'registry: "platform"', 'registry: "s3://bucket"')
    found = problems(here)
    assert [line.split(": ", 2)[1] for line in found] == [
        "columns",
        "data.inputs.samples.target",
        "data.inputs.samples.split",
        "commands.train",
        "commands.test",
        "gate.test[0]",
        "gate.valid[0]",
        "registry",
    ]
    text = "\n".join(found)
    assert "has no column 'diagnose' (did you mean \"diagnosis\"?)" in text
    assert "test 0.8 and valid 0.2 leave no rows to train on" in text
    assert "trian.py: not found" in text
    assert "./check.sh: not found" in text
    assert "registry 's3://bucket' cannot be read. Allowed: platform" in text
    assert f"{place(project, 'target: diagnose')}: data.inputs.samples.target: " in text
    assert len(found) == len(set(found))


def test_every_break_of_the_schema_is_told(here: Here, project: Path) -> None:
    edit(project, "task: binary", "task: binray")
    edit(project, "seed: 20", "seed: twenty")
    edit(project, "weights: [5, 25, 50]", "weights: [5, 25, 500]")
    edit(project, "distance: 0.1", "distanse: 0.1")
    edit(project, "  serve: python", "  sevre: python")
    edit(project, "salt: tumour-1", 'salt: ""')
    found = problems(here)
    keys = {line.split(": ", 2)[1] for line in found}
    assert keys >= {
        "model.task",
        "train.seed",
        "deploy.weights[2]",
        "monitor.distanse",
        "commands.sevre",
        "data.inputs.samples.split.salt",
    }
    text = "\n".join(found)
    assert "unknown key 'distanse' (did you mean \"distance\"?)" in text
    assert "commands: Object missing required field `serve`" in text
    assert found == sorted(found, key=lambda line: [int(n) for n in line.split(":")[1:3]])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "mlops.yaml").unlink(), "mlops.yaml: not found in "),
        (lambda folder: (folder / "mlops.yaml").write_text("a: [1"), "mlops.yaml:1:"),
        (lambda folder: (folder / "mlops.yaml").write_text(""), "1:1: the file is empty"),
        (lambda folder: (folder / "mlops.yaml").write_text("[1]"), "mlops.yaml:1:1: Expected"),
        (lambda folder: (folder / "mlops.yaml").write_bytes(b"\xff"), "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read(
    here: Here, project: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(project)
    (line,) = problems(here)
    assert words in line


def test_the_contract(here: Here, project: Path) -> None:
    contract = "data/contract.yaml"
    edit(project, "mean_radius:", "mean_radios:", contract)
    (line,) = problems(here)
    assert line.startswith(place(project, "mean_radios", contract))
    assert 'has no such column (did you mean "mean_radius"?)' in line
    (project / contract).write_text("columns: {id: {type: txt}, x: {tpye: text}}\nrows: {min: 0}\n")
    assert len(problems(here)) >= 2
    (project / contract).unlink()
    (line,) = problems(here)
    assert line == (
        f"{place(project, 'contract: ')}: data.inputs.samples.contract: "
        "data/contract.yaml: not found"
    )


def test_what_the_contract_cannot_mean_of_the_table(here: Here, project: Path) -> None:
    contract = "data/contract.yaml"
    edit(project, "[malignant, benign]", "[Malignant, benign]", contract)
    edit(project, "  mean_radius: {type: number}\n", "", contract)
    columns, allowed = problems(here)
    assert columns.startswith(f"{place(project, 'columns:', contract)}: columns: says nothing of ")
    assert "'mean_radius', which data/samples.csv has. Allowed: name each column, or " in columns
    assert allowed.startswith(place(project, "allowed", contract))
    assert "lacks 'malignant', which mlops.yaml calls positive (did you mean" in allowed
    (project / contract).write_text((project / contract).read_text() + "extra_columns: true\n")
    assert len(problems(here)) == 1


def test_a_table_with_types(here: Here, project: Path) -> None:
    path = project / "data" / "samples.csv"
    query = f"SELECT id, '2.5' AS mean_radius, diagnosis FROM read_csv({literal(path)})"
    duckdb.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet)")
    id_, radius = problems(here)
    assert id_.endswith("data/samples.csv: the file holds BIGINT, which cannot be read as text")
    assert radius.startswith(place(project, "mean_radius", "data/contract.yaml"))
    assert radius.endswith(
        "data/samples.csv: the file holds VARCHAR, which cannot be read as number"
    )


@pytest.mark.parametrize("name", ["score", "Time"])
def test_a_feature_with_a_name_of_the_inference_log(here: Here, project: Path, name: str) -> None:
    for file in ("data/samples.csv", "data/contract.yaml"):
        edit(project, "mean_radius", name, file)
    (line,) = problems(here)
    assert line.startswith(f"{place(project, 'path: ')}: data.inputs.samples.path: ")
    assert f"has a column {name.lower()!r} of its own" in line


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("[50, 25, 5]", "deploy.weights[1]: 25 comes after 50. Allowed: percentages, each above"),
        ("[100]", "deploy.minimum_requests: 100 of each version are wanted, but the champion"),
        ("[5]", "deploy.minimum_requests: 100 of each version are wanted, but the candidate"),
    ],
)
def test_a_canary_that_cannot_be_judged(
    here: Here, project: Path, weights: str, words: str
) -> None:
    edit(project, "weights: [5, 25, 50]", f"weights: {weights}")
    (line,) = problems(here)
    assert line.startswith("mlops.yaml:")
    assert words in line


def test_all_that_does_not_fit_is_told(here: Here, project: Path) -> None:
    edit(project, "weights: [5, 25, 50]", "weights: [50, 25]")
    edit(project, "distance: 0.1", "log: s3://bucket/log.parquet")
    edit(project, "      positive: malignant\n", "")
    keys = [line.split(": ", 2)[1] for line in problems(here)]
    assert keys == ["data.inputs.samples.positive", "deploy.weights[1]", "monitor.log"]


def watch(project: Path, log: str, table: str | None = None) -> None:
    """Name a log, and put a table there that git tracks."""
    edit(project, "distance: 0.1", f"log: {log}")
    if table is not None:
        (project / log).write_text(table)
        run("git", "add", "-A", folder=project)


def test_a_log_of_the_project(here: Here, project: Path) -> None:
    watch(project, "data/log.csv", "time,key,mean_radius\n2026-01-01,1,2.5\n")
    code, out, _ = here("check-config")
    assert (code, "data/log.csv" in out) == (0, True), out


@pytest.mark.parametrize(
    ("log", "table", "words"),
    [
        ("data/log.csv", None, "data/log.csv: not found"),
        ("State", None, 'State: not found (did you mean "state"?)'),
        ("data", None, "data: not found"),
        ("data/log.csv", "time,id\n", "the inference log has no column 'key'"),
        ("data/log.csv", "", "log.csv: the file is empty"),
        ("~/log.csv", None, "'~/log.csv' is not expanded: no shell comes between"),
        ("x" * 300, None, "cannot be the name of a file"),
    ],
)
def test_a_log_that_no_job_can_read(
    here: Here, project: Path, log: str, table: str | None, words: str
) -> None:
    watch(project, log, table)
    (line,) = problems(here)
    assert line.startswith(f"{place(project, 'log: ')}: monitor.log: ")
    assert words in line


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "data/labels.csv: not found"),
        ("id,late\n", "labels.csv: has no column 'diagnosis'"),
        ("late,diagnosis\n", "labels.csv: has no column 'key' or 'id'"),
        ("id,diagnosis\n", ""),
    ],
)
def test_labels_that_monitor_could_not_join(
    here: Here, project: Path, table: str | None, words: str
) -> None:
    edit(project, "distance: 0.1", "labels: data/labels.csv")
    if table is not None:
        (project / "data" / "labels.csv").write_text(table)
        run("git", "add", "-A", folder=project)
    if not words:
        assert here("check-config")[0] == 0
        return
    (line,) = problems(here)
    assert line.startswith(f"{place(project, 'labels: ')}: monitor.labels: ")
    assert words in line


def test_a_log_that_git_does_not_track(here: Here, project: Path) -> None:
    watch(project, "log.csv", "time,key\n")
    run("git", "rm", "-q", "--cached", "log.csv", folder=project)
    (line,) = problems(here)
    assert line.endswith("monitor.log: log.csv: git does not track it, so no job sees it")


@pytest.mark.parametrize("log", ["/srv/log.parquet", "../log.parquet"])
def test_a_log_outside_is_for_runners_of_ones_own(here: Here, project: Path, log: str) -> None:
    watch(project, log)
    assert here("check-config")[0] == 0  # nobody knows which runner that is
    answered(project, runner="big")
    assert here("check-config")[0] == 0
    answered(project)
    (line,) = problems(here)
    assert "lies outside the project, where a hosted runner has nothing" in line


def test_the_table(here: Here, project: Path) -> None:
    (project / "data" / "samples.csv").write_text("id,Diagnosis,diagnosis\n1,a,b\n")
    (line,) = problems(here)
    assert "data.inputs.samples.path: " in line
    assert "two columns are named 'Diagnosis' and 'diagnosis'" in line
    (project / "data" / "samples.csv").unlink()
    (line,) = problems(here)
    assert "data/samples.csv: not found" in line


def test_a_link_out_of_the_project_is_not_followed(here: Here, project: Path) -> None:
    for name in ("data/samples.csv", "data/contract.yaml", "predict.py"):
        (project / name).unlink()
        (project / name).symlink_to("/dev/zero")
    found = problems(here, str(project))
    for name in ("data/samples.csv", "data/contract.yaml", "predict.py"):
        (line,) = [each for each in found if name in each]
        assert line.endswith(f": {name}: is a link that leads outside the project")


def test_what_a_file_holds_steers_no_terminal(here: Here, project: Path) -> None:
    edit(project, "train:\n", 'train:\n  "\\e[31m\\u202e": 1\n')
    (line,) = problems(here, str(project))
    assert "\\x1b[31m\\u202e" in line
    assert line.isprintable()


def test_what_git_does_not_track(here: Here, project: Path) -> None:
    run("git", "rm", "-q", "--cached", "data/samples.csv", "requirements.txt", folder=project)
    found = problems(here)
    keys = [line.split(": ", 2)[1] for line in found]
    assert keys == ["environment", "data.inputs.samples.path"]
    assert all(line.endswith("git does not track it, so no job sees it") for line in found)
    shutil.rmtree(project / ".git")
    (line,) = problems(here)
    assert line.startswith("mlops.yaml: a job sees what git tracks, which is nothing: ")


def test_the_lock(here: Here, project: Path) -> None:
    path = project / "requirements.txt"
    path.write_text(path.read_text() + "left-pad==1.0\n")
    (line,) = problems(here)
    assert line.endswith("requirements.txt: without a hash: left-pad")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("python -m pytest 'tests", "No closing quotation"),
        (" ", "' ' names no program"),
        ("python -m pytest -q | tee log", "runs without a shell"),
        ("python -m pytest --port $PORT", "to which alone '$PORT' means something"),
        ("CI=1 python -m pytest", "to which alone 'CI=1' means something"),
        ("python scripts/test.py", "scripts/test.py: not found"),
        ("python -m tumuor.train", "module tumuor: not found (did you mean"),
        ("bin/test", "bin/test: not found"),
    ],
)
def test_a_command(here: Here, project: Path, command: str, words: str) -> None:
    edit(project, "test: python -m pytest -q", f"test: {json_text(command)}")
    (line,) = problems(here)
    assert line.startswith(f"{place(project, 'test: ' + json_text(command))}: commands.test: ")
    assert words in line


def json_text(words: str) -> str:
    """Quoted so that YAML reads it as it stands."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(
    "command", ["pytest -q", "python -c 1", "python3 -m unittest", "make test"]
)
def test_what_cannot_be_told_is_no_problem(here: Here, project: Path, command: str) -> None:
    edit(project, "test: python -m pytest -q", f"test: {command}")
    assert here("check-config")[0] == 0


SOURCE = """\
source:
        address: s3://warehouse/orders.parquet
        credentials: {key: DATA_KEY, secret: DATA_SECRET}
      key: id
"""


@pytest.mark.parametrize(
    ("given", "lacking"), [("DATA_KEY", "DATA_SECRET"), ("", "DATA_KEY, DATA_SECRET")]
)
def test_credentials_that_no_job_gets(here: Here, project: Path, given: str, lacking: str) -> None:
    edit(project, "key: id\n", SOURCE)
    (project / "data" / "samples.csv").unlink()
    answered(project, source_secrets=given)
    (line,) = problems(here)
    words = f"the pipelines hand {lacking} to no job: they were made for the answer source_secrets="
    assert line.startswith(f"{place(project, 'credentials: ')}: data.inputs.samples.source")
    assert words in line
    answered(project, source_secrets="DATA_KEY,DATA_SECRET")
    assert here("check-config")[0] == 0


@pytest.mark.parametrize(
    ("made_for", "planted"),
    [
        ("platform", ("oci:r.example.org/m", "the pipelines were made for 'platform'")),
        ("folder:/srv/m", ("platform", "the pipelines were made for 'folder:/srv/m'")),
        ("folder:/srv/m", ("folder:/srv/m", "a folder is lost with a hosted runner")),
        ("platform", ("oci:user:secret@r.example.org/m", "holds a user or password")),
        ("platform", ("oci+http:r.example.org/m", "without encryption only on this machine")),
    ],
)
def test_the_registry_against_the_answers(
    here: Here, project: Path, made_for: str, planted: tuple[str, str]
) -> None:
    registry, words = planted
    answered(project, registry=made_for)
    edit(project, 'registry: "platform"', f'registry: "{registry}"')
    (line,) = problems(here)
    assert line.startswith(f"{place(project, 'registry: ')}: registry: ")
    assert words in line
    assert "secret@" not in line


def test_a_folder_on_runners_of_ones_own(here: Here, project: Path) -> None:
    answered(project, registry="folder:/srv/m", runner="big")
    edit(project, 'registry: "platform"', 'registry: "folder:/srv/m"')
    assert here("check-config")[0] == 0


def test_a_project_that_nobody_generated(here: Here, project: Path) -> None:
    edit(project, 'registry: "platform"', 'registry: "oci:r.example.org/m"')
    assert here("check-config")[0] == 0


def test_nothing_is_left_behind(here: Here, project: Path) -> None:
    before = sorted(project.rglob("*"))
    here("check-config")
    assert sorted(project.rglob("*")) == before
