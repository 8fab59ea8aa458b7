"""Dead leaves against what is published of natural pictures."""

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb

from benchmark.datasets.dead_leaves import dead_leaves, lab_to_linear


@pytest.fixture(scope="module")
def pictures():
    return [dead_leaves(256, [3, index]) for index in range(12)]


def spectral_slope(picture):
    """Exponent a of a power spectrum f^-a, over two octaves and a half, from the radial mean."""
    grey = picture.mean(0).numpy().astype(float)
    window = np.hanning(len(grey))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window))) ** 2
    cycles = np.fft.fftfreq(len(grey)) * len(grey)
    radius = np.round(np.hypot(cycles[:, None], cycles[None])).astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    band = np.arange(6, 40)
    return -np.polyfit(np.log(band), np.log(mean[band]), 1)[0]


def test_power_spectrum_falls_as_that_of_natural_pictures(pictures):
    # D. Tolhurst, Y. Tadmor, T. Chao, "Amplitude spectra of natural images", 1992: amplitudes f^-.8 to f^-1.5
    slopes = [spectral_slope(picture) for picture in pictures]
    assert 1.6 < np.mean(slopes) < 3.0
    assert max(slopes) < 3.4


def test_gradients_have_heavier_tails_than_a_gaussian(pictures):
    # J. Huang, D. Mumford, "Statistics of natural images and models", CVPR 1999. A Gaussian has 3.
    for picture in pictures:
        gradient = picture.mean(0).diff(dim=1).flatten().double()
        assert (gradient**4).mean() / (gradient**2).mean() ** 2 > 6


def test_equal_seeds_give_equal_pictures_and_others_differ():
    assert torch.equal(dead_leaves(64, [1, 2]), dead_leaves(64, [1, 2]))
    assert (dead_leaves(64, [1, 2]) - dead_leaves(64, [1, 3])).abs().mean() > 0.02


@pytest.mark.parametrize("size", [16, 37, 160])
def test_shape_type_and_range(size):
    picture = dead_leaves(size, 0)
    assert picture.shape == (3, size, size)
    assert picture.dtype == torch.float32
    assert 0 <= picture.min() < picture.max() <= 1


def test_colour_conversion_agrees_with_scikit_image():
    # Colours inside the sRGB cube, where scikit-image clips nothing.
    lab = np.stack(np.meshgrid([40.0, 50, 70], [-15.0, 0, 20], [-20.0, 0, 25], indexing="ij"), -1).reshape(
        -1, 3
    )
    encoded = lab2rgb(lab)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    assert np.abs(lab_to_linear(lab) - linear).max() < 1e-4


@pytest.mark.parametrize(
    "wrong", [{"size": 8}, {"size": 64, "radii": (40.0, 0.5)}, {"size": 64, "coverage": 0.0}]
)
def test_settings_that_cannot_be_drawn_are_refused(wrong):
    with pytest.raises(ValueError, match=r"dead leaves need size >= 16.*got size"):
        dead_leaves(**{"seed": 0, **wrong})
