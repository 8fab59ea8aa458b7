"""Maps of stage `study`: a method that sees the dark region, and one whose prompts are exchanged."""

import shutil

import numpy as np
import pandas as pd
import pytest

from benchmark.images import read
from experiments.analyses import gradcam, subject
from experiments.runs import signatures
from tests.stages.loaded import Grey, Seeing, load, studied
from tests.stages.planted import change, keep


def exchanged(name):
    return Seeing(name, right=name != "reversed")


@pytest.fixture(scope="module")
def run(pattern, tmp_path_factory):
    """The planted run after both methods were studied, to copy."""
    root = shutil.copytree(pattern, tmp_path_factory.mktemp("studied"), dirs_exist_ok=True)
    keep(root, ["qualiclip", "reversed"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        signatures._facts.cache_clear()
        load(patch, subject, exchanged)
        studied(["qualiclip", "reversed"])
    signatures._facts.cache_clear()
    return root


@pytest.fixture
def done(run, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(run, tmp_path, symlinks=True, dirs_exist_ok=True))
    load(monkeypatch, subject, exchanged)
    signatures._facts.cache_clear()
    return tmp_path


def test_maps_point_into_the_region_for_either_prompt_and_away_if_they_are_exchanged(done):
    frame = pd.read_csv(done / "results/tables/gradcam.csv")
    assert set(frame["method"]) == {
        "qualiclip", "reversed", "qualiclip_shuffled", "centre_prior", "random_map"
    }  # fmt: skip
    value = frame.set_index(["method", "target", "distortion", "statistic"])["value"].sort_index()
    for target in ("positive", "negative"):
        for distortion in ("darken", "all"):
            right = value["qualiclip", target, distortion]
            assert right["pointing_game"] == 1
            assert right["auc"] > 0.95
            assert right["energy_inside"] > 0.8
            wrong = value["reversed", target, distortion]
            assert wrong["pointing_game"] == 0
            assert wrong["auc"] < 0.05
            assert wrong["energy_inside"] < 0.15
            assert 0.2 < value["random_map", target, distortion]["auc"] < 0.8
    assert set(frame["n"]) == {3}
    few = "no interval: fewer than 5 images or references"
    assert set(frame["protocol"]) == {f"one degraded rectangle, level 5; {few}"}
    # A shuffled method is signed as the method whose weights they are; a floor has no version.
    signature = frame.drop_duplicates("method").set_index("method")["signature"]
    made_by = signature.str.extract(r"\|method=([0-9a-z]+)\|data=[0-9a-f]{12}$")[0]
    assert made_by["qualiclip"] == made_by["qualiclip_shuffled"] != made_by["reversed"]
    assert made_by["random_map"] == "none"


def test_raw_maps_lie_beside_the_pictures_and_carry_the_sign_of_their_prompt(done):
    index = pd.read_csv(done / "results/gradcam/maps.csv")
    assert len(index) == 4
    with np.load(done / "results/gradcam/maps.npz") as file:
        maps = {name: file[name] for name in file.files}
    region = maps["darken-region"]
    assert region.shape == (32, 32)
    inside = region.reshape(8, 4, 8, 4).mean((1, 3)) == 1  # cells of the layer that lie in it whole
    outside = region.reshape(8, 4, 8, 4).mean((1, 3)) == 0
    for row in index.itertuples():
        assert (done / "results/gradcam" / row.image).is_file()
        assert (row.region, row.level, row.distortion) == ("darken-region", 5, "darken")
        raw = maps[row.map]
        up = (row.target == "positive") == (row.method == "qualiclip")
        gap = raw[inside].mean() - raw[outside].mean()
        assert (gap < 0) == up
    assert np.allclose(maps["darken-qualiclip-positive"], -maps["darken-qualiclip-negative"])


def test_each_map_names_the_picture_of_the_data_set_that_was_degraded(done):
    """Outside its rectangle a degraded picture is that picture, byte for byte, and no other of them."""
    change(done, gradcam={"kinds": ["darken", "gaublur", "whitenoise", "jpeg"]})
    studied(["qualiclip", "reversed"])
    index = pd.read_csv(done / "results/gradcam/maps.csv")
    clean = pd.read_csv(done / "data/toy/manifest.csv").query("level == 0")["image"]
    originals = {image: read(done / "data/toy" / image).numpy() for image in clean}
    with np.load(done / "results/gradcam/maps.npz") as file:
        regions = {name: file[name] for name in file.files if name.endswith("-region")}
    assert len(index) == 16
    for row in index.drop_duplicates("image").itertuples():
        outside = ~regions[row.region]
        worse = read(done / "results/gradcam" / row.image).numpy()
        same = [
            image
            for image, one in originals.items()
            if one.shape == worse.shape and np.allclose(one[:, outside], worse[:, outside], atol=1 / 255)
        ]
        assert same == [row.picture]
    assert index.groupby("image")["picture"].nunique().eq(1).all()
    assert index["picture"].nunique() == 3  # the settings ask for three pictures, kinds take turns


def test_a_method_without_gradients_is_refused_where_it_is_listed_and_else_takes_no_part(
    planted, monkeypatch
):
    keep(planted, ["qualiclip", "reversed"])
    load(monkeypatch, subject, Grey)
    with pytest.raises(ValueError, match=r"gradcam\.methods: qualiclip has no gradients"):
        studied(["qualiclip"])
    assert (planted / "results/studies/qualiclip/sweep.json").is_file()
    change(planted, gradcam={"methods": None, "shuffled": []})
    studied(["qualiclip", "reversed"])
    assert pd.read_csv(planted / "results/tables/gradcam.csv").empty


def test_maps_that_failed_are_said_to_be_missing(done, monkeypatch, capsys):
    change(done, gradcam={"images": 2})

    def failing(*_):
        raise ValueError("no maps today")

    monkeypatch.setattr(gradcam, "localise", failing)
    with pytest.raises(ValueError, match="no maps today"):
        studied(["qualiclip"], join=False)
    studied([])
    assert "left out: qualiclip has no gradcam; `dvc repro study@qualiclip`" in capsys.readouterr().err
    assert "qualiclip" not in set(pd.read_csv(done / "results/tables/gradcam.csv")["method"])


def test_a_method_taken_off_the_list_leaves_no_map(done):
    change(done, gradcam={"methods": ["qualiclip"]})
    studied(["qualiclip", "reversed"])
    for table in ("tables/gradcam.csv", "gradcam/maps.csv"):
        assert "reversed" not in set(pd.read_csv(done / "results" / table)["method"])
    with np.load(done / "results/gradcam/maps.npz") as file:
        assert not [name for name in file.files if "reversed" in name]
