import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.protocols import (
    across_sets,
    against_seeds,
    seeds,
)
from benchmark.provenance import published


def test_seeds_bound_the_next_run():
    values = [0.80, 0.82, 0.81, 0.83]
    runs = pd.DataFrame(
        {"method": "m", "dataset": "d", "seed": range(4), "statistic": "srcc", "value": values}
    ).assign(low=0.0, high=1.0, n=9, protocol="whole set; bootstrap of images x9; 95% BCa; seed 1; 1 missing")
    found = seeds(runs).iloc[0]
    assert found.value == pytest.approx(0.815)
    half = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * np.sqrt(1.25)
    assert (found.low, found.high) == pytest.approx((0.815 - half, 0.815 + half))
    assert (found.n, found.sd) == (4, pytest.approx(np.std(values, ddof=1)))
    assert published.verdict(0.84, found.low, found.high) == "agrees"
    assert published.verdict(0.90, found.low, found.high) == "lower"
    assert np.isnan(seeds(runs.iloc[:1]).iloc[0].low)
    words = "whole set; 1 missing; 9 images; mean of 4 seeds (0, 1, 2, 3); bounds of one further run, 95%"
    assert found.protocol == words
    lost = seeds(runs.assign(value=[0.80, np.nan, 0.81, 0.83])).iloc[0]
    assert "mean of 3 seeds (0, 2, 3); bounds of one further run, 95%; 1 runs undefined" in lost.protocol
    with pytest.raises(ValueError, match="twice"):
        seeds(pd.concat([runs, runs.iloc[:1]]))
    with pytest.raises(ValueError, match="column 'seed'"):
        seeds(runs.drop(columns="seed"))


def test_bounds_of_one_further_run_hold_it_at_their_level():
    """20,000 sets of three seeds and a fourth: 95 in a hundred, give or take three standard errors (.5)."""
    draws = np.random.default_rng(0).normal(0.0, 0.05, (20_000, 4))
    runs = pd.DataFrame(
        {"dataset": np.repeat(np.arange(200), 3), "seed": np.tile([1, 2, 3], 200), "statistic": "srcc"}
    ).assign(value=draws[:200, :3].ravel(), n=9, protocol="whole set")
    found = seeds(runs)
    half = stats.t.ppf(0.975, 2) * draws[:, :3].std(axis=1, ddof=1) * np.sqrt(4 / 3)
    assert (found["high"] - found["value"]).to_numpy() == pytest.approx(half[:200])
    inside = np.abs(draws[:, 3] - draws[:, :3].mean(axis=1)) <= half
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize(
    ("name", "values", "ends"),
    [
        ("srcc", [0.93, 0.98], (None, 1.0)),  # two runs: 15.6 standard deviations either way
        ("srcc", [-0.95, -0.9, -0.97], (-1.0, None)),
        ("rmse", [0.1, 0.3], (0.0, None)),
        ("rmse", [11.0, 11.1, 11.2], (None, None)),
        ("outlier_ratio", [0.1, 0.9], (0.0, 1.0)),
        ("srcc_of_ceiling", [0.97, 1.01, 1.0], (None, None)),  # a share of what is expected may pass 1
        ("mean_score", [-3.0, 4.0, 9.0], (None, None)),
    ],
)
def test_no_further_run_is_said_to_leave_what_the_statistic_can_be(name, values, ends):
    runs = pd.DataFrame({"dataset": "d", "seed": range(len(values)), "statistic": name, "value": values})
    found = seeds(runs.assign(n=90, protocol="whole set")).iloc[0]
    reach = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / len(values))
    free = np.mean(values) - reach, np.mean(values) + reach
    expected = [there if end is None else end for there, end in zip(free, ends, strict=True)]
    assert [found.low, found.high] == pytest.approx(expected)


def test_a_single_run_is_held_against_the_seeds_of_another():
    runs = pd.DataFrame({"dataset": "d", "seed": [1, 2, 3], "statistic": "srcc", "value": [0.7, 0.72, 0.74]})
    spread = seeds(runs.assign(n=9, protocol="whole set; bootstrap of images x9"))
    single = pd.DataFrame(
        {"variant": ["near", "far", "undefined", "elsewhere"], "dataset": ["d", "d", "d", "other"]}
    ).assign(statistic="srcc", value=[0.66, 0.5, np.nan, 0.7], low=0.1, high=0.9, n=90, protocol="whole set")
    found = against_seeds(spread, single)
    half = stats.t.ppf(0.975, 2) * 0.02 * np.sqrt(4 / 3)
    assert found["variant"].tolist() == ["near", "far", "undefined"]
    assert found[["low", "high"]].to_numpy() == pytest.approx(np.array([[0.72 - half, 0.72 + half]] * 3))
    assert found["within"].tolist() == [True, False, None]
    assert found["n"].tolist() == [1, 1, 1]
    assert found["protocol"][0] == "whole set; 90 images; one run, against the bounds of one further seed"
    one = seeds(runs.iloc[:1].assign(n=9, protocol="whole set"))
    assert against_seeds(one, single)["within"].tolist() == [None] * 3
    for few in (single.assign(n=9), single.assign(units=9)):  # pictures, or the references behind many
        assert against_seeds(spread, few)["within"].tolist() == [None] * 3
    assert against_seeds(spread, single.assign(n=10))["within"].tolist() == [True, False, None]


def test_across_sets():
    rows = [
        (m, d, "srcc", v + 0.1 * k)
        for m, v in (("a", 0.5), ("b", 0.6), ("c", 0.7))
        for k, d in enumerate("wxyz")
    ]
    table = pd.DataFrame(rows, columns=["method", "dataset", "statistic", "value"])
    pairs, ranks = across_sets(table)
    assert ranks.ranks.to_dict() == {"c": 1.0, "b": 2.0, "a": 3.0}
    assert (pairs["p"] == 2 / 2**4).all()
    with pytest.raises(ValueError, match="no rows of statistic 'rmse'"):
        across_sets(table, statistic="rmse")
    with pytest.raises(ValueError, match="duplicate"):
        across_sets(pd.concat([table, table]))
