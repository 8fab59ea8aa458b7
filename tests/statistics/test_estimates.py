import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmark.statistics.estimates import bounded, mean_interval, share_interval, tidy, with_width


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=5, max_size=40))
def test_share_has_wilsons_interval(hits):
    expected = stats.binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    share, low, high, n = share_interval(np.array(hits))
    assert (share, n) == (np.mean(hits), len(hits))
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=5, max_size=40))
def test_a_hit_may_count_in_part(hits):
    share, low, high, _ = share_interval(np.array(hits))
    assert share == np.mean(hits)
    expected = proportion_confint(sum(hits), len(hits), method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-9)


def test_intervals_end_where_the_statistic_does():
    assert bounded((0.5, -0.2, 1.4, 3), 0, 1) == (0.5, 0.0, 1.0, 3)
    assert np.isnan(bounded((0.5, np.nan, np.nan, 1), -1, 1)[1:3]).all()


def test_mean_has_students_interval():
    values = np.random.default_rng(0).normal(size=12)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    mean, low, high, n = mean_interval(values)
    assert (mean, low, high, n) == pytest.approx((values.mean(), expected.low, expected.high, 12))


@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_fewer_than_five_units_have_no_interval_and_the_row_says_so(n):
    values = 0.3 + np.linspace(-0.1, 0.1, n) if n > 1 else np.full(n, 0.3)
    for estimate, value in ((mean_interval(values), 0.3), (share_interval(np.ones(n, bool)), 1)):
        assert estimate[3] == n
        assert np.isnan(estimate[1:3]).all() == (n < 5)
        assert np.isnan(estimate[0]) if n == 0 else estimate[0] == pytest.approx(value)
        said = tidy({}, "auc", estimate, "words")["protocol"]
        assert said == "words" + "; no interval: fewer than 5 images or references" * (0 < n < 5)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -3e7])
def test_an_interval_of_no_width_is_none_and_the_row_says_so(value):
    """Also where rounding gives it one: the mean of ten times .1 is not .1."""
    row = tidy({}, "srcc", mean_interval(np.full(10, value)), "words")
    assert row["value"] == pytest.approx(value)
    assert np.isnan([row["low"], row["high"]]).all()
    assert row["protocol"] == "words; no interval where every value or resample is the same"


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_interval_that_has_a_width_is_left_as_it_is(low, width):
    assert with_width([low, 2.0], [low + width, 2.0])[0][0] == low
    assert with_width([low, 2.0], [low + width, 2.0])[1][0] == low + width
    assert np.isnan(np.array(with_width([low, 2.0], [low + width, 2.0]))[:, 1]).all()
