import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.statistics import (
    critical_difference,
    friedman_power,
    holm,
    mean_ranks,
    partial_srcc,
    signed_ranks,
    win_tie_loss,
)
from tests.draws import generator

# J. Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006, tables 2 and 6:
# AUC of C4.5 and of three variants of it on 14 data sets.
DEMSAR = pd.DataFrame(
    [
        (0.763, 0.768, 0.771, 0.798),
        (0.599, 0.591, 0.590, 0.569),
        (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657),
        (0.882, 0.888, 0.886, 0.898),
        (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685),
        (0.583, 0.583, 0.563, 0.625),
        (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000),
        (0.940, 0.962, 0.965, 0.962),
        (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975),  # equal as printed; the ranks of the paper are 2 and 3
        (0.957, 0.978, 0.946, 0.970),
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_the_least_level_at_which_its_steps_reject(p):
    """All that lie below must be rejected too, each at the level over how many lie at it or above."""
    each = [min(1, max(q * sum(r >= q for r in p) for q in p if q <= own)) for own in p]
    np.testing.assert_allclose(holm(p), each, atol=1e-15)


def test_holm_is_that_of_statsmodels():
    p = np.round(generator(1).uniform(size=20) ** 3, 2)  # some are tied
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-15)


def test_holm_leaves_out_tests_that_could_not_be_made():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    assert holm([]).size == 0


def test_wins_ties_and_losses_by_hand():
    p = np.full((3, 2, 2), np.nan)
    gap = p.copy()
    for k, (value, difference) in enumerate([(0.01, 0.1), (0.2, 0.3), (0.03, -0.2)]):
        p[k, 0, 1] = p[k, 1, 0] = value
        gap[k, 0, 1], gap[k, 1, 0] = difference, -difference
    counted = win_tie_loss(p, gap)
    assert counted[0, 1].tolist() == [1, 1, 1]
    assert counted[1, 0].tolist() == [1, 1, 1]
    assert counted[0, 0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="must both be"):
        win_tie_loss(p, gap[0])


def test_friedman_as_worked_by_demsar():
    found = mean_ranks(DEMSAR)
    expected = {"C4.5": 3.143, "C4.5+m": 2.000, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}
    assert found.ranks.round(3).to_dict() == expected
    assert found.ranks.index[0] == "C4.5+m+cf"
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    # His statistic of 9.28 leaves ties uncorrected; corrected it is 10.228 (SciPy's tests, checked with R).
    assert found.p == pytest.approx(0.0167215803284414, abs=1e-12)
    # Nemenyi: no pair is further apart than the critical difference.
    assert (found.nemenyi.to_numpy() > 0.05).all()
    assert (found.n, found.left_out) == (14, ())


def test_wilcoxon_as_worked_by_demsar():
    table = signed_ranks(DEMSAR[["C4.5", "C4.5+m"]])
    row = table.iloc[0]
    # Eleven wins, two ties and one loss; the critical value of 14 sets is passed at 5%.
    assert row["p"] < 0.05
    assert row["n"] == 12
    assert row["smallest_p"] == 2.0**-11


def test_wilcoxon_equals_scipy_and_is_holm_corrected():
    g = generator(0)
    values = pd.DataFrame(g.normal(size=(9, 4)), columns=list("abcd"))
    table = signed_ranks(values)
    for row in table.itertuples():
        assert row.p == pytest.approx(stats.wilcoxon(values[row.method_a], values[row.method_b]).pvalue)
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    assert (table["smallest_p"] == 2 / 2**9).all()


@pytest.mark.parametrize("size", [6, 10])
def test_tied_gaps_of_few_sets_are_tried_with_all_signs(size):
    gap = np.resize([1.0, 2.0, 2.0, -1.0, 3.0], size)
    ranks = stats.rankdata(np.abs(gap))
    signs = 1 - 2 * ((np.arange(2**size)[:, None] >> np.arange(size)) & 1)
    cloud = (signs > 0) @ ranks
    seen = ranks[gap > 0].sum()
    tail = min(np.mean(cloud <= seen + 1e-9), np.mean(cloud >= seen - 1e-9))
    table = signed_ranks(pd.DataFrame({"a": gap, "b": 0.0}))
    assert table["p"].item() == pytest.approx(min(1, 2 * tail), abs=1e-12)


def test_thirteen_tied_sets_are_the_most_that_are_tried_with_all_signs(monkeypatch):
    """SciPy tries all where it may try as many as there are; its answer takes seconds and is not awaited."""
    asked = []
    monkeypatch.setattr(
        stats, "wilcoxon", lambda gap, method: asked.append(method) or SimpleNamespace(pvalue=1)
    )
    for size in (13, 14):
        signed_ranks(pd.DataFrame({"a": np.ones(size), "b": 0.0}))
    assert asked[0].n_resamples >= 2**13
    assert asked[1] == "approx"


@pytest.mark.parametrize(
    ("size", "tied", "how"), [(14, True, "approx"), (50, False, "exact"), (51, False, "approx")]
)
def test_many_sets_take_the_normal_limit_and_up_to_fifty_without_ties_the_exact_law(size, tied, how):
    gap = generator(size).normal(0.2, 1, size)
    gap = np.sign(gap) * np.ceil(3 * np.abs(gap)) if tied else gap
    found = signed_ranks(pd.DataFrame({"a": gap, "b": 0.0}))["p"].item()
    assert found == stats.wilcoxon(gap, method=how).pvalue


def test_two_sets_and_three_methods_are_the_least_that_friedman_can_rank():
    values = pd.DataFrame([[1.0, 2.0, 3.0], [1.0, 2.5, 2.0]], columns=list("abc"))
    assert mean_ranks(values).p == pytest.approx(stats.friedmanchisquare(*values.to_numpy().T).pvalue)
    assert np.isfinite(mean_ranks(values).power)
    assert np.isnan(mean_ranks(values[["a", "b"]]).p)
    assert np.isnan(critical_difference(3, 0))
    assert critical_difference(3, 1) == pytest.approx(np.sqrt(10) * critical_difference(3, 10))


def test_few_data_sets_say_that_they_decide_nothing():
    values = pd.DataFrame([[1.0, 2.0, 3.0]] * 3, columns=list("abc"))
    assert signed_ranks(values)["smallest_p"].min() == 0.25
    one = mean_ranks(values.iloc[:1])
    assert np.isnan([one.p, one.power]).all()
    gap = pd.DataFrame(
        {"a": [1.0, np.nan, 2.0], "b": [0.5, 1.0, 1.0], "c": [0.1, 0.2, 0.3]}, index=list("xyz")
    )
    assert mean_ranks(gap).left_out == ("y",)
    same = pd.DataFrame(1.0, index=range(4), columns=list("abc"))
    assert mean_ranks(same).p == 1.0
    assert signed_ranks(same)["p"].tolist() == [1.0] * 3
    with pytest.raises(ValueError, match="two methods"):
        mean_ranks(values[["a"]])


def test_power_grows_from_the_level_of_the_test():
    none, some, much = (friedman_power(5, 9, effect=e, simulations=4000) for e in (0, 1, 3))
    assert none == pytest.approx(0.05, abs=0.02)
    assert none < some < much
    assert much > 0.95
    # Nemenyi's q for five methods at 5% is 2.728 (Demsar, table 5a).
    assert critical_difference(5, 30) == pytest.approx(2.728 * np.sqrt(5 * 6 / (6 * 30)), abs=1e-3)


def test_what_a_fact_explains_is_taken_out():
    g = generator(0)
    size = g.normal(size=4000)
    mos = size + g.normal(size=4000)
    reader_of_sizes, judge = size + 0.1 * g.normal(size=4000), mos + 0.5 * g.normal(size=4000)
    assert stats.spearmanr(reader_of_sizes, mos).statistic > 0.6
    assert partial_srcc(reader_of_sizes, mos, size) == pytest.approx(0, abs=0.05)
    assert partial_srcc(judge, mos, size) > 0.7
    # Partial correlation is the correlation of what linear regressions on the fact leave, here of ranks.
    ranks = [stats.rankdata(v) for v in (judge, mos, size)]
    rest = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    assert partial_srcc(judge, mos, size) == pytest.approx(np.corrcoef(rest)[0, 1], abs=1e-10)
    assert np.isnan(partial_srcc(judge, mos, np.ones(4000)))
    assert np.isnan(partial_srcc(judge, mos, mos))


@pytest.mark.parametrize("sets", [4, 5, 10])
def test_of_equal_methods_the_power_is_the_exact_share_of_orders_beyond_the_threshold(sets):
    """All orders of three methods on so many sets: rank sums counted one set after the other."""
    counts = {(0, 0, 0): 1}
    for _ in range(sets):
        longer = {}
        for sums, ways in counts.items():
            for order in itertools.permutations((1, 2, 3)):
                key = tuple(map(sum, zip(sums, order, strict=True)))
                longer[key] = longer.get(key, 0) + ways
        counts = longer
    threshold = stats.chi2.ppf(0.95, 2)
    beyond = sum(
        ways
        for sums, ways in counts.items()
        if sum((s - 2 * sets) ** 2 for s in sums) / sets > threshold  # 12 / (n k (k + 1)) is 1 / n
    )
    exact = beyond / 6**sets
    found = friedman_power(3, sets, effect=0, simulations=20_000)
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))
