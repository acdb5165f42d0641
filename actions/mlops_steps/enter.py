"""Enter a step: build or find its locked environment, then run the step in it.

    python3 -I enter.py STEP [--INPUT VALUE ...]

Only the standard library, and any Python from 3.8, because this runs before anything is
installed. On the short way (the environment stands) it imports little: 0.05 s instead of 0.15.
"""

from __future__ import annotations

import io
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
#: In place of a step: hold mlops.yaml against all that can be known without a run.
CHECK = "--check-config"
#: The same, for the contract that the data ask for.
PROPOSE = "--propose-contract"
#: And: turn checks of another tool into a contract.
IMPORT = "--import-contract"


def main(arguments: list[str] | None = None) -> int:
    """Enter a step and become it. Returns an exit code only when that was not possible."""
    _be_the_package()
    from mlops_steps import attempts, environments

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["--build"]:
        return _build_only(arguments)
    step = arguments[0] if arguments else "--help"
    names = [name[:-4] for name in os.listdir(environments.LOCKS) if name != "uv.txt"]
    if step not in names and not step.startswith("-"):
        sys.stderr.write("unknown step %r. Steps: %s\n" % (step, ", ".join(sorted(names))))
        return 2
    # What is no step needs no more than mlops.yaml, or what reads it and the data's first line.
    other = "validate-data" if step in (CHECK, PROPOSE, IMPORT) else "gate"
    lock = os.path.join(environments.LOCKS, (step if step in names else other) + ".txt")
    judges = step in names and not {"-h", "--help"}.intersection(arguments)
    try:
        for variable in ("HOME", "TMPDIR"):
            # Some runners name folders that they do not make.
            if os.environ.get(variable):
                os.makedirs(os.environ[variable], exist_ok=True)
        _become_the_right_python(arguments)
        if judges and not environments.stands(environments.environment(lock)):
            # This takes a while, and whatever ends it may leave nothing else.
            attempts.leave_undecided(step, "its environment was being built, not finished", 4)
        python = environments.build(lock)
        sys.stdout.flush()
        # -I: neither the folder we stand in, nor PYTHONPATH, nor a user's packages get in.
        os.execv(python, [python, "-I", os.path.abspath(__file__), "--inside"] + arguments)
    except (environments.BuildError, OSError) as error:
        sys.stderr.write("%s: %s\n" % (step, error))
        if judges:
            attempts.leave_undecided(step, str(error), environments.BuildError.exit_code)
            if attempts.retries():
                attempts.again("%s: %s" % (step, error))
        return environments.BuildError.exit_code
    except KeyboardInterrupt:
        # What was being built has no marker, and the verdict already says so.
        sys.stderr.write("\n%s: stopped before the step began\n" % step)
        return environments.BuildError.exit_code


def inside(arguments: list[str]) -> int:
    """Run the step; we are in its environment now."""
    _be_the_package()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A sign that the log's encoding does not have is no reason to end.
            stream.reconfigure(errors="backslashreplace")
    try:
        if arguments[:1] == [CHECK]:
            from mlops_steps import check_config

            return check_config.main(arguments[1:])
        if arguments[:1] == [PROPOSE]:
            from mlops_steps.validate_data import propose

            return propose.main(arguments[1:])
        if arguments[:1] == [IMPORT]:
            from mlops_steps.validate_data.imports import command

            return command.main(arguments[1:])
        from mlops_steps import frame

        return frame.main(arguments)
    except Exception as error:  # noqa: BLE001 - Python's own exit code would say "judged, failed"
        from mlops_steps import attempts

        reason = "%s: %s" % (type(error).__name__, error)
        sys.stderr.write("%s: %s\n" % (" ".join(arguments[:1]), reason))
        if os.environ.get("MLOPS_DEBUG"):
            sys.excepthook(type(error), error, error.__traceback__)
        if arguments:
            attempts.leave_undecided(arguments[0], reason, 3)
        return 3


def _be_the_package() -> None:
    """Let `mlops_steps` be this folder.

    By its place, never through sys.path: the folder around us may hold anything.
    """
    if "mlops_steps" not in sys.modules:
        package = type(sys)("mlops_steps")
        package.__path__ = [HERE]
        sys.modules["mlops_steps"] = package


def _become_the_right_python(arguments: list[str]) -> None:
    from mlops_steps import environments

    found = environments.right_python()
    if found:
        os.execv(found, [found, "-I", os.path.abspath(__file__)] + arguments)


def _build_only(arguments: list[str]) -> int:
    """`--build LOCK`: build an environment, or only fill the download cache with it."""
    from mlops_steps import environments

    try:
        _become_the_right_python(arguments)
        print(environments.build(arguments[1]))
    except (environments.BuildError, IndexError, OSError) as error:
        sys.stderr.write("%s\n" % error)
        return 4
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(sys.argv[2:]))
    sys.exit(main())
