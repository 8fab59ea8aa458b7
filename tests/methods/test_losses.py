"""The vectorised losses against the sums as the paper writes them, term by term."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from methods.qualiclip.losses import consistency_loss, loss_terms, ranking_across, ranking_loss

shapes = st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(0, 10_000))


def cosines(levels, images, seed):
    return (
        torch.rand(levels, images, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2
        - 1
    )


@given(shapes)
def test_ranking_equals_the_loops(shape):
    levels, images, seed = shape
    s = cosines(levels, images, seed)
    total = 0.0
    for b in range(images):
        for i in range(levels):
            for k in range(i + 1, levels):
                for c in range(2):
                    for other in range(2):
                        total += max(0.0, 0.0675 - (float(s[i, b, c]) - float(s[k, b, other])))
    assert float(ranking_loss(s, 0.0675)) == pytest.approx(total / images, abs=1e-9)


@given(shapes)
def test_ranking_across_equals_the_loops(shape):
    levels, images, seed = shape
    s = cosines(levels, images, seed)
    total = 0.0
    for b, other_image in itertools.permutations(range(images), 2):
        for i, k in itertools.combinations(range(levels), 2):
            for c, other in itertools.product(range(2), repeat=2):
                total += max(0.0, 0.0675 - (float(s[i, b, c]) - float(s[k, other_image, other])))
    expected = total / (images * (images - 1)) if images > 1 else 0.0
    assert float(ranking_across(s, 0.0675)) == pytest.approx(expected, abs=1e-9)


@given(shapes)
def test_consistency_equals_the_loops(shape):
    levels, images, seed = shape
    s = cosines(levels, images, seed)
    total = sum(
        max(0.0, abs(float(s[i, b, 0]) - float(s[i, b, 1])) - 0.0025)
        for b in range(images)
        for i in range(levels)
    )
    assert float(consistency_loss(s, 0.0025)) == pytest.approx(total / images, abs=1e-9)


def test_perfect_order_by_more_than_the_margin_costs_nothing():
    positive = torch.linspace(0.9, 0.1, 5).view(5, 1, 1).expand(5, 3, 2)
    terms = loss_terms(positive, -positive, 2.5e-3, 6.75e-2)
    assert all(float(value) == 0.0 for value in terms.values())


def test_the_negative_term_asks_for_the_opposite_order():
    falling = torch.linspace(0.9, 0.1, 5).view(5, 1, 1).expand(5, 3, 2)
    terms = loss_terms(falling, falling, 2.5e-3, 6.75e-2)
    assert float(terms["positive"]) == 0.0
    # Ten pairs of levels times four pairs of crops, each wrong by its distance plus the margin.
    expected = sum(4 * (0.0675 + 0.2 * (k - i)) for i in range(5) for k in range(i + 1, 5))
    assert float(terms["negative"]) == pytest.approx(expected, rel=1e-5)


def test_gradient_moves_mild_up_and_strong_down():
    positive = torch.zeros(5, 1, 2, requires_grad=True)
    ranking_loss(positive, 0.0675).backward()
    slope = positive.grad[:, 0, 0]
    assert torch.equal(slope.argsort(), torch.arange(5))
    assert slope[0] < 0 < slope[-1]
