"""What is set under train.params in mlops.yaml, checked."""

from collections.abc import Mapping
from typing import Any


def complete(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters, the rest by default.

    Raises ValueError for one that is not known, or is text in place of a number.
    """
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise ValueError(f"unknown parameters {unknown}. Known: {', '.join(defaults)}")
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(defaults[name], str) and not number:
            raise ValueError(f"{name}: {value!r} is not a number")
    return {**defaults, **given}
