"""Errors of maps and shares of pairs against plain writings and simulated truth."""

import itertools

import numpy as np
import pytest
from scipy import special, stats

from benchmark.statistics.calibration import mean_interval, ordered_pairs, rmse_interval
from tests.draws import generator

EDGES = (0.0, 0.1, 0.3, 1.0)


def plainly(scores, mos):
    """Every pair looked at."""
    i, j = np.triu_indices(len(mos), 1)
    gap = mos[i] - mos[j]
    hit = (1 + np.sign(scores[i] - scores[j]) * np.sign(gap)) / 2
    found = [hit[(low < np.abs(gap)) & (np.abs(gap) <= high)] for low, high in itertools.pairwise(EDGES)]
    return [(part.mean() if part.size else np.nan, part.size) for part in found]


@pytest.mark.parametrize("n", [2, 3, 31, 60, 127, 128])
def test_pairs_are_those_of_a_plain_writing(n):
    g = generator(n)
    mos = g.uniform(size=n)
    mos[2::7] = mos[0]  # equal opinions have no order
    scores = np.round(mos + 0.3 * g.normal(size=n), 1)
    for ours, theirs in zip(ordered_pairs(scores, mos, EDGES), plainly(scores, mos), strict=True):
        assert ours[3] == theirs[1]
        np.testing.assert_allclose(ours[0], theirs[0])


def test_a_class_holds_its_upper_edge_whatever_rounding_makes_of_it():
    """Opinions of 1 to 5 in fifths, as shares of the range: a twentieth each, counted in whole fifths."""
    g = generator(5)
    fifths = np.repeat(np.arange(5, 26), 2)
    scores = fifths + 8 * g.normal(size=fifths.size)
    edges = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
    found = ordered_pairs(scores, (fifths / 5 - 1) / 4, edges)
    i, j = np.triu_indices(fifths.size, 1)
    apart, right = np.abs(fifths[i] - fifths[j]), (scores[i] > scores[j]) == (fifths[i] > fifths[j])
    for ours, (low, high) in zip(found, itertools.pairwise((0, 1, 2, 4, 6, 10, 20)), strict=True):
        mine = (low < apart) & (apart <= high)
        assert ours[3] == mine.sum()
        assert ours[0] == pytest.approx(right[mine].mean())


def test_of_many_pictures_a_part_of_the_pairs_says_as_much():
    g = generator(1)
    mos = g.uniform(size=800)
    scores = mos + 0.3 * g.normal(size=800)
    for ours, theirs in zip(ordered_pairs(scores, mos, EDGES), plainly(scores, mos), strict=True):
        assert ours[0] == pytest.approx(theirs[0], abs=0.02)
        assert ours[1] < theirs[0] < ours[2]


def test_a_class_of_pairs_counts_the_images_that_are_in_them():
    """Forty opinions close together and three far off: the far pairs are of 43 images, or of two far ones."""
    g = generator(6)
    mos = np.r_[0.5 + 0.01 * g.uniform(size=40), 0.6, 0.95, 0.0]
    scores = mos + g.normal(size=43)
    i, j = np.triu_indices(43, 1)
    gap = np.abs(mos[i] - mos[j])
    edges = (0.0, 0.2, 0.9, 1.0)
    found = ordered_pairs(scores, mos, edges)
    for ours, (low, high) in zip(found, itertools.pairwise(edges), strict=True):
        mine = (low < gap) & (gap <= high)
        assert ours[4] == len(set(i[mine]) | set(j[mine]))
    assert found[2][3:] == (1, 2)
    # Four references decide nothing, though the set has more.
    reference = np.r_[np.arange(40) % 2, 2, 3, 4]
    *_, low, high, pairs, units = ordered_pairs(scores, mos, (0.34, 0.46), reference)[0]
    assert (pairs, units) == (((gap > 0.34) & (gap <= 0.46)).sum(), 4)
    assert np.isnan([low, high]).all()


def test_pairs_far_apart_are_ordered_more_surely():
    g = generator(2)
    mos = g.uniform(size=500)
    found = [share for share, *_ in ordered_pairs(mos + 0.3 * g.normal(size=500), mos, EDGES)]
    assert found == sorted(found)
    perfect = ordered_pairs(mos, mos, EDGES)
    assert [share for share, *_ in perfect] == [1, 1, 1]
    assert [share for share, *_ in ordered_pairs(np.ones(500), mos, EDGES)] == [0.5] * 3


def coverage(sets, n, groups):
    """How often intervals of pairs and of an error hold their truth, references of several pictures each."""
    truth = None
    held = np.zeros(2)
    for k in (-1, *range(sets)):
        g, size = generator(n, groups, k + 1), n if k >= 0 else 24_000
        offset = np.repeat(g.normal(size=size // groups), groups)
        mos = np.clip(0.5 + 0.2 * g.normal(size=size), 0, 1)
        scores = mos + 0.15 * offset + 0.1 * g.normal(size=size)
        reference = np.arange(size) // groups
        pair = ordered_pairs(scores, mos, (0.1, 0.3), reference)[0]
        error = rmse_interval(scores - mos, reference)
        if truth is None:
            truth = pair[0], error[0]
            continue
        held += [pair[1] <= truth[0] <= pair[2], error[1] <= truth[1] <= error[2]]
    return held / sets


def test_intervals_cover_with_references():
    assert (coverage(40, 400, 8) >= 0.9).all()


@pytest.mark.slow
@pytest.mark.parametrize("groups", [1, 8])
def test_intervals_cover(groups):
    assert (coverage(600, 400, groups) >= 0.925).all()


def test_a_mean_has_the_interval_of_students_test():
    sample = generator(4).normal(size=30)
    expected = stats.ttest_1samp(sample, 0).confidence_interval()
    np.testing.assert_allclose(mean_interval(sample)[1:], expected)
    assert np.isnan(mean_interval(sample[:4])[1])
    assert rmse_interval([3.0, 4.0])[0] == pytest.approx(np.sqrt(12.5))


@pytest.mark.parametrize("groups", [None, np.arange(90) // 3])
def test_turned_scores_have_the_rest_of_the_pairs_and_of_the_interval(groups):
    g = generator(6)
    mos = g.uniform(size=90)
    scores = mos + 0.3 * g.normal(size=90)
    for ours, turned in zip(
        ordered_pairs(scores, mos, EDGES, groups), ordered_pairs(-scores, mos, EDGES, groups), strict=True
    ):
        assert 0 < ours[1] < ours[0] < ours[2] < 1
        assert turned[:3] == pytest.approx((1 - ours[0], 1 - ours[2], 1 - ours[1]))
    for share, *bounds, _, _ in (*ordered_pairs(mos, mos, EDGES), *ordered_pairs(-mos, mos, EDGES)):
        assert share in (0, 1)
        assert np.isnan(bounds).all()


def test_an_interval_is_that_of_students_t_on_the_logit_over_what_each_picture_moves():
    g = generator(7)
    mos = g.uniform(size=40)
    scores = mos + 0.3 * g.normal(size=40)
    value, low, high, pairs, _ = ordered_pairs(scores, mos, (0.0, 1.0))[0]
    right = np.sign(scores[:, None] - scores) == np.sign(mos[:, None] - mos)
    np.fill_diagonal(right, False)
    moved = (right.sum(axis=1) - value * 39) / pairs
    error = np.sqrt(40 / 39 * np.sum(moved**2)) / (value * (1 - value))
    half = stats.t.ppf(0.975, 39) * error
    assert special.logit([low, high]) == pytest.approx(special.logit(value) + np.array([-half, half]))


@pytest.mark.parametrize("n", [128, 129, 130, 131, 400])
def test_of_very_many_pairs_so_many_a_picture_are_counted_each_once(n):
    mos = generator(n).permutation(n) / n
    ((share, *_, pairs, _),) = ordered_pairs(mos, mos, (0.0, 1.0))
    assert (share, pairs) == (1, min(n * (n - 1) // 2, 64 * n))
