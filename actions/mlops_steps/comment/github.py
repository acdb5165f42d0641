"""What is asked of GitHub, and the parts of its answers that are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from mlops_steps.comment.wire import AnswerError, Api

#: A page holds 50: with all their texts, 100 comments could be more than is read of an answer.
_PER_PAGE = 50
#: Pages. GitHub takes no more than 2,500 comments on one pull request, and shows no more than
#: 1,000 runs of a search; of the open pull requests, the newest 1,000 are looked at.
_COMMENT_PAGES, _RUN_PAGES, _PULL_PAGES, _ARTIFACT_PAGES = 52, 20, 20, 2

Number = Annotated[int, Meta(ge=1, le=10**15)]
Commit = Annotated[str, Meta(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\Z")]


class Repository(msgspec.Struct, frozen=True):
    """By its number: a name may change, and go to somebody else."""

    id: Number


class Side(msgspec.Struct, frozen=True):
    """One of the two that a pull request is between; no repository when that is gone."""

    sha: Commit
    repo: Repository | None


class Pull(msgspec.Struct, frozen=True):
    """A pull request."""

    number: Number
    state: str
    head: Side
    base: Side
    locked: bool = False

    @property
    def from_fork(self) -> bool:
        """Whether it comes from another repository."""
        return self.head.repo is not None and self.head.repo != self.base.repo


class User(msgspec.Struct, frozen=True):
    """Who wrote something."""

    login: str


class Comment(msgspec.Struct, frozen=True):
    """A comment on a pull request; no user when that one is gone."""

    id: Number
    user: User | None = None
    body: str | None = None


class Run(msgspec.Struct, frozen=True):
    """A run of a workflow."""

    id: Number
    head_sha: Commit
    event: str
    status: str
    conclusion: str | None = None
    head_repository: Repository | None = None


class _Runs(msgspec.Struct, frozen=True):
    workflow_runs: list[Run]


class _RunOf(msgspec.Struct, frozen=True):
    id: Number
    head_sha: Commit


class Artifact(msgspec.Struct, frozen=True):
    """What a run left."""

    id: Number
    name: str
    size_in_bytes: Annotated[int, Meta(ge=0)]
    expired: bool
    workflow_run: _RunOf


class _Artifacts(msgspec.Struct, frozen=True):
    artifacts: list[Artifact]


class _Viewer(msgspec.Struct, frozen=True):
    viewer: User


class _Seen(msgspec.Struct, frozen=True):
    data: _Viewer


def own_login(api: Api) -> str:
    """Whose comments the token writes: `github-actions[bot]` for a job's own.

    `GET /user` is refused to a job's token; this question is not.
    """
    login = api.ask("{viewer{login}}", _Seen).data.viewer.login
    if not login:
        raise AnswerError("graphql: the token's owner has no name")
    return login


def pull(api: Api, number: int) -> Pull:
    """A pull request as it is now."""
    found = api.get(f"pulls/{number}", Pull)
    if found.number != number:
        raise AnswerError(f"pulls/{number}: the answer is about another one")
    return found


def open_pulls(api: Api) -> list[Pull]:
    """Every open pull request.

    The way to find those of a commit: GitHub's own question for that (`commits/SHA/pulls`)
    knows only commits of the repository itself, and so never finds a fork's.
    """
    query = {"state": "open", "per_page": _PER_PAGE}
    pages = api.pages("pulls", list[Pull], query, most=_PULL_PAGES)
    return [each for page in pages for each in page if each.state == "open"]


def comments(api: Api, number: int) -> Iterator[Comment]:
    """All comments on a pull request, the oldest first."""
    pages = api.pages(
        f"issues/{number}/comments",
        list[Comment],
        {"per_page": _PER_PAGE},
        most=_COMMENT_PAGES,
        whole=True,  # the one that is looked for could be on the next
    )
    for page in pages:
        yield from page


def runs(api: Api, workflow: str, *, since: str) -> list[Run]:
    """Runs of a workflow for pull requests that have ended, the newest first.

    Args:
        api: The repository.
        workflow: Its file's name, without `.yml`.
        since: The first day, as in 2026-11-21.
    """
    query = {
        "event": "pull_request",
        "status": "completed",
        "created": f">={since}",
        "per_page": _PER_PAGE,
    }
    pages = api.pages(f"actions/workflows/{workflow}.yml/runs", _Runs, query, most=_RUN_PAGES)
    found = [each for page in pages for each in page.workflow_runs]
    ended = [each for each in found if (each.event, each.status) == ("pull_request", "completed")]
    return sorted(ended, key=lambda each: each.id, reverse=True)


def artifact(api: Api, run: Run, name: str) -> Artifact | None:
    """The newest artifact of that name that a run left; a second attempt leaves another."""
    path = f"actions/runs/{run.id}/artifacts"
    query = {"name": name, "per_page": _PER_PAGE}
    pages = api.pages(path, _Artifacts, query, most=_ARTIFACT_PAGES)
    found = [each for page in pages for each in page.artifacts if each.name == name]
    if any(
        (each.workflow_run.id, each.workflow_run.head_sha) != (run.id, run.head_sha)
        for each in found
    ):
        raise AnswerError(f"{path}: the answer is about another run")
    return max(found, key=lambda each: each.id, default=None)
