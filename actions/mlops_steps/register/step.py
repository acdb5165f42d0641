"""Publish the model that passed the gate as a version, and let `candidate` name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_steps.spec import VERSION_NUMBER, WORKFLOW_NAME, Input, Output, Status, Step

if TYPE_CHECKING:
    from mlops_steps.record import Record

STEP = Step(
    name="register",
    summary="Publish the model that passed the gate as an immutable version.",
    requires=("duckdb", "oras"),
    inputs=(
        Input(
            "version",
            "The version's number; empty for the next minor one.",
            pattern=VERSION_NUMBER,
            example="1.4.0",
        ),
        Input(
            "start",
            "The workflow to start with the new version; empty for none.",
            pattern=WORKFLOW_NAME,
            example="cd",
        ),
    ),
    outputs=(
        Output("version", "The number of the version that was registered.", example="1.4.0"),
        Output(
            "digest",
            "Its digest: the SHA-256 of its version.json.",
            example="sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        ),
    ),
)


def run(record: Record) -> Status:
    """Check the earlier verdicts, assemble, publish, point the alias, start what is next."""
    from mlops_steps import ci
    from mlops_steps.register import assemble, publish
    from mlops_steps.registry.address import open_registry

    verdicts = {step: record.read_verdict(step) for step in assemble.STEPS}
    refusal = assemble.refusal(verdicts)
    if refusal:
        record.say(refusal.line, *refusal.lines)
        record.find("not-registered", f"{refusal.line}: {refusal.lines[0]}")
        if record.inputs["start"]:
            ci.no_next_workflow(record.folder)
        return refusal.status
    registry = open_registry(record)
    with assemble.version_folder(record, verdicts) as folder:
        published = publish.publish(record, registry, folder)
    publish.point_candidate(record, registry, published, verdicts["gate"])
    if record.inputs["start"]:
        published.lines.append(
            ci.start_workflow(record.inputs["start"], {"version": published.version}, record.folder)
        )
    record.output("version", published.version)
    record.output("digest", published.digest)
    record.say(f"{published.version} in {registry.address}", *published.lines)
    return Status.PASS
