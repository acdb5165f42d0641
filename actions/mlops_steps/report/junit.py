"""JUnit XML for the test tabs of both platforms: a suite a step, a case a part of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from mlops_steps.record import Verdict
from mlops_steps.report.reading import Reading
from mlops_steps.report.text import clean, one_line
from mlops_steps.spec import Status

#: A message is all that a test tab shows of a failure.
_MESSAGE_LIMIT = 4000


@dataclass(frozen=True)
class Case:
    """One line of a test tab."""

    name: str
    status: Status
    message: str = ""


def render(model: str, reading: Reading) -> bytes:
    """The file; a failure is `failure`, undecided is `error`, neither is ever `skipped`."""
    root = ET.Element("testsuites", name=clean(model))
    totals = dict.fromkeys(("tests", "failures", "errors"), 0)
    for verdict in reading.verdicts:
        suite = _suite(verdict, list(_cases(verdict, reading)))
        root.append(suite)
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
    root.attrib.update({name: str(count) for name, count in totals.items()})
    root.set("time", f"{sum(each.seconds for each in reading.verdicts):.3f}")
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _cases(verdict: Verdict, reading: Reading) -> Iterator[Case]:
    parts = _parts(verdict.step, reading)
    yield from parts
    # A verdict that none of its parts explains stands for itself.
    if verdict.status not in {each.status for each in parts}:
        message = "\n".join([verdict.line, *verdict.lines])
        yield Case(verdict.step, verdict.status, message)


def _parts(step: str, reading: Reading) -> list[Case]:
    if step == "gate":
        return [Case(each.rule, each.status, each.message) for each in reading.rules]
    if step == "validate-data":
        return [Case(each.name, each.status, each.message) for each in reading.checks]
    if step == "monitor" and reading.drift:
        # Drift starts a retraining and stops nothing; here a column that moved is a failed case.
        word = {True: Status.FAIL, False: Status.PASS}
        return [Case(each.name, word[each.drifted], each.reason) for each in reading.drift.columns]
    return []


def _suite(verdict: Verdict, cases: list[Case]) -> ET.Element:
    suite = ET.Element(
        "testsuite",
        name=verdict.step,
        tests=str(len(cases)),
        failures=str(sum(each.status is Status.FAIL for each in cases)),
        errors=str(sum(each.status is Status.UNDECIDED for each in cases)),
        time=f"{verdict.seconds:.3f}",
    )
    if verdict.started:
        suite.set("timestamp", clean(verdict.started))
    for each in cases:
        case = ET.SubElement(suite, "testcase", classname=verdict.step, name=clean(each.name))
        case.set("time", f"{verdict.seconds:.3f}" if len(cases) == 1 else "0")
        if each.status is not Status.PASS:
            kind = "failure" if each.status is Status.FAIL else "error"
            message = clean(each.message or str(each.status), _MESSAGE_LIMIT)
            trouble = ET.SubElement(case, kind, type=str(each.status))
            trouble.set("message", one_line(message.partition("\n")[0]) or kind)
            trouble.text = message
    return suite
