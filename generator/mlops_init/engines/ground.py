"""What every engine stands on: the tree of the steps, a clean environment, what may survive a job.

Only four things outlive a job: its artifacts, the registry, the state, and the download
cache, from which a job may read but to which it cannot add (the installer is offline).
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mlops_init.answers import Kept
from mlops_init.engines import Account, Outcome, Result, downloads
from mlops_init.errors import RunError, UsageError
from mlops_init.renderers import doors
from mlops_steps.data.sources.address import reader_of

#: What a job sees of the environment around us: how to find programs and reach an index.
#: Everything else could make it pass here and fail there.
PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_NATIVE_TLS",
    "PYENV_ROOT",
    "PYENV_VERSION",
)
#: Marks every process of a run, so that those left behind can be found.
MARK = "MLOPS_RUN"
#: Seconds that an engine may take for one workflow.
LONGEST = 4 * 3600


@dataclass(frozen=True)
class Run:
    """One walk along the road.

    Attributes:
        project: The project's folder.
        kept: How it was made.
        scratch: Emptied when the walk ends.
        tree: The steps and their doors, as published.
        state: Registry, state and the artifacts of every run.
        registry: An address instead of the folder; then nothing is shared but the server.
        cache: Downloads.
        mark: Value of `MLOPS_RUN` in every process.
    """

    project: Path
    kept: Kept
    scratch: Path
    tree: Path
    state: Path
    registry: str
    cache: Path
    mark: str

    def environment(self, **more: str) -> dict[str, str]:
        """A scrubbed environment for a job or for the engine that runs it."""
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env |= {"CI": "true", "MLOPS_CACHE": str(self.cache), "UV_OFFLINE": "1", MARK: self.mark}
        if self.registry:
            env["MLOPS_REGISTRY"] = self.registry
        else:
            env["MLOPS_STATE"] = str(self.state)
        return env | more

    def secrets(self) -> dict[str, str]:
        """What of the caller's environment stands for the secrets of the data's source."""
        names = self.kept.answers.source_variables
        return {name: os.environ[name] for name in names if os.environ.get(name)}

    def artifacts(self, workflow: str) -> Path:
        """Where the artifacts of a workflow's latest run are kept."""
        return self.state / "runs" / workflow


@contextlib.contextmanager
def prepare(project: Path, kept: Kept, state: Path, registry: str) -> Iterator[Run]:
    """Everything that a walk needs; all but the state is gone afterwards.

    Raises:
        RunError: A lock could not be downloaded.
    """
    cache = downloads.folder()
    cache.mkdir(parents=True, exist_ok=True)
    state.mkdir(parents=True, exist_ok=True)
    # Beside the cache: environments are hard links into it.
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache.parent) as folder:
        scratch = Path(folder)
        run = Run(
            project, kept, scratch, scratch / "tree", state, registry, cache, uuid.uuid4().hex
        )
        export_tree(run.tree)
        _download(run)
        yield run


def export_tree(tree: Path) -> None:
    """The steps as their repository publishes them: the package, and its doors."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(doors.PACKAGE, tree / "actions" / "mlops_steps", ignore=ignore)
    doors.write_all(tree)


def _download(run: Run) -> None:
    enter = door(run, run.project)
    locks = sorted((enter.parent / "locks").glob("*.txt"))
    locks = [lock for lock in locks if lock.name != "uv.txt"] + _locks_of_sources(run, enter)
    warm = run.scratch / "warm"
    env = run.environment(
        HOME=str(run.scratch),
        MLOPS_ENV_DIR=str(warm),
        MLOPS_PYTHON=run.kept.answers.python_version,
    )
    locks += sorted(run.project.glob("requirements*.txt"))
    downloads.fill(run.cache, locks, enter, env)
    shutil.rmtree(warm, ignore_errors=True)


def _locks_of_sources(run: Run, enter: Path) -> list[Path]:
    """What the readers of this project's data need beside the steps' own locks."""
    readers = set()
    # What is wrong with the file is for a step to say.
    with contextlib.suppress(OSError, ValueError, YAMLError, AttributeError, KeyError, TypeError):
        text = (run.project / "mlops.yaml").read_text(encoding="utf-8")
        for table in YAML(typ="safe", pure=True).load(text)["data"]["inputs"].values():
            source = table.get("source") or {"address": ""}
            readers.add(reader_of(source.get("kind", "files"), source["address"]))
    return [enter.parent / "data" / "sources" / f"{each}.txt" for each in sorted(readers) if each]


def door(run: Run, checkout: Path) -> Path:
    """The way into a step for a job in a checkout: the project's own copy, if it has one."""
    if run.kept.answers.vendor == "on":
        return checkout / doors.VENDORED
    return run.tree / doors.ENTER


def clone(project: Path, folder: Path) -> None:
    """The committed tree alone, as a runner checks it out."""
    git(project, "clone", "-q", "--depth", "1", project.resolve().as_uri(), str(folder))


def require_commit(project: Path) -> None:
    """Jobs see what is committed in the project's own repository, so there has to be one.

    Raises:
        UsageError: There is none.
    """
    try:
        top = git(project, "rev-parse", "--show-toplevel").rstrip("\n")
        git(project, "rev-parse", "--verify", "HEAD")
    except RunError:
        top = ""
    if not top or not Path(top).samefile(project):
        raise UsageError(
            "this project has no commit yet; first: git init -b main && git add -A && "
            "git commit -m Start"
        )


def uncommitted(project: Path) -> list[str]:
    """Files whose changes a run does not see."""
    return [line[3:] for line in git(project, "status", "--porcelain").splitlines()]


def end_survivors(run: Run, **more: str) -> list[str]:
    """End what the jobs left running; returns a line for each process.

    Args:
        run: The run whose mark they bear.
        **more: Further variables that they have, such as those that name a job.
    """
    left = []
    wanted = {MARK: run.mark, **more}.items()
    for process in psutil.process_iter(["pid", "name"]):
        try:
            ours = wanted <= process.environ().items()
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess, OSError):
            continue
        if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
            left.append(process)
    words = [f"process {each.pid} ({each.info['name']}) was left running" for each in left]
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for each in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    return words


def result_of(folder: Path, workflow: str, job: str, step: str) -> Result:
    """What a job's artifact says of it; without a verdict nothing was judged."""
    path = folder / "verdict.json"
    try:
        verdict = json.loads(path.read_text(encoding="utf-8"))
        return Result(
            workflow,
            job,
            step,
            verdict["status"],
            verdict["line"],
            tuple(verdict["lines"]),
            verdict.get("seconds", 0.0),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Result(workflow, job, step, "undecided", f"left no verdict ({error})")


def entered(script: str) -> str:
    """The step that a job's script enters; nothing if it enters none."""
    found = re.search(r"enter\.py\"? ([a-z-]+)", script)
    return found[1] if found else ""


def untraced(kept: Path, step: str, account: Account) -> list[str]:
    """What a job read of other steps' folders although no artifact that it fetches holds it.

    On a server it would not have been there.
    """
    try:
        verdict = json.loads((kept / step / "verdict.json").read_text(encoding="utf-8"))
        took = list(verdict["took"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
    found = []
    for name in took:
        place, *parts = Path(name).parts
        if place != "out" or parts[:1] == [step]:
            continue
        fetched = any(fnmatch.fnmatch(parts[0], wanted) for wanted in account.fetches)
        if not fetched or not kept.joinpath(*parts).exists():
            found.append(f"{account.job}: read {name}, which no job that it needs keeps")
    return found


def files_below(folder: Path) -> tuple[str, ...]:
    """Paths relative to a folder, which need not be there."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(found))


def follow(
    command: list[str], folder: Path, env: dict[str, str], log: Path, outcome: Outcome
) -> Iterator[str]:
    """Run an engine and yield each line of its own log as it comes; the log is kept, too.

    An engine that runs longer than a pipeline ever should is ended, and that is a problem.
    """
    with (
        log.open("a", encoding="utf-8", newline="") as copy,
        subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        timer = threading.Timer(LONGEST, _end, [process, outcome])
        timer.start()
        try:
            # By \n alone: a job's output may hold \r, after which it could write what it likes.
            for raw in process.stdout or ():
                line = raw.decode(errors="replace")
                copy.write(line)
                yield line
        finally:
            timer.cancel()
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)


def _end(process: subprocess.Popen[bytes], outcome: Outcome) -> None:
    outcome.problems.append(f"the engine ran longer than {LONGEST / 3600:.0f} hours")
    process.terminate()


def git(folder: Path, *arguments: str) -> str:
    """What git says.

    Raises:
        RunError: It says no.
    """
    found = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise RunError(f"git {arguments[0]}: {found.stderr.strip()}")
    return found.stdout
