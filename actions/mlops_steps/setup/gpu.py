"""What the machine's GPUs are, as the driver's own program tells it."""

from __future__ import annotations

import csv
import shutil
import subprocess

from mlops_steps.errors import UndecidedError

#: What is asked, and the type of each answer; memory in MiB.
FIELDS: dict[str, type[int | str]] = {
    "index": int,
    "name": str,
    "memory.total": int,
    "driver_version": str,
}
PATIENCE_SECONDS = 60


def facts() -> list[dict[str, str | int]]:
    """One dict a GPU: index, name, memory_total (MiB), driver_version.

    Empty where there is no `nvidia-smi`, or where it says that there are no devices.

    Raises:
        UndecidedError: `nvidia-smi` is there, but fails or answers something else: whether
            there is a GPU is then not known.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UndecidedError(f"{program}: {error}") from None
    said = found.stdout.strip()
    if said.startswith("No devices were found"):
        return []
    if found.returncode:
        words = " ".join(f"{said} {found.stderr}".split()) or "no output"
        raise UndecidedError(f"{program} ended with exit code {found.returncode}: {words}")
    return [_gpu(program, row) for row in csv.reader(said.splitlines(), skipinitialspace=True)]


def in_words(gpus: list[dict[str, str | int]]) -> str:
    """`no GPU`, `NVIDIA H200` or `2 x NVIDIA H200`."""
    if not gpus:
        return "no GPU"
    names = sorted({str(gpu["name"]) for gpu in gpus})
    return f"{len(gpus)} x {', '.join(names)}" if len(gpus) > 1 else names[0]


def _gpu(program: str, row: list[str]) -> dict[str, str | int]:
    if len(row) != len(FIELDS):
        raise UndecidedError(f"{program} answered {row}; wanted {', '.join(FIELDS)}")
    gpu: dict[str, str | int] = {}
    for (name, kind), text in zip(FIELDS.items(), row, strict=True):
        # A part of a GPU (MIG) may have no answer of its own: the driver's word is kept.
        gpu[name.replace(".", "_")] = int(text) if kind is int and text.isdecimal() else text
    return gpu
