"""What files cannot say: settings of a repository on its server, as data.

`github.py` and `gitlab.py` know which settings a project asks for and how each is looked up,
made and changed; `text.py` writes them down for people and programs, `apply.py` makes the
calls through `api.py`.

Where a number is known only to the server (of a user, of a schedule), a name stands for it
in paths and bodies, such as `$REVIEWER_1`; a lookup or an earlier setting gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Lookup:
    """A user's number: `gives` stands for it in what follows."""

    title: str
    path: str
    gives: str


def _same(found: Any) -> Body | None:
    return dict(found)


def _wanted(_now: Body, wanted: Body) -> Body:
    return wanted


@dataclass(frozen=True)
class Setting:
    """One setting, and the calls that look it up, make it and change it.

    Attributes:
        title: For people.
        look: Path to read; with `named`, a list of such things.
        change: Method and path, where it is there and says something else.
        wanted: What has to hold; the body of the call.
        make: Method and path, where it is not there; None for what is always there.
        first: Sent beside `wanted` when it is made, and not held against it later.
        named: The field by which it is known in the list.
        inside: Where in the answer the list lies; empty: the answer is the list.
        item: Path of the one found in the list, where the list does not say all of it.
        view: What was read, in the words of `wanted`; None: it is not there.
        mend: The body of a change, from what is there and what is wanted.
        gives: The name of its number.
        left: Its name is all that is wanted of it: what is there is left as it is.
        mend_in_shell: What `view` and `mend` do, for a shell: lines of Python, without single
            quotes, from `found` and `wanted` to `body`; None in it: nothing is missing.
    """

    title: str
    look: str
    change: tuple[str, str]
    wanted: Body
    make: tuple[str, str] | None = None
    first: Body = field(default_factory=dict)
    named: str = ""
    inside: str = ""
    item: str = ""
    view: Callable[[Any], Body | None] = _same
    mend: Callable[[Body, Body], Body] = _wanted
    gives: str = ""
    left: bool = False
    mend_in_shell: str = ""


@dataclass(frozen=True)
class Plan:
    """All that a project asks of its repository, in the order in which it is done.

    Attributes:
        platform: github or gitlab.
        repository: OWNER/NAME.
        host: The server, as the platform's own command-line program is told.
        api: Address of the API, without a slash at its end.
        path: Of the repository itself.
        needs: What the token must be allowed.
        steps: What is looked up and set.
        by_hand: Commands that are left to a person, and why: secrets, above all.
    """

    platform: str
    repository: str
    host: str
    api: str
    path: str
    needs: str
    steps: tuple[Lookup | Setting, ...]
    by_hand: tuple[tuple[str, str], ...]


def holds(wanted: Any, found: Any) -> bool:
    """Whether what was found says all that is wanted; it may say more, also in lists."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and holds(value, found[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and all(
            any(holds(each, other) for other in found) for each in wanted
        )
    return type(wanted) is type(found) and bool(wanted == found)


def filled(value: Any, names: dict[str, int]) -> Any:
    """A body with numbers in place of the names that stand for them."""
    if isinstance(value, dict):
        return {key: filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    if isinstance(value, str) and value.startswith("$"):
        return names[value[1:]]
    return value


def filled_path(path: str, names: dict[str, int]) -> str:
    """A path with numbers in place of the names that stand for them."""
    return "/".join(
        str(names[part[1:]]) if part.startswith("$") else part for part in path.split("/")
    )
