import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from benchmark.gmad import judge_by_scores

MOS = pd.Series({"a": 1.0, "b": 2.0, "c": 4.0})


def pair(low, high):
    return pd.DataFrame({"low_image": [low], "high_image": [high]})


def test_preference_is_what_simulated_subjects_say():
    deviations = pd.Series({"a": 0.5, "b": 1.5, "c": 1.0})
    rng = np.random.default_rng(0)
    a, b = (rng.normal(MOS[k], deviations[k], 200_000) for k in "ab")
    said = 100 * ((b > a).mean() - (b < a).mean())
    assert judge_by_scores(pair("a", "b"), MOS, deviations)[0] == pytest.approx(said, abs=1)


def test_swapped_pair_swaps_the_sign():
    assert judge_by_scores(pair("a", "c"), MOS)[0] == pytest.approx(-judge_by_scores(pair("c", "a"), MOS)[0])


def test_without_deviation_the_scale_is_that_of_the_scores():
    expected = 100 * (2 * norm.cdf(3 / (np.sqrt(2) * np.std([1, 2, 4]))) - 1)
    assert judge_by_scores(pair("a", "c"), MOS)[0] == pytest.approx(expected)
    assert judge_by_scores(pair("a", "c"), MOS, scale=1e-9)[0] == pytest.approx(100)


def test_no_spread_is_the_sign_of_the_difference():
    silent = pd.Series(0.0, index=MOS.index)
    assert judge_by_scores(pair("a", "b"), MOS, silent)[0] == 100
    assert judge_by_scores(pair("b", "a"), MOS, silent)[0] == -100
    assert judge_by_scores(pair("b", "b"), MOS, silent)[0] == 0
    assert judge_by_scores(pair("b", "c"), pd.Series(3.0, index=MOS.index))[0] == 0


def test_noisier_ratings_weaken_the_preference():
    quiet, loud = pd.Series(0.5, index=MOS.index), pd.Series(2.0, index=MOS.index)
    assert judge_by_scores(pair("a", "b"), MOS, quiet)[0] > judge_by_scores(pair("a", "b"), MOS, loud)[0] > 0


def test_missing_deviation_takes_the_scale():
    partly = pd.Series({"a": 0.3, "b": np.nan, "c": 0.3})
    expected = 100 * (2 * norm.cdf(1 / np.hypot(0.3, 0.7)) - 1)
    assert judge_by_scores(pair("a", "b"), MOS, partly, scale=0.7)[0] == pytest.approx(expected)


def test_empty_level_has_no_preference():
    assert np.isnan(judge_by_scores(pair(None, None), MOS)[0])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no score, the first is 'x'"):
        judge_by_scores(pair("a", "x"), MOS)
    with pytest.raises(ValueError, match="mos_std of 'b' is negative"):
        judge_by_scores(pair("a", "b"), MOS, pd.Series({"a": 1, "b": -1, "c": 1}))
    with pytest.raises(ValueError, match="scale=0"):
        judge_by_scores(pair("a", "b"), MOS, scale=0)
    with pytest.raises(ValueError, match="image 'a' has two scores"):
        judge_by_scores(pair("a", "b"), pd.concat([MOS, MOS.iloc[:1]]))
