"""register."""

from mlops_steps.spec import Step

STEP = Step(name="register", summary="", requires=("oras",))
