"""report."""

from mlops_steps.spec import Step

STEP = Step(
    name="report",
    summary="",
    requires=(
        "jinja2",
        "matplotlib",
    ),
)
