"""monitor."""

from mlops_steps.spec import Step

STEP = Step(
    name="monitor",
    summary="",
    requires=(
        "duckdb",
        "oras",
    ),
)
