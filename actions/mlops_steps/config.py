"""mlops.yaml, typed and checked; every error names the line, the key and what is allowed.

The structures below are the published schema: `make generate` writes it from them.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import yaml
from msgspec import Meta

from mlops_steps.data.sources.address import VARIABLE, problems, scheme_of
from mlops_steps.errors import ConfigError

FILE_NAME = "mlops.yaml"
#: Bytes of a file that is written by hand; reading so many takes a minute.
LARGEST = 4_000_000
#: How msgspec introduces the place of an error.
_AT, _AT_A_KEY = " - at `$", " - at `key` in `$"

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Share = Annotated[float, Meta(gt=0, lt=1)]
RelativePath = Annotated[str, Meta(pattern=r"^(?![/~]|.*(^|/)\.\.(/|$)).+$")]
Percent = Annotated[int, Meta(ge=1, le=100)]
#: What opens a file on this machine: no address (nothing fetches it), no `~` (no shell reads it).
_FILE = r"^(?!~|[A-Za-z][A-Za-z0-9+.-]*://)."


class Part(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A part of mlops.yaml: unknown keys are errors, so that a typo never passes."""


Task = Literal["binary", "multiclass", "regression"]


class Model(Part, frozen=True):
    """What is built. `task` decides what predictions are, which figures there are, what is served.

    binary: two classes, one of which is `positive`. multiclass: one class of several.
    regression: a number.
    """

    name: Name
    task: Task


class Split(Part, frozen=True):
    """Which rows judge: decided by a salted hash of the key, so a row never changes sides."""

    by: Literal["hash"]
    salt: Annotated[str, Meta(min_length=1)]
    test: Share
    valid: Share


#: A variable of the job; what the platform and the steps keep in theirs is nobody's else.
EnvName = Annotated[str, Meta(pattern=f"^{VARIABLE}$")]
SourceKind = Literal["files", "delta", "iceberg", "duckdb", "sqlite", "postgres"]
Credential = Literal["key", "secret", "session", "token", "user", "password"]


class Source(Part, frozen=True):
    """Where a table comes from, if it is not one file of the project.

    `address`: files: a pattern or folder of the project, `s3://`, `gs://` or `https://`; delta and
    iceberg: a folder of the project, `s3://` or `gs://` (iceberg: or its metadata file); duckdb and
    sqlite: a file of the project; postgres: `postgresql://HOST[:PORT]/DATABASE`.
    `table` or `query`: what of a database is read. `version` pins a Delta version or an Iceberg
    snapshot. `credentials` names the variables of the job that hold them, never the values; none
    means that nobody signs in. `maximum_gigabytes` bounds what is fetched.
    """

    address: Annotated[str, Meta(min_length=1)]
    kind: SourceKind = "files"
    table: Annotated[str, Meta(min_length=1)] | None = None
    query: Annotated[str, Meta(min_length=1)] | None = None
    version: Annotated[int, Meta(ge=0)] | None = None
    credentials: dict[Credential, EnvName] = {}
    endpoint: Annotated[str, Meta(pattern=r"^https?://[^/?#@]+/?$")] | None = None
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$")] | None = None
    certificates: RelativePath | None = None
    maximum_gigabytes: Annotated[float, Meta(gt=0, le=1000)] = 10


class Spark(Part, frozen=True):
    """Where Spark is: `local[N]`, `spark://HOST:PORT`, or `sc://HOST:PORT` (Spark Connect)."""

    address: Annotated[
        str, Meta(pattern=r"^(local(\[([1-9][0-9]*|\*)\])?|(spark|sc)://[^/@\s]+(/;[^\s]*)?)$")
    ] = "local[*]"


class TableInput(Part, frozen=True):
    """One table of labelled rows.

    With a `source` it comes from there, and `path` is where the commands find it. Of kind `files`
    it is a manifest, and its column `file` names for each row the file that belongs to it,
    relative to the manifest's folder. `positive` is the target's value that counts as positive:
    of the task binary only. `engine` is what validate-data looks at the rows with, `spark` says
    where that is; Spark reads the files by the paths that they have here.
    """

    path: RelativePath
    key: Annotated[str, Meta(min_length=1)]
    target: Annotated[str, Meta(min_length=1)]
    split: Split
    contract: RelativePath
    kind: Literal["table", "files"] = "table"
    file: Annotated[str, Meta(min_length=1)] | None = None
    positive: str | int | bool | None = None
    source: Source | None = None
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark: Spark | None = None


class Data(Part, frozen=True):
    """The tables, by name; commands find each in `$MLOPS_INPUT_<NAME>`."""

    inputs: Annotated[dict[Name, TableInput], Meta(min_length=1, max_length=1)]


class Commands(Part, frozen=True):
    """The project's own programs, run in its own environment and never imported."""

    train: Annotated[str, Meta(min_length=1)]
    predict: Annotated[str, Meta(min_length=1)]
    serve: Annotated[str, Meta(min_length=1)]
    test: Annotated[str, Meta(min_length=1)]
    lint: list[Annotated[str, Meta(min_length=1)]] = []


Params = dict[str, str | int | float | bool]


class Train(Part, frozen=True):
    """How to train. `quick` overrides `params` where a model is only tried (ci).

    `gpu`: none hides GPUs from the command, preferred uses what is there, required ends
    training for the test split at once where there is none.
    """

    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    params: Params = {}
    quick: Params = {}
    timeout_minutes: Annotated[float, Meta(gt=0, le=60 * 24 * 30)] = 60
    gpu: Literal["none", "preferred", "required"] = "preferred"


class Gate(Part, frozen=True):
    """Rules by the split that judges: `METRIC >= BOUND` or `METRIC >= champion - MARGIN`."""

    test: Annotated[list[str], Meta(min_length=1)]
    valid: Annotated[list[str], Meta(min_length=1)]
    confidence: Annotated[float, Meta(ge=0.8, lt=1)] = 0.95
    minimum_rows: Annotated[int, Meta(ge=30)] = 100


class Deploy(Part, frozen=True):
    """The canary. Weights are the candidate's share of the traffic in percent, each above the last.

    `requests` are sent at each weight; a candidate is judged on all of them together, when it
    and the champion have both answered `minimum_requests`.
    `alpha` is the chance of rolling back a candidate that is as good as the champion.
    `unprotected`: whether a job may deploy to a target whose environment nobody protects.
    """

    target: Literal["local"] = "local"
    unprotected: Literal["refused", "allowed"] = "refused"
    # That they rise cannot be said in a JSON schema; that none is there twice can.
    weights: Annotated[
        tuple[Percent, ...], Meta(min_length=1, extra_json_schema={"uniqueItems": True})
    ] = (5, 25, 50)
    requests: Annotated[int, Meta(ge=100)] = 1000
    alpha: Share = 0.05
    minimum_requests: Annotated[int, Meta(ge=30)] = 100
    maximum_error_share: Share = 0.05
    start_timeout_seconds: Annotated[float, Meta(gt=0, le=60 * 60)] = 60


class Metrics(Part, frozen=True):
    """Where the monitor's figures go, beside `out/monitor/metrics.prom`, for Prometheus.

    `textfile`: the folder that a node exporter on the runner reads. `pushgateway`: an address.
    `credentials` names the variables of the job that hold a token, or user and password of the
    Pushgateway, never the values; with them it is https, or on loopback.
    """

    textfile: Annotated[str, Meta(pattern=_FILE)] | None = None
    pushgateway: (
        Annotated[str, Meta(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?$")] | None
    ) = None
    credentials: dict[Literal["token", "user", "password"], EnvName] = {}


class Monitor(Part, frozen=True):
    """Drift of what the model is asked, against what it was trained on.

    `log` is a table of requests: a path; "state" means the one that deploy-canary keeps.
    A column has drifted when the lower bound of its effect, in standard deviations, exceeds
    `distance`. `alpha` is how many false alarms a model may have in a calendar year, at most.
    Columns in `ignore` are not watched. `labels` is a table of the key and the target, for the
    answers whose truth has come; a metric has dropped when it is worse than evaluate found it by
    more than `drop` (points; of an error, a share of it). Drift or a drop starts a retraining
    unless one was started in the last `cooldown_days`, or `retrains_per_year` were in this
    calendar year, or `paused`.
    """

    log: Annotated[str, Meta(extra_json_schema={"pattern": _FILE})] = "state"
    labels: Annotated[str, Meta(extra_json_schema={"pattern": f"^$|{_FILE}"})] = ""
    distance: Share = 0.1
    drop: Share = 0.05
    alpha: Share = 0.05
    minimum_rows: Annotated[int, Meta(ge=50)] = 100
    ignore: list[Annotated[str, Meta(min_length=1)]] = []
    cooldown_days: Annotated[int, Meta(ge=0, le=366)] = 7
    retrains_per_year: Annotated[int, Meta(ge=0, le=366)] = 12
    paused: bool = False
    metrics: Metrics = Metrics()


class Config(Part, frozen=True):
    """The whole of mlops.yaml.

    `registry` is `platform` (the container registry beside the repository), `oci:HOST/PATH`,
    `oci+http:HOST/PATH` or `folder:PATH`. `environment` is the project's own lock:
    requirements with hashes.
    """

    model: Model
    data: Data
    commands: Commands
    gate: Gate
    environment: RelativePath = "requirements.txt"
    registry: str = "platform"
    train: Train = Train()
    deploy: Deploy = Deploy()
    monitor: Monitor = Monitor()

    @property
    def table(self) -> TableInput:
        """The labelled table."""
        return next(iter(self.data.inputs.values()))

    @property
    def table_name(self) -> str:
        """Its name among the inputs."""
        return next(iter(self.data.inputs))

    @property
    def credentials(self) -> list[str]:
        """The variables of the job that hold credentials of a source or of the Pushgateway."""
        sources = [table.source for table in self.data.inputs.values() if table.source]
        named: list[Source | Metrics] = [*sources, self.monitor.metrics]
        return [name for each in named for name in each.credentials.values()]


T = TypeVar("T")


def load(root: Path) -> Config:
    """Read `mlops.yaml` under `root`.

    Raises:
        ConfigError: It is missing, is not YAML, breaks the schema, or its parts do not fit.
    """
    path = root / FILE_NAME
    config = read_yaml(path, Config, shown_as=FILE_NAME)
    for key, problem in misfits(config):
        raise ConfigError(f"{at(path, key, shown_as=FILE_NAME)}: {problem}")
    return config


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
    if not re.match(_FILE, config.monitor.log):
        yield "monitor.log", _no_file(config.monitor.log)
    if config.monitor.labels and not re.match(_FILE, config.monitor.labels):
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


def read_yaml(path: Path, kind: type[T], *, shown_as: str) -> T:
    """Read a YAML file into a typed structure.

    Raises:
        ConfigError: One line with file, line, column, key, what was found and what is allowed.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(f"{shown_as}: is not a file")  # reading it might never end
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{shown_as}: is larger than {LARGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{shown_as}: not found in {path.parent}") from None
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        found = f"byte 0x{error.object[error.start]:02x} is not UTF-8 text"
        raise ConfigError(f"{shown_as}:{_end_of(before)}: {found}") from None
    except OSError as error:
        raise ConfigError(f"{shown_as}: cannot be read: {error.strerror}") from None
    node, value = _parsed(text, shown_as)
    if node is None:
        raise ConfigError(f"{shown_as}:1:1: the file is empty")
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(shown_as, node, kind, _named(value, kind, error))) from None


def _parsed(text: str, shown_as: str) -> tuple[yaml.Node | None, Any]:
    try:
        node = yaml.compose(text, Loader=_Loader)
        return node, yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        problem = ", ".join(said for said in (error.context, error.problem) if said)
        raise ConfigError(f"{shown_as}:{where}: {problem}") from None
    except yaml.reader.ReaderError as error:
        sign = error.character if isinstance(error.character, int) else ord(error.character)
        where = _end_of(text[: error.position])
        raise ConfigError(f"{shown_as}:{where}: YAML has no character U+{sign:04X}") from None
    except RecursionError:
        raise ConfigError(f"{shown_as}:1:1: nested too deeply") from None


def _end_of(text: str) -> str:
    """Line and column, from 1, of what follows `text`."""
    return f"{text.count(chr(10)) + 1}:{len(text) - text.rfind(chr(10))}"


def at(path: Path, key_path: str, *, shown_as: str) -> str:
    """`file:line:column: key path`, for an error found after the schema was satisfied."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    if node is None:
        return f"{shown_as}:1:1: {key_path}"
    mark = _walk(node, re.findall(r"[^.\[\]]+", key_path))[1]
    return f"{shown_as}:{mark.line + 1}:{mark.column + 1}: {key_path}"


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice, where the second would win in silence, and names each place."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - its interface
        try:
            if isinstance(node, yaml.ScalarNode):
                node.value.encode()  # an escape may write half a character
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, LookupError):
            # What looks like a date, a number or an escape, and is none.
            raise _refused(node, f"cannot be read as {node.tag.rpartition(':')[2]}") from None


def _refused(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise _refused(key_node, "merge keys (<<) are not read; write the keys out")
        if not isinstance(key_node, yaml.ScalarNode):
            raise _refused(key_node, "a key must be a plain word")
        key = loader.construct_object(key_node)
        if key in seen:
            raise _refused(key_node, f"the key {key!r} is given twice")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _named(value: Any, kind: Any, error: msgspec.ValidationError) -> str:
    """The error's text with the dict's key where msgspec writes `[...]` or only "a key"."""
    text = str(error)
    message, in_key, after = text.partition(_AT_A_KEY)
    before, dots, _ = text.partition("[...]")
    if not in_key and not dots:
        return text
    place = re.findall(r"[^.\[\]`]+", after if in_key else before.partition(_AT)[2])
    inner = value
    for part in place:
        inner = inner.get(part) if isinstance(inner, dict) else None
    for key in inner if isinstance(inner, dict) else ():  # the key is the one that fails alone
        trial: Any = {key: inner[key]}
        for part, outer in reversed(list(zip(place, _along(value, place), strict=True))):
            trial = outer | {part: trial}
        try:
            msgspec.convert(trial, kind, strict=True)
        except msgspec.ValidationError as alone:
            if str(alone) == text and in_key:
                return f"the key: {message}, found {key!r}{_AT}{after[:-1]}.{key}`"
            if str(alone) == text:
                return text.replace("[...]", f".{key}", 1)
    return text


def _along(value: Any, place: list[str]) -> list[dict[Any, Any]]:
    """The mappings that a path goes through, the outermost first."""
    found = []
    for part in place:
        found.append(value)
        value = value[part]
    return found


def _explain(shown_as: str, node: yaml.Node, kind: type, error: str) -> str:
    # msgspec ends its message with " - at `$.gate.test[2]`" (nothing when at the root).
    message, _, place = error.rpartition(_AT) if _AT in error else (error, "", "")
    key_path = place.rstrip("`").lstrip(".")
    parts = re.findall(r"[^.\[\]]+", key_path)
    unknown = re.search(r"unknown field `(.*)`", message, re.DOTALL)
    allowed = _type_at(kind, parts)
    found, mark = _walk(node, parts)
    if unknown:
        known = _fields(allowed)
        message = f"unknown key {unknown[1]!r}{did_you_mean(unknown[1], known)}"
        if known:
            message += f". Allowed here: {', '.join(known)}"
        key_path = f"{key_path}.{unknown[1]}".lstrip(".")
        mark = _walk(node, [*parts, unknown[1]])[1]
    elif isinstance(allowed, msgspec.inspect.LiteralType):
        message += f". Allowed: {', '.join(str(each) for each in allowed.values)}"
    elif message.startswith("Expected") and "credentials" in parts:
        # Not shown: it may be the secret itself.
        message = "names no variable of the job, as in DATA_TOKEN; the value never stands here"
    elif message.startswith("Expected") and isinstance(found, yaml.ScalarNode):
        message += f", found {found.value[:80]!r}"
    where = f"{shown_as}:{mark.line + 1}:{mark.column + 1}"
    return " ".join(f"{where}: {key_path + ': ' if key_path else ''}{message}".splitlines())


def did_you_mean(found: str, known: list[str]) -> str:
    """` (did you mean "accuracy"?)`, or nothing when no known word is near."""
    near = difflib.get_close_matches(found, known, n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _type_at(kind: Any, parts: list[str]) -> msgspec.inspect.Type:
    info = _bare(msgspec.inspect.type_info(kind))
    for part in parts:
        if isinstance(info, msgspec.inspect.StructType):
            info = next((f.type for f in info.fields if f.encode_name == part), info)
        elif isinstance(info, msgspec.inspect.DictType):
            info = info.value_type
        elif isinstance(info, msgspec.inspect.ListType):
            info = info.item_type
        info = _bare(info)
    return info


def _bare(info: msgspec.inspect.Type) -> msgspec.inspect.Type:
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if isinstance(info, msgspec.inspect.UnionType):
        info = next((t for t in info.types if isinstance(t, msgspec.inspect.StructType)), info)
    return info


def _fields(info: msgspec.inspect.Type) -> list[str]:
    if isinstance(info, msgspec.inspect.StructType):
        return [field.encode_name for field in info.fields]
    return []


def _walk(node: yaml.Node, parts: list[str]) -> tuple[yaml.Node | None, yaml.Mark]:
    """The node at a path, or none, and where the deepest part of the path begins in the file."""
    mark = node.start_mark
    inner: yaml.Node | None = node
    for part in parts:
        if isinstance(inner, yaml.MappingNode):
            found = [(k, v) for k, v in inner.value if k.value == part]
            if not found:
                return None, mark
            mark, inner = found[0][0].start_mark, found[0][1]
        elif isinstance(inner, yaml.SequenceNode) and part in map(str, range(len(inner.value))):
            inner = inner.value[int(part)]
            mark = inner.start_mark
        else:
            return None, mark
    return inner, mark
