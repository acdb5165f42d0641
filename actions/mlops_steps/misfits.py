"""What the parts of mlops.yaml say that does not fit together, which no schema can tell."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from mlops_steps.config import FILE, Config, Deploy, Metrics, TableInput, Task
from mlops_steps.data.sources.address import problems, scheme_of


def misfits(config: Config) -> Iterator[tuple[str, str]]:
    """Everything in which the parts do not fit, each with its key: what a schema cannot say."""
    for key, problem in _table_misfits(config.table, config.model.task).items():
        yield f"data.inputs.{config.table_name}.{key}", problem
    for part, params in (("params", config.train.params), ("quick", config.train.quick)):
        for name, value in params.items():
            if isinstance(value, float) and not math.isfinite(value):
                yield f"train.{part}.{name}", f"{value} is not a finite number"
    yield from _falling(config.deploy.weights)
    yield from _too_few(config.deploy)
    if not re.match(FILE, config.monitor.log):
        yield "monitor.log", _no_file(config.monitor.log)
    if config.monitor.labels and not re.match(FILE, config.monitor.labels):
        yield "monitor.labels", _no_file(config.monitor.labels)
    yield from _unsent(config.monitor.metrics)


def _table_misfits(table: TableInput, task: Task) -> dict[str, str]:
    """A table that leaves out what its kind or the task needs, or says what neither does."""
    wrong: dict[str, str] = {}
    if task == "binary" and table.positive is None:
        wrong["positive"] = "missing; the task binary needs the target's value that is positive"
    elif task != "binary" and table.positive is not None:
        wrong["positive"] = f"only the task binary has a positive value; this is {task}"
    if table.kind == "files" and table.file is None:
        wrong["file"] = "missing; the kind files needs the column that names each row's file"
    elif table.kind != "files" and table.file is not None:
        wrong["file"] = f"only the kind files has a column of files; this is {table.kind}"
    elif table.file in {table.key, table.target}:
        wrong["file"] = f"{table.file!r} is the key or the target; a column of its own is needed"
    wrong |= _engine_misfits(table)
    if table.key == table.target:
        wrong["target"] = f"{table.target!r} is the key too; a column of its own is needed"
    if table.source and table.kind == "files":
        wrong["source"] = "only the kind table has a source: a manifest lies beside its files"
    elif table.source:
        wrong |= {f"source.{key}": words for key, words in problems(table.source).items()}
    return wrong


def _engine_misfits(table: TableInput) -> dict[str, str]:
    if table.engine != "spark":
        return {"spark": "goes with `engine: spark` only"} if table.spark else {}
    if table.kind == "files":
        return {"engine": "Spark looks at tables; a manifest's files are looked at by duckdb"}
    if table.source and (table.source.kind != "files" or scheme_of(table.source.address)):
        found = f"{table.source.kind} at {scheme_of(table.source.address) or 'a path'}"
        return {"engine": f"Spark reads files of the project; the source is {found}"}
    return {}


def _falling(weights: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """The first weight that takes no more of the traffic than the one before."""
    for place, (before, after) in enumerate(itertools.pairwise(weights), start=1):
        if after <= before:
            allowed = "percentages, each above the one before, as in [5, 25, 50]"
            yield f"deploy.weights[{place}]", f"{after} comes after {before}. Allowed: {allowed}"
            return


def _too_few(deploy: Deploy) -> Iterator[tuple[str, str]]:
    """A canary that chance alone would have to bring the requests on which it is judged.

    Which version gets a request is drawn: with a mean below the minimum, most end undecided.
    """
    sent = deploy.requests * len(deploy.weights)
    percent = sum(deploy.weights) * deploy.requests  # whole numbers: no rounding decides
    candidate, champion = percent / 100, (100 * sent - percent) / 100
    who, mean, of = min(
        ("the candidate", candidate, sent),
        ("the champion", champion, sent),
        ("a first release", deploy.requests, deploy.requests),
        key=lambda each: each[1],
    )
    wanted = deploy.minimum_requests
    if mean < wanted:
        words = f"{wanted:,} of each version are wanted, but {who} gets about {mean:,.0f} of {of:,}"
        allowed = "more requests, other weights, or a lower minimum"
        yield "deploy.minimum_requests", f"{words}. Allowed: {allowed}"


def _unsent(metrics: Metrics) -> Iterator[tuple[str, str]]:
    """Credentials that belong to nothing, are not all there, or would be read on the way."""
    key, given = "monitor.metrics.credentials", set(metrics.credentials)
    if not given:
        return
    if metrics.pushgateway is None:
        yield key, "belong to a Pushgateway, and monitor.metrics.pushgateway names none"
    elif given not in ({"token"}, {"user", "password"}):
        yield key, f"{', '.join(sorted(given))}. Allowed: token, or user and password"
    elif not re.match(
        r"https:|http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)", metrics.pushgateway
    ):
        yield key, f"{metrics.pushgateway} would get them unencrypted. Allowed: https, or loopback"


def _no_file(log: str) -> str:
    """Why a log cannot be opened as a file, in words."""
    why = "names no file"
    if log.startswith("~"):
        why = "is not expanded: no shell comes between"
    elif log:
        why = "is an address, and monitor fetches nothing"
    return f"{log!r} {why}. Allowed: state, or the path of a table"
