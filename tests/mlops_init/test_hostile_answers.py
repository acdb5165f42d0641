"""Answers, files of answers and tables that mean harm: refused in one line, or text and no more."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.mlops_init import helpers
from tests.mlops_init.datasets import tables
from tests.mlops_init.helpers import BIN, PIN

from mlops_init import answers, errors, project
from mlops_init.answers import complete
from mlops_init.datasets import quoted
from mlops_init.errors import UsageError
from mlops_init.questions import NAME, OPTIONS, Option, check

Here = Callable[..., tuple[int, str, str]]

#: What one reader or another takes for more than text.
PIECES = (
    *("$(id)", "`id`", "${HOME}", "$HOME", "; id", "| id", "&& id", "> x", "!!", "*", "~", "\\"),
    *("::set-output name=a::b", "##[error]x", "%0A::error::x", "${{ github.token }}"),
    *("$[[ inputs.x ]]", "{{ cookiecutter.name }}", "{{ 7 * 7 }}", "{% raw %}", "{% endraw %}"),
    *("%}", "}}", "{#", "#}", "{{ cookiecutter.__class__ }}", "'", '"', '"""', "'''", "\\N{DASH}"),
    *("</code><script>x</script>", "<!--", "-->", "[a](javascript:x)", "![a](//b)", "|", "``", "#"),
    *(
        "@all",
        "https://example.org",
        "&amp;",
        "&#96;",
        "$x$",
        "\u202e",
        "\u200b",
        "\u2066",
        "\ufeff",
    ),
    *("\u2028", "\x85", "\xa0", "\x1b[31m", "\x1b]0;x\x07", "\r", "\n", "\0", "\x7f", "\ud800"),
    *("../", "/etc/passwd", "~root", "..", "C:\\", "yes", "null", "~", "1e3", "0x10", "12:30"),
    *("!!python/object:os.system", "&a", "*a", "<<: x", "- x", ": ", " #", "---", "[a]", "{a: b}"),
    *('"\nci = "x', "\\u0041", "\\x41", "-rf", "--help", "=1+1", "日本", "é", "e\u0301", "😀"),
)
LONG = ("a" * 10_000, "a/" * 5_000, "\u202e" * 10_000, "\n" * 10_000, "x.csv" * 2_000)
FREE = [option for option in (NAME, *OPTIONS) if not option.choices]
#: Besides what is unseen or a line end: this may not be in a file of the pipeline, ever.
FOREIGN = re.compile(r"[^\x20-\x7e\n]")


def plain(text: str) -> None:
    """One line that a terminal shows as it is, and that somebody can read."""
    line = text.removesuffix("\n")
    assert line, text
    assert all(sign.isprintable() for sign in line), ascii(line)
    assert len(line) < 1_000, f"{len(line)} signs"


def forms(option: Option) -> list[str]:
    """A piece by itself, before, within and behind what is allowed."""
    good = {
        "data": "t.csv",
        "registry": "folder:/srv/models",
        "steps": "owner/steps",
        "inference_log": "data/log.csv",
        "github_server": "git.example.org",
        "package": "abc",
    }.get(option.name, "abc")
    found = [*LONG, "", good]
    for piece in PIECES:
        found += [piece, piece + good, good + piece, good[:2] + piece + good[2:]]
    return found


@pytest.mark.parametrize("option", FREE, ids=[option.name for option in FREE])
def test_an_answer_is_refused_in_one_line_or_is_allowed_whole(option: Option) -> None:
    refused = 0
    wanted = 10 if option.name in {"key", "target", "positive"} else 100
    for value in forms(option):
        try:
            assert check(option, value) == value
        except UsageError as error:
            refused += 1
            plain(str(error))
        else:
            assert re.fullmatch(option.pattern, value) or not value
    assert refused > wanted


def accepted() -> list[dict[str, str]]:
    """Sets of answers in which one is as odd as can be and yet allowed."""
    found = []
    for option in FREE:
        if option.name in {"data", "key", "target", "positive", "package"}:
            continue  # no part of the pipeline
        for value in forms(option):
            given_ = {"name": "tumour", option.name: value}
            if option.name == "github_server":
                given_["registry"] = "folder:/srv/models"
            try:
                complete(given_)
            except UsageError:
                continue
            found.append(given_)
    return found


def test_a_pipeline_of_odd_answers_is_as_sound_as_any(tmp_path: Path) -> None:
    written = set()
    for given_ in accepted():
        made = complete(given_)
        for name, text in project.ci_files(made, PIN).items():
            assert (
                not FOREIGN.search(text)
                or not made.registry.isascii()
                or (not made.inference_log.isascii())
            )
            if text not in written:
                written.add(text)
                path = tmp_path / str(len(written)) / name
                path.parent.mkdir(parents=True)
                path.write_text(text, encoding="utf-8", newline="\n")
                assert yaml.safe_load(text)
    assert len(written) > 20
    lint(tmp_path)


def lint(folder: Path) -> None:
    """All linters, on all pipelines below a folder."""
    ours = sorted(folder.rglob(".github/workflows/*.yml"))
    every = sorted(folder.rglob("*.yml"))
    assert ours
    zizmor = [helpers.tool("zizmor"), "--offline", "--persona", "auditor", "--quiet"]
    helpers.clean(helpers.run(*zizmor, *ours, folder=folder, timeout=300))
    helpers.clean(helpers.run(helpers.tool("actionlint"), *ours, folder=folder, timeout=300))
    yamllint = [helpers.tool("yamllint"), "--strict", "-d", helpers.YAMLLINT]
    helpers.clean(helpers.run(*yamllint, *every, folder=folder, timeout=300))


# The command line, and files of answers


@pytest.mark.parametrize(
    "given_",
    [
        ("new", "../x"),
        ("new", "/tmp/x"),
        ("new", "~root"),
        ("new", "a\n::error::x"),
        ("new", "a\u202eb"),
        ("new", "-c"),
        ("new", "a" * 10_000),
        *(("new", "a", "-c", f"{word}") for word in ("x", "\x1b[31m", "=", "a" * 10_000, "ci\n")),
        *(("new", "a", "-c", f"{word}=x") for word in ("\x1b[31m", "a" * 10_000, "ci\n", "\udc80")),
        *(("new", "a", "--output", word) for word in ("\x1b[31m", "a" * 10_000, "b\nc", "\udc80")),
        *(("new", "a", "--answers", word) for word in ("\x1b[31m", "a" * 10_000, "b\nc", "\udc80")),
        *(("new", "a", "--data", word) for word in ("\x1b[31m", "a" * 10_000, "b\nc", "\udc80")),
        *(("new", "a", "--pin", word) for word in ("\x1b[31m", "a" * 10_000, "$(id)", "\udc80")),
        *(("new", "a", "-c", f"name={word}") for word in ("b", "\x1b[31m", "a" * 10_000)),
        *(("new", "a", f"--{word}") for word in ("\x1b[31m", "a" * 10_000)),
        *((word,) for word in ("\x1b[31m", "a" * 10_000, "b\nc")),
    ],
    ids=lambda words: ascii(words[-1])[:40],
)
def test_what_is_refused_is_refused_in_one_line(
    here: Here, tmp_path: Path, given_: tuple[str, ...]
) -> None:
    code, out, err = here(*given_, *(["--defaults", "--pin", PIN] if "--pin" not in given_ else []))
    assert (code, out) == (2, "")
    plain(err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"ci = '\0'",
        b'ci = "\\u0000"',
        b'name = "\\u001b[31m"',
        b'"\\u001b[31m" = "x"',
        b'"a\\nb" = "x"',
        b'["a\\nb"]\nci = "both"',
        b'["\\u202e"]\nci = "both"',
        b'ci = ["' + b"a" * 10_000 + b'"]',
        b'"' + b"a" * 10_000 + b'" = "x"',
        b'ci = "both"\n["answers"]\n["\\u001b"]\n',
        b"a." * 5_000 + b'a = "x"',
        b"ci = " + b"[" * 5_000 + b"]" * 5_000,
        b"ci = 1979-05-27T07:32:00Z",
        b"ci = inf",
        b"ci = " + b"9" * 10_000,
        b"\xff\xfe",
    ],
    ids=lambda content: ascii(content)[:40],
)
def test_a_file_of_answers_is_refused_in_one_line(
    here: Here, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    code, out, err = here("new", "a", "--answers", "a.toml", "--pin", PIN)
    assert (code, out) == (2, "")
    plain(err)
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


# Tables

#: Mostly those that a column may have in its name.
SEEN = [piece for piece in PIECES if not re.search("[\0-\x1f\x7f\ud800]", piece)]
WORDS = st.lists(st.sampled_from(SEEN), min_size=1, max_size=4).map("".join)
CLASSES = st.lists(WORDS | st.sampled_from(PIECES), min_size=2, max_size=2, unique=True)
NAMES = st.lists(WORDS, min_size=7, max_size=7, unique_by=str.lower)


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the same table by the names that it has."""
    folder = tmp_path_factory.mktemp("usual")
    return made(folder, tables.customers())


def made(folder: Path, rows: list[list[str]]) -> Path:
    """A project of a table whose first column is its key, the last one its target."""
    path = tables.write(folder / "t.csv", tables.text(rows).encode(errors="surrogatepass"))
    found = tables.study(path, rows[0][-1], key=rows[0][0])
    answers_ = complete({"name": "churn", **found.answers})
    return project.create(answers_, PIN, folder, found.source)


def table_of(names: list[str], classes: list[str]) -> list[list[str]]:
    """The customers, by other names and with other classes."""
    head, *rows = tables.customers()
    new = dict(zip(("no", "yes"), classes, strict=True))
    return [[*names, *head[len(names) :]][: len(head)], *([*r[:-1], new[r[-1]]] for r in rows)]


# As it is found: each example takes a second, and making it smaller takes hundreds.
@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(names=NAMES, target=WORDS, classes=CLASSES)
def test_a_table_is_refused_in_one_line_or_its_words_stay_words(
    usual: Path,
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    target: str,
    classes: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    rows = table_of(names, classes)
    rows[0][-1] = target
    try:
        churn = made(folder, rows)
    except UsageError as error:
        plain(errors.in_one_line(str(error)))
        assert [path.name for path in folder.iterdir()] == ["t.csv"]
        return
    sound(churn, usual, rows)


def sound(folder: Path, usual: Path, rows: list[list[str]]) -> None:
    """Everything is as with other words, but for the words."""
    key, *_, target = rows[0]
    values = {row[-1] for row in rows[1:]}
    kept = answers.load(folder)
    assert (kept.answers.key, kept.answers.target) == (key, target)
    assert kept.answers.positive in {*values, ""}
    assert sorted(helpers.files(folder)) == sorted(helpers.files(usual))
    for path in helpers.ci_paths(usual):
        assert (folder / path.relative_to(usual)).read_bytes() == path.read_bytes()
    content = yaml.safe_load((folder / "mlops.yaml").read_text(encoding="utf-8"))
    table = content["data"]["inputs"]["samples"]
    assert (table["key"], table["target"]) == (key, target)
    assert table["positive"] == kept.answers.positive
    assert set(content) == set(yaml.safe_load((usual / "mlops.yaml").read_text()))
    contract = yaml.safe_load((folder / "data" / "contract.yaml").read_text(encoding="utf-8"))
    assert list(contract["columns"]) == rows[0]
    assert set(contract["columns"][target]["allowed"]) == values
    python(folder, usual)
    readme(folder, usual, [key, kept.answers.positive])


def python(folder: Path, usual: Path) -> None:
    """The same programs, but for texts; a formatter and a linter find nothing."""
    for path in usual.rglob("*.py"):
        found, wanted = (
            ast.parse((each / path.relative_to(usual)).read_text(encoding="utf-8"))
            for each in (folder, usual)
        )
        for node in (*ast.walk(found), *ast.walk(wanted)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = ""
        assert ast.dump(found) == ast.dump(wanted), path
    for command in (["check"], ["format", "--check"]):
        helpers.clean(helpers.run(BIN / "ruff", *command, "--no-cache", ".", folder=folder))


class Page(HTMLParser):
    """The elements of a page in their order, and what stands in each piece of code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.codes: list[str] = []
        self.feed(MarkdownIt("gfm-like", {"linkify": False}).render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"{tag} {attrs}")
        self.codes += [""] if tag == "code" else []

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"!{data}")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1].startswith("code "):
            self.codes[-1] += data


def readme(folder: Path, usual: Path, words: list[str]) -> None:
    """Two pages of the same elements; the words stand in one of them as code, as they are."""
    odd, plain_ = (
        Page((each / "README.md").read_text(encoding="utf-8")) for each in (folder, usual)
    )
    assert odd.tags == plain_.tags
    assert len(odd.codes) == len(plain_.codes)
    for word in words:
        seen = "".join(s if s.isprintable() else quoted(s)[1:-1] for s in word)
        assert seen in odd.codes
