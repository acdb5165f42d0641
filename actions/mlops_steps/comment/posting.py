"""One comment a pull request, model and workflow: found again by a marker, changed in place.

What has been done is kept in the comment itself, so a run that is killed anywhere leaves
nothing that the next one would not find.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mlops_steps.comment import github
from mlops_steps.comment.wire import AnswerError, Api

#: GitHub's own limit, in characters.
LARGEST = 65_536
_MARKER = re.compile(
    r"<!-- mlops-init:comment project=([a-z0-9_-]+) workflow=([A-Za-z0-9_-]*) "
    r"commit=([0-9a-f]+) -->"
)

Done = Literal["written", "changed", "unchanged"]


@dataclass(frozen=True)
class Topic:
    """What a comment is about; there is one comment a topic on a pull request."""

    project: str
    workflow: str

    def marker(self, commit: str) -> str:
        """The first line of its comment; nobody sees it on the page."""
        return (
            f"<!-- mlops-init:comment project={self.project} workflow={self.workflow} "
            f"commit={commit} -->"
        )


@dataclass(frozen=True)
class Found:
    """A comment of ours, and the commit that it is about."""

    id: int
    commit: str
    body: str


def find(api: Api, login: str, number: int, topic: Topic) -> Found | None:
    """Our comment: with the topic's marker, and written by ourselves; the oldest of several.

    A marker alone says nothing, since everybody can write one.
    """
    for each in github.comments(api, number):
        body = each.body or ""
        # GitHub's page sends line ends of its own when a person has edited it.
        marker = _MARKER.fullmatch(body.partition("\n")[0].rstrip("\r"))
        if not marker or each.user is None or each.user.login != login:
            continue
        if (marker[1], marker[2]) == (topic.project, topic.workflow):
            return Found(each.id, marker[3], body)
    return None


def put(
    api: Api, login: str, number: int, topic: Topic, *, commit: str, text: str, there: Found | None
) -> Done:
    """Write the comment, or change the one that is there.

    Args:
        api: The repository.
        login: Whose comments the token writes.
        number: The pull request.
        topic: What the comment is about.
        commit: The commit that it is about now.
        text: What it says, in Markdown.
        there: What `find` has found.
    """
    body = f"{topic.marker(commit)}\n{text}"
    if len(body) > LARGEST:
        raise ValueError(f"a comment of {len(body)} characters")
    if there is None:
        created = _create(api, number, body)
        there = find(api, login, number, topic)
        if there is None and created is None:
            raise AnswerError(f"POST issues/{number}/comments: no answer, and nothing is there")
        if there is None or created == there.id or (created is None and _same(there.body, body)):
            return "written"
        if created is not None:
            # Another run wrote one between our looking and our writing: one of the two is enough.
            api.delete(f"issues/comments/{created}")
    if _same(there.body, body):
        return "unchanged"
    api.change(f"issues/comments/{there.id}", {"body": body}, github.Comment)
    return "changed"


def _same(kept: str, body: str) -> bool:
    return kept.replace("\r\n", "\n").strip() == body.strip()


def _create(api: Api, number: int, body: str) -> int | None:
    """The new comment's number; None when no answer came, and it may be there or not."""
    try:
        return api.create(f"issues/{number}/comments", {"body": body}, github.Comment).id
    except AnswerError as error:
        if 400 <= error.code < 500:
            raise
        return None
