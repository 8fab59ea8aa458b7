import itertools
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.robustness import (
    d_test,
    l_test,
    p_test,
    waterloo,
)
from benchmark.statistics import interval
from benchmark.statistics.bootstrap import draw
from tests.robustness.pretenders import TIDY, degraded_set

small = st.lists(st.integers(0, 6), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(small, small)
def test_d_test_is_the_best_threshold_of_all(pristine, distorted):
    good, bad = np.array(pristine), np.array(distorted)
    thresholds = np.arange(-0.5, 7)
    best = max(((good > t).mean() + (bad <= t).mean()) / 2 for t in thresholds)
    assert d_test(good, bad) == pytest.approx(best)


def test_l_test_is_the_srcc_of_every_list():
    frame = degraded_set(20.0)
    found = l_test(frame)
    assert found.shape == (5, 2)
    for r, reference in enumerate(sorted(frame.reference.unique())):
        for k, kind in enumerate(["jitter", "jpeg"]):
            part = frame[(frame.reference == reference) & (frame.distortion == kind)]
            assert found[r, k] == pytest.approx(-stats.spearmanr(part.level, part.score).statistic)


def test_a_list_of_one_level_is_left_out_and_changes_no_other():
    frame = degraded_set(20.0)
    first = sorted(frame.reference.unique())[0]
    single = (frame.reference == first) & (frame.distortion == "jpeg") & (frame.level > 1)
    found, whole = l_test(frame[~single]), l_test(frame)
    assert np.isnan(found[0, 1])
    assert np.isnan(found).sum() == 1
    assert np.nansum(found) == pytest.approx(whole.sum() - whole[0, 1])
    # A reference that has no list of two levels at all is no row.
    assert l_test(frame[~((frame.reference == first) & (frame.level > 1))]).shape == (4, 2)


def test_pictures_of_one_level_share_its_rank_whatever_their_order():
    """Each level twice: what follows the levels has 1, and pictures of a single level are no list."""
    frame = degraded_set(20.0).query("level > 0")
    double = pd.concat([frame, frame.assign(score=frame["score"] + 0.5)], ignore_index=True)
    ordered = double.assign(score=-double["level"].astype(float))
    np.testing.assert_allclose(l_test(ordered), 1)
    expected = [
        -stats.spearmanr(part["level"], part["score"]).statistic
        for _, part in double.groupby(["reference", "distortion"])
    ]
    for seed in (1, 2):
        mixed = double.sample(frac=1, random_state=seed)
        np.testing.assert_allclose(l_test(mixed).ravel(), expected)
    single = (double["reference"] == double["reference"].min()) & (double["distortion"] == "jpeg")
    found = l_test(double[~single | double["level"].eq(1)])
    np.testing.assert_array_equal(np.isnan(found), [[False, True], *[[False, False]] * 4])
    with pytest.raises(ValueError, match="two levels"):
        l_test(double.query("level == 1"))


def test_p_test_counts_pairs_in_plain_loops():
    rng = np.random.default_rng(0)
    names = [f"i{k}" for k in range(40)]
    judges = pd.DataFrame(rng.uniform(0, 100, (40, 2)), index=names)
    judges[1] = (judges[0] + judges[1]) / 2
    scores = pd.Series(rng.integers(0, 5, 40), index=names)
    right, pairs = 0.0, 0
    for a in names:
        for b in names:
            if (judges.loc[a] - judges.loc[b] > 40).all():
                pairs += 1
                right += 1.0 if scores[a] > scores[b] else 0.5 if scores[a] == scores[b] else 0.0
    assert p_test(scores.sample(frac=1, random_state=0), judges) == (pytest.approx(right / pairs), pairs)
    assert p_test(scores, judges, limit=780) == (pytest.approx(right / pairs), pairs)  # 40 * 39 / 2: all
    drawn, number = p_test(scores, judges, limit=700)
    assert number < pairs
    assert drawn == pytest.approx(right / pairs, abs=0.15)


def test_oracle_passes_all_three_and_noise_none():
    frame = degraded_set(0.0)
    judges = frame.set_index("image")[["truth"]]
    perfect = waterloo(frame, judges, method="oracle", dataset="toy", resamples=50)
    assert list(perfect) == ["method", "dataset", *TIDY]
    assert perfect.statistic.tolist() == ["d_test", "chance_d", "l_test", "p_test"]
    perfect = perfect.set_index("statistic").drop("chance_d")
    assert perfect.value.tolist() == pytest.approx([1, 1, 1])
    assert perfect[["low", "high"]].isna().all(axis=None)  # a D-test has none, and two say 1 whoever is drawn
    noisy = degraded_set(0.0, references=60)
    noisy["score"] = np.random.default_rng(0).normal(size=len(noisy))
    judges = noisy.set_index("image")[["truth"]]
    chance = waterloo(noisy, judges, method="noise", dataset="toy", resamples=50).set_index("statistic")
    assert chance.value["l_test"] == pytest.approx(0, abs=0.15)
    assert chance.low["p_test"] < 0.5 < chance.high["p_test"]
    assert chance.value["d_test"] < 0.7
    few = waterloo(noisy, method="noise", dataset="toy", resamples=5)
    assert list(few.statistic) == ["d_test", "chance_d", "l_test"]


def test_pairs_count_that_judges_tell_apart_by_more_than_forty_points():
    """The published threshold, in the table of the tests too: 39.9 points are no pair, 40.1 are one."""
    frame = degraded_set(0.0, references=3, kinds=("jpeg",))
    rng = np.random.RandomState(0)
    worth = rng.choice([0.0, 39.9, 40.1, 80.0], len(frame))
    told = {(0.0, 40.1), (0.0, 80.0), (39.9, 80.0)}
    scores = worth * rng.choice([-1, 1], len(frame))
    frame = frame.assign(score=scores)
    right, pairs = 0.0, 0
    for a, b in itertools.combinations(range(len(frame)), 2):
        low, high = sorted((a, b), key=lambda k: worth[k])
        if (worth[low], worth[high]) in told:
            pairs += 1
            right += 1.0 if scores[high] > scores[low] else 0.5 if scores[high] == scores[low] else 0.0
    judges = pd.DataFrame({"one": worth}, index=frame["image"])
    assert p_test(frame.set_index("image")["score"], judges) == (pytest.approx(right / pairs), pairs)
    found = waterloo(frame, judges, method="m", dataset="d", resamples=20).set_index("statistic")
    assert found.loc["p_test", ["value", "n"]].tolist() == pytest.approx([right / pairs, pairs])
    assert "; pairs that all judges put more than 40 of 100 points apart;" in found.loc["p_test", "protocol"]


def test_it_is_said_where_pairs_are_drawn(monkeypatch):
    frame = degraded_set(1.0)
    monkeypatch.setattr(sys.modules[waterloo.__module__], "DRAWN", 500)
    judges = frame.set_index("image")[["truth"]]
    found = measured(frame, judges, resamples=20).loc["p_test"]
    assert "; pairs of 500 drawn that all judges" in found["protocol"]
    assert found["n"] < 500


def test_sets_without_pristine_images_or_levels_are_named():
    with pytest.raises(ValueError, match="pristine and distorted"):
        d_test([], [1.0])
    with pytest.raises(ValueError, match="two levels"):
        l_test(degraded_set(1.0).query("level < 2"))
    assert np.isnan(p_test(pd.Series({"a": 1.0, "b": 2.0}), pd.DataFrame({"x": {"a": 50.0, "b": 60.0}}))[0])


def test_a_list_whose_scores_differ_by_rounding_alone_has_no_order():
    """The scores of one type follow its levels in their last bits."""
    frame = degraded_set(20.0)
    blind = frame["distortion"].eq("jpeg")
    frame.loc[blind, "score"] = 50 - 6e-8 * frame.loc[blind, "level"]
    found = l_test(frame)
    assert (found[:, 1] == 0).all()  # jpeg
    assert (found[:, 0] != 0).all()


def truth(frame):
    return frame.set_index("image")[["truth"]]


def measured(frame, judges=None, **more):
    return waterloo(frame, judges, method="m", dataset="d", **more).set_index("statistic")


def test_chance_of_d_is_what_random_scores_reach():
    """Ten pristine and 300 degraded: the best threshold finds .59 in noise, and D itself has no interval."""
    frame = degraded_set(0.0, references=10, kinds=tuple("abcdef"))
    rng = np.random.default_rng(0)
    good = frame["level"].eq(0).to_numpy()
    noise = [d_test(*(scores[good], scores[~good])) for scores in rng.normal(size=(400, len(frame)))]
    found = measured(frame.assign(score=rng.normal(size=len(frame))), resamples=400)
    chance = found.loc["chance_d"]
    assert chance["value"] == pytest.approx(np.mean(noise), abs=0.01)
    assert chance["value"] > 0.57
    assert chance[["low", "high"]].tolist() == pytest.approx(np.quantile(noise, [0.025, 0.975]), abs=0.03)
    assert np.isnan(found.loc["d_test", ["low", "high"]].astype(float)).all()
    assert "no interval: the threshold" in found.loc["d_test", "protocol"]


def test_chance_of_d_leaves_contents_where_they_are():
    """Three pictures of each reference, far apart by content alone: a half is best, or a bit more."""
    frame = degraded_set(0.0, references=20, kinds=("jpeg",)).query("level < 3").reset_index(drop=True)
    number = frame["reference"].str[1:].astype(int)
    rng = np.random.default_rng(0)
    found = measured(frame.assign(score=100 * number + rng.normal(size=len(frame))), resamples=200)
    # A threshold parts the pictures of one reference at most, and has as many of each kind of the others.
    assert found.loc["chance_d", "value"] <= 0.5 + 0.5 / 20 + 1e-9
    own = "p" + frame["reference"]
    apart = frame.assign(
        score=rng.normal(size=len(frame)), reference=frame["reference"].where(frame["level"] > 0, own)
    )
    assert measured(apart, resamples=200).loc["chance_d", "value"] > 0.55


def test_l_is_the_mean_over_lists_with_whole_references_as_units():
    """References of unequal numbers of types: the mean of their means would be another."""
    frame = degraded_set(20.0, references=12, kinds=tuple("abcd"))
    number = frame["reference"].str[1:].astype(int)
    kept = frame["distortion"].isin(["", "a"]) | number.lt(4)
    lists = l_test(frame[kept])
    count, of = np.isfinite(lists).sum(axis=1), np.nanmean(lists, axis=1)
    row = measured(frame[kept], resamples=20).loc["l_test"]
    mean = np.nansum(lists) / count.sum()
    assert row["value"] == pytest.approx(mean)
    assert abs(row["value"] - of.mean()) > 1e-3
    assert (row["n"], row["units"]) == (count.sum(), 12)
    # Ratio of two sums over references (Cochran 1977, 6.13), and Student's t.
    part = (of - mean) * count / count.mean()
    half = stats.t.ppf(0.975, 11) * np.sqrt((part**2).sum() / 11 / 12)
    assert row[["low", "high"]].tolist() == pytest.approx([max(mean - half, -1), min(mean + half, 1)])
    few = frame[number.lt(4)]
    few = measured(few, truth(few), resamples=20)
    assert few.loc[["l_test", "p_test"], ["low", "high"]].isna().all(axis=None)


def test_pairs_have_the_weights_of_their_references_expanded():
    """Written out: a pair counts as often as both its references are drawn, once where they are one."""
    frame = degraded_set(30.0, references=6, kinds=("jpeg",))
    row = measured(frame, truth(frame), resamples=200, seed=3).loc["p_test"]
    names = list(pd.unique(frame["reference"]))
    shares = []
    for count in np.concatenate(list(draw(6, 200, 3))):
        right = total = 0.0
        for one, two in itertools.combinations(frame.to_dict("records"), 2):
            if abs(one["truth"] - two["truth"]) > 40:
                a, b = (count[names.index(x["reference"])] for x in (one, two))
                weight = a if one["reference"] == two["reference"] else a * b
                total += weight
                right += weight * ((one["score"] > two["score"]) == (one["truth"] > two["truth"]))
        shares.append(right / total)
    assert row[["low", "high"]].tolist() == pytest.approx(interval(shares, units=6))
    assert row["units"] == 6
