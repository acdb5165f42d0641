"""mlops.yaml, typed and checked; every error names the line, the key and what is allowed.

The structures below are the published schema: `make generate` writes it from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mlops_steps.data.sources.address import VARIABLE
from mlops_steps.errors import ConfigError
from mlops_steps.yaml_file import at, read_yaml

FILE_NAME = "mlops.yaml"

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Share = Annotated[float, Meta(gt=0, lt=1)]
RelativePath = Annotated[str, Meta(pattern=r"^(?![/~]|.*(^|/)\.\.(/|$)).+$")]
Percent = Annotated[int, Meta(ge=1, le=100)]
#: What opens a file on this machine: no address (nothing fetches it), no `~` (no shell reads it).
FILE = r"^(?!~|[A-Za-z][A-Za-z0-9+.-]*://)."


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

    textfile: Annotated[str, Meta(pattern=FILE)] | None = None
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

    log: Annotated[str, Meta(extra_json_schema={"pattern": FILE})] = "state"
    labels: Annotated[str, Meta(extra_json_schema={"pattern": f"^$|{FILE}"})] = ""
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


def load(root: Path) -> Config:
    """Read `mlops.yaml` under `root`.

    Raises:
        ConfigError: It is missing, is not YAML, breaks the schema, or its parts do not fit.
    """
    from mlops_steps.misfits import misfits

    path = root / FILE_NAME
    config = read_yaml(path, Config, shown_as=FILE_NAME)
    for key, problem in misfits(config):
        raise ConfigError(f"{at(path, key, shown_as=FILE_NAME)}: {problem}")
    return config
