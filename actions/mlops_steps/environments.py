"""Environments by hash: find or build what a lock describes, and find or fetch a Python for it.

Only the standard library, and any Python from 3.8, because this builds what all else needs.
What is needed on the short way (the environment stands) is imported at the top; everything
else is imported where it is used.

An environment is complete when its marker is there, which is written last; a file lock lets
one process build while the others wait, and a killed builder's lock is released by the
kernel. Packages come by hash through uv, which itself comes by hash through pip.
"""

from __future__ import annotations

import hashlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LOCKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "locks")
MARKER = ".complete"
OLDEST = (3, 11)
NEWEST = (3, 14)


class BuildError(Exception):
    """The environment cannot be had; the message is for the user."""

    exit_code = 4


def build(lock: str, from_source: str = "") -> str:
    """The Python of the environment that a lock (requirements with hashes) describes.

    Nothing but wheels, unless a step names one package of a lock of its own, of which there is
    none: that one is built from its source, by what the same lock has by hash.

    Raises BuildError when it cannot be built.
    """
    folder = environment(lock)
    if not stands(folder):
        _guarded(folder, lambda: _install(folder, os.path.abspath(lock), from_source))
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


def stands(folder: str) -> bool:
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
        if stands(folder):
            return
        # The installers hold it too: when we are killed, they go on writing for a while.
        fcntl.fcntl(guard, fcntl.F_SETFD, 0)
        shutil.rmtree(folder, ignore_errors=True)  # what a killed builder left
        make()
        with open(os.path.join(folder, MARKER), "w") as marker:
            marker.write("built\n")
            marker.flush()
            os.fsync(marker.fileno())


def _install(folder: str, lock: str, from_source: str) -> None:
    _refuse_unsupported()
    _call(
        [sys.executable, "-I", "-m", "venv", "--without-pip", folder],
        "no environment could be made",
    )
    command = [_uv(), "pip", "install", "--quiet", "--python", _python_of(folder)]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    if lock.startswith(os.path.join(os.path.dirname(LOCKS), "")):
        # A project's settings of uv are for its own environment, not for a step's or a reader's.
        command += ["--directory", os.path.abspath(os.sep)]
    problem = "installing %s failed" % os.path.basename(lock)
    cache = {"UV_CACHE_DIR": downloads()}
    if from_source:
        # What its build asks for is not fetched, which no hash would hold: all that the lock has
        # beside it is there before, and builds it.
        _call(command + ["-r", _without(from_source, lock, folder)], problem, cache)
        command += ["--no-binary", from_source, "--no-build-isolation"]
    _call(command + ["-r", lock], problem, cache)


def _without(name: str, lock: str, folder: str) -> str:
    """A lock without one of its packages, in the folder of an environment."""
    import re

    with open(lock, encoding="utf-8") as stream:
        rest = re.sub(r"(?m)^%s==.*\n(?: .*\n)*" % re.escape(name), "", stream.read())
    path = os.path.join(folder, "rest.txt")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(rest)
    return path


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

    if not stands(folder):
        _guarded(folder, make)
    return os.path.join(folder, "bin", "uv")


def right_python() -> str:
    """The program of the wanted version of Python (MLOPS_PYTHON, such as 3.12); "" if we are it.

    Raises BuildError where there is none and none can be fetched.
    """
    wanted = os.environ.get("MLOPS_PYTHON", "")
    here = sys.version_info[:2]
    if wanted == "%d.%d" % here or (not wanted and OLDEST <= here <= NEWEST):
        return ""
    import re
    import shutil

    if wanted and not re.match(r"^3\.1[1-4]$", wanted):
        raise BuildError("MLOPS_PYTHON is %r. Allowed: 3.11, 3.12, 3.13, 3.14" % wanted)
    versions = [wanted] if wanted else ["3.%d" % n for n in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for version in versions:
        found = shutil.which("python" + version)
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        if found and _says([found, "-I", "-c", code]) == version:
            return found
    return _fetched_python(versions[0])


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
        raise BuildError("Intel macOS is not supported: some packages have no wheels for it")
    if sys.platform.startswith("linux") and not _libc().startswith("glibc"):
        raise BuildError("only glibc is supported on Linux (this looks like musl)")
    if sys.platform not in ("darwin", "linux"):
        raise BuildError("steps run on Linux and macOS, not on %s" % sys.platform)


def _call(command: list[str], problem: str, extra: dict[str, str] | None = None) -> None:
    import subprocess

    env = dict(os.environ, PYTHONNOUSERSITE="1", **(extra or {}))
    # An environment around us must not steer the installer.
    env.pop("VIRTUAL_ENV", None)
    # Open files are inherited: among them the lock of what is being built.
    found = subprocess.run(command, stdout=-1, stderr=-2, stdin=-3, env=env, close_fds=False)
    if found.returncode:
        raise BuildError(problem + "\n" + found.stdout.decode(errors="replace").strip())
