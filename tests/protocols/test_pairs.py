import numpy as np
import pytest
from scipy import stats

from benchmark.protocols import (
    Resampling,
    compare,
    differences,
    discrimination,
    wins,
)
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
