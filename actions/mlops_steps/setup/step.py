"""setup: the project's environment, what is in it, and the machine's GPUs."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from mlops_steps.spec import Input, Status, Step

if TYPE_CHECKING:
    from mlops_steps.record import Record

STEP = Step(
    name="setup",
    summary="Build the project's environment from its lock and record what is there.",
    inputs=(
        Input(
            "run",
            "A command of mlops.yaml to run in the environment once it stands.",
            choices=("test",),
        ),
    ),
)


def run(record: Record) -> Status:
    """Build, record, and run what was asked for."""
    from mlops_steps import commands
    from mlops_steps.setup import gpu, packages

    lock = record.take(record.config.environment)
    python = commands.project_python(record.root, record.config.environment)
    versions = packages.installed(python)
    gpus = gpu.facts()

    direct = {name: versions[name] for name in packages.direct(lock) if name in versions}
    record.verdict.versions |= {
        "platform": platform.platform(),
        "uv": packages.uv_version(),
        **{f"gpu {each['index']}": f"{each['name']}, {each['memory_total']} MiB" for each in gpus},
        **{f"gpu {each['index']} driver": str(each["driver_version"]) for each in gpus},
        **direct,
    }
    record.figure("packages", len(versions))
    record.figure("gpus", len(gpus))
    facts = f"Python {platform.python_version()}, {len(versions)} packages, {gpu.in_words(gpus)}"
    record.say(facts, ", ".join(f"{name} {version}" for name, version in direct.items()))

    if record.inputs["run"]:
        log = record.folder / f"{record.inputs['run']}.log"
        command = getattr(record.config.commands, record.inputs["run"])
        commands.run(command, folder=record.root, python=python, extra={}, log=log)
        commands.show(log)
        record.wrote(log)
        record.say(commands.tail(log, lines=1).strip() or f"`{command}` said nothing", facts)
    return Status.PASS
