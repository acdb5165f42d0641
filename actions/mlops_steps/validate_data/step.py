"""validate-data."""

from mlops_steps.spec import Step

STEP = Step(name="validate-data", summary="", requires=("duckdb",))
