"""What a run will take, said before it starts."""

import pytest
import yaml

from benchmark.datasets import catalogue
from experiments import settings
from experiments.scheduling.estimate import needs
from tests.composed import composed

PAPER = settings.parse(yaml.safe_load(composed("profile=paper")))


@pytest.fixture
def said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return list(needs(PAPER))


def line(said, *words):
    (found,) = [one for one in said if all(word in one for word in words)]
    return found


def test_every_data_set_has_its_size_and_the_way_to_it(said):
    for name in PAPER.prepare.datasets:
        assert [one for one in said if one.startswith(f"  {name:12}")]
    assert "34.84 GB" in line(said, "iqa download spaq --accept-terms")
    assert "unknown" in line(said, "by hand: `iqa datasets agiqa1k`")
    known = [catalogue.entry(name).archive for name in PAPER.prepare.datasets]
    assert f"{sum(one.gb for one in known if one):.2f} GB, and 1 of unknown size" in line(said, "together")


def test_the_work_is_counted_from_the_settings(said):
    assert line(said, "scores: ").split()[0] == "1,215,000"  # 15 methods on 81,000 pictures
    assert line(said, "scores of the sweep").split()[0] == "1,800,000"
    assert line(said, "training steps of qualiclip").split()[0] == "87,500"
    assert line(said, "training steps of arniqa_trained").split()[0] == "87,500"  # 10 epochs of 140,000 by 16


def test_requests_to_an_endpoint_are_counted_and_of_the_sweep_where_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load(composed("profile=paper"))
    raw["methods"]["hosted"] = {"code": "methods/vlm", "train": None, "load": {"model": "m"}}
    for named, requests, swept in ((None, "81,000", "1,800,000"), (["hosted"], "201,000", "120,000")):
        raw["sweep"]["methods"] = named
        said = list(needs(settings.parse(raw)))
        assert line(said, "requests of hosted").split()[0] == requests
        assert line(said, "scores of the sweep").split()[0] == swept
        assert line(said, "scores by ilniqe,").split()[0] == ("81,000" if named else "201,000")


def test_fits_and_what_no_device_makes_faster_are_said(said):
    """IL-NIQE takes .7 s a picture, ARNIQA-OU 2 s: 81,000 of the data sets and 120,000 of the sweep."""
    assert line(said, " niqe_fitted is fitted to").split()[0] == "1,000"
    assert line(said, "arniqa_ou is fitted to: 0.3 hours").split()[0] == "5,000"
    assert "111.7 hours of one core" in line(said, "scores by arniqa_ou,")
    assert "0.2 hours" in line(said, "ilniqe_fitted is fitted to")
    for name in ("ilniqe", "ilniqe_fitted"):
        assert line(said, f"scores by {name},").split()[0] == "201,000"
        assert "39.1 hours of one core" in line(said, f"scores by {name},")


def test_the_papers_ablations_train_as_long_as_the_method():
    own = PAPER.methods[PAPER.ablation.method].train
    assert {key: own[key] for key in PAPER.ablation.changes} == PAPER.ablation.changes
    assert PAPER.ablation.changes["steps"] == 87500


def test_what_is_made_here_needs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(needs(settings.parse(yaml.safe_load(composed())))) == []
