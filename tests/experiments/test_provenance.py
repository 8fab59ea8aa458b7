"""Scores say what made them, a name means the published method, and a list that grew keeps what it had."""

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import methods
from benchmark.images import read
from benchmark.method import Trained
from experiments.cli import app
from experiments.runs import stage, trained
from experiments.runs.training import train_into
from experiments.scoring.provenance import COLUMNS, provenance
from experiments.settings import MethodSettings

run = CliRunner()


def noise(path, seed, size=40):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with six pictures, where nothing can be fetched and no weights are cached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IQA_OFFLINE", "1")
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    for index in range(6):
        noise(tmp_path / f"{index}.png", index)
    return tmp_path


def score(*arguments, method="sharpness", code=0):
    done = run.invoke(app, ["score", ".", "--method", method, "--out", "s.csv", *arguments])
    assert done.exit_code == code, done.output
    return pd.read_csv("s.csv", index_col="image", keep_default_na=False)


def small(name, out):
    """QualiCLIP from random weights, as the pipeline leaves it."""
    own = MethodSettings.model_validate(
        {
            "code": "methods/qualiclip",
            "train": {"architecture": "small", "pretrained": None, "steps": 0, "crop": 64},
        }
    )
    train_into(out, name, own, [Path("0.png"), Path("1.png")], seed=1)


def test_a_name_means_the_published_method_wherever_one_stands(here):
    small("qualiclip", stage.MODELS / "qualiclip")
    for name in ("qualiclip", "qualiclip_plus"):
        with pytest.raises(ValueError, match="IQA_OFFLINE"):  # the published weights, which are not here
            trained.load_here(name)
        with pytest.raises(ValueError, match="IQA_OFFLINE"):
            methods.load(name)
    for name in ("trained:qualiclip", "models/qualiclip"):
        assert trained.load_here(name).weight_files == tuple(Path("models/qualiclip").glob("*.safetensors"))
    with pytest.raises(ValueError, match=r"models/niqe/method\.json is missing; run `dvc repro train@niqe`"):
        trained.load_here("trained:niqe")


def test_the_command_says_that_another_one_was_trained_here(here):
    train_into(
        stage.MODELS / "sharpness", "sharpness", MethodSettings(code="methods/sharpness.py"), [], seed=1
    )
    done = run.invoke(app, ["score", "0.png", "--method", "sharpness"])
    assert "sharpness: as published; the one trained here is --method trained:sharpness" in done.stderr
    done = run.invoke(app, ["score", "0.png", "--method", "trained:sharpness"])
    assert "as published" not in done.stderr


def test_every_row_says_what_made_it(here):
    small("qualiclip", stage.MODELS / "qualiclip")
    file = next(Path("models/qualiclip").glob("*.safetensors"))
    table = score(method="trained:qualiclip")
    assert list(table.columns) == ["score", "error", *COLUMNS]
    row = table.iloc[0]
    assert row["method"] == "trained:qualiclip"
    assert row["weights"] == file.as_posix()
    assert row["weights_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (row["direction"], row["precision"]) == ("higher", "fp32")
    assert row["version"] == Trained.read(file.parent).version[:12]
    frame = json.loads(_written("s.json"))
    assert {key: frame[0][key] for key in COLUMNS} == {key: row[key] for key in COLUMNS}


def test_a_model_that_was_fitted_to_a_folder_is_known_by_its_pictures(here):
    """NIQE, fitted as it is loaded: other pictures under the same names make another model."""
    Path("pristine/inner").mkdir(parents=True)
    for index in range(2):
        noise(here / f"pristine/inner/{index}.png", index, 400)
    command = ["score", "1.png", "--method", "niqe", "--set", "pristine=pristine", "--set", "patch=24"]

    def scored():
        done = run.invoke(app, [*command, "--out", "s.csv"])
        assert done.exit_code == 0, done.output
        return pd.read_csv("s.csv").iloc[0]

    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save("1.png")
    first = scored()
    assert first["weights"] == "pristine"
    assert len(first["weights_sha256"]) == 64
    assert scored()["version"] == first["version"]
    noise(here / "pristine/inner/1.png", 9, 380)
    refused = run.invoke(app, [*command, "--out", "s.csv", "--resume"])
    assert "is of a run with other version, weights_sha256" in str(refused.exception)
    second = scored()
    assert second["score"] != first["score"]
    assert second["version"] != first["version"]
    assert second["weights_sha256"] != first["weights_sha256"]


def _written(name):
    done = run.invoke(app, ["score", "0.png", "--method", "trained:qualiclip", "--out", name])
    assert done.exit_code == 0
    return Path(name).read_text()


def test_a_method_without_weights_and_one_in_the_repository(here):
    made = provenance("sharpness", methods.load("sharpness"), "bf16")
    assert (made["weights"], made["weights_sha256"], made["precision"]) == ("none", "", "bf16")
    small_one = provenance("qualiclip-small", methods.load("qualiclip-small"), "fp32")
    file = Path(methods.find("qualiclip_small").__file__).with_name("weights.safetensors")
    assert small_one["weights"] == "weights.safetensors"
    assert small_one["weights_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_scores_of_replaced_pictures_are_not_mixed_in(here):
    before = score()
    journal = Path(".s.csv.sharpness.journal")
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[: 1 + len(lines) // 2]))  # as if stopped half-way
    Image.new("RGB", (40, 40), (9, 9, 9)).save("0.png")
    after = score("--resume")
    assert float(after.loc["0.png", "score"]) == pytest.approx(0, abs=1e-3)
    assert after["score"][1:].tolist() == before["score"][1:].tolist()


def test_a_list_that_grew_shrank_and_changed_keeps_the_rest(here, monkeypatch):
    score()
    noise(here / "7.png", 7)
    (here / "2.png").unlink()
    noise(here / "3.png", 33)
    from experiments.scoring import local

    read, inner = [], local.read
    monkeypatch.setattr(local, "read", lambda path, *more: read.append(Path(path).name) or inner(path, *more))
    table = score("--resume")
    # Each with the one that shares its batch, as if all were scored anew.
    assert sorted(read) == ["3.png", "4.png", "5.png", "7.png"]
    assert list(table.index) == ["0.png", "1.png", "3.png", "4.png", "5.png", "7.png"]
    Path("s.csv").rename("old.csv")
    Path(".s.csv.sharpness.journal").unlink()
    assert score()["score"].tolist() == pytest.approx(table["score"].tolist(), rel=1e-6)


def test_a_picture_that_could_not_be_read_is_read_once_it_is_repaired(here):
    content = Path("4.png").read_bytes()
    Path("4.png").write_bytes(b"no picture")
    assert score(code=3).loc["4.png", "score"] == ""
    Path("4.png").write_bytes(content)
    assert float(score("--resume").loc["4.png", "score"]) > 100


def test_a_journal_of_other_code_or_weights_is_refused(here):
    score()
    journal = Path(".s.csv.sharpness.journal")
    head, *rest = journal.read_text().splitlines(keepends=True)
    about = json.loads(head)
    journal.write_text(json.dumps(about | {"version": "0" * 12}, sort_keys=True) + "\n" + "".join(rest))
    done = run.invoke(app, ["score", ".", "--method", "sharpness", "--out", "s.csv", "--resume"])
    assert "is of a run with other version" in str(done.exception)
    assert journal.read_text().count("\n") == 1 + len(rest)  # and is kept


def test_scores_of_what_was_trained_are_of_the_code_that_scores_now(here, monkeypatch):
    """A change of the code that scores gives another version; the training's own code is long gone."""
    small("qualiclip", stage.MODELS / "qualiclip")
    before = score(method="trained:qualiclip")["version"]
    assert score("--resume", method="trained:qualiclip")["version"].tolist() == before.tolist()
    changed = [*trained.code_files("qualiclip"), here / "more.py"]
    (here / "more.py").write_text("")
    monkeypatch.setattr(trained, "code_files", lambda name: changed)
    refused = run.invoke(app, ["score", ".", "--method", "trained:qualiclip", "--out", "s.csv", "--resume"])
    assert "is of a run with other version" in str(refused.exception)
    after = score(method="trained:qualiclip")["version"]
    assert set(before).isdisjoint(after)


def test_settings_reach_the_method_and_its_version(here):
    small = ("--set", "architecture=small", "--set", "pretrained=null")
    first = score(*small, method="clipiqa")
    second = score(*small, "--set", "scale=1e1", method="clipiqa")
    images = torch.stack([read(here / name) for name in first.index])
    for table, scale in ((first, None), (second, 10.0)):
        method = methods.load("clipiqa", architecture="small", pretrained=None, scale=scale)
        np.testing.assert_allclose(table["score"], method.score(images), atol=1e-6)
    assert set(first["version"]).isdisjoint(second["version"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-m", "clipiqa", "--set", "scala=3"), "did you mean 'scale'"),
        (("-m", "clipiqa", "--set", "scale"), "--set scale: expected key=value"),
        (("-m", "clipiqa", "--set", "scale=pyiqa"), r"scale: .*got 'pyiqa'"),
        (("-m", "trained:niqe", "--set", "patch=32"), "--set patch: trained:niqe was trained"),
    ],
)
def test_a_setting_that_cannot_be_is_said(here, words, says):
    done = run.invoke(app, ["score", ".", *words])
    with pytest.raises(ValueError, match=says):
        raise done.exception


def test_a_misspelt_second_method_is_found_before_anything_is_scored(here):
    done = run.invoke(app, ["score", ".", "--method", "sharpness", "--method", "sharpnes", "--out", "s.csv"])
    assert "did you mean 'sharpness'" in str(done.exception)
    assert not list(here.glob("*.csv"))
    assert not list(here.glob(".s.csv*"))


def test_the_list_says_which_weights_and_whether_they_are_here(here):
    train_into(stage.MODELS / "mine", "mine", MethodSettings(code="methods/sharpness.py"), [], seed=1)
    table = pd.read_csv(io.StringIO(run.invoke(app, ["methods", "--csv"]).stdout), index_col="name")
    assert table["licence"]["qualiclip"] == "CC BY-NC 4.0"
    assert "published checkpoint" in table["weights"]["qualiclip"]
    assert table["here"]["qualiclip"] == "its weights are not here: the first use fetches them"
    assert table["here"]["sharpness"] == table["here"]["qualiclip_small"] == "can score now"
    assert table["here"]["brisque"].startswith("no: brisque: has features and no scores of its own; set")
    assert table["weights"].drop(["sharpness", "brisque"]).notna().all()
    assert "trained:mine" in run.invoke(app, ["methods"]).stdout
    assert "IQA_OFFLINE" in os.environ
