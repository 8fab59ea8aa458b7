"""What is put together where a part is missing, and how that is said."""

import contextlib
import json
import shutil

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from benchmark.datasets import COLUMNS, Record, write_record
from benchmark.reporting import views
from benchmark.reporting.run import Run
from experiments import settings
from experiments.runs import available
from experiments.scheduling.status import scores
from tests.composed import composed
from tests.made import trained

PAPER = settings.parse(yaml.safe_load(composed("profile=paper")))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A run that has two data sets and two methods of the paper, and one file of scores."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(composed("profile=paper"))
    for name in ("koniq10k", "live"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "manifest.csv").touch()
    for name in ("niqe", "arniqa"):
        (tmp_path / "models" / name).mkdir(parents=True)
        trained(name).write(tmp_path / "models" / name)
    (tmp_path / "results/scores/niqe").mkdir(parents=True)
    (tmp_path / "results/scores/niqe/live.csv").touch()
    return tmp_path


def test_what_is_not_there_is_left_out_and_named(here, capsys):
    found = available.narrowed(PAPER)
    assert list(found.methods) == ["niqe", "arniqa"]
    assert found.score.datasets == ["koniq10k", "live"]
    assert found.cross_dataset.datasets == ["koniq10k", "live"]
    assert found.cross_dataset.methods is None
    assert found.gmad.datasets == ["koniq10k", "live"]
    assert found.ablation.variants == []
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(PAPER.prepare.datasets) - 2 + len(PAPER.methods) - 2
    assert "left out: data set clive is not there; `dvc repro prepare@clive`" in said
    assert "left out: method qualiclip is not there; `dvc repro train@qualiclip`" in said


def test_scores_and_features_that_are_not_there_are_named(here, capsys):
    assert available.scored_by(["niqe", "arniqa"], "live") == ["niqe"]
    assert available.described_by("niqe", ["live"]) == []
    said = capsys.readouterr().err
    assert "arniqa has not scored live; `dvc repro score@arniqa`" in said
    assert "niqe has no features of live; `dvc repro score@niqe`" in said
    gone = [said for _, there, said in scores(PAPER) if not there]
    assert len(gone) == 3


def test_a_set_without_its_official_split_costs_that_set_only(here, capsys):
    rows = pd.DataFrame({"image": list("abc"), "mos": 1.0, "split": ["train", "test", None]})
    for name, official, third in (("flive", True, None), ("uhdiqa", True, "val"), ("clive", False, None)):
        record = Record(name, name, "", "", "MOS", 0, 1, True, "people", official_split=official)
        folder = here / "data" / name
        folder.mkdir(parents=True)
        write_record(record, folder / "record.json")
        table = rows.assign(split=["train", "test", third]).reindex(columns=COLUMNS)
        table.to_csv(folder / "manifest.csv", index=False)
    assert available.with_official_split(["flive", "uhdiqa", "clive"]) == ["uhdiqa", "clive"]
    (said,) = capsys.readouterr().err.splitlines()
    assert "flive is tested on its official split" in said


def test_where_nothing_is_there_it_says_so(here):
    (here / "models/niqe/method.json").unlink()
    (here / "models/arniqa/method.json").unlink()
    with pytest.raises(ValueError, match="no method is trained; `iqa doctor`"):
        available.narrowed(PAPER)


@pytest.mark.parametrize("run", ["begins", "has changed", "is up to date"])
def test_stages_are_run_side_by_side_only_where_one_is_to_be_run(here, monkeypatch, run):
    from experiments.cli import app

    asked = []
    if run == "begins":
        shutil.rmtree("models")

    def dvc(self, *arguments, output=False):
        asked.append(arguments)
        changed = {"outside": ["always changed"]} | (
            {"evaluate": ["changed"]} if run == "has changed" else {}
        )
        return 0, json.dumps(changed) if arguments[0] == "status" else ""

    monkeypatch.setattr("experiments.scheduling.parallel.Runner._dvc", dvc)
    monkeypatch.setattr("experiments.warm.kept", contextlib.nullcontext)  # no stage will be begun
    assert CliRunner().invoke(app, ["repro", "--jobs", "2"]).exit_code == 0
    looks = [("repro", "--single-item", "outside"), ("status", "--json")]
    assert [arguments for arguments in asked if arguments in looks] == ([] if run == "begins" else looks)
    assert asked[-1] == ("repro", "--keep-going")
    chained = [name for arguments in asked[:-1] for name in arguments if "@" in name]
    assert ("train@qualiclip" in chained) is (run != "is up to date")
    assert len(asked) == 3 or chained


@pytest.mark.parametrize(("broken", "code"), [(False, 0), (True, 3)])
def test_repro_gathers_only_after_a_failure_and_its_exit_code_says_so(here, monkeypatch, broken, code):
    from experiments.cli import app

    calls = []

    def repro(self, *arguments):
        calls.append(arguments)
        return int(broken)

    monkeypatch.setattr("experiments.scheduling.parallel.Runner.repro", repro)
    monkeypatch.setattr("experiments.scheduling.status.data_sets", lambda s: [("clive", False, "run x")])
    monkeypatch.setattr("experiments.scheduling.status.trained", lambda s: [("niqe", True, "trained")])
    result = CliRunner().invoke(app, ["repro"])
    assert result.exit_code == code
    assert calls[0] == ("--keep-going",)
    assert (("--single-item", "report") in calls) == broken
    assert ("clive" in result.output) == broken
    assert "niqe  " not in result.output or "score@" in result.output


def test_pages_say_how_a_published_data_set_is_brought(here):
    run = Run(params=str(here / "params.yaml"), data=str(here / "data"), models=str(here / "models"))
    shown = run.missing(*views.absent(run))
    assert "<code>iqa download clive --accept-terms &amp;&amp; dvc repro prepare@clive</code>" in shown
    assert "<code>iqa download tid2013 &amp;&amp; dvc repro prepare@tid2013</code>" in shown
    assert "<code>iqa datasets agiqa1k &amp;&amp; dvc repro prepare@agiqa1k</code>" in shown


def test_a_method_that_is_not_trained_here_has_its_card(here):
    trained("arniqa", {"title": "Official"}).write(here / "models/arniqa")
    (here / "models/niqe/method.json").unlink()
    run = Run(params=str(here / "params.yaml"), data=str(here / "data"), models=str(here / "models"))
    assert "Official" in views.methods(run)
    assert "random weights" not in views.caution(run)
