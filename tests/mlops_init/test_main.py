"""The command line as a whole: quick help, one line for every refusal, a code for every end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_init.helpers import call, run

from mlops_init import version

Here = Callable[..., tuple[int, str, str]]
#: What a command needs, and `--help` does not.
HEAVY = ("cookiecutter", "jinja2", "ruamel", "rich", "psutil", "mlops_steps", "subprocess")


def test_help_names_the_commands(here: Here) -> None:
    code, out, _ = here("--help")
    assert code == 0
    assert "new" in out
    assert "run" in out
    code, out, _ = here("new", "--help")
    assert code == 0
    assert "--answers FILE" in out


def test_help_imports_no_command(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from mlops_init.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules)"
    )
    found = run(sys.executable, "-c", code, folder=tmp_path)
    loaded = {name.split(".")[0] for name in found.stdout.splitlines()[-1].split()}
    assert "mlops_init" in loaded
    assert not loaded & set(HEAVY)


def test_the_version(here: Here) -> None:
    assert here("--version")[:2] == (0, f"mlops-init, version {version.version()}\n")


@pytest.mark.parametrize("arguments", [["nwe"], ["--nwe"], ["new", "a", "b"], ["run", "ci", "ct"]])
def test_a_slip(here: Here, tmp_path: Path, arguments: list[str]) -> None:
    code, out, err = here(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("mlops-init: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_there_is_help(tmp_path: Path) -> None:
    found = call(folder=tmp_path)
    assert found.returncode == 2
    assert "Usage:" in found.stderr
