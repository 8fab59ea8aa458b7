"""The stated smallest difference against simulated power; equivalence against statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from benchmark.statistics import bootstrap, difference_test, equivalence, influence, resolvable
from benchmark.statistics.weighted import PREPARE
from tests.draws import generator


def pair(rho, gap, n, g, groups):
    """Scores of two methods whose Spearman correlations differ by a gap, and the opinions, all normal."""
    pearson = 2 * np.sin(np.pi / 6 * np.array([rho + gap / 2, rho - gap / 2]))[:, None]
    content = np.repeat(g.normal(size=n // groups), groups)
    mos = content if groups == 1 else np.sqrt(0.4) * content + np.sqrt(0.6) * g.normal(size=n)
    own = np.repeat(g.normal(size=n // groups), groups)
    error = np.sqrt(0.5) * own + np.sqrt(0.5) * g.normal(size=(2, n))
    return pearson * mos + np.sqrt(1 - pearson**2) * error, mos


def power(rho, n, sets, groups=1):
    """Share of sets in which the test of the tables shows the difference that they call resolvable."""
    reference, units = np.arange(n) // groups, n // groups
    stated = []
    for k in range(20):
        scores, mos = pair(rho, 0, n, generator(n, k, 1), groups)
        draws = bootstrap(scores, mos, resamples=200, seed=k, groups=reference)
        stated.append(resolvable(np.std(draws[0] - draws[1]) * np.sqrt(units / (units - 1)), units))
    shown = 0
    for k in range(sets):
        scores, mos = pair(rho, float(np.mean(stated)), n, generator(n, k, 2), groups)
        value = PREPARE["srcc"](scores, mos)(np.ones((1, n)))[:, 0]
        moved = [influence(s, mos, groups=reference) for s in scores]
        shown += difference_test((value[0], value[1]), (moved[0], moved[1]))[1] < 0.05
    return shown / sets


def test_the_stated_difference_is_shown_four_times_in_five():
    assert power(0.7, 200, 300) == pytest.approx(0.8, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rho", "n", "groups"), [(0.5, 100, 1), (0.7, 1000, 1), (0.9, 200, 1), (0.7, 600, 12)]
)
def test_power_reached_at_the_stated_difference(rho, n, groups):
    assert power(rho, n, 1000, groups) == pytest.approx(0.8, abs=0.09)


def test_resolvable_is_the_sum_of_two_quantiles():
    expected = 0.01 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))  # 2.80 errors, as textbooks have it
    assert resolvable(0.01, 10**6) == pytest.approx(expected, rel=1e-4)
    assert resolvable(0.01, 20) > expected
    assert resolvable(0.01, 10**6, level=0.05 / 45) > expected
    assert np.isnan(resolvable(0.01, 1))
    with pytest.raises(ValueError, match="between 0 and 1"):
        resolvable(0.01, 10, power=80)


@pytest.mark.parametrize("shift", [0.0, 0.02, -0.2])
def test_equivalence_is_that_of_statsmodels(shift):
    sample = generator(3).normal(shift, 0.2, 40)
    expected = DescrStatsW(sample).ttost_mean(-0.1, 0.1)[0]
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    assert equivalence(sample.mean(), error, sample.size, 0.1) == pytest.approx(expected)


def test_equivalence_at_its_ends():
    assert equivalence(0.0, 0.0, 50, 0.01) == 0
    assert equivalence(0.02, 0.0, 50, 0.01) == 1
    assert equivalence(0.01, 0.003, 50, 0.01) == pytest.approx(0.5)
    assert np.isnan(equivalence(np.nan, 0.1, 50, 0.01))
    with pytest.raises(ValueError, match="margin"):
        equivalence(0.0, 0.1, 50, 0.0)
