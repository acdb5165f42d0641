"""What a pipeline says, as facts, for comparison: `github(files)`, `gitlab(files, components)`,
`described(workflows, answers, platform)`, and `differences(a, b)`.
"""

from tests.workflows.facts.description import described
from tests.workflows.facts.on_github import github
from tests.workflows.facts.on_gitlab import gitlab
from tests.workflows.facts.said import (
    DELIBERATE,
    UNSAID,
    Facts,
    Job,
    Workflow,
    differences,
    unsaid,
)

__all__ = [
    "DELIBERATE",
    "UNSAID",
    "Facts",
    "Job",
    "Workflow",
    "described",
    "differences",
    "github",
    "gitlab",
    "unsaid",
]
