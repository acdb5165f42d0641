"""Markdown as GitHub and GitLab both read it: tables, folds, and foreign text made harmless."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_steps.doors import escape_markdown
from mlops_steps.report.text import SIGNS, one_line
from mlops_steps.spec import Status

#: Rows of a table before it is cut; the page has more.
ROW_LIMIT = 50


def sign(status: Status) -> str:
    """A verdict with its sign."""
    return f"{SIGNS[status]} {status}"


def code(text: str) -> str:
    """Text between backticks: only what a digest is made of."""
    return "".join(mark for mark in text if mark.isalnum() or mark in ":-") or "none"


def fold(title: str, lines: list[str]) -> str:
    """A part that is opened by a click."""
    # Without the empty line after the summary, neither platform reads the table as Markdown.
    return "\n".join([f"<details><summary>{title}</summary>", "", *lines, "</details>", ""])


def table(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], limit: int = ROW_LIMIT
) -> list[str]:
    """A table of at most `limit` rows, whose cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows[:limit]]
    if len(rows) > limit:
        lines += ["", f"{len(rows) - limit:,} more on the page."]
    return [*lines, ""]


def escaped(text: str) -> str:
    """Foreign text on one line, as nothing but text."""
    return escape_markdown(one_line(text))


def briefly(text: str) -> str:
    """The same, cut: above the folds there is no room for more."""
    return escape_markdown(one_line(text, 160))
