"""The miniature releases are what the readers expect, and their known order is really in them."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

import methods
from benchmark import datasets
from benchmark.datasets import catalogue
from benchmark.files import archives
from benchmark.images import read
from tests.composed import composed
from tests.rehearsal import mirror, sets


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Every test set of the profile, packed, unpacked and prepared: name -> data set."""
    folder = tmp_path_factory.mktemp("rehearsal")
    found = {}
    for name in (*sets.BLURRED, *sets.BLUR):
        release = folder / "releases" / name
        release.mkdir(parents=True)
        sets.BUILD[name](release)
        source = release
        if name in mirror.ARCHIVES:
            source = folder / "downloads" / name
            packed = folder / mirror.ARCHIVES[name].rsplit("/", 1)[1]
            mirror.pack(release, packed)
            shutil.rmtree(release)
            archives.unpack(packed, source)
        datasets.prepare(name, folder / "data", source=source)
        found[name] = datasets.load(name, folder / "data")
    return found


def test_the_rehearsal_has_every_data_set_and_method_of_the_paper():
    paper, small = (yaml.safe_load(composed(f"profile={name}")) for name in ("paper", "rehearsal"))
    for section in ("prepare", "train"):
        assert small[section] == paper[section]
    assert small["ablation"]["variants"] == paper["ablation"]["variants"]
    assert small["report"] == paper["report"]
    assert {name: own["code"] for name, own in small["methods"].items()} == {
        name: own["code"] for name, own in paper["methods"].items()
    }
    assert [own.get("load") for own in small["methods"].values()] == [
        own.get("load") for own in paper["methods"].values()
    ]
    assert sorted(paper["prepare"]["datasets"]) == sorted(sets.BUILD)


def test_the_short_rehearsal_leaves_out_data_sets_types_and_dear_crops():
    short, small = (yaml.safe_load(composed(f"profile={name}")) for name in ("rehearsal_short", "rehearsal"))
    assert set(short["prepare"].pop("datasets")) < set(small["prepare"].pop("datasets"))
    assert short["cross_dataset"].pop("datasets") == ["koniq10k", "live", "kadid10k"]
    assert small["cross_dataset"].pop("datasets") is None
    scored = [one["methods"]["arniqa"]["load"].pop("protocol") for one in (short, small)]
    assert scored == ["hub", "five-crops"]
    assert set(short["sweep"].pop("kinds")) < set(small["sweep"].pop("kinds"))
    for stage, described in (("cross_dataset", "methods"), ("robustness", "features")):
        assert short[stage].pop(described) == ["niqe", "qualiclip"]
        assert small[stage].pop(described) == ["niqe", "arniqa"]
    assert {**short, "profile": ""} == {**small, "profile": ""}


def test_every_archive_lies_where_the_record_looks_for_it():
    for name, address in mirror.ARCHIVES.items():
        entry = catalogue.entry(name)
        asked = [url for source in entry.sources for file in source.files for url in file.urls]
        assert f"https://{address}" in asked, name
    # AGIQA-3K stands for a set whose sources have gone: a person puts it there.
    assert [name for name in mirror.BY_HAND if not catalogue.entry(name).sources] == ["agiqa1k"]


def test_the_readers_take_the_releases(prepared):
    for name, data in prepared.items():
        kinds = 2 if name in sets.BLUR else 1
        count = sets.REFERENCES * sets.LEVELS * kinds if kinds == 2 else sets.COUNT
        assert len(data.manifest) == count, name
        assert data.manifest["mos"].is_unique or kinds == 2
        assert data.manifest["mos"].between(data.record.low, data.record.high).all()
    assert {name for name, data in prepared.items() if not data.record.higher_is_better} == {"live", "csiq"}


@pytest.mark.parametrize("name", [*sets.BLURRED, *sets.BLUR])
def test_sharpness_puts_what_was_blurred_in_the_planted_order(prepared, name):
    data = prepared[name]
    rows = data.manifest
    if name in sets.BLUR:
        rows = rows[rows["distortion"] == sets.BLUR[name]]
    method = methods.load("sharpness")
    scores = [method.score(read(data.root / image)[None]).item() for image in rows["image"]]
    sign = (1 if data.record.higher_is_better else -1) * (-1 if name == sets.REVERSED else 1)
    ranks = pd.Series(scores).rank().to_numpy()
    assert np.array_equal(ranks, (sign * rows["mos"]).rank().to_numpy())
