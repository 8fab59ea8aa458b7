"""Ceilings from manifests: whose ratings are known, and how a share stands beside a correlation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.datasets import Record
from benchmark.datasets.prepared import Dataset
from benchmark.protocols import Resampling, ceilings, zero_shot
from tests.protocols.data import UP, row, scores_of

FEW = Resampling(20)


def test_a_share_is_the_correlation_over_the_ceiling(manifest):
    known = manifest.assign(ratings=4.0, mos_std=1.5)
    top = row(ceilings(known, mos_higher_is_better=True), "ceiling_srcc")
    assert 0.8 < top.low < top.value < top.high < 1
    assert top.units == 20
    table = zero_shot(scores_of(manifest), known, **UP, how=FEW)
    part = row(table, "srcc_of_ceiling")
    assert part.value == pytest.approx(row(table, "srcc").value / top.value)
    assert part.low < part.value < part.high
    assert "4 ratings a picture" in part.protocol
    variance = known["mos"].var()
    steady = row(ceilings(known, mos_higher_is_better=True), "reliability").value
    assert steady == pytest.approx(1 - 1.5**2 / 4 / variance)
    assert row(ceilings(known, mos_higher_is_better=True), "ceiling_plcc").value == pytest.approx(steady**0.5)


def test_each_ceiling_has_its_interval_and_counts_its_own_pictures(manifest):
    known = manifest.assign(ratings=4.0, mos_std=1.5)
    table = ceilings(known, mos_higher_is_better=True)
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()
    below = known["mos"] < known["mos"].median()
    for name, part in (("lower", known[below]), ("upper", known[~below])):
        half = row(table, f"ceiling_{name}_half")
        assert (half.n, half.units) == (len(part), part["reference"].nunique())
        assert f"{name} half of opinions" in half.protocol
        assert "over references (20)" in half.protocol  # other pictures of all move it
    # Pearson's ceiling is the root: its interval is, by the delta method, half as wide over it.
    steady, root = row(table, "reliability"), row(table, "ceiling_plcc")
    wide = (steady.high - steady.low) / (2 * root.value)
    assert root.high - root.low == pytest.approx(wide, rel=0.05)


def test_halves_are_those_of_quality_whatever_the_direction_of_the_opinions(manifest):
    scores = scores_of(manifest)
    table = zero_shot(scores, manifest, **UP, how=FEW)
    low = manifest["mos"] < manifest["mos"].median()
    expected = stats.spearmanr(scores["score"][low], manifest["mos"][low]).statistic
    assert row(table, "srcc_lower_half").value == pytest.approx(expected)
    turned = {**UP, "mos_higher_is_better": False}
    falling = zero_shot(scores, manifest.assign(mos=-manifest["mos"]), **turned, how=FEW)
    assert row(falling, "srcc_lower_half").value == pytest.approx(expected)


@pytest.mark.parametrize("lacking", ["mos_std", "ratings"])
def test_without_spread_or_number_of_ratings_there_is_no_ceiling(manifest, lacking):
    known = manifest.assign(ratings=4.0).assign(**{lacking: np.nan})
    assert ceilings(known, mos_higher_is_better=True).empty
    table = zero_shot(scores_of(manifest), known, **UP, how=FEW)
    assert not table["statistic"].eq("srcc_of_ceiling").any()


def test_pictures_without_ratings_are_left_out_and_counted(manifest):
    known = manifest.assign(ratings=4.0)
    known.loc[:9, "ratings"] = np.nan
    top = row(ceilings(known, mos_higher_is_better=True), "ceiling_srcc")
    assert top.n == len(manifest) - 10
    assert "10 images without ratings known left out" in top.protocol


def test_ratings_are_those_told_else_of_the_picture_else_of_the_record(tmp_path):
    record = Record("toy", "Toy", "", "", "mos", 1, 5, True, "people", ratings=30.0)
    frame = pd.DataFrame({"image": ["a", "b"], "ratings": [7.0, np.nan]})
    data = Dataset(record, tmp_path, frame)
    assert data.rated()["ratings"].tolist() == [7.0, 30.0]
    assert data.rated(12)["ratings"].tolist() == [12.0, 12.0]
    assert Dataset(record, tmp_path, frame[["image"]]).rated()["ratings"].tolist() == [30.0, 30.0]
    nobody = Record("toy", "Toy", "", "", "mos", 1, 5, True, "people")
    assert Dataset(nobody, tmp_path, frame[["image"]]).rated()["ratings"].isna().all()
