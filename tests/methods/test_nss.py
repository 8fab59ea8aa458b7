"""The parts of natural scene statistics, each against a library or the distribution it estimates."""

import functools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from methods._shared.pristine import nss
from tests.reference import niqe as plain


@pytest.mark.parametrize("size", [(32, 40), (7, 5), (97, 64)])
def test_local_moments_are_those_of_a_gaussian_window(size):
    x = np.random.default_rng(0).uniform(0, 255, size)
    # scipy's own Gaussian, cut to the same seven pixels.
    mean = ndimage.gaussian_filter(x, 7 / 6, mode="nearest", radius=3)
    variance = ndimage.gaussian_filter(x * x, 7 / 6, mode="nearest", radius=3) - mean**2
    coefficients, deviation = nss.normalise(torch.from_numpy(x)[None])
    np.testing.assert_allclose(deviation[0], np.sqrt(variance), atol=1e-9)
    np.testing.assert_allclose(coefficients[0], (x - mean) / (np.sqrt(variance) + 1), atol=1e-9)


def test_halving_is_torchs_antialiased_bicubic_away_from_the_border():
    x = torch.rand(2, 1, 64, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True)
    halved = nss.halve(x[:, 0])
    assert halved.shape == (2, 32, 25)
    torch.testing.assert_close(halved[:, 2:-2, 2:-2], expected[:, 0, 2:-2, 2:-2], atol=1e-12, rtol=0)


def test_halving_mirrors_the_border():
    x = np.random.default_rng(2).uniform(0, 255, (16, 10))
    halved = nss.halve(torch.from_numpy(x)[None])[0]
    mirrored = torch.from_numpy(np.pad(x, 8, mode="symmetric"))[None]
    torch.testing.assert_close(halved, nss.halve(mirrored)[0, 4:-4, 4:-4])


@pytest.mark.parametrize("size", [(70, 31), (40, 90), (64, 50)])
def test_resizing_is_torchs_antialiased_bicubic_in_8_bits_away_from_the_border(size):
    pixels = np.random.default_rng(1).integers(0, 256, (2, 64, 50)).astype(float)
    x = torch.from_numpy(pixels)
    first_rows = size[0] / 64 < size[1] / 50
    for axis in (0, 1) if first_rows else (1, 0):
        shape = list(x.shape[1:])
        shape[axis] = size[axis]
        resized = torch.nn.functional.interpolate(x[None], size=shape, mode="bicubic", antialias=True)[0]
        x = (resized + 0.5).floor().clamp(0, 255)
    away = (nss.resize(torch.from_numpy(pixels), *size) - x).abs()[:, 8:-8, 8:-8]
    # Exact halves, which float error sends either way, are rare.
    assert away.max() <= 1
    assert away.mean() < 0.01


def resized_exactly(row, size):
    """A row of whole numbers resized in fractions; halves go up."""
    narrow = min(Fraction(size, len(row)), Fraction(1))
    found = []
    for k in range(size):
        centre = Fraction(2 * k + 1, 2) * len(row) / size - Fraction(1, 2)
        reach = range(math.floor(centre - 2 / narrow), math.ceil(centre + 2 / narrow) + 1)
        weights = [cubic(abs(at - centre) * narrow) for at in reach]
        mirrored = [min(at % (2 * len(row)), (-1 - at) % (2 * len(row))) for at in reach]
        total = sum(weight * row[at] for weight, at in zip(weights, mirrored, strict=True))
        found.append(min(max(math.floor(total / sum(weights) + Fraction(1, 2)), 0), 255))
    return found


def cubic(t):
    """Keys' kernel for a distance that is a fraction."""
    if t <= 1:
        return Fraction(3, 2) * t**3 - Fraction(5, 2) * t**2 + 1
    return -Fraction(1, 2) * t**3 + Fraction(5, 2) * t**2 - 4 * t + 2 if t < 2 else Fraction(0)


@pytest.mark.parametrize(("length", "size"), [(15, 10), (40, 48)])
def test_resizing_sends_exact_halves_up(length, size):
    rows = np.random.default_rng(0).integers(0, 256, (60, length))
    resized = nss.resize(torch.from_numpy(rows).double()[None], 60, size)[0]
    assert resized.int().tolist() == [resized_exactly(row, size) for row in rows.tolist()]


def test_odd_sides_are_halved_by_exactly_a_half():
    x = np.random.default_rng(5).uniform(0, 255, (13, 9))
    expected = plain.shrink_rows(plain.shrink_rows(x).T).T
    assert expected.shape == (7, 5)
    np.testing.assert_allclose(nss.halve(torch.from_numpy(x)[None])[0], expected, atol=1e-10)


def test_luma_of_grey_is_itself_and_follows_rgb2gray():
    grey = torch.arange(256).float() / 255
    assert nss.luma(grey.expand(1, 3, 1, -1))[0, 0].tolist() == list(range(256))
    primaries = torch.eye(3).reshape(1, 3, 1, 3)
    assert nss.luma(primaries)[0, 0].tolist() == [76, 150, 29]


@settings(deadline=None, max_examples=8)
@given(
    shape=st.floats(0.5, 4), left=st.floats(0.3, 2), right=st.floats(0.3, 2), seed=st.integers(0, 2**31 - 1)
)
def test_the_fit_recovers_the_distribution_that_was_drawn_from(shape, left, right, seed):
    # An asymmetric generalised Gaussian falls on either side with the share of that side's scale.
    random = np.random.default_rng(seed)
    sides = np.where(random.random(400_000) < left / (left + right), -left, right)
    values = np.abs(stats.gennorm.rvs(shape, size=400_000, random_state=random)) * sides
    found = nss.fit_aggd(torch.from_numpy(values).reshape(1, 400, 1000))
    assert found[0].item() == pytest.approx(shape, rel=0.08)
    assert found[1].item() == pytest.approx(values.mean(), abs=0.02 * values.std())
    assert found[2].item() == pytest.approx(left, rel=0.1)
    assert found[3].item() == pytest.approx(right, rel=0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_are_those_above_and_below_zero(dtype):
    x = torch.randn(3, 20, 84, 84, generator=torch.Generator().manual_seed(0)).to(dtype) - 0.3
    x[0, 0], x[0, 1], x[1, :, ::3] = 0, x[0, 1].abs(), 0
    expected = []
    for sign in (-1, 1):
        part = (sign * x.double().numpy()).clip(min=0)
        expected += [(part > 0).sum((-2, -1)), part.sum((-2, -1)), (part**2).sum((-2, -1))]
    close = functools.partial(np.testing.assert_allclose, rtol=1e-6 if dtype == torch.float32 else 1e-12)
    found = nss.sums(x)
    assert found.dtype == torch.float64
    close(found, np.stack(expected, -1))
    assert not found[0, 0].any()
    # Values too small to mean anything are neither above nor below.
    found = nss.sums(x, 0.5)
    close(found, nss.sums(x.where(x.abs() > 0.5, 0)))
    assert not found[0, 1, :3].any()
    assert found[0, 1, 3] == (x[0, 1] > 0.5).sum()


def test_the_fit_takes_the_nearest_entry_of_the_table():
    values = np.random.default_rng(3).laplace(size=(20, 12, 12)) ** 3 + 0.05
    for block, *found in zip(values, *nss.fit_aggd(torch.from_numpy(values)), strict=True):
        np.testing.assert_allclose([float(f) for f in found], plain.aggd(block), rtol=1e-10)


def test_blocks_lie_row_by_row_without_the_remainder():
    x = torch.arange(7 * 11).reshape(1, 7, 11)
    found = nss.blocks(x, 3)
    assert found.shape == (1, 6, 3, 3)
    assert found[0, :, 0, 0].tolist() == [0, 3, 6, 33, 36, 39]


def test_moments_leave_out_what_is_missing():
    rows = torch.from_numpy(np.random.default_rng(4).normal(size=(9, 3)))
    rows[2, 1] = float("nan")
    mean, covariance = nss.moments(rows)
    whole = np.delete(rows.numpy(), 2, axis=0)
    np.testing.assert_allclose(covariance, np.cov(whole, rowvar=False), atol=1e-12)
    np.testing.assert_allclose(mean, [rows[:, 0].mean(), whole[:, 1].mean(), rows[:, 2].mean()], atol=1e-12)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows_have_no_covariance(count):
    assert nss.moments(torch.ones(count, 3).double())[1].tolist() == [[0.0] * 3] * 3
