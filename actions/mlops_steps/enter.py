"""Enter a step: build or find its locked environment, then run the step in it.

    python3 -I enter.py STEP [--INPUT VALUE ...]

Only the standard library, and any Python from 3.8, because this runs before anything is
installed. What is needed on the short way (the environment stands) is imported at the top;
everything else is imported where it is used: 0.05 s instead of 0.15.

An environment is complete when its marker is there, which is written last; a file lock lets
one process build while the others wait, and a killed builder's lock is released by the
kernel. Packages come by hash through uv, which itself comes by hash through pip.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HERE = os.path.dirname(os.path.abspath(__file__))
LOCKS = os.path.join(HERE, "locks")
MARKER = ".complete"
#: In place of a step: hold mlops.yaml against all that can be known without a run.
CHECK = "--check-config"
#: Seconds before another attempt.
PAUSE = 3
OLDEST = (3, 11)
NEWEST = (3, 14)


class EnterError(Exception):
    """The environment cannot be had; the message is for the user."""

    exit_code = 4


def main(arguments: list[str] | None = None) -> int:
    """Enter a step and become it. Returns an exit code only when that was not possible."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["--build"]:
        return _build_only(arguments)
    step = arguments[0] if arguments else "--help"
    names = [name[:-4] for name in os.listdir(LOCKS) if name != "uv.txt"]
    if step not in names and not step.startswith("-"):
        sys.stderr.write("unknown step %r. Steps: %s\n" % (step, ", ".join(sorted(names))))
        return 2
    # What is no step needs no more than mlops.yaml, or what reads it and the data's first line.
    other = "validate-data" if step == CHECK else "gate"
    lock = os.path.join(LOCKS, (step if step in names else other) + ".txt")
    judges = step in names and not {"-h", "--help"}.intersection(arguments)
    try:
        for variable in ("HOME", "TMPDIR"):
            # Some runners name folders that they do not make.
            if os.environ.get(variable):
                os.makedirs(os.environ[variable], exist_ok=True)
        _right_python(arguments)
        if judges and not _stands(environment(lock)):
            # This takes a while, and whatever ends it may leave nothing else.
            leave_undecided(step, "its environment was being built, not finished", 4)
        python = build(lock)
        sys.stdout.flush()
        # -I: neither the folder we stand in, nor PYTHONPATH, nor a user's packages get in.
        os.execv(python, [python, "-I", os.path.abspath(__file__), "--inside"] + arguments)
    except (EnterError, OSError) as error:
        sys.stderr.write("%s: %s\n" % (step, error))
        if judges:
            leave_undecided(step, str(error), EnterError.exit_code)
            if retries():
                again("%s: %s" % (step, error))
        return EnterError.exit_code
    except KeyboardInterrupt:
        # What was being built has no marker, and the verdict already says so.
        sys.stderr.write("\n%s: stopped before the step began\n" % step)
        return EnterError.exit_code


def retries() -> int:
    """How often this step may still be tried again after a failure of the infrastructure.

    GitLab tries a job again by its exit code; for GitHub, which cannot, the workflow sets
    MLOPS_RETRIES, and it happens here.
    """
    left = os.environ.get("MLOPS_RETRIES", "")
    return int(left) if left.isascii() and left.isdigit() and len(left) == 1 else 0


def again(reason: str, stopped: Callable[[], bool] | None = None) -> None:
    """Begin from the start, as the next attempt of `retries()`.

    Does not return, unless `stopped` is given and says, before the new beginning, that a signal
    came: a caller that listens to signals would lose it. They stay blocked until the next
    attempt listens, too.
    """
    import signal
    import time

    left = retries() - 1
    os.environ["MLOPS_RETRIES"] = str(left)
    # Without line breaks, so that nothing in it can stand at the begin of a line; and without
    # what GitHub's runner obeys anywhere in one.
    words = " ".join(reason.split()).replace("##[", "## [")
    sys.stderr.write("%s; trying again, %d left after that\n" % (words, left))
    end = time.monotonic() + PAUSE
    while time.monotonic() < end and not (stopped and stopped()):
        time.sleep(0.1)
    if stopped:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        if stopped():
            return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-I"] + sys.argv)


def inside(arguments: list[str]) -> int:
    """Run the step; we are in its environment now."""
    import importlib.util

    # By its place, never through sys.path: the folder around us may hold anything.
    spec = importlib.util.spec_from_file_location(
        "mlops_steps", os.path.join(HERE, "__init__.py"), submodule_search_locations=[HERE]
    )
    if spec is None or spec.loader is None:
        raise EnterError("no package beside %s" % __file__)
    package = importlib.util.module_from_spec(spec)
    sys.modules["mlops_steps"] = package
    spec.loader.exec_module(package)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A sign that the log's encoding does not have is no reason to end.
            stream.reconfigure(errors="backslashreplace")
    try:
        if arguments[:1] == [CHECK]:
            from mlops_steps import check_config

            return check_config.main(arguments[1:])
        from mlops_steps import frame

        return frame.main(arguments)
    except Exception as error:  # noqa: BLE001 - Python's own exit code would say "judged, failed"
        reason = "%s: %s" % (type(error).__name__, error)
        sys.stderr.write("%s: %s\n" % (" ".join(arguments[:1]), reason))
        if os.environ.get("MLOPS_DEBUG"):
            sys.excepthook(type(error), error, error.__traceback__)
        if arguments:
            leave_undecided(arguments[0], reason, 3)
        return 3


def _build_only(arguments: list[str]) -> int:
    """`--build LOCK`: build an environment, or only fill the download cache with it."""
    try:
        _right_python(arguments)
        print(build(arguments[1]))
    except (EnterError, IndexError, OSError) as error:
        sys.stderr.write("%s\n" % error)
        return 4
    return 0


def build(lock: str) -> str:
    """The Python of the environment that a lock (requirements with hashes) describes.

    Raises EnterError when it cannot be built.
    """
    folder = environment(lock)
    if not _stands(folder):
        _guarded(folder, lambda: _install(folder, os.path.abspath(lock)))
    return _python_of(folder)


def environment(lock: str) -> str:
    """The folder of the environment that a lock describes, whether it is there or not."""
    with open(lock, "rb") as stream:
        content = stream.read()
    root = _place("MLOPS_ENV_DIR", "envs")
    facts = (
        content,
        sys.version,
        sys.base_prefix,
        sys.platform,
        " ".join(os.uname()[-1:]),
        _libc(),
        root,
    )
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(fact if isinstance(fact, bytes) else fact.encode())
        digest.update(b"\0")
    return os.path.join(root, os.path.basename(lock)[:-4] + "-" + digest.hexdigest()[:16])


def _python_of(folder: str) -> str:
    return os.path.join(folder, "bin", "python")


def _stands(folder: str) -> bool:
    """Whether an environment is complete. Its Python is a link, and may have lost its end."""
    return os.path.exists(os.path.join(folder, MARKER)) and os.path.exists(_python_of(folder))


def downloads() -> str:
    """The folder of everything that was downloaded; the only one worth caching between jobs."""
    return _place("MLOPS_CACHE", "downloads")


def _place(variable: str, name: str) -> str:
    if os.environ.get(variable):
        return os.path.abspath(os.environ[variable])
    # On a runner that several repositories share, none may prepare another's environment.
    if os.environ.get("RUNNER_TOOL_CACHE") and "GITHUB_REPOSITORY" in os.environ:
        owner = hashlib.sha256(os.environ["GITHUB_REPOSITORY"].encode()).hexdigest()[:16]
        fork = "pull" if os.environ.get("GITHUB_EVENT_NAME") == "pull_request" else "own"
        return os.path.join(os.environ["RUNNER_TOOL_CACHE"], "mlops-init", owner + "-" + fork, name)
    if "GITLAB_CI" in os.environ and os.environ.get("CI_PROJECT_DIR"):
        return os.path.join(os.environ["CI_PROJECT_DIR"], ".mlops", name)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "mlops-init", name)


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


def _guarded(folder: str, make: Callable[[], None]) -> None:
    """Call `make` in one process at a time, unless `folder` is complete by then."""
    import fcntl
    import shutil

    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if _stands(folder):
            return
        # The installers hold it too: when we are killed, they go on writing for a while.
        fcntl.fcntl(guard, fcntl.F_SETFD, 0)
        shutil.rmtree(folder, ignore_errors=True)  # what a killed builder left
        make()
        with open(os.path.join(folder, MARKER), "w") as marker:
            marker.write("built\n")
            marker.flush()
            os.fsync(marker.fileno())


def _install(folder: str, lock: str) -> None:
    _refuse_unsupported()
    _call(
        [sys.executable, "-I", "-m", "venv", "--without-pip", folder],
        "no environment could be made",
    )
    command = [_uv(), "pip", "install", "--quiet", "--python", _python_of(folder)]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", lock]
    if os.path.dirname(lock) == LOCKS:
        # A project's settings of uv are for its own environment, not for a step's.
        command += ["--directory", os.path.abspath(os.sep)]
    _call(command, "installing %s failed" % os.path.basename(lock), {"UV_CACHE_DIR": downloads()})


def _uv() -> str:
    """The installer: the one on PATH, else one installed by hash."""
    import shutil

    found = shutil.which("uv")
    if found and _says([found, "--version"]):
        return found
    lock = os.path.join(LOCKS, "uv.txt")
    with open(lock, "rb") as stream:
        key = hashlib.sha256(
            stream.read() + sys.version.encode() + downloads().encode()
        ).hexdigest()[:16]
    folder = os.path.join(downloads(), "uv-" + key)

    def make() -> None:
        hint = (
            "the installer could not be prepared (Debian and Ubuntu: apt-get install python3-venv)"
        )
        _call([sys.executable, "-I", "-m", "venv", folder], hint)
        pip = [os.path.join(folder, "bin", "python"), "-I", "-m", "pip", "install", "--quiet"]
        pip += ["--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", lock]
        _call(pip, "the installer could not be fetched")

    if not _stands(folder):
        _guarded(folder, make)
    return os.path.join(folder, "bin", "uv")


def _right_python(arguments: list[str]) -> None:
    """Become the wanted version of Python (MLOPS_PYTHON, such as 3.12), if we are another."""
    wanted = os.environ.get("MLOPS_PYTHON", "")
    here = sys.version_info[:2]
    if wanted == "%d.%d" % here or (not wanted and OLDEST <= here <= NEWEST):
        return
    import re
    import shutil

    if wanted and not re.match(r"^3\.1[1-4]$", wanted):
        raise EnterError("MLOPS_PYTHON is %r. Allowed: 3.11, 3.12, 3.13, 3.14" % wanted)
    versions = [wanted] if wanted else ["3.%d" % n for n in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for version in versions:
        found = shutil.which("python" + version)
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        if found and _says([found, "-I", "-c", code]) == version:
            os.execv(found, [found, "-I", os.path.abspath(__file__)] + arguments)
    found = _fetched_python(versions[0])
    os.execv(found, [found, "-I", os.path.abspath(__file__)] + arguments)


def _says(command: list[str]) -> str:
    """What a program prints, or nothing if it fails: a shim may be on PATH and yet run nothing."""
    import subprocess

    found = subprocess.run(command, stdout=-1, stderr=-3)
    return found.stdout.decode().strip() if found.returncode == 0 else ""


def _fetched_python(version: str) -> str:
    import subprocess

    extra = {
        "UV_CACHE_DIR": downloads(),
        "UV_PYTHON_INSTALL_DIR": os.path.join(downloads(), "python"),
    }
    uv = _uv()
    here = "%d.%d" % sys.version_info[:2]
    problem = (
        "Python %s is wanted, this is %s, and %s could not be fetched; "
        "installed by hand, it has to be on PATH as python%s"
    ) % (version, here, version, version)
    _call([uv, "python", "install", "--quiet", "--no-bin", version], problem, extra)
    found = subprocess.run(
        [uv, "python", "find", "--managed-python", version],
        env=dict(os.environ, **extra),
        stdout=-1,
    )
    return found.stdout.decode().strip()


def _refuse_unsupported() -> None:
    """Some packages have no wheels there: say so before an installer does, less clearly."""
    if sys.platform == "darwin" and os.uname().machine == "x86_64":
        raise EnterError("Intel macOS is not supported: some packages have no wheels for it")
    if sys.platform.startswith("linux") and not _libc().startswith("glibc"):
        raise EnterError("only glibc is supported on Linux (this looks like musl)")
    if sys.platform not in ("darwin", "linux"):
        raise EnterError("steps run on Linux and macOS, not on %s" % sys.platform)


def _call(command: list[str], problem: str, extra: dict[str, str] | None = None) -> None:
    import subprocess

    env = dict(os.environ, PYTHONNOUSERSITE="1", **(extra or {}))
    # An environment around us must not steer the installer.
    env.pop("VIRTUAL_ENV", None)
    # Open files are inherited: among them the lock of what is being built.
    found = subprocess.run(command, stdout=-1, stderr=-2, stdin=-3, env=env, close_fds=False)
    if found.returncode:
        raise EnterError(problem + "\n" + found.stdout.decode(errors="replace").strip())


def leave_undecided(step: str, reason: str, exit_code: int) -> None:
    """An old verdict must not outlive a run that never began."""
    import json

    path = os.path.join("out", step, "verdict.json")
    if step + ".txt" not in os.listdir(LOCKS):
        return
    if not os.path.isfile("mlops.yaml") and not os.path.isfile(path):
        return  # not a project's folder
    lines = reason.splitlines()
    verdict = {
        "step": step,
        "status": "undecided",
        "line": lines[0] if lines else "",
        "lines": lines[1:],
        "exit_code": exit_code,
    }
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w") as stream:
            json.dump(verdict, stream, indent=2)
        os.replace(path + ".new", path)
        outputs = os.path.join("out", step, "outputs.env")
        if os.path.exists(outputs):
            os.remove(outputs)  # GitLab would hand on what the last run said
    except OSError as error:
        sys.stderr.write("%s: %s\n" % (step, error))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(sys.argv[2:]))
    sys.exit(main())
