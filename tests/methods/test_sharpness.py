import numpy as np
import torch
from scipy import ndimage

import methods
from tests.reference import niqe as plain


def test_it_is_the_variance_of_scipys_laplacian():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 33, 3), dtype=np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    expected = [ndimage.laplace(plain.grey(p), mode="mirror").var() for p in pixels]
    np.testing.assert_allclose(methods.load("sharpness").score(images), expected, rtol=1e-6)


def test_a_flat_picture_has_none_and_a_blurred_one_less():
    score = methods.load("sharpness").score
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)
    assert score(torch.full((1, 3, 32, 32), 0.4)).item() == 0
    assert score(blurred).item() < score(noise).item() / 4
