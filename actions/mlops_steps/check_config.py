"""Everything about mlops.yaml that can be told without running anything, each on one line.

    python3 -I enter.py --check-config [FOLDER [ANSWERS]]

The steps' own code reads and judges it, so that what passes here is what a job will accept.
A step stops at the first problem; here all are collected. Nothing is fetched, and no program
of the project is run. ANSWERS is what the project's generator knows, as JSON: `registry`,
`runner` and `source_secrets`.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_steps.commands import words_of
from mlops_steps.config import FILE_NAME, Config, TableInput
from mlops_steps.errors import ConfigError, MlopsError
from mlops_steps.misfits import misfits
from mlops_steps.source import end_of
from mlops_steps.yaml_file import at, did_you_mean, read_yaml
from mlops_steps.yaml_problems import schema_problems

if TYPE_CHECKING:
    from mlops_steps.data.parts import Table
    from mlops_steps.validate_data.contract import Contract


def main(arguments: list[str]) -> int:
    """Print every problem, or one line that says what was checked; returns 2 or 0."""
    root = Path(arguments[0] if arguments else ".").resolve()
    answers = json.loads(arguments[1]) if len(arguments) > 1 else {}
    check = Check(root, answers)
    check.run()
    for line in sorted(dict.fromkeys(check.problems), key=_place):
        print(line)
    if check.problems:
        return 2
    print(f"{FILE_NAME}: no problem found in {', '.join(check.seen)}")
    return 0


def _place(line: str) -> tuple[str, int, int]:
    found = re.match(r"(.*?):(\d+):(\d+): ", line)
    return (found[1], int(found[2]), int(found[3])) if found else ("", 0, 0)


@dataclass
class Check:
    """A project that is being looked at: what is wrong with it, and what was looked at."""

    root: Path
    answers: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    tracked: set[str] | None = None

    def run(self) -> None:
        """Look at everything that can be looked at."""
        path = self.root / FILE_NAME
        self.problems += schema_problems(path, Config, shown_as=FILE_NAME)
        if self.problems:
            return
        config = read_yaml(path, Config, shown_as=FILE_NAME)
        self.problems += [f"{self._at(key)}: {words}" for key, words in misfits(config)]
        self._git()
        self._rules(config)
        self._commands(config)
        self._lock(config)
        self._registry(config)
        self._secrets(config)
        self._table(config, config.table, f"data.inputs.{config.table_name}")
        self._monitored(config)

    def _told(self, key: str, look: Callable[[], object]) -> bool:
        """Whether `look` raises nothing; what it raises is a problem, with the key's place."""
        try:
            look()
        except MlopsError as error:
            words = " ".join(str(error).splitlines())
            self.problems.append(f"{self._at(key)}: {words}" if key else words)
            return False
        return True

    def _at(self, key: str, file: str = FILE_NAME) -> str:
        return at(self.root / file, key, shown_as=file)

    def _git(self) -> None:
        from mlops_steps.source import tracked

        try:
            self.tracked = set(tracked(self.root))
        except MlopsError as error:
            words = " ".join(str(error).splitlines())
            self.problems.append(
                f"{FILE_NAME}: a job sees what git tracks, which is nothing: {words}"
            )
        else:
            self._file("", FILE_NAME)

    def _file(self, key: str, name: str, *, near: Sequence[str] = ()) -> bool:
        """Whether a file is there; that git tracks it is checked, too: a job sees no other."""
        where = self._at(key) if key else FILE_NAME
        path = self.root / name
        try:
            inside, there = end_of(path).is_relative_to(self.root), path.is_file()
        except (OSError, ValueError):  # too long, or with a zero byte
            self.problems.append(f"{where}: {name[:80]!r}: cannot be the name of a file")
            return False
        # No job follows one out of the project, and what lies there may never end.
        if not inside:
            self.problems.append(f"{where}: {name}: is a link that leads outside the project")
            return False
        if not there:
            self.problems.append(f"{where}: {name}: not found{did_you_mean(name, list(near))}")
            return False
        if self.tracked is not None and Path(name).as_posix() not in self.tracked:
            self.problems.append(f"{where}: {name}: git does not track it, so no job sees it")
        return True

    def _rules(self, config: Config) -> None:
        from mlops_steps.gate.grammar import GrammarError, parse

        count = 0
        for split, texts in (("test", config.gate.test), ("valid", config.gate.valid)):
            for index, text in enumerate(texts):
                count += 1
                try:
                    parse(text, task=config.model.task, split=split)
                except GrammarError as error:
                    self.problems.append(f"{self._at(f'gate.{split}[{index}]')}: {error}")
        self.seen.append(f"{count} rules")

    def _commands(self, config: Config) -> None:
        named = [(f"commands.{name}", getattr(config.commands, name))
                 for name in ("train", "predict", "serve", "test")]  # fmt: skip
        named += [(f"commands.lint[{n}]", each) for n, each in enumerate(config.commands.lint)]
        for key, command in named:
            try:
                words = words_of(command)
            except ConfigError as error:
                self.problems.append(f"{self._at(key)}: {error}")
                continue
            if words[0] in {"python", "python3"}:
                self._python(config, key, words[1:])
            elif "/" in words[0] and not words[0].startswith("/"):
                self._file(key, words[0])
        self.seen.append(f"{len(named)} commands")

    def _python(self, config: Config, key: str, words: list[str]) -> None:
        if words[:1] == ["-m"] and len(words) > 1:
            self._module(config, key, words[1])
        elif words and not words[0].startswith(("-", "/")):
            self._file(key, words[0])

    def _module(self, config: Config, key: str, module: str) -> None:
        """A module of the project has to be there; whether another is, only its lock could tell."""
        top, *inner = module.split(".")
        places = [place for place in (self.root / "src", self.root) if _holds(place, top)]
        if places:
            base = places[0].joinpath(top, *inner)
            files = (base.with_suffix(".py"), base / "__main__.py")
            found = [file for file in files if file.is_file()]
            if found:
                self._file(key, found[0].relative_to(self.root).as_posix())
            else:
                name = base.with_suffix(".py").relative_to(self.root).as_posix()
                self.problems.append(f"{self._at(key)}: module {module}: {name}: not found")
            return
        own = [each.stem for place in (self.root / "src", self.root) if place.is_dir()
               for each in place.iterdir() if _holds(place, each.stem)]  # fmt: skip
        near = did_you_mean(top, own)
        locked = {_plain(name) for name in _requirements(self.root / config.environment)}
        if near and top not in sys.stdlib_module_names and _plain(top) not in locked:
            self.problems.append(f"{self._at(key)}: module {top}: not found{near}")

    def _lock(self, config: Config) -> None:
        if not self._file("environment", config.environment):
            return
        bare = [name for name, line in _requirements(self.root / config.environment).items()
                if "--hash=" not in line]  # fmt: skip
        if bare:
            where, more = self._at("environment"), f" and {len(bare) - 3} more" * (len(bare) > 3)
            self.problems.append(
                f"{where}: {config.environment}: without a hash: {', '.join(bare[:3])}{more}"
            )

    def _registry(self, config: Config) -> None:
        from mlops_steps.registry.address import check_address

        if not self._told("registry", lambda: check_address(config.registry)):
            return
        made_for = str(self.answers.get("registry", config.registry))
        kind, wanted = config.registry.partition(":")[0], made_for.partition(":")[0]
        where = self._at("registry")
        if kind != wanted:
            self.problems.append(
                f"{where}: {config.registry!r}, but the pipelines were made for {made_for!r} and "
                "bring no credentials for another kind"
            )
        elif kind == "folder" and self.answers and not self.answers.get("runner"):
            self.problems.append(
                f"{where}: a folder is lost with a hosted runner, and the answer runner is empty"
            )

    def _secrets(self, config: Config) -> None:
        given = str(self.answers.get("source_secrets", ",".join(config.credentials)))
        lacking = sorted(set(config.credentials) - set(given.split(",")))
        if lacking:
            where = self._at(f"data.inputs.{config.table_name}.source.credentials")
            self.problems.append(
                f"{where}: the pipelines hand {', '.join(lacking)} to no job: they were made for "
                f"the answer source_secrets={given or 'none'}"
            )

    def _table(self, config: Config, table: TableInput, key: str) -> None:
        from mlops_steps.data.attached import attached
        from mlops_steps.data.split import SPLITS, split_sql
        from mlops_steps.data.tables import column_names

        self._told(f"{key}.split", lambda: split_sql(table.key, table.split))
        names: list[str] = []
        if self._there(table, key) and self._told(
            f"{key}.path", lambda: names.extend(column_names(self._data(table)))
        ):
            for role in ("key", "target", "file"):
                name = getattr(table, role)
                if name is not None and name not in names:
                    self.problems.append(
                        f"{self._at(f'{key}.{role}')}: {table.path} has no column {name!r}"
                        f"{did_you_mean(name, names)}"
                    )
            self._features(table, key, names)
            self.seen.append(f"{table.path} with {len(names)} columns")
        if table.file in names and table.key in names:
            files: list[str] = []
            if self._told(
                f"{key}.file",
                lambda: files.extend(attached(self.root, table, splits=SPLITS).all),
            ):
                for name in files:
                    self._file(f"{key}.file", name)
                self.seen.append(f"{len(files)} files")
        if self._file(f"{key}.contract", table.contract):
            self._contract(config, table, names)

    def _there(self, table: TableInput, key: str) -> bool:
        """Whether the table's rows can be looked at here: they lie in files of the project."""
        from mlops_steps.data.sources.address import problems
        from mlops_steps.data.sources.taking import is_local, own_files, refuse_twice

        if table.source is None:
            return self._file(f"{key}.path", table.path)
        if problems(table.source):
            return False
        self._told(f"{key}.path", lambda: refuse_twice(self.root, table))
        if table.source.certificates:
            self._file(f"{key}.source.certificates", table.source.certificates)
        files: list[str] = []
        if not self._told(
            f"{key}.source.address", lambda: files.extend(own_files(self.root, table))
        ):
            return False
        there = [self._file(f"{key}.source.address", name) for name in sorted(files)]
        return is_local(table.source) and all(there)

    def _data(self, table: TableInput) -> Table:
        from mlops_steps.data.sources import local

        if table.source is None:
            return self.root / table.path
        return local.find(self.root, table.source.address)

    def _features(self, table: TableInput, key: str, names: list[str]) -> None:
        from mlops_steps.deploy_canary.rows import taken_names

        features = [name for name in names if name not in {table.key, table.target}]
        where = self._at(f"{key}.path")
        self.problems += [f"{where}: {table.path}: {words}" for words in taken_names(features)]

    def _monitored(self, config: Config) -> None:
        """What monitor opens: in the project it has to be tracked, as all that it reads."""
        from mlops_steps.data.tables import column_names
        from mlops_steps.monitor.log import check_columns, key_of_labels

        monitor, wrong = config.monitor, {key for key, _ in misfits(config)}
        if monitor.log != "state" and "monitor.log" not in wrong:
            log = self.root / monitor.log
            self._opened("monitor.log", monitor.log, lambda: check_columns(column_names(log)))
        if monitor.labels and "monitor.labels" not in wrong:
            labels = self.root / monitor.labels
            self._opened(
                "monitor.labels", monitor.labels, lambda: key_of_labels(labels, config.table)
            )

    def _opened(self, key: str, name: str, look: Callable[[], object]) -> None:
        if posixpath.isabs(name) or posixpath.normpath(name).split("/")[0] == "..":
            if self.answers and not self.answers.get("runner"):
                self.problems.append(
                    f"{self._at(key)}: {name}: lies outside the project, where a hosted runner "
                    "has nothing, and the answer runner is empty"
                )
        elif self._file(key, name, near=["state"] if key == "monitor.log" else []):
            self._told(key, look)
            self.seen.append(name)

    def _contract(self, config: Config, table: TableInput, names: list[str]) -> None:
        from mlops_steps.validate_data import contract as contracts
        from mlops_steps.validate_data import sense

        path, shown = self.root / table.contract, table.contract
        broken = schema_problems(path, contracts.Contract, shown_as=shown)
        self.problems += broken
        if broken:
            return
        contract = read_yaml(path, contracts.Contract, shown_as=shown)
        for key, words in sense.misfits(contract, table, task=config.model.task):
            self.problems.append(f"{self._at(key, shown)}: {words}")
        if names:
            self._columns(table, contract, names)
        self.seen.append(f"{shown} on {len(contract.columns)} of them")

    def _columns(self, table: TableInput, contract: Contract, names: list[str]) -> None:
        """The contract's columns against those that the table has, and against their types."""
        from mlops_steps.validate_data.cells import unreadable
        from mlops_steps.validate_data.sense import unnamed

        kinds = self._kinds(table)
        for name, column in contract.columns.items():
            words = ""
            if name not in names:
                words = f"{table.path} has no such column{did_you_mean(name, names)}"
            elif name in kinds and (reason := unreadable(column.type, kinds[name])):
                words = f"{table.path}: {reason}"
            if words:
                self.problems.append(f"{self._at(f'columns.{name}', table.contract)}: {words}")
        lacking = [name for name in contract.columns if name not in names]
        # One that was asked about above ("did you mean") is told once.
        if extra := [each for each in unnamed(contract, names) if not did_you_mean(each, lacking)]:
            listed, more = ", ".join(map(repr, extra[:3])), f" and {len(extra) - 3} more"
            self.problems.append(
                f"{self._at('columns', table.contract)}: says nothing of {listed}"
                f"{more * (len(extra) > 3)}, which {table.path} has. Allowed: name each column, or "
                "extra_columns: true"
            )

    def _kinds(self, table: TableInput) -> dict[str, str]:
        """The types of the table's columns, if its file has types."""
        from mlops_steps.data.profile import column_types
        from mlops_steps.data.tables import connect, format_of, reading, scan

        path = self._data(table)
        if format_of(path) != "parquet":
            return {}
        with connect() as connection, reading(path.name):
            return column_types(connection, scan(path))


def _holds(place: Path, name: str) -> bool:
    """Whether a module or package of that name lies in a folder."""
    if not name.isidentifier():
        return False
    return (place / f"{name}.py").is_file() or any((place / name).glob("*.py"))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(lock: Path) -> dict[str, str]:
    """The logical lines of a requirements file, by the name that each begins with."""
    try:
        text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, UnicodeDecodeError):
        return {}
    lines = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    return {re.split(r"[^\w.-]", line)[0]: line for line in lines}
