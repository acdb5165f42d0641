"""The project template, rendered the way the generator renders it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cookiecutter.generate import generate_files

TEMPLATE = Path(__file__).resolve().parents[2] / "templates" / "project"


def answers(**changed: str) -> dict[str, str]:
    """The template's defaults, the first choice where there is a choice."""
    keys = json.loads((TEMPLATE / "cookiecutter.json").read_text())
    defaults = {
        key: value if isinstance(value, str) else value[0]
        for key, value in keys.items()
        if not key.startswith("_")
    }
    assert set(changed) <= set(defaults)
    return defaults | changed


def render_template(into: Path, **changed: str) -> Path:
    """Render the template under `into`; returns the project's folder."""
    keys = json.loads((TEMPLATE / "cookiecutter.json").read_text())
    context = {**answers(**changed), "_copy_without_render": keys["_copy_without_render"]}
    return Path(generate_files(TEMPLATE, {"cookiecutter": context}, into))


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Render with some answers changed, each time into a new folder."""

    def make(**changed: str) -> Path:
        return render_template(tmp_path_factory.mktemp("rendered"), **changed)

    return make
