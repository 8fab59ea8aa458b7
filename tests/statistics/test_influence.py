import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import (
    bootstrap,
    difference_test,
    influence,
    influence_interval,
    jackknife_interval,
    plcc_left_out,
)
from benchmark.statistics.weighted import PREPARE
from tests.draws import generator
from tests.reference.statistics import influence as numerical
from tests.statistics.test_bootstrap import TRUTH, binormal, clustered, sample

CORRELATIONS = ("srcc", "krcc", "plcc")


@pytest.mark.parametrize("statistic", CORRELATIONS)
@pytest.mark.parametrize("decimals", [None, 0])
@pytest.mark.parametrize("n", [5, 33])
def test_is_the_derivative_by_the_weight_of_an_image(statistic, decimals, n):
    (x, *_), y = sample(n, decimals)
    np.testing.assert_allclose(influence(x, y, statistic), numerical(statistic, x, y), atol=1e-6)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_a_reference_has_the_influence_of_its_images(statistic):
    (x, *_), y = sample(30)
    groups = np.arange(30) % 7
    each = influence(x, y, statistic)
    expected = [each[groups == g].sum() for g in range(7)]
    np.testing.assert_allclose(influence(x, y, statistic, groups=groups), expected)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_standard_error_is_the_bootstraps(statistic):
    (x, *_), y = sample(1000)
    error = np.sqrt(np.sum(influence(x, y, statistic) ** 2))
    assert error == pytest.approx(bootstrap(x, y, statistic, resamples=2000)[0].std(), rel=0.06)


def test_degenerate_data():
    assert np.isnan(influence([1.0, 1, 1], [1.0, 2, 3])).all()
    assert np.isnan(influence_interval(np.nan, np.full(9, np.nan))).all()
    assert np.isnan(influence_interval(0.5, [0.1, -0.1])).all()
    x = np.arange(9.0)
    assert influence_interval(1.0, influence(x, x)) == (1.0, 1.0)
    with pytest.raises(ValueError, match="unknown statistic"):
        influence(x, x, "rho")
    same = influence(x, x[::-1])
    assert difference_test((-1.0, -1.0), (same, same)) == (0.0, 1.0)
    assert np.isnan(difference_test((0.5, np.nan), (same, same))).all()


def test_correlation_left_out_is_the_correlation_without():
    x, y = sample(40, methods=1)
    for groups in (np.arange(40), np.arange(40) % 7):
        expected = [np.corrcoef(x[0][groups != g], y[groups != g])[0, 1] for g in range(groups.max() + 1)]
        np.testing.assert_allclose(plcc_left_out(x[0], y, groups=groups), expected, atol=1e-12)
    spike = np.array([0.0, 0, 0, 0, 1])
    assert np.isnan(plcc_left_out(spike, np.arange(5.0))[4])
    assert np.isnan(jackknife_interval(plcc_left_out(spike, np.arange(5.0)), 0.7)).all()
    assert jackknife_interval(np.ones(9), 1.0) == (1.0, 1.0)
    assert np.isnan(jackknife_interval([0.5, 0.6], 0.55)).all()


def rivals(n, r, seed):
    """Two methods that agree equally well with the opinions and partly with each other."""
    g = generator(n, seed, 7)
    y, shared = g.normal(size=n), g.normal(size=n)
    return r * y + np.sqrt(1 - r**2) * (0.7 * shared + np.sqrt(0.51) * g.normal(size=(2, n))), y


def p_value(x, y, statistic, groups=None):
    value = PREPARE[statistic](x, y)(np.ones((1, y.size)))[:, 0]
    moved = [influence(s, y, statistic, groups=groups) for s in x]
    return difference_test((value[0], value[1]), (moved[0], moved[1]))[1]


@pytest.mark.parametrize("statistic", CORRELATIONS)
@pytest.mark.parametrize(("n", "r"), [(50, 0.5), (200, 0.8), (200, 0.95)])
def test_size_under_the_null(statistic, n, r):
    """Put back on the normal scale, p values have a mean square of one; of 120 its root scatters by .065."""
    z = stats.norm.isf([p_value(*rivals(n, r, k), statistic) / 2 for k in range(120)])
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1, abs=0.2)


@pytest.mark.slow
# At (50, 0.95) it is 3.3 per cent: timid.
@pytest.mark.parametrize(("n", "r"), [(50, 0.5), (50, 0.8), (200, 0.5), (200, 0.8), (200, 0.95), (1000, 0.8)])
def test_size_of_the_spearman_test_is_four_to_six_per_cent(n, r):
    rate = np.mean([p_value(*rivals(n, r, k), "srcc") < 0.05 for k in range(6000)])
    assert 0.04 <= rate <= 0.06


@pytest.mark.slow
def test_size_with_references():
    rates = {True: [], False: []}
    for k in range(1000):
        (a, y, groups), (b, _, _) = clustered(40, k), clustered(40, k + 5000)
        b = b - 0.7 * clustered(40, k + 5000)[1] + 0.7 * y  # the same opinions, another method's errors
        for whole in rates:
            p = p_value(np.stack([a, b]), y, "srcc", groups if whole else None)
            rates[whole].append(p < 0.05)
    assert 0.03 <= np.mean(rates[True]) <= 0.07
    assert np.mean(rates[False]) > 0.1


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_interval_covers_the_truth(statistic):
    truth, off = np.arctanh(TRUTH[statistic](0.8)), []
    for k in range(100):
        x, y = binormal(200, 0.8, k)
        value = PREPARE[statistic](x[None], y)(np.ones((1, 200)))[0, 0]
        low, high = np.arctanh(influence_interval(float(value), influence(x, y, statistic)))
        off.append((truth - (low + high) / 2) / ((high - low) / 2))
    # In halves of an interval the truth lies off by as much as a normal value in 1.96: a mean square of one.
    assert 1.96 * np.sqrt(np.mean(np.square(off))) == pytest.approx(1, abs=0.2)
    assert np.mean(np.abs(off) <= 1) >= 0.88


def test_a_real_difference_is_found():
    g = generator(0)
    y = g.normal(size=300)
    x = np.stack([y + 0.5 * g.normal(size=300), y + 2 * g.normal(size=300)])
    assert p_value(x, y, "srcc") < 1e-10
    assert p_value(x[::-1], y, "srcc") == pytest.approx(p_value(x, y, "srcc"))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_jackknife_on_fishers_z_by_hand_whichever_way_it_falls(sign):
    x, y = sample(40, methods=1)
    left = sign * np.array([stats.pearsonr(np.delete(x[0], k), np.delete(y, k)).statistic for k in range(40)])
    value = sign * stats.pearsonr(x[0], y).statistic
    z = np.arctanh(left)
    error = np.sqrt(39 / 40 * np.sum((z - z.mean()) ** 2))
    half = stats.t.ppf(0.975, 39) * error
    expected = np.tanh([np.arctanh(value) - half, np.arctanh(value) + half])
    np.testing.assert_allclose(jackknife_interval(left, value), expected, rtol=1e-9)
    np.testing.assert_allclose(jackknife_interval(plcc_left_out(sign * x[0], y), value), expected, rtol=1e-9)
