"""evaluate."""

from mlops_steps.spec import Step

STEP = Step(
    name="evaluate",
    summary="",
    requires=(
        "duckdb",
        "numpy",
        "scikit-learn",
        "oras",
    ),
)
