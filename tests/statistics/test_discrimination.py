import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from benchmark.statistics import Tally, discriminate, discrimination
from tests.draws import generator
from tests.reference.statistics import area, delong, krasula

Z = stats.norm.ppf(0.975)


def sample(n, grid=None, methods=2, seed=0):
    g = generator(n, seed)
    mos, error = g.normal(size=n), g.uniform(0.1, 0.5, size=n)
    scores = mos + g.normal(size=(methods, n))
    if grid:
        mos, scores = np.round(mos * grid) / grid, np.round(scores * grid) / grid
    return scores, mos, error


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 90), st.sampled_from([None, 1, 8]), st.integers(0, 99))
def test_equals_every_pair_against_every_other(n, grid, seed):
    scores, mos, error = sample(n, grid, seed=seed)
    found = discriminate(scores, mos, error)
    for k, score in enumerate(scores):
        far, near, oriented = krasula(score, mos, error, Z)
        assert (found.different, found.similar) == (far.size, near.size)
        if far.size:
            assert found.better_worse.value[k] == pytest.approx(area(oriented, -oriented), abs=1e-9)
            assert found.correct[k] == pytest.approx(np.mean(np.sign(oriented) / 2 + 0.5), abs=1e-12)
        if far.size and near.size:
            assert found.different_similar.value[k] == pytest.approx(area(far, near), abs=1e-9)


@pytest.mark.parametrize("n", [31, 32, 33, 64, 65])
def test_blocks_of_rows_meet_without_gap(n):
    scores, mos, error = sample(n, methods=1)
    found = discriminate(scores, mos, error)
    alone = discriminate(scores, mos, error, workers=1)
    np.testing.assert_array_equal(alone.better_worse.covariance, found.better_worse.covariance)
    assert found.different + found.similar == n * (n - 1) // 2
    far, near, _ = krasula(scores[0], mos, error, Z)
    assert found.different_similar.value[0] == pytest.approx(area(far, near), abs=1e-9)


@pytest.mark.parametrize("grid", [None, 1, 8])
def test_delong_is_delongs(grid):
    scores, mos, error = sample(90, grid)
    found = discriminate(scores, mos, error).different_similar
    samples = [krasula(s, mos, error, Z)[:2] for s in scores]
    # The placements are exact to 2^-15; DeLong's divisor is one less.
    np.testing.assert_allclose(found.delong, delong(samples), rtol=3e-3)
    values = [area(*s) for s in samples]
    expected = delong(samples)
    z = (values[0] - values[1]) / np.sqrt(expected[0, 0] + expected[1, 1] - 2 * expected[0, 1])
    assert found.test(0, 1, delong=True)[0] == pytest.approx(z, rel=5e-3)
    assert found.test(0, 1, delong=True)[1] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=2e-2)


def test_every_order_and_direction():
    scores, mos, error = sample(80)
    found = discriminate(scores, mos, error)
    order = np.random.default_rng(0).permutation(80)
    moved = discriminate(scores[:, order], mos[order], error[order])
    np.testing.assert_allclose(moved.better_worse.value, found.better_worse.value, atol=1e-12)
    np.testing.assert_allclose(moved.better_worse.covariance, found.better_worse.covariance, rtol=1e-4)
    reversed_ = discriminate(-scores, mos, error)
    np.testing.assert_allclose(reversed_.better_worse.value, 1 - found.better_worse.value, atol=1e-9)
    np.testing.assert_allclose(reversed_.different_similar.value, found.different_similar.value, atol=1e-9)


def test_perfect_and_useless_scores():
    mos = np.linspace(0, 10, 60)
    found = discriminate(np.stack([mos, np.ones(60)]), mos, np.full(60, 0.5))
    assert found.different_similar.value == pytest.approx([1, 0.5])
    assert found.better_worse.value == pytest.approx([1, 0.5])
    assert found.correct == pytest.approx([1, 0.5])
    assert found.better_worse.interval(0) == (1.0, 1.0)


def test_one_kind_of_pair_only():
    scores, mos, _ = sample(20)
    alike = discriminate(scores, mos, np.full(20, 100.0))
    assert np.isnan(alike.better_worse.value).all()
    assert np.isnan(alike.different_similar.value).all()
    assert np.isnan(alike.different_similar.test(0, 1)).all()
    apart = discriminate(scores, mos, np.zeros(20))
    assert np.isnan(apart.different_similar.value).all()
    assert np.isfinite(apart.better_worse.value).all()
    for n in (1, 2):
        assert discriminate(scores[:, :n], mos[:n], np.full(n, 0.01)).different == n - 1


def test_error_counts_images_not_pairs():
    """Drawn anew, the area scatters as the covariance by images says, and ten times as DeLong's by pairs."""
    values, claimed, pairwise = [], [], []
    for seed in range(50):
        scores, mos, error = sample(100, methods=1, seed=seed)
        auc = discriminate(scores, mos, error).better_worse
        values.append(auc.value[0])
        claimed.append(np.sqrt(auc.covariance[0, 0]))
        pairwise.append(np.sqrt(auc.delong[0, 0]))
    assert np.mean(claimed) == pytest.approx(np.std(values), rel=0.3)
    assert np.mean(pairwise) < 0.3 * np.std(values)


@pytest.mark.slow
def test_size_of_the_test_under_the_null():
    hits, naive = [], []
    for seed in range(1000):
        scores, mos, error = sample(150, seed=seed)
        auc = discriminate(scores, mos, error).different_similar
        hits.append(auc.test(0, 1)[1] < 0.05)
        naive.append(auc.test(0, 1, delong=True)[1] < 0.05)
    assert 0.03 <= np.mean(hits) <= 0.075
    assert np.mean(naive) > 0.3


def test_references_as_units():
    scores, mos, error = sample(60)
    groups = np.repeat(np.arange(12), 5)
    single = discriminate(scores, mos, error)
    trivial = discriminate(scores, mos, error, groups=np.arange(60))
    np.testing.assert_allclose(trivial.better_worse.covariance, single.better_worse.covariance)
    whole = discriminate(scores, mos, error, groups=groups)
    np.testing.assert_array_equal(whole.better_worse.value, single.better_worse.value)
    assert not np.allclose(whole.better_worse.covariance, single.better_worse.covariance)


def test_bad_input():
    scores, mos, error = sample(9)
    with pytest.raises(ValueError, match="do not belong together"):
        discriminate(scores, mos[1:], error)
    with pytest.raises(ValueError, match="finite"):
        discriminate(np.where(scores > 0, scores, np.inf), mos, error)
    with pytest.raises(ValueError, match="negative"):
        discriminate(scores, mos, -error)


@pytest.mark.parametrize("n", [0, 1])
def test_without_a_pair_nothing_is_defined(n):
    found = discriminate(np.zeros((2, n)), np.zeros(n), np.ones(n))
    assert (found.different, found.similar) == (0, 0)
    assert np.isnan(found.better_worse.value).all()
    assert np.isnan(found.different_similar.test(0, 1)).all()


def test_a_method_more_counts_its_own_pairs_alone(monkeypatch):
    scores, mos, error = sample(90, methods=4)
    counted = []
    count = discrimination.tally_of
    monkeypatch.setattr(
        discrimination, "tally_of", lambda pairs, k, keys: counted.append(k) or count(pairs, k, keys)
    )
    tallies = {}
    discriminate(scores[:3], mos, error, tallies=tallies)
    assert sorted(counted) == [0, 1, 2]
    packed = {name: tally.packed() for name, tally in tallies.items()}
    tallies = {name: Tally.unpacked(array) for name, array in packed.items()}
    found, alone = discriminate(scores, mos, error, tallies=tallies), discriminate(scores, mos, error)
    assert counted[3:4] == [3]
    for one, other in (
        (found.different_similar, alone.different_similar),
        (found.better_worse, alone.better_worse),
    ):
        np.testing.assert_array_equal(one.value, other.value)
        np.testing.assert_array_equal(one.covariance, other.covariance)
        np.testing.assert_array_equal(one.delong, other.delong)
    np.testing.assert_array_equal(found.correct, alone.correct)
    discriminate(scores[1:3], mos, error, tallies=tallies)
    assert len(tallies) == 2


@pytest.mark.parametrize("other", ["mos", "error", "level", "scores"])
def test_kept_counts_are_of_these_images_and_no_others(other):
    scores, mos, error = sample(60)
    given = {"scores": scores, "mos": mos, "error": error, "level": 0.95}
    tallies = {}
    discriminate(**given, tallies=tallies)
    given[other] = 0.5 if other == "level" else given[other] ** 2
    found, alone = discriminate(**given, tallies=tallies), discriminate(**given)
    np.testing.assert_array_equal(found.better_worse.value, alone.better_worse.value)
    np.testing.assert_array_equal(found.better_worse.covariance, alone.better_worse.covariance)


def moved_by_each(score, mos, error):
    """How far each image moves either area: the placements of all pairs that it is in, less the area."""
    i, j = np.triu_indices(len(mos), 1)
    gap, moved = mos[j] - mos[i], score[j] - score[i]
    different = np.abs(gap) > Z * np.sqrt(error[i] ** 2 + error[j] ** 2)
    far, near, oriented = (
        np.abs(moved[different]),
        np.abs(moved[~different]),
        (moved * np.sign(gap))[different],
    )
    apart = np.sign(far[:, None] - near) / 2 + 0.5
    ahead = np.sign(oriented[:, None] + oriented) / 2 + 0.5
    pulls = np.zeros((2, i.size))
    pulls[0, different] = (apart.mean(axis=1) - apart.mean()) / far.size
    pulls[0, ~different] = (apart.mean(axis=0) - apart.mean()) / near.size
    pulls[1, different] = 2 * (ahead.mean(axis=1) - ahead.mean()) / far.size
    return np.array([np.bincount(i, pull, len(mos)) + np.bincount(j, pull, len(mos)) for pull in pulls])


@pytest.mark.parametrize("grid", [None, 4])
def test_covariances_are_those_of_what_each_image_moves(grid):
    scores, mos, error = sample(70, grid, methods=3)
    scores[2] = -scores[2]  # more of its pairs are ordered wrongly than rightly
    moved = np.array([moved_by_each(score, mos, error) for score in scores])
    groups = generator(1).permutation(np.arange(70) % 14)
    for own in (None, groups):
        found = discriminate(scores, mos, error, groups=own)
        number = np.arange(70) if own is None else own
        for place, area_of in enumerate((found.different_similar, found.better_worse)):
            summed = np.array([np.bincount(number, row) for row in moved[:, place]])
            expected = summed @ summed.T
            # Placements are read from 2^15 cells.
            scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
            np.testing.assert_allclose(area_of.covariance / scale, expected / scale, atol=2e-3)
            spread = np.sqrt(expected[0, 0] + expected[1, 1] - 2 * expected[0, 1])
            assert area_of.error_of_difference(0, 1) == pytest.approx(spread, rel=5e-3)


def test_an_interval_is_normal_on_the_logit_and_turns_with_the_score():
    scores, mos, error = sample(80, methods=1)
    found, turned = (discriminate(s, mos, error).better_worse for s in (scores, -scores))
    value, spread = found.value[0], np.sqrt(found.covariance[0, 0])
    half = 1.959964 * spread / (value * (1 - value))
    expected = special.expit(special.logit(value) + np.array([-half, half]))
    assert found.interval(0) == pytest.approx(expected, rel=1e-6)
    low, high = found.interval(0)
    assert turned.interval(0) == pytest.approx((1 - high, 1 - low), abs=1e-4)
    assert found.interval(0, level=0.5)[0] > low
