"""The confusion matrix: rows are labels, columns predictions, both by the number of the class.

Names are foreign and of any length: they stand in the table beside it, under the same numbers.
"""

from __future__ import annotations

from markupsafe import Markup

from mlops_steps.report.text import number

#: In units of the drawing, which the page scales to its own width.
_WIDTH, _HEAD = 360, 24
#: Up to so many places, four digits fit into a cell.
_WIDE = 6
_SIZES = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
#: The darkest that a cell may be behind its count.
_DARKEST = 0.45
_CELL = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" fill-opacity="{}"/>')
_TEXT = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>')
_HEADING = Markup('<text class="heading" x="{}" y="{}" text-anchor="middle"{}>{}</text>')
_TURNED = Markup(' transform="rotate(-90 {} {})"')
_SVG = Markup('<svg class="matrix" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>')


def draw(counts: list[list[int]], kind: str, *, others: bool) -> Markup:
    """The drawing.

    Args:
        counts: By label and prediction; no fewer than one of each.
        kind: candidate or champion: whose colour the right ones get.
        others: Whether the last place holds several classes, and so a mixture of right and wrong.
    """
    places = len(counts)
    side = round((_WIDTH - 2 * _HEAD) / places, 2)
    names = [str(n + 1) for n in range(places)]
    if others:
        names[-1] = "…"
    left, middle = 2 * _HEAD, round(side / 2, 2)
    parts = [
        _HEADING.format(left + side * places / 2, 12, "", "predicted"),
        _HEADING.format(
            12, left + side * places / 2, _TURNED.format(12, left + side * places / 2), "label"
        ),
    ]
    for place, name in enumerate(names):
        along = round(left + side * place + middle, 2)
        parts += [
            _HEADING.format(along, left - 6, "", name),
            _HEADING.format(left - 10, along + 4, "", name),
        ]
    for row, cells in enumerate(counts):
        rows = sum(cells)
        for column, count in enumerate(cells):
            x, y = round(left + side * column, 2), round(left + side * row, 2)
            mixed = others and row == column == places - 1
            shown = "mixed" if mixed else kind if row == column else "wrong"
            shade = round(_DARKEST * count / rows, 3) if rows else 0
            parts.append(_CELL.format(shown, x, y, side, side, shade))
            if count:
                at = (round(x + middle, 2), round(y + middle + 4, 2))
                parts.append(_TEXT.format(*at, _short(count, places)))
    size = round(left + side * places + 1)
    label = (
        f"Confusion matrix of the {kind}, {places} by {places}; its figures are in the tables below"
    )
    return _SVG.format(label, size, size, Markup("").join(parts))


def _short(count: int, places: int) -> str:
    """As many characters as a cell has room for: `9,999` or, of many places, `1.8k`."""
    if count < (10_000 if places <= _WIDE else 1000):
        return number(count)
    size, sign = next(each for each in _SIZES if count >= each[0])
    digits = 0 if count >= 10 * size else 1
    return f"{count / size:.{digits}f}{sign}"
