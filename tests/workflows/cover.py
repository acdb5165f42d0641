"""A few cases in which every two values that are allowed together do stand together.

Most faults of a configuration come from one value or from two that meet. So instead of the
whole product a covering array of strength two is run: a greedy one, each case the best of
some that climb from an allowed beginning. The same options lead to the same cases.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping

Options = Mapping[str, tuple[str, ...]]
Case = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]  # in the order of the options
Allowed = Callable[[Case], bool]

#: Beginnings for each case; four times as many make a cover smaller by one case.
CLIMBS = 10
#: Beginnings tried before a pair counts as refused. That it is, a test shows by trying all.
PATIENCE = 1000
#: Covers made, of which the smallest is taken.
COVERS = 2


def pairs(case: Case) -> set[Pair]:
    """Every two values of a case."""
    return set(itertools.combinations(case.items(), 2))


def all_pairs(options: Options) -> Iterator[Pair]:
    """Every two values of two options, allowed or not."""
    for (one, left), (other, right) in itertools.combinations(options.items(), 2):
        for values in itertools.product(left, right):
            yield (one, values[0]), (other, values[1])


def completions(options: Options, pair: Pair) -> Iterator[Case]:
    """Every case that holds a pair."""
    held = {name: (value,) for name, value in pair}
    whole = {name: held.get(name, values) for name, values in options.items()}
    for values in itertools.product(*whole.values()):
        yield dict(zip(whole, values, strict=True))


def cover(options: Options, allowed: Allowed) -> list[Case]:
    """Allowed cases that hold every pair of values for which an allowed case was found.

    Args:
        options: The values of each option.
        allowed: Whether a whole case is.
    """
    return min((_cover(options, allowed, seed) for seed in range(COVERS)), key=len)


def _cover(options: Options, allowed: Allowed, seed: int) -> list[Case]:
    chance = random.Random(seed)
    cases: list[Case] = []
    left = dict.fromkeys(all_pairs(options))  # a set that keeps its order
    while left:
        pair = next(iter(left))
        found = [
            _climb(begun, pair, options, allowed, left)
            for begun in _beginnings(pair, options, allowed, chance)
        ]
        if found:
            best = max(found, key=lambda case: _gain(case, left))
            cases.append(best)
            for each in pairs(best):
                left.pop(each, None)
        left.pop(pair, None)
    return cases


def _beginnings(
    pair: Pair, options: Options, allowed: Allowed, chance: random.Random
) -> Iterator[Case]:
    """Allowed cases that hold a pair, by chance."""
    found = 0
    for _ in range(PATIENCE):
        case = {name: chance.choice(values) for name, values in options.items()} | dict(pair)
        if allowed(case):
            yield case
            found += 1
        if found == CLIMBS:
            return


def _climb(
    case: Case, pair: Pair, options: Options, allowed: Allowed, left: Mapping[Pair, None]
) -> Case:
    """Change one value at a time for the better, until there is none to change."""
    held, gain = dict(pair), _gain(case, left)
    better = True
    while better:
        better = False
        for name, value in itertools.chain.from_iterable(
            ((name, value) for value in values) for name, values in options.items()
        ):
            changed = case | {name: value}
            more = _gain(changed, left)
            if name not in held and more > gain and allowed(changed):
                case, gain, better = changed, more, True
    return case


def _gain(case: Case, left: Mapping[Pair, None]) -> int:
    return sum(map(left.__contains__, itertools.combinations(case.items(), 2)))
