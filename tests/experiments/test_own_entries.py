"""Entries of one's own survive every composition of the settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from experiments.cli import app
from experiments.settings import ablations, own_entries
from experiments.settings.ablations import MISSING
from tests.composed import composed, profile_settings

ROOT = Path(__file__).parents[2]
run = CliRunner()

LOCAL = """# @package _global_
# mine, and why
methods:
  # the older one
  older: {code: methods/older.py} # stays in one line
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The settings as composed, in a folder that has nothing else of the checkout but its ablations."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_entries, "composed", composed)
    monkeypatch.setattr(ablations, "profile_settings", profile_settings)
    Path("params.yaml").write_text(composed("profile=demo"))
    shutil.copytree(ROOT / "experiments/ablation", "experiments/ablation")
    return tmp_path


def rewritten(change):
    raw = yaml.safe_load(Path("params.yaml").read_text())
    change(raw)
    Path("params.yaml").write_text(yaml.safe_dump(raw))


def test_what_is_composed_holds_nothing_by_hand(here):
    for overrides in (["profile=demo"], ["profile=paper"], ["profile=demo", "ablation=no_consistency"]):
        Path("params.yaml").write_text(composed(*overrides))
        assert own_entries.by_hand() == {}
        own_entries.check()


def test_what_was_written_by_hand_is_found_and_nothing_else(here):
    mine = {"code": "methods/sharpness.py", "train": None}
    rewritten(lambda raw: raw["methods"].update(mine=mine))
    rewritten(lambda raw: raw["prepare"]["datasets"].update(koniq10k={}))
    rewritten(lambda raw: raw["evaluate"].update(resamples=900))
    rewritten(lambda raw: raw["methods"]["qualiclip"]["train"].update(consistency=0.0))  # an ablation
    assert own_entries.by_hand() == {
        ("methods", "mine"): mine,
        ("prepare", "datasets", "koniq10k"): {},
        ("evaluate", "resamples"): 900,
    }
    with pytest.raises(ValueError, match=r"evaluate\.resamples, methods\.mine.*`iqa params --keep` moves it"):
        own_entries.check()


def test_what_was_taken_out_is_found_and_cannot_be_kept(here):
    rewritten(lambda raw: raw["methods"].pop("sharpness"))
    assert own_entries.by_hand() == {("methods", "sharpness"): MISSING}
    with pytest.raises(ValueError, match=r"methods\.sharpness: was taken out by hand, which .* cannot say"):
        own_entries.keep(own_entries.by_hand())


def test_a_file_keeps_its_comments_and_order(tmp_path):
    path = tmp_path / "local.yaml"
    path.write_text(LOCAL)
    own_entries.add(path, {("methods", "mine"): {"code": "methods/mine.py", "train": None}, ("seed",): 3})
    text = path.read_text()
    assert text.startswith(LOCAL)
    assert text.removeprefix(LOCAL) == "  mine:\n    code: methods/mine.py\n    train: null\nseed: 3\n"


def test_a_file_of_comments_alone_keeps_them(tmp_path):
    path = tmp_path / "local.yaml"
    shutil.copy(ROOT / "experiments/local.yaml", path)
    before = path.read_text()
    own_entries.add(path, {("methods", "mine"): {"code": "methods/mine.py"}})
    assert path.read_text() == before + "methods:\n  mine:\n    code: methods/mine.py\n"


@pytest.mark.parametrize("listed", [False, True])
def test_what_is_used_stands_in_both_files_and_changes_nothing_else(here, listed):
    Path("experiments/local.yaml").write_text(LOCAL)
    if listed:
        rewritten(lambda raw: raw.update(prepare={"datasets": ["pristine", "demo", "leaves"]}))
    before = yaml.safe_load(Path("params.yaml").read_text())
    own_entries.use(("prepare", "datasets", "koniq10k"), {})
    after = yaml.safe_load(Path("params.yaml").read_text())
    assert "koniq10k" in after["prepare"]["datasets"]
    assert {**after, "prepare": 0} == {**before, "prepare": 0}
    assert yaml.safe_load(Path("experiments/local.yaml").read_text())["prepare"] == {
        "datasets": {"koniq10k": {}}
    }


@pytest.mark.parametrize("listed", [False, True])
def test_an_entry_that_stands_already_keeps_its_settings(here, listed):
    """As where a data set of one's own is added anew, with --replace."""
    place = ("prepare", "datasets", "leaves")
    if listed:
        own = {"datasets": ["pristine", "demo", "leaves"], "settings": {"leaves": {"count": 7}}}
        rewritten(lambda raw: raw.update(prepare=own))
    before = Path("params.yaml").read_text()
    assert own_entries.use(place, {}) == [Path("experiments/local.yaml")]
    assert Path("params.yaml").read_text() == before
    assert own_entries.use(place, {}) == []


def test_a_row_of_the_name_of_a_new_method_is_not_written_over(here):
    Path("methods").mkdir()
    rewritten(lambda raw: raw["methods"].update(mine={"code": "methods/niqe.py", "train": {"patch": 64}}))
    before = Path("params.yaml").read_text()
    said = run.invoke(app, ["new-method", "mine", "--use"])
    assert "has a row 'mine' already" in str(said.exception)
    assert Path("params.yaml").read_text() == before
    assert not list(Path("methods").iterdir())


def test_a_method_that_cannot_be_declared_leaves_no_file(here):
    Path("methods").mkdir()
    said = run.invoke(app, ["new-method", "centre_prior", "--use"])
    assert "choose another name" in str(said.exception)
    assert not list(Path("methods").iterdir())


def test_what_would_be_at_fault_is_written_nowhere(here):
    Path("experiments/local.yaml").write_text(LOCAL)
    before = Path("params.yaml").read_text()
    with pytest.raises(ValueError, match="'Demo' and 'demo' differ in case"):
        own_entries.use(("prepare", "datasets", "Demo"), {})
    assert (Path("params.yaml").read_text(), Path("experiments/local.yaml").read_text()) == (before, LOCAL)


def test_the_command_says_what_is_by_hand_and_comes_back(here):
    assert run.invoke(app, ["params"]).output == "profile demo, ablation none\n"
    rewritten(lambda raw: raw["evaluate"].update(resamples=900))
    assert "by hand  evaluate.resamples: 900" in run.invoke(app, ["params"]).output
    refused = run.invoke(app, ["params", "--profile", "paper"])
    assert isinstance(refused.exception, ValueError)
    assert yaml.safe_load(Path("params.yaml").read_text())["evaluate"]["resamples"] == 900
    assert run.invoke(app, ["params", "--keep"]).exit_code == 0
    assert yaml.safe_load(Path("experiments/local.yaml").read_text()) == {"evaluate": {"resamples": 900}}
    assert run.invoke(app, ["params", "--drop"]).exit_code == 0
    assert own_entries.by_hand() == {}


def test_a_file_at_fault_can_be_dropped(here):
    """Else nothing but an editor would bring a valid one back."""
    sound = Path("params.yaml").read_text()
    for broken in (sound.replace("seed: 27", "seed: 28", 1), sound + "odd: 1\n", "a: ["):
        Path("params.yaml").write_text(broken)
        with pytest.raises(ValueError, match="`iqa params --profile demo --drop` brings back"):
            own_entries.check()
        assert run.invoke(app, ["params", "--profile", "demo"]).exit_code == 1
        assert Path("params.yaml").read_text() == broken
        assert run.invoke(app, ["params", "--profile", "demo", "--drop"]).exit_code == 0
        assert Path("params.yaml").read_text() == sound


def test_an_unknown_ablation_is_named_with_what_was_meant(here):
    before = Path("params.yaml").read_text()
    said = run.invoke(app, ["params", "--profile", "demo", "--ablation", "no_consistenc"])
    assert str(said.exception).startswith(
        "no ablation 'no_consistenc' in experiments/ablation/; did you mean"
    )
    assert Path("params.yaml").read_text() == before


def test_an_ablation_without_its_profile_is_refused(here):
    """It would do nothing."""
    said = run.invoke(app, ["params", "--ablation", "no_consistency"])
    assert "--ablation no_consistency goes with --profile" in str(said.exception)


def test_an_experiment_keeps_what_is_mine_and_refuses_to_lose_what_is_by_hand(tmp_path):
    """With DVC itself, in a repository of its own, as a person would."""
    for room in ("benchmark", "methods", "experiments"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dvc/config", ".dvcignore", "params.yaml", "dvc.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    def ended(*command):
        return subprocess.run(
            command,
            **{"cwd": tmp_path, "capture_output": True, "text": True},
            env=os.environ | {"PYTHONPATH": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"},
        )

    for words in ("init", "add .", "-c user.name=a -c user.email=a@b.invalid commit -m first"):
        assert ended("git", *words.split()).returncode == 0
    for key, value in (("user.name", "a"), ("user.email", "a@b.invalid")):
        ended("git", "config", key, value)
    iqa, dvc = ([sys.executable, "-m", module] for module in ("experiments.cli", "dvc"))
    assert ended(*iqa, "new-method", "mine", "--use").returncode == 0
    path = tmp_path / "params.yaml"
    done = ended(*dvc, "exp", "run", "-S", "ablation=no_consistency", "outside")
    assert done.returncode == 0, done.stderr
    raw = yaml.safe_load(path.read_text())
    assert raw["methods"]["mine"] == {"code": "methods/mine.py"}
    assert raw["methods"]["qualiclip"]["train"]["consistency"] == 0
    path.write_text(path.read_text().replace("resamples: 500", "resamples: 900"))
    before = path.read_text()
    refused = ended(*dvc, "exp", "run", "-S", "profile=paper", "outside")
    assert refused.returncode
    assert "evaluate.resamples. `iqa params --keep`" in refused.stderr
    assert path.read_text() == before
