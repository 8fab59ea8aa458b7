"""The stage that scores a data set: stopped and taken up, and begun anew where anything has changed."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

import benchmark.datasets
import methods
from benchmark.scoring import score_files
from experiments.runs import stage
from experiments.runs.training import train_into
from experiments.scoring import runner
from experiments.settings import MethodSettings
from experiments.stages.score import score
from methods.sharpness import Sharpness
from tests import apart
from tests.rehearsal import small

CSV = "results/scores/sharpness/leaves.csv"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a data set and a method that needs no training."""
    monkeypatch.chdir(tmp_path)
    settings = yaml.safe_load(small.settings())
    settings["score"]["batch"] = 2
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    benchmark.datasets.prepare("leaves", tmp_path / "data", size=64, count=1, levels=[3])
    own = MethodSettings(code="methods/sharpness.py")
    train_into(stage.MODELS / "sharpness", "sharpness", own, [], seed=27)
    return tmp_path


@pytest.fixture
def stage_run(monkeypatch):
    """Return a function that runs the stage, stopped after some batches, and says what it scored."""
    inner = runner.local_rows

    def run(stop=None):
        seen = []

        def rows(*arguments):
            for number, part in enumerate(inner(*arguments)):
                if number == stop:
                    raise KeyboardInterrupt
                seen.extend(row.index for row in part)
                yield part

        monkeypatch.setattr(runner, "local_rows", rows)
        if stop is None:
            score("sharpness")
        else:
            with pytest.raises(KeyboardInterrupt):
                score("sharpness")
        return seen

    return run


def test_a_stopped_stage_goes_on(project, stage_run):
    every = stage_run()
    whole = (project / CSV).read_bytes()
    (project / CSV).unlink()
    first = stage_run(stop=3)
    assert len(first) == 6
    assert not (project / CSV).exists()
    assert sorted([*first, *stage_run()]) == sorted(every)
    assert len(every) == len(pd.read_csv("data/leaves/manifest.csv")) == 25
    assert (project / CSV).read_bytes() == whole
    assert sorted(path.name for path in (project / CSV).parent.iterdir()) == ["cells.json", "leaves.csv"]


def test_pictures_are_scaled_as_the_record_says(project, stage_run):
    path = project / "data/leaves/record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"short_side": 40}))
    stage_run()
    found = pd.read_csv(CSV)
    expected = score_files(found["image"], methods.load("sharpness"), root="data/leaves", short_side=40)
    assert found["score"].tolist() == pytest.approx(expected["score"].tolist(), rel=1e-6)


def test_other_pictures_under_the_old_names_are_scored(project, stage_run):
    every = stage_run()
    before = pd.read_csv(CSV)
    (project / CSV).unlink()
    stage_run(stop=3)
    first, last = (project / "data/leaves" / before["image"].iloc[place] for place in (0, -1))
    os.replace(last, first)
    # Of the three batches of two that were done, the replaced one is done again, and what was not.
    assert sorted(stage_run()) == [index for index in sorted(every) if index not in range(1, 6)]
    after = pd.read_csv(CSV)
    assert after["score"].iloc[0] == before["score"].iloc[-1]
    assert last.name in after["error"].iloc[-1]
    os.replace(first, last)  # a whole table is not kept either, once a picture is another
    assert sorted(stage_run()) == sorted(every)


def describes(say):
    """Score by a method that describes pictures, at leisure, and says how many."""

    def features(self, images):
        if not images.flatten(1).any(1).all():
            raise ValueError("too dark")
        time.sleep(0.1)
        say(len(images))
        return images.double().flatten(2).std(-1)

    Sharpness.features = features
    score("sharpness")


def described(batches=None):
    """Run the stage in a process of its own, killed after some batches; returns the sizes of its batches."""
    return apart.heard(describes, batches)


def test_killed_features_go_on_to_the_same_file(project):
    black = sorted((project / "data/leaves").rglob("*.png"))[4]
    Image.new("RGB", (64, 64)).save(black)  # which is refused: a picture without features
    every = described()
    file = project / "results/features/sharpness/leaves.npz"
    whole = file.read_bytes()
    with np.load(file) as found:
        assert len(found["image"]) == len(pd.read_csv("data/leaves/manifest.csv")) - 1
    file.unlink()
    first, second = described(3), described(2)
    rest = described()
    assert file.read_bytes() == whole
    # What a killed run had printed and not yet written is done again: a batch each time.
    assert sum(every) <= sum([*first, *second, *rest]) <= sum(every) + 2 * 2
    assert len(rest) <= len(every) - 3
    assert sorted(path.name for path in file.parent.iterdir()) == ["cells.json", "leaves.npz"]


def test_features_of_other_settings_begin_anew(project):
    described(3)
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["score"]["batch"] = 4
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    assert sum(described()) == len(pd.read_csv("data/leaves/manifest.csv"))
