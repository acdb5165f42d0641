"""The list: what a contract does not say as its source does, and where each check stands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlops_steps.validate_data.contract import Severity

#: What the importer writes so that a contract is complete, and what it cannot say in full.
Kind = Literal["left out", "differs", "added"]


@dataclass(frozen=True)
class Note:
    """One line of the list.

    Attributes:
        kind: left out: nothing of it is in the contract. differs: it is, and there is data of
            which the two say different things. added: the source does not say it.
        where: The place in the source.
        what: What stands there.
        why: Why it is not carried over as it is.
        instead: What to write or to do instead, if anything.
    """

    kind: Kind
    where: str
    what: str
    why: str
    instead: str = ""


@dataclass(frozen=True)
class Told:
    """Where a check stands in the source, its name there, and how it counts."""

    where: str
    what: str
    severity: Severity = "error"
    tolerate: float = 0

    @property
    def plain(self) -> bool:
        """Whether no row may break it."""
        return self.severity == "error" and not self.tolerate
