import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from benchmark.statistics import krcc, outlier_ratio, plcc, rmse, srcc
from benchmark.statistics.correlation import srcc_columns
from tests.reference.statistics import correlation

FUNCTIONS = {"srcc": srcc, "krcc": krcc, "plcc": plcc}
pairs = hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(1, 30)), elements=st.integers(-5, 5))


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=40, deadline=None)
@given(pairs)
def test_equals_scipy_with_ties_everywhere(name, pair):
    expected = correlation(name, *pair.astype(float))
    assert FUNCTIONS[name](*pair) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sign_is_shown(name):
    x = np.arange(10.0)
    assert FUNCTIONS[name](x, -x) == pytest.approx(-1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_undefined_is_nan(name):
    for x, y in (([], []), ([1.0], [2.0]), ([3.0, 3.0, 3.0], [1.0, 2.0, 3.0]), ([1.0, 2.0], [5.0, 5.0])):
        assert np.isnan(FUNCTIONS[name](x, y))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_two_images_agree_or_do_not(name):
    assert FUNCTIONS[name]([1, 2], [5, 9]) == pytest.approx(1)
    assert FUNCTIONS[name]([1, 2], [9, 5]) == pytest.approx(-1)


def test_infinite_scores_are_extreme_ranks():
    x, y = [1.0, 2.0, np.inf, -np.inf], [2.0, 3.0, 4.0, 1.0]
    assert srcc(x, y) == pytest.approx(1)
    assert krcc(x, y) == pytest.approx(1)
    with pytest.raises(ValueError, match="infinite: only rank statistics"):
        plcc(x, y)


def test_nan_is_refused_with_its_count():
    for f in FUNCTIONS.values():
        with pytest.raises(ValueError, match="1 of 6 values are NaN"):
            f([1.0, np.nan, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="one length"):
        srcc([1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scale_of_scores_does_not_matter(scale):
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    assert plcc(x * scale, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_rmse_and_outliers_by_hand():
    assert rmse([1.0, 2.0, 3.0], [1.0, 4.0, 3.0]) == pytest.approx(np.sqrt(4 / 3))
    # Errors 0, 2 and 1 against twice the deviations 1, .9 and .5: only the second lies outside.
    assert outlier_ratio([1.0, 2.0, 3.0], [1.0, 4.0, 4.0], [1.0, 0.9, 0.5]) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="negative"):
        outlier_ratio([1.0], [1.0], [-1.0])
    for place, wrong in itertools.product(range(3), (np.nan, np.inf)):
        values = [[1.0, 2.0], [1.0, 2.0], [1.0, 1.0]]
        values[place][0] = wrong
        with pytest.raises(ValueError, match=r"NaN|finite"):
            outlier_ratio(*values)
    assert np.isnan(rmse([], []))


tables = hnp.arrays(np.int64, st.tuples(st.integers(2, 20), st.integers(2, 6)), elements=st.integers(-3, 3))


@settings(max_examples=60, deadline=None)
@given(tables)
def test_columns_are_correlated_each_as_scipy_does(table):
    expected = [
        correlation("srcc", column, table[:, 0].astype(float)) for column in table[:, 1:].T.astype(float)
    ]
    assert srcc_columns(table[:, 1:], table[:, 0]) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_equal_columns_are_correlated_equally_to_the_bit():
    """Penalties that order alike must tie: the first of them is chosen."""
    column, y = np.random.default_rng(0).normal(size=(2, 57))
    found = srcc_columns(np.tile(column[:, None], 100) * np.geomspace(1e-3, 1e3, 100), y)
    assert np.unique(found).size == 1


def test_columns_with_what_is_no_number_are_refused():
    with pytest.raises(ValueError, match="some values are NaN"):
        srcc_columns([[1.0, np.nan], [2.0, 3.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="columns of one length"):
        srcc_columns([[1.0, 2.0]], [1.0, 2.0])


def test_columns_that_fall_are_correlated_to_the_end():
    x = np.arange(30.0)
    columns = np.stack([x, -x, np.where(x == 0, 1, -x)], axis=1)
    expected = [stats.spearmanr(column, x).statistic for column in columns.T]
    assert expected[1] == pytest.approx(-1)
    assert srcc_columns(columns, x) == pytest.approx(expected, abs=1e-12)
