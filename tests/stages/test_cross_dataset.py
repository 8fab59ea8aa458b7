"""Stage `cross_dataset` on features that hold the quality, and on features that hold noise."""

import itertools
import shutil

import pandas as pd
import pytest

from experiments.stages import cross_dataset
from tests.stages.planted import SETS, change, keep

#: The features of one picture of ``koniq10k`` and of ``toy`` are the same.
SHARED = {("koniq10k", "toy"), ("toy", "koniq10k")}


@pytest.fixture(scope="session")
def probes(table):
    frame = table("cross_dataset")
    return frame[frame["statistic"].eq("srcc")].set_index(["method", "train", "test"])


@pytest.mark.parametrize("cell", list(itertools.product(SETS, SETS)), ids="-".join)
def test_quality_is_found_whatever_the_direction_of_either_set(probes, cell):
    assert probes.loc[("qualiclip", *cell), "value"] > 0.97
    assert abs(probes.loc[("noisy", *cell), "value"]) < 0.5


def test_sets_that_share_a_picture_are_marked(probes):
    marked = probes[probes["overlap"].astype(str).eq("True")]
    assert set(marked.index) == {("qualiclip", *pair) for pair in SHARED}


def test_features_that_were_learnt_from_pictures_of_the_test_set_are_marked(planted):
    """`taught` has learnt from a file that is one of CSIQ's too."""
    keep(planted, ["qualiclip", "taught"])
    change(planted, cross_dataset={"methods": ["qualiclip", "noisy", "taught"]})
    shutil.copytree(planted / "results/features/noisy", planted / "results/features/taught")
    cross_dataset.cross_dataset()
    frame = pd.read_csv(planted / "results/tables/cross_dataset.csv")
    marked = frame[frame["overlap"] & frame["method"].eq("taught")]
    assert set(marked["test"]) == {"csiq"}
    assert set(marked["train"]) == set(SETS)
    pictured = frame[frame["overlap"] & frame["method"].eq("qualiclip")]
    assert set(zip(pictured["train"], pictured["test"], strict=True)) == SHARED


def test_protocols_name_the_training_set_and_the_official_split(probes):
    for (_, train, test), row in probes.iterrows():
        if train != test:
            assert f"trained on all of {train}, Ridge alpha" in row["protocol"]
        elif train == "koniq10k":
            assert "same set" in row["protocol"]
            assert "its official split" in row["protocol"]
        else:
            assert "10 splits 70/10/20" in row["protocol"]


def test_rows_are_signed_by_both_sets(probes):
    data = {name: probes.loc[("qualiclip", name, name), "signature"].rpartition("data=")[2] for name in SETS}
    assert len(set(data.values())) == len(SETS)
    both = probes.loc[("qualiclip", "csiq", "toy"), "signature"]
    assert both.endswith(f"data={data['csiq']}+{data['toy']}")


def test_published_figures_are_those_of_the_method_with_a_paper(planted, monkeypatch):
    keep(planted, ["qualiclip"], ["csiq", "toy"])
    asked = []
    genuine = cross_dataset.published.attach

    def attach(table, **how):
        asked.append(how)
        return genuine(table, **how)

    monkeypatch.setattr(cross_dataset.published, "attach", attach)
    cross_dataset.cross_dataset()
    assert asked == [{"setting": "cross_set", "method": "qualiclip"}]


def test_features_that_are_missing_are_said(planted, capsys):
    keep(planted, ["noisy"], ["csiq", "toy"])
    (planted / "results/features/noisy/toy.npz").unlink()
    cross_dataset.cross_dataset()
    assert "left out: noisy has no features of toy" in capsys.readouterr().err
    written = pd.read_csv(planted / "results/tables/cross_dataset.csv")
    assert set(written["train"]) == set(written["test"]) == {"csiq"}
