"""setup."""

from mlops_steps.spec import Step

STEP = Step(name="setup", summary="", requires=())
