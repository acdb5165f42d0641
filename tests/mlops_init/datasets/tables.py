"""Seeded tables as users have them, and the command on them."""

from __future__ import annotations

import csv
import io
import math
import random
from pathlib import Path

from mlops_init.datasets import own
from mlops_init.datasets.own import Own


def customers(rows: int = 900, seed: int = 3) -> list[list[str]]:
    """Two classes, told by numbers and by text, with cells that are missing."""
    chance = random.Random(seed)
    found = [["customer_id", "age", "plan", "spend", "active", "since", "region", "churned"]]
    for number in range(rows):
        age = chance.randint(18, 88)
        plan = chance.choice(["basic", "plus", "pro"])
        spend = chance.lognormvariate(3, 0.6)
        log_odds = (age - 50) / 12 + {"basic": 1.5, "plus": 0, "pro": -2}[plan] - 0.5
        left = chance.random() < 1 / (1 + math.exp(-2 * log_odds))
        found.append(
            [
                f"c{number:05d}",
                str(age) if chance.random() > 0.05 else "",
                plan if chance.random() > 0.05 else "",
                f"{spend:.2f}",
                chance.choice(["true", "false"]),
                f"{chance.randint(2010, 2024)}-{chance.randint(1, 12):02d}-01",
                chance.choice(["Köln, Süd", 'the "north"', "east"]),
                "yes" if left else "no",
            ]
        )
    return found


def odd(seed: int = 5) -> tuple[list[list[str]], str]:
    """The customers by names and values that nobody would choose; and the target's name."""
    chance = random.Random(seed)
    names = ['say "so"', "a,b", "it's größe 日本", "x: [y] #", "{{ cookiecutter.name }}"]
    names += ["$(id)", "\\n", " a ", "null", "=1+1", "constant", "empty", "left \"us\", 'why'?"]
    classes = {"yes": 'ja, "weg"', "no": "nein: 'da'"}
    found = [names]
    for _, *cells, churned in customers()[1:]:
        more = [
            chance.choice(["{{ x }}", '"', "\\", "a\nb", ""]),
            f"{chance.random() * 1e12:.0f}",
            chance.choice(["yes", "no"]),
            chance.choice(["007", "010", "011"]),
            "NZ",
            "",
        ]
        found.append([*cells, *more, classes[churned]])
    return found, names[-1]


def plants(rows: int = 900, seed: int = 4) -> list[list[str]]:
    """Three classes, and no column that names a row."""
    chance = random.Random(seed)
    found = [["length", "width", "soil", "species"]]
    for _ in range(rows):
        species = chance.choice(["aster", "bellis", "carex"])
        place = {"aster": 2.0, "bellis": 4.0, "carex": 6.5}[species]
        found.append(
            [
                f"{chance.gauss(place, 0.8):.2f}",
                f"{chance.gauss(place / 2, 0.5):.2f}",
                chance.choice(["clay", "loam"]),
                species,
            ]
        )
    return found


def flats(rows: int = 900, seed: int = 5) -> list[list[str]]:
    """A number to be told."""
    chance = random.Random(seed)
    found = [["flat", "square_metres", "floor", "lift", "rent"]]
    for number in range(rows):
        size, floor = chance.uniform(20, 140), chance.randint(0, 9)
        lift = chance.choice(["yes", "no"])
        rent = 150 + 11 * size + 20 * floor + (60 if lift == "yes" else 0) + chance.gauss(0, 60)
        found.append([str(number + 1), f"{size:.1f}", str(floor), lift, f"{rent:.0f}.5"])
    return found


def text(rows: list[list[str]], end: str = "\n") -> str:
    """As CSV."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator=end).writerows(rows)
    return stream.getvalue()


def write(path: Path, content: str | bytes | list[list[str]]) -> Path:
    """A file with that content."""
    if isinstance(content, list):
        content = text(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def study(path: Path, target: str, **given: str) -> Own:
    """What is found out about a table, for a project named churn."""
    return own.study(path, {"target": target, **given}, "churn")


def column(rows: list[list[str]], name: str) -> list[str]:
    """The cells of a column."""
    place = rows[0].index(name)
    return [row[place] for row in rows[1:]]


def with_column(rows: list[list[str]], name: str, cells: list[str]) -> list[list[str]]:
    """The table with a column before the others."""
    return [[cell, *row] for cell, row in zip([name, *cells], rows, strict=True)]
