"""Signing in, and a server that does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.mlops_steps.registry_server import free_port, with_password, with_tokens

from mlops_steps.errors import ConfigError, InfrastructureError
from mlops_steps.registry import wire
from mlops_steps.registry.oci import OciRegistry

#: bcrypt of "correct horse".
HASHED = "$2b$05$d51CYr42pp8Mqoq9YMwAPO1a1n7uWpC.52zJAMAjGfagHdF5S3//m"
SECRET = "correct horse"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("MLOPS_REGISTRY_USER", "MLOPS_REGISTRY_PASSWORD", "CI_REGISTRY"):
        monkeypatch.delenv(name, raising=False)


def registry(host: str) -> OciRegistry:
    return OciRegistry(host, "owner/tumour", "tumour", plain=True)


def round_trip(host: str, folder: Path) -> None:
    for part in ("model", "source", "records"):
        (folder / "v" / part).mkdir(parents=True)
        (folder / "v" / part / "file").write_text(part)
    registry(host).publish("1.0.0", folder / "v")
    registry(host).fetch("1.0.0", folder / "fetched")
    assert registry(host).versions() == ["1.0.0"]


def test_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_password(tmp_path / "server", "ada", HASHED) as server:
        with pytest.raises(ConfigError, match="no user was given") as none:
            registry(server.host).versions()
        assert "MLOPS_REGISTRY_PASSWORD" in str(none.value)
        monkeypatch.setenv("MLOPS_REGISTRY_USER", "ada")
        monkeypatch.setenv("MLOPS_REGISTRY_PASSWORD", "wrong secret")
        with pytest.raises(ConfigError, match="401 Unauthorized; user ada") as wrong:
            registry(server.host).versions()
        assert "wrong secret" not in str(wrong.value)
        monkeypatch.setenv("MLOPS_REGISTRY_PASSWORD", SECRET)
        round_trip(server.host, tmp_path)


def test_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_tokens(tmp_path / "server", "ada", SECRET) as (server, scopes):
        with pytest.raises(ConfigError, match="gives no token"):
            registry(server.host).versions()
        monkeypatch.setenv("MLOPS_REGISTRY_USER", "ada")
        monkeypatch.setenv("MLOPS_REGISTRY_PASSWORD", "wrong secret")
        with pytest.raises(ConfigError, match="gives no token; user ada") as wrong:
            registry(server.host).versions()
        assert "wrong secret" not in str(wrong.value)
        scopes.clear()
        monkeypatch.setenv("MLOPS_REGISTRY_PASSWORD", SECRET)
        round_trip(server.host, tmp_path)
        # A token that may read is exchanged for one that may write, when that is asked for.
        # The server names the actions in any order.
        place = "repository:owner/tumour:"
        asked = [set(scope.removeprefix(place).split(",")) for scope in scopes]
        assert asked[:2] == [{"pull"}, {"pull", "push"}]
        # A token that no longer holds is exchanged too, in the middle of a run.
        late = registry(server.host)
        late.versions()
        late._wire._authorization = {"Authorization": "Bearer expired"}
        late._wire._auth.token = "expired"
        assert late.versions() == ["1.0.0"]


def test_dockers_own_configuration(tmp_path: Path) -> None:
    with with_tokens(tmp_path / "server", "ada", SECRET) as (server, _):
        config = tmp_path / "home" / ".docker" / "config.json"
        config.parent.mkdir(parents=True)
        known = "YWRhOmNvcnJlY3QgaG9yc2U="  # ada:correct horse
        config.write_text(json.dumps({"auths": {server.host: {"auth": known}}}))
        round_trip(server.host, tmp_path)


def test_gitlabs_password_is_for_gitlabs_registry_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_REGISTRY", "registry.example.org")
    monkeypatch.setenv("CI_REGISTRY_USER", "gitlab-ci-token")
    monkeypatch.setenv("CI_REGISTRY_PASSWORD", SECRET)
    assert wire.credentials("registry.example.org") == ("gitlab-ci-token", SECRET)
    assert wire.credentials("elsewhere.example.org") == ("", "")
    monkeypatch.setenv("MLOPS_REGISTRY_PASSWORD", "other")
    assert wire.credentials("registry.example.org") == ("token", "other")


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(wire.time, "sleep", waited.append)
    with pytest.raises(InfrastructureError, match=r"does not answer .*, tried 4 times"):
        registry(f"127.0.0.1:{free_port()}").versions()
    assert waited == list(wire.BACKOFF)
