"""The estimate over data sets against a plain writing of Paule and Mandel, and against simulated truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from benchmark.statistics import hierarchical
from tests.draws import generator


def plainly(y, s):
    """Paule and Mandel's spread as the root of Cochran's Q less its degrees of freedom; Hartung and Knapp."""

    def weighted(tau2):
        w = 1 / (s**2 + tau2)
        mean = w @ y / w.sum()
        return w, mean, w @ (y - mean) ** 2

    excess = lambda tau2: weighted(tau2)[2] - (y.size - 1)  # noqa: E731
    tau2 = brentq(excess, 0, 100) if excess(0) > 0 else 0.0
    w, mean, q = weighted(tau2)
    return mean, np.sqrt(tau2), np.sqrt(max(1.0, q / (y.size - 1)) / w.sum())


@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize("k", [3, 11])
def test_estimates_are_those_of_a_plain_writing(spread, k):
    g = generator(k, int(10 * spread))
    s = g.uniform(0.02, 0.1, k)
    y = 0.8 + spread * g.normal(size=k) + s * g.normal(size=k)
    found = hierarchical(y, s)
    mean, tau, error = plainly(y, s)
    assert (found.mean, found.spread, found.error) == pytest.approx((mean, tau, error), abs=1e-5)
    new = np.hypot(tau, error)
    half = stats.t.ppf(0.975, k - 1) * error
    assert (found.low, found.high) == pytest.approx((mean - half, mean + half), abs=1e-4)
    reach = stats.t.ppf(0.975, k - 2) * new
    assert (found.new_low, found.new_high) == pytest.approx((mean - reach, mean + reach), abs=1e-4)
    assert found.chance == pytest.approx(stats.t.cdf(mean / new, k - 2), abs=1e-6)
    assert found.sets == k


def coverage(k, spread, runs):
    """How often the interval of the mean holds it, and the prediction a new set; and the mean chance."""
    mean_in, new_in, chances = 0, 0, []
    for run in range(runs):
        g = generator(k, run, int(100 * spread))
        s = g.uniform(0.02, 0.08, k)
        found = hierarchical(0.1 + spread * g.normal(size=k) + s * g.normal(size=k), s)
        new = 0.1 + spread * g.normal()
        mean_in += found.low <= 0.1 <= found.high
        new_in += found.new_low <= new <= found.new_high
        chances.append(found.chance)
    return mean_in / runs, new_in / runs, np.mean(chances)


def test_intervals_cover_with_eight_sets():
    mean_in, new_in, chance = coverage(8, 0.2, 200)
    assert 0.9 <= mean_in <= 1
    assert 0.9 <= new_in <= 1
    assert chance == pytest.approx(stats.norm.cdf(0.5), abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("k", [4, 11])
@pytest.mark.parametrize("spread", [0.15, 0.3])
def test_intervals_cover(k, spread):
    mean_in, new_in, _ = coverage(k, spread, 1500)
    assert mean_in >= 0.93
    assert new_in >= 0.92


def test_two_sets_say_nothing_of_a_third():
    assert hierarchical([0.1, 0.2], [0.1, 0.1]) is None
    assert hierarchical([], []) is None
    with pytest.raises(ValueError, match="finite"):
        hierarchical([0.1, np.nan, 0.3], [0.1] * 3)


def test_sets_that_agree_exactly_leave_no_spread():
    found = hierarchical([0.5, 0.5, 0.5], [0.0, 0.0, 0.0])
    assert (found.mean, found.spread) == pytest.approx((0.5, 0.0), abs=1e-6)
