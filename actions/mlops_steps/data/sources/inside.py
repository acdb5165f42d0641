"""Run a reader in its own environment: `python -I inside.py READER`, a request on stdin.

On stdout stands one line of JSON: the answer, or `{"error": …, "code": …}` with the exit code
that the step shall end with.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main() -> int:
    """Read; returns 0 also for an error that was told."""
    # As in enter.py: by its place, never through sys.path.
    package = type(sys)("mlops_steps")
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["mlops_steps"] = package
    from mlops_steps.data.sources import asked
    from mlops_steps.errors import InfrastructureError, MlopsError

    told, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    reader = importlib.import_module(f"mlops_steps.data.sources.{sys.argv[1]}")
    request = asked.request(sys.stdin.read())
    try:
        text = asked.to_json(reader.read(request))
    except MlopsError as error:
        text = json.dumps({"error": str(error), "code": error.exit_code})
    except OSError as error:  # a full disk
        words = f"{type(error).__name__}: {error.strerror or error}"
        text = json.dumps({"error": words, "code": InfrastructureError.exit_code})
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing was read
        words = f"{request.address}: {type(error).__name__}: {error}"
        text = json.dumps({"error": words, "code": 3})
    told.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
