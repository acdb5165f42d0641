"""Which registry an address means, and which folders are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_steps.conftest import MLOPS_YAML, Sample

from mlops_steps import config
from mlops_steps.errors import ConfigError
from mlops_steps.record import Record
from mlops_steps.registry.address import open_registry
from mlops_steps.spec import Step

Opening = Callable[..., str]


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """The printed address of the registry that a project opens under some variables."""
    (tmp_path / "project").mkdir()
    for name in os.environ:
        if name.startswith(("MLOPS_", "GITHUB_", "RUNNER_", "CI_", "GITLAB_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def opening(registry: str = "platform", **variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        root = tmp_path / "project"
        (root / "mlops.yaml").write_text(f"{MLOPS_YAML}registry: '{registry}'\n")
        step = Step(name="register", summary="")
        return open_registry(Record(step, root, config.load(root), {})).address

    return opening


def test_on_a_laptop(address: Opening, tmp_path: Path) -> None:
    assert address() == f"folder:{tmp_path}/home/.local/state/mlops-init/tumour"
    assert address("folder:~/models") == f"folder:{tmp_path}/home/models"
    assert address("folder:models") == f"folder:{tmp_path}/project/models"
    assert address("oci:ghcr.io/ada/tumour") == "oci:ghcr.io/ada/tumour"
    assert address("oci+http:[::1]:5000/a/b") == "oci+http:[::1]:5000/a/b"
    assert address(MLOPS_STATE=str(tmp_path / "state")) == f"folder:{tmp_path}/state"
    assert address(MLOPS_REGISTRY="oci+http:127.0.0.1:5000/x") == "oci+http:127.0.0.1:5000/x"


GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Ada/Tumour"}


def test_on_github(address: Opening) -> None:
    assert address(**GITHUB) == "oci:ghcr.io/ada/tumour/tumour"
    with pytest.raises(ConfigError, match="has no container registry that is known here"):
        address(GITHUB_SERVER_URL="https://github.example.org")


def test_on_gitlab(address: Opening) -> None:
    with pytest.raises(ConfigError, match="container registry is switched off"):
        address(GITLAB_CI="true")
    image = "registry.example.org:5050/ada/tumour"
    assert address(CI_REGISTRY_IMAGE=image) == f"oci:{image}/tumour"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "folder:",
        "oci:ghcr.io",
        "oci:ghcr.io/Ada/tumour",
        "oci:ghcr.io/ada/../tumour",
        "oci:ghcr.io/ada/tumour:latest",
        "https://ghcr.io/ada/tumour",
        "s3://models",
    ],
)
def test_what_cannot_be_read(address: Opening, wrong: str) -> None:
    with pytest.raises(ConfigError, match="Allowed: platform, oci:HOST/PATH"):
        address(wrong)


def test_a_password_has_no_place_in_it(address: Opening) -> None:
    with pytest.raises(ConfigError, match="MLOPS_REGISTRY_PASSWORD") as refused:
        address("oci:ada:secret@ghcr.io/ada/tumour")
    assert "secret" not in str(refused.value)


def test_without_encryption_on_this_machine_only(address: Opening) -> None:
    for host in ("ghcr.io", "10.0.0.1:5000", "localhost.example.org", "127.example.org"):
        with pytest.raises(ConfigError, match="without encryption only on this machine"):
            address(f"oci+http:{host}/ada/tumour")


@pytest.mark.parametrize(
    "variables",
    [
        GITHUB,
        GITHUB | {"RUNNER_ENVIRONMENT": "github-hosted"},
        {"GITLAB_CI": "true", "CI_RUNNER_TAGS": '["saas-linux-small-amd64"]'},
    ],
)
def test_a_hosted_runner_loses_every_folder(address: Opening, variables: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="is lost when this job ends: the machine is a hosted"):
        address("folder:/srv/models", **variables)


def test_a_runner_of_ones_own_loses_some(address: Opening, tmp_path: Path) -> None:
    own = GITHUB | {"RUNNER_ENVIRONMENT": "self-hosted"}
    assert address("folder:/srv/models", **own) == "folder:/srv/models"
    with pytest.raises(ConfigError, match=r"it lies in /.*\. Use platform or oci:HOST/PATH"):
        address("folder:models", GITHUB_WORKSPACE=str(tmp_path / "project"))
    with pytest.raises(ConfigError, match="it lies in /opt/temp"):
        address("folder:/opt/temp/../temp/models", RUNNER_TEMP="/opt/temp")
    # A local run keeps this folder wherever it lies, and says so.
    assert address(MLOPS_STATE=str(tmp_path / "state")) == f"folder:{tmp_path}/state"


def test_a_folder_loads_no_network_client(sample: Callable[..., Sample]) -> None:
    project = sample()
    code = (
        "import sys; from pathlib import Path; from mlops_steps import config, record, spec;"
        "from mlops_steps.registry.address import open_registry;"
        "open_registry(record.Record(spec.Step(name='gate', summary=''), Path.cwd(),"
        "config.load(Path.cwd()), {}));"
        "print({'requests', 'oras'} & set(sys.modules))"
    )
    actions = Path(__file__).resolve().parents[3] / "actions"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.folder,
        env=project.env | {"PYTHONPATH": str(actions)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "set()"
