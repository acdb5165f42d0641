"""A registry in a folder with one version, the champion: `python -m benchmarks.champion`.

Arguments: the table that it was trained on, the project's folder, the registry's folder. It
holds no model, only the training profile with which the monitor compares.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from mlops_steps import config
from mlops_steps.data.profile import write_profile
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.version import describe


def main(table: str, project: str, state: str) -> int:
    """Publish version 1.0.0 and make it the champion."""
    settings = config.load(Path(project))
    model = settings.model.name
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("model", "source"):
            (folder / part).mkdir()
            (folder / part / "file").write_text("nothing")
        profile = folder / "records" / "train" / "profile.json"
        write_profile(Path(table), profile, leave_out=[settings.table.key, settings.table.target])
        (folder / "version.json").write_bytes(
            describe(folder, model=model, version="1.0.0").encoded()
        )
        registry = FolderRegistry(Path(state), model)
        registry.publish("1.0.0", folder)
        registry.set_alias("champion", "1.0.0", expected=None, reason="measured")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
