"""Ranks on one data set and over several, from frames."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.protocols.new_sets import over_new_sets
from benchmark.protocols.paired import differences_of, joint, resolvable_of
from benchmark.protocols.ranking import over_sets, pair_tests, rank_table
from benchmark.protocols.rows import Resampling
from tests.draws import generator
from tests.protocols.data import UP, row, scores_of
from tests.statistics.test_hierarchical import plainly

METHODS = {"good": 0.3, "fair": 1.5, "fair_too": 1.55, "poor": 9}


@pytest.fixture
def resampled(manifest):
    frames = {name: scores_of(manifest, noise, k) for k, (name, noise) in enumerate(METHODS.items(), 1)}
    up = {**UP, "higher_is_better": dict.fromkeys(METHODS, True)}
    return joint(frames, manifest, **up, how=Resampling(300))


def test_ranks_letters_and_chances_of_one_set(resampled):
    value = pd.Series(resampled.value, index=resampled.names)
    draws = pd.DataFrame(resampled.draws.T, columns=resampled.names)
    pairs = differences_of(resampled)
    table = rank_table(value, draws, units=20, n=300, protocol="words", p=pairs)
    best, fair, last = (row(table, "rank", method=name) for name in ("good", "fair", "poor"))
    assert (best.value, best.low, best.high) == (1, 1, 1)
    assert (last.value, last.low, last.high) == (4, 4, 4)
    assert (fair.low, fair.high) == (2, 3)
    assert fair.letters == row(table, "rank", method="fair_too").letters
    assert len({best.letters, fair.letters, last.letters}) == 3
    assert row(table, "first", method="good").value == 1
    few = rank_table(value, draws, units=9, n=300, protocol="words", p=pairs)
    assert few[["low", "high"]].isna().all(axis=None)
    assert (few["letters"] == "").all()
    assert few[few["statistic"].eq("first")]["value"].isna().all()


def test_what_pairs_could_show_is_summed_up(resampled):
    pairs = differences_of(resampled)
    table = resolvable_of(pairs).set_index("statistic")["value"]
    assert table["resolvable_least"] == pairs["resolvable"].min()
    assert table["resolvable_most"] == pairs["resolvable"].max()
    assert resolvable_of(pairs.head(0)).empty


def sets(count, lead, spread, n=400, methods=("a", "b", "c")):
    """Correlations of methods on several data sets, ``lead`` of the first on the others in Fisher's z."""
    values, draws = {}, {}
    for k in range(count):
        g = generator(k, count)
        z = 0.9 + np.array([lead, 0.0, 0.0]) + spread * g.normal(size=3)
        error = 1 / np.sqrt(n)
        values[f"s{k}"] = pd.Series(np.tanh(z + error * g.normal(size=3)), index=methods)
        cloud = np.arctanh(values[f"s{k}"].to_numpy()) + error * g.normal(size=(500, 3))
        draws[f"s{k}"] = pd.DataFrame(np.tanh(cloud), columns=methods)
    return values, draws


def test_over_several_sets_the_mean_is_more_certain_than_one():
    values, draws = sets(6, 0.1, 0.0)
    value, drawn, names = over_sets(values, draws)
    assert names == list(values)
    expected = np.arctanh(pd.DataFrame(values)).mean(axis=1)
    pd.testing.assert_series_equal(value, expected, check_names=False)
    one = np.arctanh(draws["s0"]["a"]).std()
    assert drawn["a"].std() == pytest.approx(one / np.sqrt(6), rel=0.15)
    tests = pair_tests(value, drawn, units=2400).set_index(["method_a", "method_b"])
    gap = value["a"] - value["b"]
    assert tests["p"]["a", "b"] == pytest.approx(
        2 * stats.norm.sf(gap / (drawn["a"] - drawn["b"]).std()), rel=0.1
    )


def test_a_set_that_lacks_a_method_is_left_out_of_the_ranks_over_sets():
    values, draws = sets(4, 0.1, 0.0)
    values["s1"] = values["s1"].drop("b")
    assert over_sets(values, draws)[2] == ["s0", "s2", "s3"]
    only = {name: value.drop("ab"[k]) for k, (name, value) in enumerate(list(sets(2, 0.1, 0.0)[0].items()))}
    value, _, names = over_sets(only, draws)
    assert names == ["s0", "s1"]
    assert list(value.index) == ["c"]


def test_a_new_set_is_predicted_from_the_spread_between_sets():
    methods, pairs = over_new_sets(*sets(9, 0.5, 0.1))
    mean, new = row(methods, "mean", method="a"), row(methods, "new_set", method="a")
    assert new.low < mean.low < mean.value < mean.high < new.high
    assert mean.n == 9
    ahead = pairs.set_index(["method_a", "method_b"])
    assert ahead["chance"]["a", "b"] > 0.95
    assert 0.2 < ahead["chance"]["b", "c"] < 0.8
    few, none = over_new_sets(*sets(2, 0.5, 0.1))
    assert few.empty
    assert none["chance"].isna().all()


def test_errors_and_what_they_could_show_are_those_of_the_joint_resamples(resampled):
    """Twenty references, four methods: six pairs share the 5 per cent at Holm's strictest step."""
    table = differences_of(resampled, margin=0.02).set_index(["method_a", "method_b"])
    place = {name: k for k, name in enumerate(resampled.names)}
    for (a, b), found in table.iterrows():
        moved = resampled.draws[place[a]] - resampled.draws[place[b]]
        error = np.sqrt(np.mean((moved - moved.mean()) ** 2) * 20 / 19)
        gap = resampled.value[place[a]] - resampled.value[place[b]]
        assert found.error == pytest.approx(error)
        both = stats.t.ppf(1 - 0.05 / 6 / 2, 19) + stats.t.ppf(0.8, 19)
        assert found.resolvable == pytest.approx(error * both)
        sides = stats.t.cdf((gap - 0.02) / error, 19), stats.t.sf((gap + 0.02) / error, 19)
        assert found.p_equivalent == pytest.approx(max(sides))
    np.testing.assert_allclose(table["p_holm"], multipletests(table["p"], method="holm")[1])


@pytest.mark.parametrize("units", [10, 40])
def test_a_pair_over_sets_is_tested_by_students_t_with_its_units(units):
    g = generator(9)
    draws = pd.DataFrame(0.1 * g.normal(size=(300, 3)), columns=list("abc"))
    value = pd.Series([0.9, 0.8, 0.95], index=list("abc"))
    table = pair_tests(value, draws, units=units).set_index(["method_a", "method_b"])
    for (a, b), found in table.iterrows():
        error = (draws[a] - draws[b]).std(ddof=0) * np.sqrt(units / (units - 1))
        expected = 2 * stats.t.sf(abs(value[a] - value[b]) / error, units - 1)
        assert found.p == pytest.approx(expected)
    np.testing.assert_allclose(table["p_holm"], multipletests(table["p"], method="holm")[1])


def test_methods_that_never_differ_are_level_and_those_that_always_do_are_not():
    cloud = generator(1).normal(size=50)
    draws = pd.DataFrame({"a": cloud, "same": cloud, "ahead": cloud})
    value = pd.Series({"a": 0.5, "same": 0.5, "ahead": 0.75})
    p = pair_tests(value, draws, units=50).set_index(["method_a", "method_b"])["p"]
    assert p.to_dict() == {("a", "same"): 1, ("a", "ahead"): 0, ("same", "ahead"): 0}


def test_what_is_said_of_a_new_set_follows_from_a_plain_writing_of_the_model():
    values, draws = sets(7, 0.3, 0.15, n=100)
    methods, pairs = over_new_sets(values, draws)
    z = np.arctanh(pd.DataFrame(values).T)
    clouds = {name: np.arctanh(cloud) for name, cloud in draws.items()}
    for name in "abc":
        errors = np.array([cloud[name].std(ddof=0) for cloud in clouds.values()])
        mean, spread, error = plainly(z[name].to_numpy(), errors)
        new = stats.t.ppf(0.975, 5) * np.hypot(spread, error) * np.array([-1, 1])
        found = row(methods, "new_set", method=name)
        expected = np.tanh([mean, *(mean + new)])
        assert (found.value, found.low, found.high) == pytest.approx(tuple(expected), abs=1e-4)
        own = np.tanh(mean + stats.t.ppf(0.975, 6) * error * np.array([-1, 1]))
        found = row(methods, "mean", method=name)
        assert (found.low, found.high) == pytest.approx(tuple(own), abs=1e-4)
        assert row(methods, "spread", method=name).value == pytest.approx(spread, abs=1e-4)
    for found in pairs.itertuples():
        a, b = found.method_a, found.method_b
        errors = np.array([(cloud[a] - cloud[b]).std(ddof=0) for cloud in clouds.values()])
        mean, spread, error = plainly((z[a] - z[b]).to_numpy(), errors)
        chance = stats.t.cdf(mean / np.hypot(spread, error), 5)
        assert (found.difference, found.spread, found.chance) == pytest.approx(
            (mean, spread, chance), abs=1e-4
        )
        assert found.sets == 7
