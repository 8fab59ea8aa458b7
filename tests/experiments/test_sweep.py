"""Which kinds the sweep takes, a sweep that is killed, and what a picture costs a method."""

import shutil
import time
from pathlib import Path

import pytest
import yaml

import benchmark.datasets
import methods
from benchmark.degradations import GROUPS, LEVELS
from experiments.analyses.subject import Subject
from experiments.analyses.sweep import chosen, costs, curves
from experiments.runs import stage
from experiments.runs.cells import Cells
from experiments.runs.training import train_into
from experiments.settings import Cost, MethodSettings
from methods.sharpness import Sharpness
from tests import apart
from tests.rehearsal import small


def test_all_kinds_or_some_by_their_groups():
    assert chosen("all") == {group: list(kinds) for group, kinds in GROUPS.items()}
    assert chosen(["jpeg", "gaublur"]) == {"blur": ["gaublur"], "jpeg": ["jpeg"]}
    assert sorted(kind for kinds in chosen(list(LEVELS)).values() for kind in kinds) == sorted(LEVELS)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"sweep\.kinds: 'gausblur'.*did you mean 'gaublur'"):
        chosen(["gausblur"])


class Of:
    """A subject with the method of this name, as published."""

    def __init__(self, name, folder):
        self.name, self.method = name, methods.load(name)
        self.cells, self.settings = Cells(folder / name), Cut

    def made_from(self, study, **more):
        return {"study": study, **more}


class Cut:
    """Settings of a small picture."""

    seed, cost = 27, Cost(width=48, height=32)


def test_the_cost_of_a_method_is_counted_at_the_size_asked_for(tmp_path):
    found = {}
    for name in ("sharpness", "qualiclip_small"):
        subject = Of(name, tmp_path)
        costs(subject)
        found[name] = subject.cells.read("cost")["cost"].iloc[0]
    assert all((row["width"], row["height"]) == (48, 32) for row in found.values())
    assert found["sharpness"][["parameters", "weight_bytes", "multiply_adds"]].eq(0).all()
    network = subject.method.cam_module
    assert 0 < found["qualiclip_small"]["parameters"] <= sum(p.numel() for p in network.parameters())
    # Luma in float32 at the least, at the most a few copies of the picture in float64.
    assert 4 * 48 * 32 <= found["sharpness"]["peak_bytes"] <= 20 * 8 * 48 * 32


def sweeps(say):
    """Sweep by a method that says how many pictures it scores, at leisure."""

    def slowly(self, images):
        time.sleep(0.05)
        say(len(images))
        return inner(self, images)

    inner, Sharpness.score = Sharpness.score, slowly
    curves(Subject("sharpness", stage.start()))


def swept(calls=None):
    """Run the sweep in a process of its own, killed after some calls; returns how often it scored."""
    return len(apart.heard(sweeps, calls))


def test_a_killed_sweep_goes_on_to_the_same_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = yaml.safe_load(small.settings())
    settings["sweep"] |= {"images": 30}
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    benchmark.datasets.prepare("leaves", tmp_path / "data", size=64, count=30, levels=[3], each=1)
    train_into(
        stage.MODELS / "sharpness", "sharpness", MethodSettings(code="methods/sharpness.py"), [], seed=27
    )
    every, file = swept(), tmp_path / "results/studies/sharpness/sweep.json"
    assert every == 4 * 3  # 30 photographs, eight at a time: as they are, and by each of two kinds
    whole = file.read_bytes()
    shutil.rmtree(file.parent)
    assert swept(7) == 7  # in the third batch
    assert swept() == every - 2 * 3
    assert file.read_bytes() == whole
    assert not list(file.parents[1].rglob("*.part"))
