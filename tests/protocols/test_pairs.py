import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.protocols import (
    Resampling,
    compare,
    differences,
    discrimination,
    wins,
)
from benchmark.statistics import meng, steiger, williams
from tests.protocols.data import row, scores_of


def test_differences_are_paired_and_holm_corrected(manifest):
    scores = {
        "good": scores_of(manifest, 0.3),
        "fair": scores_of(manifest, 1.5, 2),
        "poor": scores_of(manifest, 9, 3),
    }
    up = dict.fromkeys(scores, True)
    table = differences(scores, manifest, higher_is_better=up, mos_higher_is_better=True, how=Resampling(200))
    assert len(table) == 3
    first = row(table, "srcc", method_a="good", method_b="poor")
    expected = [stats.spearmanr(scores[m]["score"], manifest["mos"]).statistic for m in ("good", "poor")]
    assert first.value == pytest.approx(expected[0] - expected[1])
    assert first.low > 0
    assert first.p_holm < 1e-6
    assert (table["p_holm"] >= table["p"]).all()
    counted = wins(table.assign(dataset="one"))
    assert counted.set_index(["method_a", "method_b"]).loc[("good", "poor")].tolist() == [1, 0, 0]


def test_a_method_and_itself(manifest):
    scores = {"a": scores_of(manifest), "b": scores_of(manifest)}
    up = dict.fromkeys(scores, True)
    found = differences(
        scores, manifest, higher_is_better=up, mos_higher_is_better=True, how=Resampling(20)
    ).iloc[0]
    assert (found.value, found.p, found.p_holm) == (0, 1, 1)
    assert np.isnan([found.low, found.high]).all()
    assert "no interval where every value or resample is the same" in found.protocol


def test_of_one_reference_there_is_a_difference_and_no_more(manifest):
    one = manifest[manifest["reference"].eq("ref00")]
    scores = {"a": scores_of(one, 0.5), "b": scores_of(one, 2, 2)}
    up = {"higher_is_better": {"a": True, "b": True}, "mos_higher_is_better": True}
    found = differences(scores, one, **up, how=Resampling(20)).iloc[0]
    expected = [stats.spearmanr(scores[name]["score"], one["mos"]).statistic for name in "ab"]
    assert found["value"] == pytest.approx(expected[0] - expected[1])
    assert found["units"] == 1
    assert found[["low", "high", "error", "p", "p_holm", "resolvable", "p_equivalent"]].isna().all()


def test_unknown_names(manifest):
    scores = {"a": scores_of(manifest)}
    with pytest.raises(ValueError, match="direction of 'a'"):
        differences(scores, manifest, higher_is_better={}, mos_higher_is_better=True)
    with pytest.raises(ValueError, match="unknown statistic"):
        differences(scores, manifest, higher_is_better={"a": True}, mos_higher_is_better=True, statistic="r")


def test_compare_two_files(manifest):
    mos = manifest[["image", "mos"]]
    a, b = scores_of(manifest, 0.5), scores_of(manifest, 2, 2)
    b["score"] *= -1
    found = compare(a, b, mos, higher_is_better=(True, False), how=Resampling(50))
    assert row(found.agreement, "srcc", method="A").value > row(found.agreement, "srcc", method="B").value > 0
    assert list(found.differences["statistic"]) == ["srcc", "krcc", "plcc"]
    assert (found.differences["p"] < 0.001).all()
    assert set(found.closed_forms["test"]) == {"meng", "steiger", "williams"}
    assert (found.closed_forms["p"] < 0.001).all()
    assert compare(a, b, manifest, how=Resampling(20)).closed_forms.empty  # references: not independent
    with pytest.raises(ValueError, match="two names"):
        compare(a, b, mos, names=("x", "x"))
    with pytest.raises(ValueError, match="an opinion"):
        compare(a.iloc[:9], b.iloc[9:], mos)


def test_discrimination_tables(manifest):
    scores = {"good": scores_of(manifest, 0.3), "poor": scores_of(manifest, 3, 2)}
    up = dict.fromkeys(scores, True)
    methods, pairs = discrimination(scores, manifest, higher_is_better=up, mos_higher_is_better=True)
    good, poor = (row(methods, "auc_better_worse", method=m) for m in scores)
    assert good.low < good.value < good.high
    assert good.value > poor.value
    gap = row(pairs, "auc_better_worse")
    assert gap.value == pytest.approx(good.value - poor.value)
    assert gap.p_delong < gap.p < 0.01
    assert "error mos_std;" in good.protocol
    finer, _ = discrimination(scores, manifest, higher_is_better=up, mos_higher_is_better=True, ratings=16)
    assert "mos_std / sqrt(16)" in finer["protocol"].iloc[0]
    with pytest.raises(ValueError, match="no mos_std"):
        discrimination(
            scores, manifest.drop(columns="mos_std"), higher_is_better=up, mos_higher_is_better=True
        )


def test_pairs_leave_out_images_of_infinite_score(manifest):
    scores = {"a": scores_of(manifest), "b": scores_of(manifest, seed=2)}
    keep = manifest["image"].iloc[3:]
    expected = discrimination(
        {name: frame.iloc[3:] for name, frame in scores.items()},
        manifest[manifest["image"].isin(keep)],
        higher_is_better={"a": True, "b": True},
        mos_higher_is_better=True,
    )[0]
    scores["b"].loc[:2, "score"] = [np.inf, -np.inf, np.inf]
    found = discrimination(
        scores, manifest, higher_is_better={"a": True, "b": True}, mos_higher_is_better=True
    )[0]
    np.testing.assert_array_equal(found["value"], expected["value"])
    assert found["protocol"].str.contains("3 images with an infinite score left out").all()


def test_wins_and_losses_are_counted_from_either_side_over_the_sets():
    table = pd.DataFrame(
        [
            ("one", "a", "b", 0.2, 0.01),
            ("two", "a", "b", -0.1, 0.04),
            ("three", "a", "b", 0.3, 0.001),
            ("four", "a", "b", 0.3, 0.06),
            ("one", "a", "c", -0.3, 0.01),
        ],
        columns=["dataset", "method_a", "method_b", "value", "p_holm"],
    ).assign(statistic="srcc")
    counted = wins(table).set_index(["method_a", "method_b"])
    assert counted.loc[("a", "b")].tolist() == [2, 1, 1]
    assert counted.loc[("b", "a")].tolist() == [1, 1, 2]
    assert counted.loc[("a", "c")].tolist() == [0, 0, 1]
    assert counted.loc[("b", "c")].tolist() == [0, 0, 0]


def test_closed_forms_are_of_the_correlations_of_each_with_the_opinions_and_of_both(manifest):
    mos = manifest[["image", "mos"]]
    a, b = scores_of(manifest, 1.4), scores_of(manifest, 1.5, 2)
    found = compare(a, b, mos, how=Resampling(20)).closed_forms.set_index(["statistic", "test"])
    for statistic, correlate in (("srcc", stats.spearmanr), ("plcc", stats.pearsonr)):
        r_a, r_b, r_ab = (
            correlate(x, y).statistic
            for x, y in ((a["score"], mos["mos"]), (b["score"], mos["mos"]), (a["score"], b["score"]))
        )
        for test in (meng, steiger, williams):
            expected = test(r_a, r_b, r_ab, len(mos))
            assert found.loc[(statistic, test.__name__)].tolist() == pytest.approx(expected)
    up = {"higher_is_better": {"A": True, "B": True}, "mos_higher_is_better": True}
    pairs = differences({"A": a, "B": b}, mos, **up, statistic="plcc", how=Resampling(20))
    assert pairs["p_meng"].item() == pytest.approx(found.loc[("plcc", "meng"), "p"])


def test_the_error_of_an_opinion_is_its_deviation_over_the_root_of_its_ratings(manifest):
    scores = {"a": scores_of(manifest), "b": scores_of(manifest, 1.2, 2)}
    up = {"higher_is_better": {"a": True, "b": True}, "mos_higher_is_better": True}
    expected = discrimination(scores, manifest.assign(mos_std=0.1), **up)
    stated = manifest.assign(ratings=16.0)
    for found in (
        discrimination(scores, manifest, **up, ratings=16),
        discrimination(scores, stated, **up, ratings=None),
    ):
        for table, other in zip(found, expected, strict=True):
            pd.testing.assert_frame_equal(
                table.drop(columns="protocol"), other.drop(columns="protocol"), rtol=1e-9
            )
    some = stated.assign(ratings=stated["ratings"].where(stated.index % 2 == 0))
    mixed = manifest.assign(mos_std=np.where(some["ratings"].isna(), 0.4, 0.1))
    np.testing.assert_allclose(
        discrimination(scores, some, **up, ratings=None)[0]["value"],
        discrimination(scores, mixed, **up)[0]["value"],
    )


def test_the_interval_of_a_difference_of_areas_is_that_of_its_test(manifest):
    scores = {name: scores_of(manifest, 1 + k / 4, k) for k, name in enumerate("abc")}
    up = {"higher_is_better": dict.fromkeys("abc", True), "mos_higher_is_better": True}
    methods, pairs = discrimination(scores, manifest, **up)
    for found in pairs.itertuples():
        sides = [row(methods, found.statistic, method=m).value for m in (found.method_a, found.method_b)]
        assert found.value == pytest.approx(sides[0] - sides[1])
        error = (found.high - found.low) / 2 / stats.norm.ppf(0.975)
        assert (found.low + found.high) / 2 == pytest.approx(found.value)
        assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.value) / error), rel=1e-4)
    for _, table in pairs.groupby("statistic"):
        np.testing.assert_allclose(table["p_holm"], multipletests(table["p"], method="holm")[1])
