"""Which step's files went into which: a column of steps, and an arc for each hand-over."""

from __future__ import annotations

from pathlib import PurePosixPath

from markupsafe import Markup

from mlops_steps.record import OUT, Verdict
from mlops_steps.report.text import SIGNS, short

_ROW, _LEFT, _WIDTH = 30, 96, 400
_ARC = Markup('<path d="M{0} {1}C{2} {1} {2} {3} {0} {3}"/>')
_NODE = Markup(
    '<circle class="{0}" cx="{1}" cy="{2}" r="4.5"/>'
    '<text x="{3}" y="{4}">{5} {6}<tspan class="digest" dx="10">{7}</tspan></text>'
)
_SVG = Markup('<svg class="graph" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>')


def edges(verdicts: list[Verdict]) -> list[tuple[str, str]]:
    """Pairs (the step that wrote, the step that took), each once, in the order of the road."""
    names = [each.step for each in verdicts]
    found = {
        (parts[1], each.step)
        for each in verdicts
        for parts in (PurePosixPath(name).parts for name in each.took)
        if len(parts) > 2 and parts[0] == OUT and parts[1] in names and parts[1] != each.step
    }
    return sorted(found, key=lambda edge: (names.index(edge[0]), names.index(edge[1])))


def graph(verdicts: list[Verdict], digests: dict[str, str]) -> Markup:
    """The drawing; beside each step the digest of its verdict, which binds all that it wrote."""
    names = [each.step for each in verdicts]
    heights = {name: 16 + _ROW * place for place, name in enumerate(names)}
    arcs = edges(verdicts)
    parts = []
    for writer, taker in arcs:
        reach = 14 + 16 * abs(names.index(taker) - names.index(writer))
        parts.append(_ARC.format(_LEFT, heights[writer], max(4, _LEFT - reach), heights[taker]))
    for each in verdicts:
        y = heights[each.step]
        digest = short(digests.get(f"{OUT}/{each.step}/verdict.json", ""))
        parts.append(
            _NODE.format(
                each.status, _LEFT, y, _LEFT + 14, y + 4.5, SIGNS[each.status], each.step, digest
            )
        )
    label = "; ".join(f"{taker} took from {writer}" for writer, taker in arcs) or "no hand-over"
    return _SVG.format(label, _WIDTH, 2 * 16 + _ROW * (len(names) - 1), Markup("").join(parts))
