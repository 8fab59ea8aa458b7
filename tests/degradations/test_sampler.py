"""ARNIQA's degradation model, against its published probabilities."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from benchmark.degradations import GROUPS, group_of, level_probabilities, sample_sequence

DRAWN = [sample_sequence(seed) for seed in range(4000)]


def test_levels_have_the_published_probabilities():
    published = np.array([0.2929, 0.2704, 0.2127, 0.1426, 0.0814])
    assert level_probabilities() == pytest.approx(published, abs=5e-5)
    counts = Counter(level for sequence in DRAWN for _, level in sequence)
    observed = [counts[level] for level in range(1, 6)]
    assert stats.chisquare(observed, published * sum(observed)).pvalue > 0.001


def test_lengths_groups_and_types_are_drawn_evenly():
    assert stats.chisquare(np.bincount([len(s) for s in DRAWN])[1:]).pvalue > 0.001
    groups = Counter(group_of(kind) for sequence in DRAWN for kind, _ in sequence)
    assert set(groups) == set(GROUPS)
    assert stats.chisquare(list(groups.values())).pvalue > 0.001
    for members in GROUPS.values():
        counts = Counter(kind for sequence in DRAWN for kind, _ in sequence if kind in members)
        assert stats.chisquare([counts[kind] for kind in members]).pvalue > 0.001


def test_no_group_comes_twice_and_orders_vary():
    for sequence in DRAWN:
        assert len({group_of(kind) for kind, _ in sequence}) == len(sequence)
    first = Counter(group_of(sequence[0][0]) for sequence in DRAWN if len(sequence) == 4)
    assert stats.chisquare(list(first.values())).pvalue > 0.001


def test_the_same_seed_draws_the_same_sequence():
    assert sample_sequence(12, most=7, levels=3) == sample_sequence(12, most=7, levels=3)
    assert [len(sample_sequence(seed, most=1)) for seed in range(20)] == [1] * 20
    assert max(level for seed in range(300) for _, level in sample_sequence(seed, 7, 3)) == 3
