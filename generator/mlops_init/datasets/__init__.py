"""Where a project's data come from: one of four demonstrations, or the user's own table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Dataset:
    """What the template says about the data. Texts are as they are: see `quoted`.

    Attributes:
        path: The table (or manifest), relative to the project.
        key: The column that names a row.
        target: The column to be told.
        positive: The target's value that counts as positive; empty unless the task is binary.
        kind: table, or files where `path` is a manifest of files.
        file: The manifest's column of file paths; empty for a table.
        salt: Of the split.
        test: Share of the rows that judge what may be released.
        valid: Share of the rows that judge what is proposed.
        rules_test: The gate's rules on the test rows.
        rules_valid: The gate's rules on the valid rows.
        rules_about: What these rules ask for, and how to raise them; lines of a comment.
        about: What the model does, a sentence.
        credit: Where the data come from and under which licence; sentences, in Markdown.
        demo: Whether it is one of ours, not the user's own.
    """

    path: str
    key: str
    target: str
    positive: str
    kind: str
    file: str
    salt: str
    test: str
    valid: str
    rules_test: tuple[str, ...]
    rules_valid: tuple[str, ...]
    rules_about: tuple[str, ...]
    about: str
    credit: str
    demo: bool = True


@dataclass(frozen=True)
class Source:
    """Data that can be put into a project.

    Attributes:
        dataset: What is said about them.
        write: Writes the table, its contract and its files into the project's folder `data`.
    """

    dataset: Dataset
    write: Callable[[Path], None]


def quoted(text: str) -> str:
    r"""A text as a literal in double quotes, the same in YAML and in Python.

    Both know `\\`, `\xXX`, `\uXXXX` and `\UXXXXXXXX`. What cannot be seen is written so, and the
    double quote, too: a formatter of Python would rather have single ones around it.
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def code(text: str) -> str:
    """A text as code in Markdown, also within a table: shown as it is, whatever it is.

    What cannot be seen is shown as in `quoted`.
    """
    seen = "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)
    if seen == seen.strip() and not set(seen) & set("`|\\"):
        return f"`{seen}`"
    # Between backticks these would end the code, or the cell.
    numbers = (sign if sign.isalnum() else f"&#{ord(sign)};" for sign in seen)
    return f"<code>{''.join(numbers)}</code>"


def _escaped(sign: str) -> str:
    if sign == "\\":
        return "\\\\"
    if sign == '"':
        return "\\x22"
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"
