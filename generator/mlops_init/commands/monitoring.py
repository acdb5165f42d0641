"""`mlops-init monitoring`: alert rules and a dashboard for the figures of step monitor."""

from __future__ import annotations

import re
from pathlib import Path

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mlops_init.errors import UsageError, shown
from mlops_init.renderers import watching

FOLDER, ALERTS, DASHBOARD = "monitoring", "alerts.yml", "dashboard.json"
#: Bytes of an mlops.yaml, as the steps read it.
LARGEST = 4_000_000
_MODEL = r"[a-z][a-z0-9_-]{0,62}"


def monitoring(folder: str, *, hours: int, force: bool) -> int:
    """Write monitoring/alerts.yml and monitoring/dashboard.json; returns 0.

    Raises:
        UsageError: No mlops.yaml that names a model, or a file is there and reads otherwise.
    """
    root = Path(folder)
    content = _read(root / "mlops.yaml")
    model = _within(content, "model", "name")
    if not isinstance(model, str) or not re.fullmatch(_MODEL, model):
        allowed = "lower-case letters, digits, _ and -, a letter first, at most 63"
        raise UsageError(
            f"mlops.yaml: model.name: {shown(model)} is not allowed. Allowed: {allowed}"
        )
    texts = {
        ALERTS: watching.alerts(model, hours),
        DASHBOARD: watching.dashboard(model, hours),
    }
    target = root / FOLDER
    try:
        there = [name for name in texts if (target / name).exists()]
        other = [name for name in there if (target / name).read_bytes() != texts[name].encode()]
        if other and not force:
            raise UsageError(
                f"{target / other[0]}: is there and reads otherwise. --force overwrites it. "
                "Nothing was written"
            )
        target.mkdir(exist_ok=True)
        for name, text in texts.items():
            (target / name).write_text(text, encoding="utf-8", newline="\n")
            click.echo(f"  {target / name}")
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from None
    if not _within(content, "monitor", "metrics"):
        click.echo(
            "mlops-init: mlops.yaml has no monitor.metrics, so no figures leave out/monitor/ yet",
            err=True,
        )
    return 0


def _read(path: Path) -> object:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: is larger than {LARGEST:,} bytes")
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    except (YAMLError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"{path}: cannot be read as YAML: {first}") from None


def _within(content: object, *keys: str) -> object:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
