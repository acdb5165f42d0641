"""train."""

from mlops_steps.spec import Step

STEP = Step(name="train", summary="", requires=("duckdb",))
