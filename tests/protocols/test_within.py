"""Correlations within references: against scipy reference by reference, and sets of such opinions alone."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.protocols import Resampling, zero_shot
from benchmark.statistics import interval
from benchmark.statistics.bootstrap import draw
from tests.protocols.data import UP, row, scores_of

OF = {
    "srcc_within": lambda x, y: stats.spearmanr(x, y).statistic,
    "krcc_within": lambda x, y: stats.kendalltau(x, y).statistic,
    "plcc_raw_within": lambda x, y: stats.pearsonr(x, y).statistic,
}


def each(frame, of):
    """The correlation within each reference, by scipy."""
    return [of(part["score"], part["mos"]) for _, part in frame.groupby("reference")]


@pytest.mark.parametrize("name", OF)
def test_the_median_of_the_correlations_within_each_reference(manifest, name):
    scores = scores_of(manifest)
    found = row(zero_shot(scores, manifest, **UP, how=Resampling(30)), name)
    frame = manifest.merge(scores, on="image")
    assert found.value == pytest.approx(np.median(each(frame, OF[name])))
    assert (found.n, found.low < found.value < found.high) == (300, True)
    assert "20 of 20 references" in found.protocol


def test_offsets_of_references_change_nothing_within_them(manifest):
    offset = manifest["reference"].map(
        {name: 100.0 * k for k, name in enumerate(manifest["reference"].unique())}
    )
    scores = scores_of(manifest)
    one = zero_shot(scores, manifest, **UP, how=Resampling(30))
    two = zero_shot(scores.assign(score=scores["score"] - offset), manifest, **UP, how=Resampling(30))
    assert row(two, "srcc").value < 0.5 < row(one, "srcc").value
    assert row(two, "srcc_within").value == row(one, "srcc_within").value


def test_few_pictures_equal_opinions_and_equal_scores(manifest):
    scores, frame = scores_of(manifest), manifest.copy()
    names = list(frame["reference"].unique())
    frame.loc[frame["reference"].eq(names[0]) & (frame.groupby("reference").cumcount() > 3), "mos"] = np.nan
    frame.loc[frame["reference"].eq(names[1]), "mos"] = 3.0
    scores.loc[frame["reference"].eq(names[2]), "score"] = 0.5
    found = row(zero_shot(scores, frame, **UP, how=Resampling(30)), "srcc_within")
    kept = frame.merge(scores, on="image").query("reference not in @names[:3]")
    assert found.value == pytest.approx(np.median([*each(kept, OF["srcc_within"]), 0.0]))
    assert "18 of 20 references" in found.protocol
    assert "1 with one score for all count 0" in found.protocol
    assert found.units == 18


def test_a_method_that_scores_nearly_all_alike_tells_the_others_apart_and_has_0_within_these(manifest):
    """Where the quartiles of all scores are one number, equal scores are equal and no more."""
    scores = scores_of(manifest)
    different = manifest["reference"].isin(["ref00", "ref01", "ref02"])
    scores["score"] = scores["score"].where(different, 5.0)
    found = row(zero_shot(scores, manifest, **UP, how=Resampling(30)), "srcc_within")
    assert found.value == 0
    assert "17 with one score for all count 0" in found.protocol
    few = manifest[manifest["reference"].isin(["ref00", "ref01", "ref02", "ref03", "ref04"])]
    found = row(zero_shot(scores, few, **UP, how=Resampling(30)), "srcc_within")
    expected = [*each(few[different[few.index]].merge(scores, on="image"), OF["srcc_within"]), 0.0, 0.0]
    assert found.value == pytest.approx(np.median(expected))


def test_scores_of_a_reference_that_differ_in_their_last_bits_have_no_order(manifest):
    scores = scores_of(manifest)
    names = list(manifest["reference"].unique())[:8]
    bits = 1e-8 * manifest["mos"] + 0.5  # as float32 leaves of one score, here in the order of the opinions
    scores["score"] = scores["score"].where(~manifest["reference"].isin(names), bits)
    table = zero_shot(scores, manifest, **UP, how=Resampling(30))
    kept = manifest.merge(scores, on="image").query("reference not in @names")
    for name, of in OF.items():
        found = row(table, name)
        assert found.value == pytest.approx(np.median([*each(kept, of), *[0.0] * 8]))
        assert "8 with one score for all count 0" in found.protocol


def test_infinite_scores_are_ranks_within_a_reference_too(manifest):
    scores = scores_of(manifest)
    first = manifest["reference"].eq(manifest["reference"].iloc[0])
    scores.loc[first, "score"] = np.inf
    scores.loc[manifest.index[~first][:1], "score"] = -np.inf
    found = row(zero_shot(scores, manifest, **UP, how=Resampling(30)), "srcc_within")
    frame = manifest.merge(scores, on="image")
    kept = frame[~frame["reference"].eq(manifest["reference"].iloc[0])]
    assert found.value == pytest.approx(np.median([*each(kept, OF["srcc_within"]), 0.0]))
    assert "1 with one score for all count 0" in found.protocol


def test_the_interval_is_that_of_references_written_out(manifest):
    scores = scores_of(manifest)
    how = Resampling(64, 5, "percentile")
    found = row(zero_shot(scores, manifest, **UP, how=how), "srcc_within")
    frame = manifest.merge(scores, on="image").sort_values("image").reset_index(drop=True)
    known = dict(zip(sorted(frame["reference"].unique()), each(frame, OF["srcc_within"]), strict=True))
    groups = frame["reference"].to_numpy()
    first = frame.groupby("reference").head(1).index
    values = [
        np.median(np.repeat([known[groups[i]] for i in first], count[first].astype(int)))
        for counts in draw(len(frame), 64, 5, groups)
        for count in counts
    ]
    assert (found.low, found.high) == pytest.approx(interval(values, units=20))


def test_no_figure_of_the_whole_is_made_of_opinions_that_hold_within_a_reference(manifest):
    scores = scores_of(manifest)
    whole = zero_shot(scores, manifest, **UP, how=Resampling(30))
    frame = manifest.assign(mos_within=manifest["mos"], mos=np.nan)
    found = zero_shot(scores, frame, **UP, how=Resampling(30))
    assert list(found["statistic"]) == [*OF, "srcc_level"]
    same = whole[whole["statistic"].isin(found["statistic"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, same)


def test_nothing_without_references(manifest):
    table = zero_shot(scores_of(manifest), manifest.drop(columns="reference"), **UP, how=Resampling(30))
    assert not table["statistic"].str.endswith("_within").any()


def test_nothing_where_one_reference_alone_has_pictures_enough(manifest):
    few = manifest[manifest["reference"].eq("ref00") | manifest["level"].eq(1)]
    found = zero_shot(scores_of(few), few, **UP, how=Resampling(20))
    assert not found["statistic"].str.endswith("_within").any()
    two = manifest[manifest["reference"].isin(["ref00", "ref01"]) | manifest["level"].eq(1)]
    assert row(zero_shot(scores_of(two), two, **UP, how=Resampling(20)), "srcc_within").units == 2
