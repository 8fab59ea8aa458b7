import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmark.gmad import common_scale, select_pairs


def frame(values, names=None):
    values = np.asarray(values, dtype=float)
    index = names or [f"i{k:03d}" for k in range(len(values))]
    return pd.DataFrame(values, index=index, columns=[f"m{k}" for k in range(values.shape[1])])


def plain_pairs(scores, levels, half_width):
    """The definition, image by image, in loops."""
    rows, scores = [], scores.to_dict()
    for defender, own in scores.items():
        low, high = min(own.values()), max(own.values())
        windows = []
        for k in range(1, levels + 1):
            centre = low + (k - 0.5) * (high - low) / levels
            windows.append([name for name in own if abs(own[name] - centre) <= half_width])
        total = sum(len(window) for window in windows)
        for attacker in (name for name in scores if name != defender):
            for k, window in enumerate(windows, start=1):
                if not window:
                    rows.append((defender, attacker, k, np.nan, 0.0))
                    continue
                attacked = [scores[attacker][name] for name in window]
                rows.append((defender, attacker, k, max(attacked) - min(attacked), len(window) / total))
    return rows


tables = hnp.arrays(
    float,
    st.tuples(st.integers(2, 30), st.integers(2, 4)),
    elements=st.integers(0, 50).map(lambda x: x * 2.0),
)


@settings(max_examples=30, deadline=None)
@given(tables, st.integers(1, 5), st.sampled_from([0.5, 5.5, 9.1]))
def test_agrees_with_the_definition_in_plain_loops(values, levels, half_width):
    scores = frame(values)
    if (np.ptp(values, axis=0) == 0).any():
        return  # one level instead of many, tested below
    found = select_pairs(scores, levels, half_width)
    expected = plain_pairs(scores, levels, half_width)
    assert list(zip(found.defender, found.attacker, found.level, strict=True)) == [
        row[:3] for row in expected
    ]
    np.testing.assert_allclose(found.gap, [row[3] for row in expected])
    np.testing.assert_allclose(found.weight, [row[4] for row in expected])
    said = scores.to_dict()
    for row in found[found.gap.notna()].itertuples():
        attacked, defended = (said[name] for name in (row.attacker, row.defender))
        assert attacked[row.high_image] - attacked[row.low_image] == row.gap
        assert abs(defended[row.high_image] - defended[row.low_image]) <= 2 * half_width


tied = hnp.arrays(float, (8, 3), elements=st.sampled_from([0.0, 50.0, 100.0]))


@settings(max_examples=20, deadline=None)
@given(tied, st.randoms())
def test_order_of_rows_does_not_matter(values, random):
    scores = frame(values)
    shuffled = list(scores.index)
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(select_pairs(scores, 2), select_pairs(scores.loc[shuffled], 2))


@settings(max_examples=30, deadline=None)
@given(tied)
def test_of_equal_images_the_first_by_name_is_taken_and_the_others_are_counted(values):
    scores = frame(values)
    found = select_pairs(scores, 2)
    for row in found[found.gap.notna()].itertuples():
        own, attack = scores[row.defender], scores[row.attacker]
        centre = own.min() + (row.level - 0.5) * np.ptp(own) / 2
        inside = attack[(own - centre).abs() <= 9].sort_index()
        least, most = inside[inside == inside.min()], inside[inside == inside.max()]
        assert (row.low_image, row.high_image) == (least.index[0], most.index[0])
        assert row.tied == len({*least.index, *most.index}) - len({row.low_image, row.high_image})


def test_planted_pair_is_found():
    rng = np.random.default_rng(0)
    scores = frame(np.column_stack([rng.uniform(0, 100, 500), rng.uniform(40, 60, 500)]))
    scores["m0"] = np.linspace(0, 100, 500)
    scores.loc["i240", "m1"], scores.loc["i210", "m1"] = 1.0, 99.0
    found = select_pairs(scores).set_index(["defender", "attacker", "level"]).loc[("m0", "m1", 3)]
    assert (found.low_image, found.high_image, found.gap) == ("i240", "i210", 98.0)


def test_empty_levels_are_reported_with_their_row():
    scores = frame([[0, 10], [1, 20], [99, 30], [100, 40]])
    found = select_pairs(scores, levels=5, half_width=9)
    middle = found[(found.defender == "m0") & found.level.isin([2, 3, 4])]
    assert len(middle) == 3
    assert middle.low_image.isna().all()
    assert middle.gap.isna().all()
    assert (middle.weight == 0).all()
    assert found.groupby(["defender", "attacker"]).weight.sum().to_numpy() == pytest.approx(1)


def test_images_at_the_very_edge_of_a_level_belong_to_it():
    """One level of 0 to 100 has its centre at 50: 41 and 59 are nine points away, 40.9 and 59.1 are not."""
    scores = frame([[0, 0], [40.9, 1], [41, 30], [50, 40], [59, 60], [59.1, 99], [100, 100]])
    found = select_pairs(scores, levels=1).set_index(["defender", "attacker"]).loc[("m0", "m1")]
    assert (found.low_image, found.high_image, found.gap, found.weight) == ("i002", "i004", 30, 1)


def test_rounding_may_leave_the_scale_and_nothing_else_may():
    assert len(select_pairs(frame([[-1e-10, 1], [100 + 1e-10, 3]]))) == 12
    for beyond in (-1e-6, 100 + 1e-6):
        with pytest.raises(ValueError, match="common_scale"):
            select_pairs(frame([[50, 1], [beyond, 3]]))


def test_constant_defender_has_one_level_with_every_image():
    found = select_pairs(common_scale(frame([[7, 1], [7, 2], [7, 3]])))
    defended = found[found.defender == "m0"]
    assert defended[["level", "low_image", "high_image", "weight"]].to_numpy().tolist() == [
        [1, "i000", "i002", 1.0]
    ]


def test_constant_attacker_sees_no_difference():
    found = select_pairs(common_scale(frame([[7, 1], [7, 2], [7, 3]])))
    attacked = found[(found.attacker == "m0") & found.low_image.notna()]
    assert (attacked.gap == 0).all()
    assert (attacked.low_image == attacked.high_image).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1], [2]], "at least two methods"),
        ([[1, 2]], "at least two images"),
        ([[1, 2], [np.nan, 3]], "'i001' by 'm0'"),
        ([[1, 2], [np.inf, 3]], "'i001' by 'm0'"),
        ([[1, 2], [101, 3]], "common_scale"),
        ([[-1, 2], [1, 3]], "common_scale"),
    ],
)
def test_bad_scores_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        select_pairs(frame(values))


def test_repeated_names_and_bad_settings_are_named():
    with pytest.raises(ValueError, match="image 'a' appears twice"):
        select_pairs(frame([[1, 2], [3, 4]], names=["a", "a"]))
    good = frame([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="levels=0"):
        select_pairs(good, levels=0)
    with pytest.raises(ValueError, match="half_width=0"):
        select_pairs(good, half_width=0)


class TestCommonScale:
    def test_rank_is_the_share_of_images_scored_lower(self):
        scaled = common_scale(frame([[3, 1], [1, 1], [2, 5], [9, 7], [4, 9]]))
        assert scaled["m0"].tolist() == [50, 0, 25, 100, 75]
        assert scaled["m1"].tolist() == [12.5, 12.5, 50, 75, 100]

    def test_lower_is_better_turns_the_scale(self):
        scaled = common_scale(frame([[1, 1], [2, 2], [3, 3]]), higher_is_better={"m1": False})
        assert scaled["m1"].tolist() == [100, 50, 0]

    def test_all_equal_is_fifty(self):
        assert common_scale(frame([[4, 1], [4, 2], [4, 3]]))["m0"].tolist() == [50, 50, 50]

    def test_logistic_recovers_a_planted_curve(self):
        x = np.linspace(-4, 4, 200)
        mos = pd.Series(1 + 4 / (1 + np.exp(-(x - 0.5) / 0.8)), index=[f"i{k:03d}" for k in range(200)])
        scaled = common_scale(frame(np.column_stack([x, -10 * x])), "logistic", mos, {"m1": False})
        expected = 100 * (mos - mos.min()) / (mos.max() - mos.min())
        np.testing.assert_allclose(scaled["m0"], expected, atol=1e-3)
        np.testing.assert_allclose(scaled["m1"], expected, atol=1e-3)

    def test_logistic_of_a_constant_method_is_the_mean_mos(self):
        x = np.linspace(-4, 4, 41)
        scores = frame(np.column_stack([np.ones(41), x]))
        mos = pd.Series(np.tanh(x), index=scores.index)
        assert common_scale(scores, "logistic", mos)["m0"].to_numpy() == pytest.approx(50)

    def test_logistic_of_a_method_that_falls_with_mos_is_the_mean(self):
        scores = frame([[k, -k] for k in range(10)])
        mos = pd.Series(np.arange(10.0), index=scores.index)
        scaled = common_scale(scores, "logistic", mos)
        assert scaled["m1"].to_numpy() == pytest.approx(50)
        assert scaled["m0"].is_monotonic_increasing

    def test_bad_settings_are_named(self):
        scores = frame([[1, 1], [2, 2], [3, 3]])
        with pytest.raises(ValueError, match="how='ranks' is unknown"):
            common_scale(scores, "ranks")
        with pytest.raises(ValueError, match="needs mos"):
            common_scale(scores, "logistic")
        with pytest.raises(ValueError, match="the first is 'i002'"):
            common_scale(scores, "logistic", pd.Series([1.0, 2.0], index=["i000", "i001"]))
        with pytest.raises(ValueError, match="did you mean 'm1'"):
            common_scale(scores, higher_is_better={"m11": False})
        with pytest.raises(ValueError, match="same mos"):
            common_scale(scores, "logistic", pd.Series(1.0, index=scores.index))
