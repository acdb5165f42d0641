"""The whole road, walked by every engine from an empty state, and every refusal of the demo."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.mlops_steps import registry_server
from tests.workflows import harness

ROOT = Path(__file__).resolve().parents[2]
#: Workflows of the good road in order, with the jobs that each has.
ROAD = [("ci", 7), ("ct", 6), ("cd", 2), ("ct", 6), ("cd", 2), ("monitor", 2)]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1500)]


def demo(folder: Path, engine: str, variant: str, registry: str = "") -> str:
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--folder", str(folder)]
    command += ["--engine", engine, "--variant", variant, "--registry", registry]
    found = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_the_good_road_is_the_same_on_every_engine(tmp_path: Path) -> None:
    facts = {}
    with registry_server.running(tmp_path / "registry") as server:
        # act gets what a hosted runner has: a real registry, and nothing else shared.
        addresses = {"native": "", "gitlab": "", "act": f"oci+http:{server.host}/demo/model"}
        for engine, registry in addresses.items():
            text = demo(tmp_path / engine, engine, "good", registry)
            counted = re.findall(r"^  (\w+) +passed, (\d+) jobs", text, re.MULTILINE)
            assert [(name, int(jobs)) for name, jobs in counted] == ROAD
            runs = tmp_path / engine / f"state-{engine}-good" / "runs"
            facts[engine] = harness.judged(runs)
            if registry:
                assert not list(runs.parent.glob("versions*")), "a folder was shared, too"
    assert facts["act"] == facts["native"]
    assert facts["gitlab"] == facts["native"]
    assert facts["native"]["ct/gate status"] == "pass"


LONG = pytest.mark.all


@pytest.mark.parametrize(
    ("engine", "variant", "words"),
    [
        ("native", "bad-model", "Refused by gate"),
        ("native", "bad-canary", "Refused by deploy-canary"),
        ("gitlab", "drift", "Drift found, and ct started once"),
        ("act", "bad-data", "Refused by validate-data"),
        ("gitlab", "bad-data", "Refused by validate-data"),
        pytest.param("act", "bad-model", "Refused by gate", marks=LONG),
        pytest.param("gitlab", "bad-model", "Refused by gate", marks=LONG),
        pytest.param("act", "bad-canary", "Refused by deploy-canary", marks=LONG),
        pytest.param("gitlab", "bad-canary", "Refused by deploy-canary", marks=LONG),
        pytest.param("act", "drift", "Drift found, and ct started once", marks=LONG),
    ],
)
def test_a_refusal_is_shown_with_its_reason(
    tmp_path: Path, engine: str, variant: str, words: str
) -> None:
    text = demo(tmp_path, engine, variant)
    assert words in text
    if variant == "drift":
        # monitor started ct, ct started cd, and each told its end.
        ended = re.findall(r"^  (\w+) +passed, (\d+) jobs", text, re.MULTILINE)
        assert ended[-3:] == [("monitor", "2"), ("ct", "6"), ("cd", "2")]
