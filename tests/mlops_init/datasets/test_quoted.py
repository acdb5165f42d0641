"""A literal is the same text to YAML and to Python, and a formatter leaves it as it is."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.mlops_init.helpers import BIN

from mlops_init.datasets import quoted

ODD = [
    'say "so"',
    "it's",
    "both ' and \"",
    "\\",
    "\\x22",
    "é",
    "日本",
    "😀",
    "\u202e\u2028\x85\xa0\ufeff",
    "a\nb\t",
    "{{ x }}",
    "",
]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back(text: str) -> None:
    literal = quoted(text)
    assert "\n" not in literal
    assert ast.literal_eval(literal) == text
    assert yaml.safe_load(f"{literal}: {literal}") == {text: text}
    assert YAML(typ="safe").load(f"[{literal}]") == [text]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_a_formatter_leaves_it_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(f"A = {quoted(text)}\n", encoding="utf-8")
    command = [BIN / "ruff", "format", "--isolated", "--check", str(path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
