"""MA-CLIP against its formula written plainly, over embeddings of open_clip itself."""

import numpy as np
import pytest
import torch

import methods
from methods import maclip
from tests.reference import arniqa, clip_rivals

SMALL = {"architecture": "small", "pretrained": None, "seed": 3}


def tensor(height, width):
    return torch.from_numpy(arniqa.picture(height, width)).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize(
    ("size", "count"), [((224, 224), 2), ((352, 360), 5), ((230, 480), 4), ((223, 500), 1), ((64, 96), 1)]
)
def test_scores_are_those_of_the_formula(size, count):
    image = tensor(*size)
    assert maclip.views(image).shape == (count, 3, 224, 224)
    found = methods.load("maclip", **SMALL).score(image[None])
    assert found.item() == pytest.approx(clip_rivals.maclip(clip_rivals.clip(3), image), abs=2e-6)


def test_the_weights_are_the_softmax_of_the_papers_constants():
    c, m = np.array([0.2, 0.9, 0.5]), np.array([1.1, 0.1, 0.5])
    logits = np.exp([1.0 + (c - m), 0.6 - (c - m)])
    expected = (logits[0] * c + logits[1] * m) / logits.sum(0)
    found = maclip.fused(torch.from_numpy(c), torch.from_numpy(m))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_magnitude_grows_with_even_channels_and_does_not_know_the_length():
    f = torch.randn(2, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(maclip.magnitude(f), maclip.magnitude(1000 * f), rtol=1e-4, atol=0)
    peaked = f.clone()
    peaked[:, 0] = 100
    assert (maclip.magnitude(peaked) < maclip.magnitude(f)).all()


def test_a_score_does_not_depend_on_the_batch():
    images = torch.stack([tensor(240, 260), tensor(240, 260).flip(1)])
    method = methods.load("maclip", **SMALL)
    alone = torch.cat([method.score(image[None]) for image in images])
    torch.testing.assert_close(method.score(images), alone, atol=1e-6, rtol=0)


def test_random_weights_have_seen_nothing():
    assert methods.load("maclip", **SMALL).card.exposure == ()
