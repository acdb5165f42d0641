"""Every example is run by the engine it is written for, and wrong inputs are refused there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.examples import walking
from tests.examples.walking import EXAMPLES, GITHUB, GITLAB, Ground

from mlops_steps.spec import STEP_NAMES

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
#: In the order in which each finds what the ones before it have left in the registry.
ROAD = {"register": {"version": "1.0.0", "first_release": "true"}, "deploy-canary": {}}
ALONE = [step for step in STEP_NAMES if step not in {*ROAD, "monitor"}]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """The tree under test, with the downloads it needs."""
    return walking.prepare(tmp_path_factory.mktemp("examples"))


@pytest.fixture
def fresh(base: Ground, tmp_path: Path) -> Ground:
    """The same with an empty registry, and a folder of its own."""
    made = Ground(tmp_path, base.tree, tmp_path / "state")
    made.state.mkdir()
    return made


def steps_of(path: Path) -> set[str]:
    """The steps that an example says it runs."""
    text = path.read_text()
    named = set(re.findall(rf"{walking.STEPS}/(?:actions/)?([a-z-]+)@", text))
    return named | set(re.findall(r"^ +step: ([a-z-]+)$", text, re.MULTILINE))


def test_each_step_has_its_example_on_both_platforms() -> None:
    assert {path.stem for path in GITHUB} == set(STEP_NAMES)
    assert {path.stem for path in GITLAB} == set(STEP_NAMES) - {"comment"}
    assert all(path.stem in steps_of(path) for path in (*GITHUB, *GITLAB))
    assert any(f"{walking.STEPS}@" in path.read_text() for path in GITHUB), "the root action"


@pytest.mark.parametrize("step", ALONE)
def test_an_action_in_a_workflow_of_ones_own(fresh: Ground, step: str) -> None:
    ran = walking.act(fresh, fresh.repository("pumps"), step)
    wanted = dict.fromkeys(steps_of(EXAMPLES / "github" / f"{step}.yml"), "pass")
    assert (ran.code, ran.verdicts) == (0, wanted), ran.text


@pytest.mark.parametrize("step", [step for step in ALONE if step != "comment"])
def test_a_component_in_a_pipeline_of_ones_own(fresh: Ground, step: str) -> None:
    path = EXAMPLES / "gitlab" / f"{step}.yml"
    ran = walking.gitlab(fresh, fresh.repository("pumps"), path)
    assert (ran.code, ran.verdicts) == (0, dict.fromkeys(steps_of(path), "pass")), ran.text


def test_actions_register_release_and_watch(fresh: Ground) -> None:
    for step, inputs in {**ROAD, "monitor": {}}.items():
        ran = walking.act(fresh, fresh.repository(step), step, **inputs)
        wanted = dict.fromkeys(steps_of(EXAMPLES / "github" / f"{step}.yml"), "pass")
        assert (ran.code, ran.verdicts) == (0, wanted), ran.text
        for words in {
            "register": ["Registered 1.0.0, sha256:"],
            "deploy-canary": ["The canary says promote."],
            # Through the root action, whose outputs are the step's.
            "monitor": ["Retrain false"],
        }[step]:
            assert words in ran.text


def test_components_register_release_and_watch(fresh: Ground) -> None:
    for step, inputs in {**ROAD, "monitor": {}}.items():
        path = EXAMPLES / "gitlab" / f"{step}.yml"
        variables = {name.upper(): value for name, value in inputs.items()}
        repository = fresh.repository(step)
        ran = walking.gitlab(fresh, repository, path, **variables)
        assert (ran.code, ran.verdicts) == (0, dict.fromkeys(steps_of(path), "pass")), ran.text
    # The child pipeline that a watch without a finding starts.
    assert "Nothing to start." in ran.text


def edited(fresh: Ground, workflow: str, old: str, new: str) -> Path:
    """The example repository with one workflow changed, committed."""
    repository = fresh.repository("pumps")
    path = repository / ".github" / "workflows" / f"{workflow}.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    walking.commit(repository)
    return repository


@pytest.mark.parametrize(
    ("workflow", "old", "new", "words"),
    [
        ("monitor", "step: monitor", "step: monitr", ["unknown step 'monitr'", *STEP_NAMES]),
        # An option in the place of a name would otherwise print help, and pass.
        ("monitor", "step: monitor", "step: --help", ["unknown step ''", *STEP_NAMES]),
        (
            "monitor",
            '{"start": "train"}',
            '{"begin": "train"}',
            ["step monitor has no input 'begin'", "Inputs: start"],
        ),
        (
            "monitor",
            '{"start": "train"}',
            '{"start": "../train"}',
            ["input start: '../train' is not written as it has to be, as in ct"],
        ),
        ("monitor", '{"start": "train"}', "start", ["MLOPS_INPUTS is not JSON"]),
        ("gate", "split: valid", "split: vaild", ["input split: 'vaild'", "Allowed: test, valid"]),
    ],
)
def test_an_action_refuses_a_wrong_input(
    fresh: Ground, workflow: str, old: str, new: str, words: list[str]
) -> None:
    ran = walking.act(fresh, edited(fresh, workflow, old, new), workflow)
    assert ran.code != 0
    assert "exit status 2" in ran.text, ran.text
    assert "pass" not in ran.verdicts.values()
    for each in words:
        assert each in ran.text


def test_a_component_refuses_a_wrong_input_before_the_pipeline_begins(fresh: Ground) -> None:
    gate = (EXAMPLES / "gitlab" / "gate.yml").read_text()
    ran = walking.gitlab(fresh, fresh.repository("a"), gate.replace("split: valid", "split: vaild"))
    assert ran.code != 0
    assert "`vaild` cannot be used because it is not in the list of allowed options" in ran.text
    assert not ran.verdicts
    register = (EXAMPLES / "gitlab" / "register.yml").read_text()
    text = register.replace("version: $VERSION", 'version: "1.4"')
    ran = walking.gitlab(fresh, fresh.repository("b"), text)
    assert ran.code != 0
    assert "input: `1.4` does not match required regex" in ran.text
    assert not ran.verdicts


def test_a_component_refuses_a_wrong_value_of_a_variable_in_the_step(fresh: Ground) -> None:
    """GitLab sees only the variable's name, so it is the step that has to look."""
    pipeline = (EXAMPLES / "gitlab" / "deploy-canary.yml").read_text()
    ran = walking.gitlab(fresh, fresh.repository("pumps"), pipeline, VERSION="1.4")
    assert ran.code != 0
    assert "input version: '1.4' is not written as it has to be, as in 1.4.0" in ran.text
    assert not ran.verdicts


def test_a_component_adds_nothing_that_overrules_the_pipelines_defaults() -> None:
    """A key of the job would win over `default:` of whoever includes it, also when empty."""
    for step in STEP_NAMES:
        _, body = yaml.safe_load_all(
            (EXAMPLES.parents[1] / "templates" / f"{step}.yml").read_text()
        )
        (job,) = body.values()
        assert set(job) == {"stage", "image", "variables", "cache", "script", "artifacts"}
