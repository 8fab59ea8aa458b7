"""Worked examples of the papers, and of programs checked against them."""

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import meng, steiger, williams
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


@pytest.mark.parametrize("test", [meng, steiger, williams])
def test_size_under_the_null_on_normal_data(test):
    """As in `test_influence`: 500 mean squares of a normal value scatter by .06, and their root by .03."""
    p = []
    for k in range(500):
        (a, b), y = rivals(200, 0.6, k)
        r = np.corrcoef([a, b, y])
        p.append(test(r[0, 2], r[1, 2], r[0, 1], 200)[1])
    assert np.sqrt(np.mean(stats.norm.isf(np.array(p) / 2) ** 2)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("test", [meng, steiger, williams])
def test_exchange_turns_the_sign_and_undefined_is_nan(test):
    assert test(0.5, 0.3, 0.2, 40)[0] == pytest.approx(-test(0.3, 0.5, 0.2, 40)[0])
    assert test(0.5, 0.5, 0.2, 40) == (0.0, 1.0)
    for arguments in ((np.nan, 0.3, 0.2, 40), (0.5, 0.3, 1.0, 40), (1.0, 0.3, 0.3, 40), (0.5, 0.3, 0.2, 3)):
        assert np.isnan(test(*arguments)).all()
    with pytest.raises(ValueError, match="lie in"):
        test(1.5, 0.3, 0.2, 40)
