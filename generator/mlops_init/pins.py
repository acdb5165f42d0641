"""Third-party actions and images, each by commit or digest (`pins.toml`)."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from mlops_init.renderers.emit import Noted


@functools.cache
def _table() -> dict[str, dict[str, dict[str, str]]]:
    text = resources.files("mlops_init").joinpath("pins.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def action(name: str) -> Noted:
    """The value of a `uses:`, with its version beside it."""
    pin = _table()["actions"][name]
    return Noted(f"{pin['uses']}@{pin['commit']}", beside=pin["version"])


def actions() -> dict[str, str]:
    """Every pinned action: owner/name@commit to owner/name."""
    return {f"{pin['uses']}@{pin['commit']}": pin["uses"] for pin in _table()["actions"].values()}


def image(name: str) -> str:
    """An image by tag, for people, and digest, for machines."""
    pin = _table()["images"][name]
    return f"{pin['image']}@{pin['digest']}"
