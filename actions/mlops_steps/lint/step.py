"""lint."""

from mlops_steps.spec import Step

STEP = Step(name="lint", summary="", requires=("ruff",))
