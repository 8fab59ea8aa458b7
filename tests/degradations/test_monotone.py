"""Along a monotone ladder every picture moves farther and farther from the original."""

from pathlib import Path

import pytest
import torch

from benchmark.degradations import LEVELS, ladder
from benchmark.images import read
from tests.degradations.pictures import photographs

KODAK = Path(__file__).resolve().parents[2] / "../shared/data/kodak24"

# How far green must move to look different depends on its direction and the texture: a mean over draws.
DRAWS = {"colorshift": 8}


@pytest.fixture(scope="module")
def kodak():
    return torch.stack([read(path)[:, 64:320, 64:320] for path in sorted(KODAK.glob("*.png"))])


def distances(images, kind):
    """Mean absolute difference from the original, ``[5, B]``."""
    seeds = torch.arange(DRAWS.get(kind, 1))
    total = torch.zeros(5, len(images))
    for seed in seeds:
        rungs = ladder(images, kind, torch.full((len(images),), int(seed)))
        total += (rungs - images).abs().mean((2, 3, 4))
    return total / len(seeds)


@pytest.mark.parametrize("kind", LEVELS)
def test_the_distance_rises_on_photographs_of_the_wheels(kind):
    steps = distances(photographs(224), kind).diff(dim=0)
    assert (steps > 0).all()


@pytest.mark.shared
@pytest.mark.skipif(not KODAK.is_dir(), reason="the Kodak photographs are not beside the checkout")
@pytest.mark.parametrize("kind", LEVELS)
def test_the_distance_rises_on_24_photographs(kodak, kind):
    assert len(kodak) == 24
    steps = distances(kodak, kind).diff(dim=0)
    assert (steps > 0).all()


def test_the_published_order_is_kept_as_it_is():
    images = photographs(64)
    published = ladder(images, "meanshift", range(6), order="reference")
    assert torch.equal(published[0], images)
    assert (published[1] - images).mean() > 0 > (published[2] - images).mean()


def test_the_seed_draws_the_direction_of_types_that_have_two():
    image = torch.full((64, 3, 32, 32), 0.5)
    for_all = ladder(image, "meanshift", torch.arange(64))[:, :, 0, 0, 0] - 0.5
    assert (for_all.sign() == for_all[0].sign()).all()
    assert 16 < (for_all[0] > 0).sum() < 48
