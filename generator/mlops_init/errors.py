"""What the generator cannot do, in words for the user."""

from __future__ import annotations

#: Signs of a message, and of a value within one.
LONGEST, LONGEST_VALUE = 900, 120


class InitError(Exception):
    """The root: one clear message and an exit code."""

    exit_code = 2


class UsageError(InitError):
    """The user can mend it: a name, a value, a file, a missing program."""

    exit_code = 2


class RunError(InitError):
    """A local run could not be judged: a skipped job, a surviving process, an engine's crash."""

    exit_code = 3


class DescriptionError(InitError):
    """The pipeline is described so that no platform could run it: a defect of the generator."""

    exit_code = 3


def visible(text: str) -> str:
    """A text for a terminal: what cannot be seen, or would steer it, by its number."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in text
    )


def in_one_line(text: str) -> str:
    """The same, in one line that can be read: line ends by their number, too, the middle cut."""
    line = visible(text).replace("\n", "\\n")
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 3 :]}"


def shown(value: object) -> str:
    """A value for a message: in quotes, escaped, not too long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 20]}…{text[-1]}"
