"""The page in a real browser: narrow and wide, light and dark, and without a network."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.report.test_classes import write
from tests.mlops_steps.small import become

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), "chromium")

#: Added to a copy of the page by the test; the page itself runs no script.
MEASURE = """
<script>
document.querySelectorAll("details").forEach(each => each.open = true);
const size = each => { const box = each.getBoundingClientRect(); return [box.width, box.height]; };
const stroked = "svg.plot path[style*='stroke: var(--candidate)']";
const root = document.documentElement;
const parts = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
// A cell's colour as it is seen, on the page's own.
const over = (each, style) => {
  const paper = parts(style.backgroundColor), own = getComputedStyle(each), fill = parts(own.fill);
  const mixed = fill.map((part, n) => paper[n] + (part - paper[n]) * own.fillOpacity);
  return "rgb(" + mixed.map(Math.round).join(", ") + ")";
};
const style = getComputedStyle(document.body);
parent.document.body.dataset.measured = JSON.stringify({
  inner: window.innerWidth,
  scroll: root.scrollWidth,
  client: root.clientWidth,
  plots: [...document.querySelectorAll("svg")].map(size),
  cut: [...document.querySelectorAll("body *")].filter(each =>
    each.getBoundingClientRect().right > window.innerWidth + 1 && !each.closest("svg")).length,
  paper: style.backgroundColor,
  ink: style.color,
  line: getComputedStyle(document.querySelector(stroked)).stroke,
  shades: [...document.querySelectorAll("svg.matrix rect")].map(each => over(each, style)),
  loaded: performance.getEntriesByType("resource").map(each => each.name),
});
</script>
"""


def measured(page: Path, folder: Path, *, width: int, dark: bool) -> dict[str, Any]:
    """Open the page, measure it, and end the browser with everything it started."""
    text = page.read_text()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    text = html.escape(text.replace("</body>", MEASURE + "</body>"))
    # A frame, because a window cannot be made as narrow as a telephone.
    frame = f'<iframe style="width: {width}px; height: 2000px; border: 0" srcdoc="{text}"></iframe>'
    shown = folder / f"shown-{width}-{dark}.html"
    shown.write_text(f'<!doctype html><body style="color-scheme: light dark">{frame}</body>')
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        f"--user-data-dir={folder / f'profile-{width}-{dark}'}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        "--window-size=1400,2100",
        "--dump-dom",
        shown.as_uri(),
    ]
    browser = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        dom, _ = browser.communicate(timeout=120)
    finally:
        if browser.poll() is None:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
    found = re.search(r'data-measured="([^"]*)"', dom)
    assert found, dom[:2000]
    values: dict[str, Any] = json.loads(html.unescape(found[1]))
    return values


@pytest.fixture
def page(walk: Callable[..., Any]) -> Path:
    walked = walk()
    # A report is handed to a reader in any case, also with a line that nothing can break.
    walked.step("setup", line="x" * 300, lines=["y" * 300], took=["mlops.yaml"])
    assert walked.report().code == 0
    path: Path = walked.folder / "out" / "report" / "index.html"
    return path


def test_a_page_for_every_screen(page: Path, tmp_path: Path) -> None:
    loads_nothing(page.read_text())
    colours = set()
    for width, dark in ((390, False), (390, True), (1280, False), (1280, True)):
        found = measured(page, tmp_path, width=width, dark=dark)
        assert found["inner"] == width
        assert found["scroll"] <= found["client"], "a horizontal scroll bar"
        assert found["cut"] == 0, "something stands out on the right"
        assert len(found["plots"]) > 40
        assert all(w > 100 and h > 10 for w, h in found["plots"])
        assert found["loaded"] == []
        assert luminance(found["paper"]) < luminance(found["ink"]) if dark else True
        assert contrast(found["paper"], found["ink"]) > 7
        assert contrast(found["paper"], found["line"]) > 4.5
        colours.add((found["paper"], found["ink"], found["line"]))
    assert len(colours) == 2


NAMES = [f"{letter * 60} {number}" for number, letter in enumerate("abcdefghijklmnopqrst" * 2)]


def many_classes(road: Callable[..., Any]) -> Any:
    """Forty classes with names that nothing can break, and thousands of rows in a cell."""
    walked = road()
    become(walked.project, "multiclass")
    folder = walked.folder / "out" / "evaluate"
    folder.mkdir(parents=True)
    label = [name for name in NAMES for _ in range(2000)]
    said = [NAMES[(n * 7) % 40] if n % 9 == 0 else name for n, name in enumerate(label)]
    write(folder / "predictions.parquet", label, said, champion=said[::-1])
    walked.step("evaluate", line="80,000 rows", wrote=["out/evaluate/predictions.parquet"])
    assert walked.report().code == 0
    return walked


@pytest.mark.parametrize("kind", ["multiclass", "regression", "files", "many classes"])
def test_a_page_of_another_task(
    road: Callable[..., Any], walk_of: Callable[[str], Any], tmp_path: Path, kind: str
) -> None:
    walked = many_classes(road) if kind == "many classes" else walk_of(kind)
    page = walked.folder / "out" / "report" / "index.html"
    text = page.read_text()
    loads_nothing(text)
    assert "ROC" not in text
    assert ("Confusion matrix" in text) == (kind != "regression")
    assert ("Histogram of errors" in text) == (kind == "regression")
    for width, dark in ((390, True), (1280, False)):
        found = measured(page, tmp_path, width=width, dark=dark)
        assert found["scroll"] <= found["client"], "a horizontal scroll bar"
        assert found["cut"] == 0, "something stands out on the right"
        assert len(found["plots"]) >= 3
        assert all(w > 100 and h > 10 for w, h in found["plots"])
        assert contrast(found["paper"], found["line"]) > 4.5
        # Counts stand on shaded cells; the darkest shade is the one to be read on.
        assert all(contrast(shade, found["ink"]) > 4.5 for shade in found["shades"])
        assert bool(found["shades"]) == (kind != "regression")


def loads_nothing(text: str) -> None:
    assert "default-src 'none'" in text
    assert "<script" not in text
    # Names of vocabularies are no addresses to load.
    bare = re.sub(r'xmlns(:xlink)?="[^"]*"', "", text)
    assert not re.findall(r"https?://|@import|<link|<img|<iframe|\bsrc=", bare)
    assert {each[0] for each in re.findall(r'(?:href="|url\()(.)', bare)} <= {"#"}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it, of `rgb(r, g, b)`."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
