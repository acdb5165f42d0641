"""The cache of downloads: what is compiled in it can still be installed from it."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlops_init.engines import downloads

ENTER = Path(__file__).resolve().parents[3] / "actions" / "mlops_steps" / "enter.py"


def wheel(folder: Path) -> Path:
    """A wheel that keeps a module in its folder `.data`, as some do."""
    path = folder / "planted-1.0-py3-none-any.whl"
    about = "planted-1.0.dist-info"
    files = {
        "planted_plain.py": "PLACE = 'top'\n",
        "planted-1.0.data/platlib/planted_moved.py": "PLACE = 'moved'\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
    }
    lines = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        lines.append(f"{name},sha256={digest.decode()},{len(text)}\n")
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{about}/RECORD", "".join(lines) + f"{about}/RECORD,,\n")
    return path


def test_what_was_compiled_can_be_installed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = wheel(tmp_path)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    lock = tmp_path / "planted.txt"
    lock.write_text(f"planted @ {made.as_uri()} --hash=sha256:{digest}\n")
    cache = tmp_path / "cache"
    env = os.environ | {
        "MLOPS_CACHE": str(cache),
        "MLOPS_ENV_DIR": str(tmp_path / "first"),
        "MLOPS_PYTHON": f"{sys.version_info[0]}.{sys.version_info[1]}",
    }
    downloads.fill(cache, [lock], ENTER, env)
    assert list(cache.rglob("planted_plain.*.pyc"))
    # Said once, since it takes minutes; the second time there is nothing to wait for.
    assert "packages of 1 lock are fetched and compiled" in capsys.readouterr().err
    downloads.fill(cache, [lock], ENTER, env)
    assert capsys.readouterr().err == ""

    command = [sys.executable, "-I", ENTER, "--build", lock]
    env["MLOPS_ENV_DIR"] = str(tmp_path / "second")
    built = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    code = "import planted_plain, planted_moved; print(planted_plain.PLACE, planted_moved.PLACE)"
    said = subprocess.check_output([built.stdout.strip(), "-I", "-c", code], text=True)
    assert said.split() == ["top", "moved"]
