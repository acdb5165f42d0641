"""The project's own programs: run in the project's own environment, never imported."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlops_steps import ci, environments
from mlops_steps.errors import CommandError, ConfigError, InfrastructureError

#: Variables of the steps that the project's programs have no use for.
_PRIVATE = ("MLOPS_TOKEN", "MLOPS_REGISTRY_PASSWORD", "MLOPS_INPUTS", "MLOPS_DISPATCH")
#: Those that mlops.yaml names as holding a credential of a table's source.
_WITHHELD: set[str] = set()
#: Words that only a shell understands.
_SHELL = {"|", "||", "|&", "&", "&&", ";", "<", "<<", ">", ">>", "2>", "2>>", "2>&1", "&>"}
#: `$PORT`, `${PORT}`, `$(nproc)`, and a variable set in front of the program.
_EXPANDED, _SET = re.compile(r"\$(?:\w+|\{\w+}?|\()"), re.compile(r"[A-Za-z_]\w*=")
#: What reads a script from its arguments: `sh -c`, `bash -ec`.
_SHELLS, _SCRIPT = {"sh", "bash", "dash", "ksh", "zsh"}, re.compile(r"-[a-z]*c")


def project_python(folder: Path, lock: str) -> Path:
    """The interpreter of the environment that the project's lock describes, built if need be.

    Raises:
        ConfigError: The lock is missing or not complete with hashes.
        InfrastructureError: It could not be installed.
    """
    path = folder / lock
    if not path.is_file():
        raise ConfigError(f"{lock}: not found; it holds the project's requirements with hashes")
    try:
        return Path(environments.build(str(path)))
    except environments.BuildError as error:
        raise InfrastructureError(f"{lock}: {error}") from error


def withhold(names: Iterable[str]) -> None:
    """Keep variables of this job from every program of the project that starts from now on."""
    _WITHHELD.update(names)


def environment(python: Path, folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """What a program of the project sees: this job's variables without secrets, its own Python."""
    private = {*_PRIVATE, *_WITHHELD, *ci.PRIVATE}
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in private and not name.startswith(ci.PRIVATE_PREFIXES)
    }
    env["PATH"] = f"{python.parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    # The project is used from its folder, so that it needs no installation of its own.
    env["PYTHONPATH"] = str(folder / "src")
    # Compiled modules are kept: without them scikit-learn alone takes four seconds to import.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env | dict(extra)


def run(
    command: str,
    *,
    folder: Path,
    python: Path,
    extra: Mapping[str, str],
    log: Path,
    seconds: float | None = None,
) -> None:
    """Run a command to its end, its output shown and kept in `log`.

    Raises:
        CommandError: It failed, or ran longer than `seconds`.
        ConfigError: There is no such program.
    """
    with start(command, folder=folder, python=python, extra=extra, log=log) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise CommandError(f"`{command}` stopped after {seconds:g} s\n{tail(log)}") from None
    if code != 0:
        raise CommandError(f"`{command}` ended with {_code(code)}\n{tail(log)}")


def words_of(command: str) -> list[str]:
    """A command's words, as they are handed to its program: no shell comes between.

    Raises:
        ConfigError: It cannot be read, names no program, or was written for a shell.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"cannot read the command {command!r}: {error}") from None
    if not words:
        raise ConfigError(f"the command {command!r} names no program")
    signs = [word for word in words if word in _SHELL]
    signs += [words[0]] if _SET.match(words[0]) else []
    if posixpath.basename(words[0]) not in _SHELLS or not any(map(_SCRIPT.fullmatch, words)):
        signs += _EXPANDED.findall(re.sub(r"'[^']*'|\\.", "", command))
    if signs:
        # The program would get it as an argument, and may well pass over it.
        raise ConfigError(
            f"the command {command!r} runs without a shell, to which alone {signs[0]!r} means "
            "something. Put it into a script, or write sh -c '…'"
        )
    return words


@contextlib.contextmanager
def start(
    command: str, *, folder: Path, python: Path, extra: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in a process group of its own; whatever is left of it is ended on leaving.

    Raises:
        ConfigError: The command cannot be read, or there is no such program.
    """
    env = environment(python, folder, extra)
    words = words_of(command)
    if words[0] in {"python", "python3"}:
        words[0] = str(python)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(f"`{command}`: {error.strerror}: {words[0]}") from None
        except ValueError as error:
            raise ConfigError(f"cannot run the command {command!r}: {error}") from None
        try:
            yield process
        finally:
            try:
                _end_group(process)
            except BaseException:
                _end_group(process)  # stopped while ending it: it is ended all the same
                raise
            process.wait()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the whole group, SIGKILL to what is left after five seconds."""
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


def _code(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    # Real-time signals have numbers only.
    names = {int(each): each.name for each in signal.Signals}
    return f"signal {names.get(-code, -code)}"


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a program's output, for a message."""
    with log.open(encoding="utf-8", errors="replace") as stream:
        return ci.quiet_commands("".join(deque(stream, maxlen=lines)).rstrip())


def show(log: Path) -> None:
    """Pass a program's output on, with anything that a CI platform would obey defused."""
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:  # a log may be longer than memory
            sys.stdout.write(ci.quiet_commands(line))
