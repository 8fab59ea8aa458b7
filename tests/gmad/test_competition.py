import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize
from scipy.special import log_expit, log_ndtr
from scipy.stats import logistic, norm
from scipy.stats import t as student

from benchmark.gmad import (
    common_scale,
    competition,
    global_ranking,
    judge_by_scores,
    matrices,
    references_of,
    select_pairs,
    standings,
)

TIDY = ["statistic", "value", "low", "high", "n", "units", "protocol", "published", "standing"]


@pytest.fixture(scope="module")
def toys():
    """An oracle equal to MOS, two noisy methods, one constant, and the MOS itself on 0 … 100."""
    rng = np.random.default_rng(1)
    mos = pd.Series(rng.permutation(np.linspace(0, 100, 400)), index=[f"i{k:03d}.png" for k in range(400)])
    raw = {
        "oracle": mos,
        "good": mos + rng.normal(0, 15, 400),
        "poor": mos + rng.normal(0, 60, 400),
        "constant": mos * 0 + 3,
    }
    return common_scale(pd.DataFrame(raw)), mos


@pytest.fixture(scope="module")
def result(toys):
    scores, mos = toys
    return competition(scores, mos, pd.Series(20.0, index=mos.index), dataset="toy", seed=3)


def value(table, statistic, method):
    return table[(table.statistic == statistic) & (table.method == method)].value.item()


def test_frames_have_the_documented_columns(result):
    keys = "dataset,judge,defender,attacker,level,low_image,high_image,gap,tied,weight,preference"
    assert list(result.pairs) == keys.split(",")
    assert list(result.table) == ["dataset", "judge", "method", *TIDY]
    assert list(result.matrix) == ["dataset", "judge", "method_a", "method_b", *TIDY]
    assert set(result.table.statistic) == {"aggressiveness", "resistance", "rank_score"}
    assert len(result.table) == 3 * 4
    assert len(result.matrix) == 3 * 4 * 3
    for table in (result.table, result.matrix):
        few = table.n < 5  # a constant defender has one level
        assert table.loc[few, ["low", "high"]].isna().all(axis=None)
        assert table.protocol[few].str.endswith("no interval: fewer than 5 pairs or references").all()
        known = table.dropna(subset="low")
        assert (known.low <= known.value + 1e-9).all()
        assert (known.value <= known.high + 1e-9).all()
        assert (known.low < known.high).all()
        same = table[table.low.isna() & ~few]
        assert same.protocol.str.endswith("no interval where every value or resample is the same").all()


def test_the_rank_of_one_against_another_is_the_difference_of_their_ranks(result):
    ranks = result.table[result.table.statistic == "rank_score"].set_index("method").value
    couples = result.matrix[result.matrix.statistic == "rank_score"]
    expected = ranks.loc[couples.method_a].to_numpy() - ranks.loc[couples.method_b].to_numpy()
    np.testing.assert_allclose(couples.value, expected, atol=1e-9)


def test_planted_order_is_found(result):
    ranks = result.table[result.table.statistic == "rank_score"].sort_values("value", ascending=False)
    assert ranks.method.tolist() == ["oracle", "good", "poor", "constant"]


def test_constant_method_is_always_defeated(result):
    attack = result.matrix[(result.matrix.statistic == "aggressiveness")]
    assert (attack[attack.method_a == "constant"].value == 0).all()
    against = attack[(attack.method_b == "constant") & (attack.method_a != "poor")]
    assert (against.value > 95).all()
    defence = result.matrix[
        (result.matrix.statistic == "resistance") & (result.matrix.method_b == "constant")
    ]
    assert (defence.value == 100).all()


def test_oracle_is_never_defeated(toys):
    """Images that the oracle holds equal are equal: no attack on it finds a difference."""
    scores, _ = toys
    ten = (scores["oracle"] / 10).round() * 10
    tied = scores.assign(oracle=ten)
    found = competition(tied, ten.clip(0, 100), dataset="toy", levels=5, half_width=4.0)
    attack = found.matrix[found.matrix.statistic == "aggressiveness"]
    assert (attack[attack.method_b == "oracle"].value == 0).all()
    assert value(found.table, "resistance", "oracle") == 100
    ranks = found.table[found.table.statistic == "rank_score"].set_index("method").value
    assert ranks.idxmax() == "oracle"


def test_same_seed_same_tables_and_row_order_does_not_matter(toys, result):
    scores, mos = toys
    again = competition(
        scores.sample(frac=1, random_state=0), mos, pd.Series(20.0, index=mos.index), dataset="toy", seed=3
    )
    for one, two in zip(result, again, strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_matrices_follow_the_formula_by_hand():
    pairs = pd.DataFrame(
        {
            "defender": ["x", "x", "y", "y"],
            "attacker": ["y", "y", "x", "x"],
            "low_image": list("abcd"),
            "high_image": list("efgh"),
            "weight": [0.25, 0.75, 0.5, 0.5],
            "preference": [80.0, 40.0, -60.0, 20.0],
        }
    )
    attack, defence = matrices(pairs, ["x", "y"])
    # y on x: .25*80 + .75*40 = 50; x on y: (-60 + 20)/2 = -20, clipped.
    # x holds .25*20 + .75*60 = 50, y holds (40 + 80)/2 = 60.
    np.testing.assert_allclose(attack, [[0, 0], [50, 0]])
    np.testing.assert_allclose(defence, [[0, 50], [60, 0]])


def test_the_rank_counts_contests_in_which_one_of_two_alone_attacked():
    """People judged x's attacks on y alone: x wins 80 of a hundred, y holds 20."""
    names = {"low_image": list("abcdef"), "high_image": list("ghijkl"), "gap": 1.0, "weight": 1.0}
    rows = {"defender": "y", "attacker": "x", "level": range(6), "preference": [80.0] * 6}
    found = standings(pd.DataFrame({**names, **rows}), ["x", "y"], dataset="toy", judge="people", resamples=9)
    ranks = found.table[found.table.statistic == "rank_score"].set_index("method").value
    # The maximum of 81 log Φ(d) + 21 log Φ(-d), with one win a side as the prior: Φ(d) = 81 / 102.
    assert ranks["x"] - ranks["y"] == pytest.approx(norm.ppf(81 / 102), abs=1e-6)


def test_unjudged_pairs_and_methods_that_never_met(toys):
    scores, mos = toys
    pairs = select_pairs(scores)
    pairs["preference"] = judge_by_scores(pairs, mos)
    pairs.loc[pairs.defender.eq("constant") | pairs.attacker.eq("constant"), "preference"] = np.nan
    attack, _ = matrices(pairs, list(scores))
    assert np.isnan(attack[3, :3]).all()
    found = standings(pairs, list(scores), dataset="toy", judge="people", resamples=20)
    assert np.isnan(value(found.table, "aggressiveness", "constant"))
    assert value(found.table, "rank_score", "oracle") > value(found.table, "rank_score", "poor")


wins = hnp.arrays(float, (4, 4), elements=st.integers(0, 100).map(float))


@settings(max_examples=25, deadline=None)
@given(wins, st.sampled_from(["probit", "logit"]))
def test_strengths_maximise_the_likelihood(matrix, link):
    log_chance = log_ndtr if link == "probit" else log_expit
    padded = (matrix + 1.0) * (1 - np.eye(4))

    def loss(strength):
        return (
            -(padded * log_chance(strength[:, None] - strength[None, :])).sum() + 1e-3 * strength.sum() ** 2
        )

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6})
    found = global_ranking(matrix, link)
    assert loss(found) <= best.fun + 1e-6
    np.testing.assert_allclose(found, best.x - best.x.mean(), atol=2e-3)


def test_two_contestants_have_a_closed_form():
    matrix = np.array([[0, 30.0], [9.0, 0]])
    bradley_terry = np.log(31 / 10)
    assert np.diff(global_ranking(matrix, "logit"))[0] == pytest.approx(-bradley_terry)
    assert np.diff(global_ranking(matrix, "probit"))[0] == pytest.approx(-norm.ppf(31 / 41))


@pytest.mark.parametrize(("link", "law"), [("logit", logistic), ("probit", norm)])
@pytest.mark.parametrize("prior", [1.0, 0.01])
def test_who_hardly_ever_loses_has_the_strength_of_the_closed_form(link, law, prior):
    """Far out the likelihood is nearly flat: a step that takes its curvature for another falls short."""
    matrix = np.array([[0, 5000.0], [0, 0]])
    expected = law.ppf((5000 + prior) / (5000 + 2 * prior))
    assert -np.diff(global_ranking(matrix, link, prior))[0] == pytest.approx(expected, rel=1e-6)


def test_a_stack_of_matrices_is_ranked_one_by_one():
    stack = np.random.default_rng(0).uniform(0, 100, (5, 3, 3))
    np.testing.assert_allclose(global_ranking(stack), [global_ranking(one) for one in stack], atol=1e-9)


def test_one_who_always_wins_is_finite_and_nobody_winning_is_a_tie():
    strengths = global_ranking(np.array([[0, 100.0, 100], [0, 0, 100], [0, 0, 0]]))
    assert np.isfinite(strengths).all()
    assert list(np.argsort(-strengths)) == [0, 1, 2]
    np.testing.assert_allclose(global_ranking(np.zeros((3, 3))), 0)
    np.testing.assert_allclose(global_ranking(np.full((2, 2), np.nan)), 0)


def test_interval_covers_the_truth_it_resamples():
    """Preferences drawn around a known mean: intervals miss it by as much as normal ones would."""
    rng = np.random.default_rng(0)
    missed = []
    for seed in range(30):
        pairs = pd.DataFrame(
            {
                "defender": "x",
                "attacker": "y",
                "level": range(60),
                "low_image": [f"a{k}" for k in range(60)],
                "high_image": [f"b{k}" for k in range(60)],
                "gap": 1.0,
                "weight": 1 / 60,
                "preference": rng.normal(40, 15, 60),
            }
        )
        other = pairs.assign(defender="y", attacker="x", preference=10.0)
        both = pd.concat([pairs, other], ignore_index=True)
        found = standings(both, ["x", "y"], dataset="d", judge="people", seed=seed, resamples=300).matrix
        row = found[(found.statistic == "aggressiveness") & (found.method_a == "y")].iloc[0]
        missed.append(off(row, 40))
    assert root_mean_square(missed) == pytest.approx(1, abs=0.3)


def off(row, truth):
    """How far the truth lies from the middle of an interval, in standard deviations as of a normal law."""
    return 1.96 * (2 * truth - row.low - row.high) / (row.high - row.low)


def root_mean_square(values):
    """Of n normal values one, give or take 1 / sqrt(2 n)."""
    return np.sqrt(np.mean(np.square(values)))


def contest(rng, references, pairs, sides, noise):
    """Preferences around 40, to which the references of both images add, and the reference of each image."""
    own, pull = rng.integers(0, references, (pairs, 2)), rng.normal(0, sides, references)
    preference = 40 + pull[own].sum(axis=1) + rng.normal(0, noise, pairs)
    low, high = ([f"{side}{k}" for k in range(pairs)] for side in "ab")
    rows = pd.DataFrame({"defender": "x", "attacker": "y", "level": range(pairs), "gap": 1.0})
    rows = rows.assign(weight=1 / pairs, low_image=low, high_image=high, preference=preference)
    other = rows.assign(defender="y", attacker="x", preference=10.0)
    return pd.concat([rows, other], ignore_index=True), pd.Series(own.T.ravel(), index=[*low, *high])


def attack_of(found):
    frame = found.matrix
    return frame[frame.statistic.eq("aggressiveness") & frame.method_a.eq("y")].iloc[0]


@pytest.mark.parametrize(
    ("sides", "noise"),
    [pytest.param(6, 0, marks=pytest.mark.slow), (4, 4), pytest.param(0, 6, marks=pytest.mark.slow)],
)
def test_intervals_over_references_hold_a_truth_that_those_over_pairs_miss(sides, noise):
    """20 contests of 72 pairs from 25 references."""
    rng = np.random.default_rng(5)
    missed = {"references": [], "pairs": []}
    for seed in range(20):
        pairs, own = contest(rng, 25, 72, sides, noise)
        for name, references in (("references", own), ("pairs", None)):
            about = {"dataset": "d", "judge": "people", "seed": seed, "resamples": 200}
            row = attack_of(standings(pairs, ["x", "y"], **about, references=references))
            missed[name].append(off(row, 40))
    assert root_mean_square(missed["references"]) < 1.4
    assert (root_mean_square(missed["pairs"]) > 1.8) == (sides > 0)  # alike in reference: they say too much


def test_interval_over_references_weights_a_pair_by_both():
    """Against weights from SciPy's older generator and Hesterberg's levels, both written out here."""
    pairs, own = contest(np.random.default_rng(3), 12, 40, 5, 5)
    found = standings(pairs, ["x", "y"], dataset="d", judge="people", resamples=6000, references=own)
    weights = np.random.RandomState(2).standard_exponential((30_000, 12))
    low, high = own.to_numpy()[:40], own.to_numpy()[40:]
    each = np.where(low == high, weights[:, low], weights[:, low] * weights[:, high])
    cloud = each @ pairs["preference"].to_numpy()[:40] / each.sum(axis=1)
    reach = student.ppf(0.975, 11) * np.sqrt(12 / 11)
    row = attack_of(found)
    assert (low == high).any()
    assert [row.low, row.high] == pytest.approx(np.quantile(cloud, norm.cdf([-reach, reach])), abs=0.5)
    assert set(found.table["units"]) == {12}


def test_references_move_bounds_alone_and_are_known_by_who_shares_them(toys):
    scores, mos = toys
    options = {"dataset": "toy", "seed": 3}
    numbers = pd.Series(np.arange(400) // 20, index=scores.index)
    found = competition(scores, mos, references=numbers, **options)
    named = numbers.map("ref {}".format).sample(frac=1, random_state=1)
    for one, two in zip(found, competition(scores, mos, references=named, **options), strict=True):
        pd.testing.assert_frame_equal(
            one[one.columns.drop(["low", "high"], errors="ignore")],
            two[two.columns.drop(["low", "high"], errors="ignore")],
        )
    single = competition(scores, mos, **options)
    own = competition(scores, mos, references=pd.Series(range(400), index=scores.index), **options)
    for one, two in zip(single, own, strict=True):
        pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_series_equal(found.table["value"], single.table["value"])
    few = competition(scores, mos, references=numbers // 5, **options)  # four
    assert few.table[["low", "high"]].isna().all(axis=None)


def counted_by_hand(pairs, reference, statistic, one, others):
    """References of the judged pairs in which a method attacked others, or was attacked by them, or both."""
    told = pairs[pairs["preference"].notna()]
    attacked = told["attacker"].eq(one) & told["defender"].isin(others)
    withstood = told["defender"].eq(one) & told["attacker"].isin(others)
    took = {"aggressiveness": attacked, "resistance": withstood, "rank_score": attacked | withstood}[
        statistic
    ]
    return reference[told[took][["low_image", "high_image"]].to_numpy().ravel()].nunique()


@pytest.mark.parametrize("size", [1, 25])
def test_units_are_the_references_of_the_pairs_that_are_counted(toys, size):
    scores, mos = toys
    numbers = pd.Series(np.arange(400) // size, index=scores.index)
    found = competition(scores, mos, references=numbers, dataset="toy")
    for row in found.table.itertuples():
        others = set(scores.columns) - {row.method}
        assert row.units == counted_by_hand(found.pairs, numbers, row.statistic, row.method, others)
    for row in found.matrix.itertuples():
        mine = counted_by_hand(found.pairs, numbers, row.statistic, row.method_a, {row.method_b})
        assert row.units == mine
        if size > 1 and mine < 5:  # however many the whole competition has
            assert np.isnan([row.low, row.high]).all()
            assert "fewer than 5 pairs or references" in row.protocol
    assert size == 1 or (found.matrix["units"].lt(5) & found.matrix["n"].ge(5)).any()


def test_levels_without_pictures_are_no_pairs_that_tie():
    """Scores at both ends leave the middle levels empty: of sixteen attacks four found pictures."""
    names = [f"i{k}" for k in range(6)]
    scores = pd.DataFrame({"a": [0, 0, 0, 100, 100, 100], "b": [0, 100, 0, 100, 0, 100]}, names, dtype=float)
    found = competition(scores, scores["a"], dataset="toy", levels=8, half_width=7)
    assert found.pairs["low_image"].notna().sum() == 4
    assert "in 4 of 4 pairs others tie" in found.table["protocol"].iloc[0]


@pytest.mark.parametrize(("judged", "bounded"), [(4, False), (5, True)])
@pytest.mark.parametrize("alone", [True, False])
def test_pairs_that_nobody_judged_make_no_interval_surer(judged, bounded, alone):
    """Of 40 pairs people were asked about some: those and their references are all that is known."""
    pairs, own = contest(np.random.default_rng(3), 60, 40, 5, 5)
    own = None if alone else own
    asked = pairs["defender"].eq("x") & (pairs["level"] < judged)
    about = {"dataset": "d", "judge": "people", "references": own}
    whole = standings(pairs.assign(preference=pairs["preference"].where(asked)), ["x", "y"], **about)
    part = standings(pairs[asked], ["x", "y"], **about)
    pd.testing.assert_frame_equal(whole.table, part.table)
    row = attack_of(whole)
    met = [f"{side}{k}" for side in "ab" for k in range(judged)]
    assert (row.n, row.units) == (judged, len(met) if alone else own[met].nunique())
    assert np.isfinite([row.low, row.high]).all() == bounded


def test_references_are_those_of_the_manifest():
    manifest = pd.DataFrame({"image": list("abcd"), "reference": ["one", "two", "one", ""]})
    own = references_of(manifest)
    assert own["a"] == own["c"]
    assert own.nunique() == 3
    assert references_of(manifest.assign(reference=np.nan)).is_unique


def test_interval_is_the_middle_95_per_cent_of_a_bayesian_bootstrap():
    """Against Dirichlet weights of SciPy's older generator: 60 preferences of equal weight."""
    rng = np.random.RandomState(2)
    preference = rng.uniform(20, 90, 60)
    pairs = pd.DataFrame(
        {
            **{"defender": "x", "attacker": "y", "level": 1, "gap": 1.0, "weight": 1 / 60},
            **{"low_image": [f"a{k}" for k in range(60)], "high_image": [f"b{k}" for k in range(60)]},
            "preference": preference,
        }
    )
    both = pd.concat([pairs, pairs.assign(defender="y", attacker="x", preference=10.0)], ignore_index=True)
    found = standings(both, ["x", "y"], dataset="d", judge="people", resamples=4000)
    cloud = rng.dirichlet(np.ones(60), 20_000) @ preference
    expected = [preference.mean(), *np.percentile(cloud, [2.5, 97.5])]
    for table, keys in ((found.table, {"method": "y"}), (found.matrix, {"method_a": "y", "method_b": "x"})):
        row = table[(table.statistic == "aggressiveness")]
        for key, name in keys.items():
            row = row[row[key] == name]
        assert row[["value", "low", "high"]].to_numpy()[0] == pytest.approx(expected, abs=0.15 * cloud.std())
        assert row.n.item() == 60
    assert found.table[found.table.statistic == "rank_score"].n.tolist() == [120, 120]


def test_bad_ranking_settings_are_named():
    with pytest.raises(ValueError, match="link='cauchit'"):
        global_ranking(np.zeros((2, 2)), "cauchit")
    with pytest.raises(ValueError, match="prior=0"):
        global_ranking(np.zeros((2, 2)), prior=0)


def test_deviations_count_where_they_are_known_of_every_picture_and_it_is_said(toys):
    scores, mos = toys
    whole = pd.Series(5.0, index=mos.index)
    part = whole.mask(whole.index == mos.index[0])
    found = [competition(scores, mos, std, dataset="toy") for std in (whole, part, None)]
    pd.testing.assert_frame_equal(found[1].pairs, found[2].pairs)
    assert not found[0].pairs.equals(found[2].pairs)
    words = [one.table["protocol"].iloc[0] for one in found]
    assert "count against the deviations of both pictures' ratings" in words[0]
    assert (
        "count against the standard deviation of all pictures' scores (those of ratings are known of"
        in (words[1])
    )
    assert "known of 399 of 400 pictures alone)" in words[1]
    assert "standard deviation of all pictures' scores;" in words[2]
