"""Make a project in build/demo and walk its road; in a variant, show what is refused.

    python scripts/demo.py [--engine native|act|gitlab] [--variant good|bad-data|...]

A variant is an ordinary commit in the project, as somebody could have made it. Ends with 0
when what had to happen did, an expected refusal included, and with 1 otherwise.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GIT = ["git", "-c", "user.name=Demo", "-c", "user.email=demo@example.org"]


class Demo:
    """One demonstration: a project, an engine, a state that begins empty."""

    def __init__(self, folder: Path, engine: str, variant: str, registry: str) -> None:
        """Make the project and its first commit."""
        self.engine = engine
        self.registry = registry
        self.project = folder / "demo"
        self.state = folder / f"state-{engine}-{variant}"
        for each in (self.project, self.state):
            shutil.rmtree(each, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        version = f"python_version={sys.version_info[0]}.{sys.version_info[1]}"
        command = ["mlops-init", "new", "demo", "--defaults", "-c", version]
        self._say(command)
        command += ["--output", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*GIT, "init", "-q", "-b", "main"], cwd=self.project, check=True)
        self.commit("Start")

    def commit(self, message: str) -> None:
        """Commit everything that changed."""
        self._say(["git", "commit", "-m", f'"{message}"'])
        subprocess.run([*GIT, "add", "-A"], cwd=self.project, check=True)
        subprocess.run([*GIT, "commit", "-qm", message], cwd=self.project, check=True)

    def run(self, workflow: str, *options: str) -> int:
        """Walk a workflow and what it starts; returns the exit code."""
        command = ["mlops-init", "run", workflow, "--engine", self.engine, *options]
        self._say(command)
        command += ["--state", str(self.state)]
        if self.registry:
            command += ["--registry", self.registry]
        return subprocess.run(command, cwd=self.project, check=False).returncode

    def release(self) -> None:
        """The first version: there is nothing yet to compare it with, and that is recorded."""
        self.must_pass("ct", "--input", "first-release=true")

    def must_pass(self, workflow: str, *options: str) -> None:
        """Walk a workflow that has to pass."""
        if self.run(workflow, *options):
            raise SystemExit(_wrong(f"{workflow} had to pass"))

    def must_refuse(self, workflow: str, step: str) -> None:
        """Walk a workflow that has to be stopped at a step."""
        code = self.run(workflow)
        verdict = self.verdict(step)
        if code != 1 or verdict.get("status") != "fail":
            raise SystemExit(_wrong(f"{step} had to refuse; the run ended with {code}"))
        print(f"Refused by {step}, as it should be: {verdict['line']}")

    def verdict(self, step: str) -> dict[str, object]:
        """The latest verdict of a step."""
        found = sorted(
            (self.state / "runs").glob(f"*/{step}/verdict.json"), key=lambda p: p.stat().st_mtime
        )
        verdict: dict[str, object] = json.loads(found[-1].read_text()) if found else {}
        return verdict

    def edit(self, name: str, old: str, new: str) -> None:
        """Change one place of a file."""
        path = self.project / name
        text = path.read_text()
        if text.count(old) != 1:
            raise SystemExit(_wrong(f"{name} holds {old!r} {text.count(old)} times, not once"))
        path.write_text(text.replace(old, new))

    def _say(self, command: list[str]) -> None:
        print(f"$ {' '.join(command)}", flush=True)


def good(demo: Demo) -> None:
    """Everything passes: a first release, then a smoother model beside it."""
    demo.must_pass("ci")
    demo.release()
    demo.edit("mlops.yaml", "C: 1.0", "C: 0.5")
    demo.commit("Smooth more")
    demo.must_pass("ct", "--event", "schedule")
    demo.must_pass("monitor")


def bad_data(demo: Demo) -> None:
    """Rows are spoilt: a radius below nothing, a diagnosis nobody knows, an empty cell."""
    rows = _rows(demo)
    rows[3]["mean_radius"] = "-17.99"
    rows[7]["diagnosis"] = "unclear"
    rows[11]["mean_area"] = ""
    _write(demo, "data/samples.csv", rows)
    demo.commit("Add this week's rows")
    demo.must_refuse("ct", "validate-data")


def bad_model(demo: Demo) -> None:
    """A model of two of thirty features: it trains without complaint."""
    demo.release()
    demo.edit("mlops.yaml", "features: all", "features: mean_smoothness,mean_symmetry")
    demo.commit("Need fewer measurements")
    demo.must_refuse("ct", "gate")


def bad_canary(demo: Demo) -> None:
    """A model as good as ever, served by a program that fails a fifth of the requests."""
    demo.release()
    demo.edit(
        "src/demo/serve.py",
        '        answer: dict[str, Any] = {"model_name": MODEL, "model_version": version}\n',
        "        if identity and int(identity) % 5 == 0:\n"
        '            return JSONResponse({"error": "no slot left"}, status_code=500)\n'
        '        answer: dict[str, Any] = {"model_name": MODEL, "model_version": version}\n',
    )
    demo.commit("Serve from a pool")
    demo.must_refuse("ct", "deploy-canary")


def drift(demo: Demo) -> None:
    """The model is asked about larger cells than it has seen: ct is started, once."""
    demo.release()
    rows = _rows(demo)
    for row in rows:
        row["key"] = row.pop("id")
        row["time"] = "2026-01-05 08:00:00"
        del row["diagnosis"]
        for name in ("mean_radius", "mean_perimeter", "worst_radius"):
            row[name] = str(round(1.5 * float(row[name]), 4))
    _write(demo, "data/requests.csv", rows)
    demo.edit("mlops.yaml", 'log: "state"', "log: data/requests.csv")
    demo.commit("Watch the requests of the new clinic")
    demo.must_pass("monitor")
    outputs = demo.verdict("monitor").get("outputs", {})
    versions = sorted(path.name for path in (demo.state / "versions").glob("[0-9]*"))
    if not isinstance(outputs, dict) or outputs.get("retrain") != "true":
        raise SystemExit(_wrong("monitor had to find drift"))
    if versions != ["1.0.0", "1.1.0"]:
        raise SystemExit(_wrong(f"ct had to run once; the versions are {versions}"))
    print(f"Drift found, and ct started once: {outputs['reason']}")


VARIANTS: dict[str, Callable[[Demo], None]] = {
    "good": good,
    "bad-data": bad_data,
    "bad-model": bad_model,
    "bad-canary": bad_canary,
    "drift": drift,
}


def _rows(demo: Demo) -> list[dict[str, str]]:
    with (demo.project / "data" / "samples.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def _write(demo: Demo, name: str, rows: list[dict[str, str]]) -> None:
    with (demo.project / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _wrong(words: str) -> int:
    print(f"Not as expected: {words}", file=sys.stderr)
    return 1


def main() -> int:
    """Walk the variant that was asked for; returns 0 when it went as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="native", choices=["native", "act", "gitlab"])
    parser.add_argument("--variant", default="good", choices=list(VARIANTS))
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="where to make it")
    parser.add_argument("--registry", default="", help="an address instead of a folder")
    wanted = parser.parse_args()
    demo = Demo(wanted.folder, wanted.engine, wanted.variant, wanted.registry)
    VARIANTS[wanted.variant](demo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
