"""The ceiling against raters that are simulated, and against real ones split in two."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.statistics import ceiling, influence, influence_interval, reliability, share, srcc
from benchmark.statistics.ceiling import Moved, _shrunk, halves
from tests.draws import generator

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/scores"
PER_USER = SHARED / "avt_image_quality_lab_per_user.csv"


def rated(n, raters, noise, g, groups=1):
    """True opinions, the mean and deviation of some ratings of each, scores of a method, and references."""

    def normal():
        content = np.repeat(g.normal(size=n // groups), groups)
        return content if groups == 1 else np.sqrt(0.4) * content + np.sqrt(0.6) * g.normal(size=n)

    truth, spread = normal(), np.exp(0.3 * g.normal(size=n))
    ratings = truth[:, None] + spread[:, None] * g.normal(size=(n, raters))
    scores = truth + noise * normal()
    return truth, ratings.mean(axis=1), ratings.std(axis=1, ddof=1), scores, np.arange(n) // groups


def reached(truth, mos):
    """What the truth reaches: SRCC over all and within each half of opinions, and the reliability."""
    parts = [np.ones(len(mos), dtype=bool), *halves(mos)]
    return np.array([*(srcc(truth[p], mos[p]) for p in parts), stats.pearsonr(truth, mos).statistic ** 2])


def coverage(n, raters, noise, sets, groups=1):
    """How often intervals hold each ceiling, and a method's share of the first; errors of the ceilings."""
    truth, mos, _, scores, _ = rated(200_000, raters, noise, generator(n, raters), groups)
    tops = reached(truth, mos)
    part = srcc(scores, mos) / tops[0]
    in_tops, in_part, errors = np.zeros(4), 0.0, np.zeros(4)
    for k in range(sets):
        _, mos, deviation, scores, reference = rated(n, raters, noise, generator(n, raters, k), groups)
        found = ceiling(mos, deviation, raters)
        own = None if groups == 1 else reference
        for place, (each, top) in enumerate(zip(found, tops, strict=True)):
            moved = each.influence if own is None else np.bincount(own, each.influence)
            low, high = influence_interval(each.value, moved)
            in_tops[place] += low <= top <= high
            errors[place] += each.value - top
        _, below, above = share(srcc(scores, mos), influence(scores, mos), found.whole, own)
        in_part += below <= part <= above
    return in_tops / sets, in_part / sets, errors / sets


def test_the_ceiling_is_what_a_method_that_knows_the_truth_reaches():
    in_tops, in_part, errors = coverage(4000, 10, 0.8, 12)
    assert (in_tops >= 0.8).all()
    assert in_part >= 0.8
    assert (np.abs(errors) < 0.003).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "raters", "noise", "groups"),
    [(200, 5, 0.8, 1), (1000, 20, 0.8, 1), (1000, 5, 0.3, 1), (600, 5, 0.8, 20)],
)
def test_intervals_of_ceiling_and_share_cover(n, raters, noise, groups):
    in_tops, in_part, errors = coverage(n, raters, noise, 400, groups)
    assert (in_tops >= 0.89).all()
    assert in_part >= 0.93
    assert (np.abs(errors) < 0.006).all()


def test_the_reliability_of_pearson_is_the_square_of_its_ceiling():
    truth, mos, deviation, _, _ = rated(200_000, 8, 1, generator(1))
    expected = stats.pearsonr(truth, mos).statistic ** 2
    assert reliability(mos, deviation / np.sqrt(8)) == pytest.approx(expected, abs=0.005)


def test_opinions_without_error_have_no_ceiling_below_one():
    g = generator(2)
    mos, score = g.normal(size=(2, 300))
    found = ceiling(mos, np.zeros(300), 5)
    assert [part.value for part in found] == [1, 1, 1, 1]
    assert share(srcc(score, mos), influence(score, mos), found.whole)[0] == pytest.approx(srcc(score, mos))


def test_opinions_that_are_nothing_but_error_have_none():
    mos = generator(3).normal(size=100)
    assert reliability(mos, np.full(100, 5.0)) == 0
    assert np.isnan(ceiling(mos, np.full(100, 5.0), 1).whole.value)
    assert np.isnan(share(0.5, np.zeros(100), ceiling(mos, np.full(100, 5.0), 1).whole)).all()
    assert np.isnan(reliability([1.0, 1.0], [0.1, 0.1]))
    with pytest.raises(ValueError, match="negative"):
        reliability([1.0, 2.0], [0.1, -0.1])
    with pytest.raises(ValueError, match="at least 1"):
        ceiling([1.0, 2.0], [0.1, 0.1], 0.5)


def test_halves_are_parted_at_the_median():
    low, high = halves([3.0, 1.0, 2.0, 2.0])
    assert low.tolist() == [False, True, False, False]
    assert (low ^ high).all()


def test_agreement_in_half_of_the_range_is_lower_for_a_perfect_method_too():
    _, mos, deviation, _, _ = rated(2000, 10, 1, generator(4))
    found = ceiling(mos, deviation, 10)
    assert max(found.lower.value, found.upper.value) < found.whole.value


@pytest.mark.shared
@pytest.mark.skipif(not PER_USER.is_file(), reason="ratings by person are not beside the checkout")
def test_real_raters_split_in_two_agree_as_the_ceiling_says():
    """Two halves of the raters each err alone: their correlation is the product of two ceilings.

    That people use the scale differently widens the deviations and moves no rank where all rate all pictures:
    taken as they are, deviations give a ceiling that is a little too low.
    """
    ratings = pd.read_csv(PER_USER).filter(regex=r"^user\d+$").to_numpy(float)
    assert ratings.shape == (371, 21)
    agreed, said, raw = [], [], []
    for k in range(8):
        order = generator(k).permutation(21)
        agreed.append(srcc(ratings[:, order[:10]].mean(axis=1), ratings[:, order[10:20]].mean(axis=1)))
        for table, found in ((ratings - ratings.mean(axis=0), said), (ratings, raw)):
            parts = table[:, order[:10]], table[:, order[10:20]]
            tops = [ceiling(part.mean(axis=1), part.std(axis=1, ddof=1), 10).whole.value for part in parts]
            found.append(tops[0] * tops[1])
    assert np.mean(said) == pytest.approx(np.mean(agreed), abs=0.006)
    assert np.mean(agreed) - 0.015 < np.mean(raw) < np.mean(agreed)


def test_a_share_of_a_ceiling_that_is_known_has_the_interval_of_students_test():
    v = generator(5).normal(0.6, 0.2, 40)
    for top in (1.0, 0.8):
        found = share(v.mean(), (v - v.mean()) / 40, Moved(top, np.zeros(40)))
        bounds = stats.ttest_1samp(v, 0).confidence_interval()
        assert found == pytest.approx((v.mean() / top, bounds.low / top, bounds.high / top))
    by_reference = v.reshape(8, 5).mean(axis=1)
    bounds = stats.ttest_1samp(by_reference, 0).confidence_interval()
    found = share(v.mean(), (v - v.mean()) / 40, Moved(1.0, np.zeros(40)), np.arange(40) // 5)
    assert found == pytest.approx((v.mean(), *bounds))


def test_a_share_does_not_move_where_both_move_together():
    moved = generator(6).normal(0, 0.01, 50)
    found = share(0.6, 0.75 * moved, Moved(0.8, moved))
    assert found == pytest.approx((0.75, 0.75, 0.75))


def test_a_picture_left_out_moves_the_ceiling_by_its_influence(monkeypatch):
    """The picture that is left out is the last, so that the errors drawn of all others are the same."""
    monkeypatch.setattr(sys.modules[share.__module__], "_MOST", 8)
    mos, each, moved = generator(7).normal(size=120), [], []
    for last in range(12):
        order = np.r_[np.delete(np.arange(120), last), last]
        whole = ceiling(mos[order], np.full(120, 2.0), 10)
        rest = ceiling(mos[order[:-1]], np.full(119, 2.0), 10)
        each.append([whole.whole.influence[-1], whole.reliability.influence[-1]])
        moved.append([whole.whole.value - rest.whole.value, whole.reliability.value - rest.reliability.value])
    for said, seen in zip(np.transpose(each), np.transpose(moved), strict=True):
        assert np.corrcoef(said, seen)[0, 1] > 0.99
        assert said @ seen / (said @ said) == pytest.approx(1, abs=0.1)


def test_a_picture_left_out_moves_the_reliability_by_its_influence(monkeypatch):
    monkeypatch.setattr(sys.modules[share.__module__], "_MOST", 4)
    g = generator(9)
    mos, deviation, ratings = g.normal(size=150), g.uniform(0.5, 3, 150), g.integers(4, 30, 150)
    found, error = ceiling(mos, deviation, ratings).reliability, deviation / np.sqrt(ratings)
    moved = [found.value - reliability(np.delete(mos, k), np.delete(error, k)) for k in range(150)]
    assert np.corrcoef(found.influence, moved)[0, 1] > 0.999
    assert found.influence @ moved / (found.influence @ found.influence) == pytest.approx(1, abs=0.05)


def test_deviations_of_few_ratings_are_drawn_together_and_those_of_many_left():
    g = generator(8)
    mos = g.normal(size=2000)
    spread = np.exp(0.3 * g.normal(size=2000))
    for truth, ratings, kept in ((np.ones(2000), 5, 0.0), (spread, 5, None), (spread, 2000, 1.0)):
        seen = truth * np.sqrt(g.chisquare(ratings - 1, 2000) / (ratings - 1))
        found = _shrunk(mos, seen, np.full(2000, float(ratings)))
        # No error is lost on the whole, and none is moved from one picture to another but towards the mean.
        assert np.mean(found**2) == pytest.approx(np.mean(seen**2))
        assert np.mean((found**2 - truth**2) ** 2) <= np.mean((seen**2 - truth**2) ** 2) * 1.01
        if kept is not None:
            assert np.std(found**2) == pytest.approx(kept * np.std(seen**2), abs=0.25 * np.std(seen**2))
