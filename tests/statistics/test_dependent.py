"""Worked examples of the papers, and of programs checked against them."""

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import closed_form_interval, meng, srcc, steiger, williams
from tests.statistics.test_bootstrap import TRUTH, binormal
from tests.statistics.test_influence import rivals


def test_meng_rosenthal_rubin_1992():
    z, p = meng(0.63, -0.03, -0.19, 15)  # their example: Z = 1.68, one-sided p = .047
    assert round(z, 2) == 1.68
    assert p / 2 == pytest.approx(0.047, abs=5e-4)


def test_williams_as_in_depcor():
    t, p = williams(0.3, 0.4, 0.5, 100)  # Silver, Hittner, May, Applied Psychological Measurement 30, 2006
    assert (round(t, 4), round(p, 4)) == (-1.0767, 0.2843)


def test_steiger_1980_case_a():
    # -.8913 in the paper, which rounds its covariance; -.8887185 is what the package cocor finds, unrounded.
    assert steiger(0.4, 0.5, 0.1, 103)[0] == pytest.approx(-0.8887185, abs=5e-8)


def test_steiger_as_in_depcor():
    z, p = steiger(0.3, 0.4, 0.5, 100)
    assert (round(z, 4), round(p, 4)) == (-1.0718, 0.2838)


def test_bonett_wright_as_in_statpsych():
    y = [21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19]
    x = [67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51]
    r = srcc(x, y)
    assert r == pytest.approx(0.8699639, abs=5e-8)
    assert closed_form_interval(r, 15) == pytest.approx((0.5840951, 0.9638297), abs=5e-8)


def test_pearsons_interval_is_scipys():
    x, y = binormal(60, 0.6, 0)
    expected = stats.pearsonr(x, y)
    found = closed_form_interval(expected.statistic, 60, "plcc")
    assert found == pytest.approx(tuple(expected.confidence_interval()), abs=1e-12)


@pytest.mark.parametrize("statistic", ["srcc", "krcc", "plcc"])
@pytest.mark.parametrize("n", [50, 200])
def test_closed_form_covers_the_truth(statistic, n):
    function = {"srcc": stats.spearmanr, "krcc": stats.kendalltau, "plcc": stats.pearsonr}[statistic]
    hits = []
    for k in range(1000):
        x, y = binormal(n, 0.5, k)
        low, high = closed_form_interval(function(x, y).statistic, n, statistic)
        hits.append(low <= TRUTH[statistic](0.5) <= high)
    assert 0.93 <= np.mean(hits) <= 0.97


@pytest.mark.parametrize("test", [meng, steiger, williams])
def test_size_under_the_null_on_normal_data(test):
    hits = []
    for k in range(1500):
        (a, b), y = rivals(200, 0.6, k)
        r = np.corrcoef([a, b, y])
        hits.append(test(r[0, 2], r[1, 2], r[0, 1], 200)[1] < 0.05)
    assert 0.035 <= np.mean(hits) <= 0.065


@pytest.mark.parametrize("test", [meng, steiger, williams])
def test_exchange_turns_the_sign_and_undefined_is_nan(test):
    assert test(0.5, 0.3, 0.2, 40)[0] == pytest.approx(-test(0.3, 0.5, 0.2, 40)[0])
    assert test(0.5, 0.5, 0.2, 40) == (0.0, 1.0)
    for arguments in ((np.nan, 0.3, 0.2, 40), (0.5, 0.3, 1.0, 40), (1.0, 0.3, 0.3, 40), (0.5, 0.3, 0.2, 3)):
        assert np.isnan(test(*arguments)).all()
    with pytest.raises(ValueError, match="lie in"):
        test(1.5, 0.3, 0.2, 40)


def test_degenerate_intervals():
    assert closed_form_interval(1.0, 20) == (1.0, 1.0)
    assert np.isnan(closed_form_interval(0.5, 3)).all()
    assert np.isnan(closed_form_interval(np.nan, 30)).all()
    with pytest.raises(ValueError, match="unknown statistic"):
        closed_form_interval(0.5, 30, "rmse")
