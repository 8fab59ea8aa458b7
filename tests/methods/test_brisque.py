"""BRISQUE's features against piq's fits of plain coefficients, its regressor against scikit-learn."""

import sys
from math import gamma

import numpy as np
import piq  # noqa: F401  (its module is hidden behind a function of the same name)
import pytest
import skimage.data
import torch
from scipy import stats
from sklearn.svm import SVR

import methods
from methods import brisque
from tests.reference import niqe as plain

fits = sys.modules["piq.brisque"]


def expected_features(pixels):
    x, numbers = plain.grey(pixels), []
    for _ in range(2):
        c = torch.from_numpy(plain.mscn(x)[0])[None, None]
        shape, deviation = fits._ggd_parameters(c)
        numbers += [shape.item(), deviation.item() ** 2]
        for down, across in [(0, 1), (1, 0), (1, 1), (1, -1)]:
            products = c * c.roll((down, across), dims=(2, 3))
            a, left, right = (float(v) for v in fits._aggd_parameters(products))
            eta = (right - left) * gamma(2 / a) / np.sqrt(gamma(1 / a) * gamma(3 / a))
            numbers += [a, eta, left**2, right**2]
        x = plain.shrink_rows(plain.shrink_rows(x).T).T
    return numbers


@pytest.fixture(scope="module")
def pictures():
    return [skimage.data.astronaut()[:90, :130], skimage.data.coffee()[100:165, 50:121]]


def to_tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


def test_features_are_those_of_piqs_fits(pictures):
    for pixels in pictures:  # the second has odd sides
        found = methods.load("brisque").features(to_tensor(pixels)[None])[0]
        # The table of shapes has steps of .001; piq searches its reciprocal, so a neighbour may be nearest.
        np.testing.assert_allclose(found, expected_features(pixels), atol=1.1e-3, rtol=2e-3)


def test_features_do_not_depend_on_the_batch(pictures):
    features = methods.load("brisque").features
    batch = torch.stack([to_tensor(p[:65, :71]) for p in pictures])
    assert torch.equal(features(batch), torch.cat([features(image[None]) for image in batch]))


def test_a_flat_picture_has_finite_features():
    assert methods.load("brisque").features(torch.full((1, 3, 32, 32), 0.3)).isfinite().all()


def test_without_a_regressor_there_is_no_score():
    with pytest.raises(ValueError, match="set `regressor`"):
        methods.load("brisque").score(torch.rand(1, 3, 64, 64))


@pytest.fixture
def rated(pictures):
    """Crops, noisier and noisier, with opinions that fall as the noise rises."""
    random = np.random.default_rng(0)
    images, opinions = [], []
    for k in range(40):
        crop = pictures[0][k % 20 :][:64, 2 * k % 60 :][:, :64] + random.normal(0, k, (64, 64, 3))
        images.append(to_tensor(np.clip(crop, 0, 255).astype(np.uint8)))
        opinions.append(5 - k / 10)
    return torch.stack(images), np.array(opinions)


def test_scores_are_those_of_the_regressor_it_was_loaded_with(rated, tmp_path):
    images, opinions = rated
    x = methods.load("brisque").features(images).double().numpy()
    brisque.fit_regressor(x[::2], opinions[::2], tmp_path / "r.npz", higher_is_better=True)
    method = methods.load("brisque", regressor=str(tmp_path / "r.npz"))
    assert method.higher_is_better

    low, high = x[::2].min(0), x[::2].max(0)
    scaled = 2 * (x - low) / (high - low) - 1
    span = opinions[::2].max() - opinions[::2].min()
    target = 100 * (opinions[::2] - opinions[::2].min()) / span
    expected = SVR(C=1024, gamma=0.05).fit(scaled[::2], target).predict(scaled)
    np.testing.assert_allclose(method.score(images), expected, rtol=1e-4, atol=1e-3)
    assert stats.spearmanr(method.score(images[1::2]), opinions[1::2]).statistic > 0.9


@pytest.mark.parametrize("fault", ["missing", "truncated", "another", "shape"])
def test_a_faulty_regressor_is_refused(rated, tmp_path, fault):
    file = tmp_path / "r.npz"
    x = np.random.default_rng(0).normal(size=(20, 36))
    brisque.fit_regressor(x, np.arange(20), file, higher_is_better=False)
    if fault == "missing":
        file.unlink()
    if fault == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    if fault == "another":
        np.savez(file, weights=x)
    if fault == "shape":
        np.savez(file, **{**dict(np.load(file)), "support": x[:, :30]})
    with pytest.raises(ValueError, match=r"r\.npz"):
        methods.load("brisque", regressor=str(file))


def test_opinions_and_features_must_belong_together(tmp_path):
    with pytest.raises(ValueError, match="do not belong together"):
        brisque.fit_regressor(np.ones((5, 36)), np.arange(4), tmp_path / "r.npz", higher_is_better=True)
    with pytest.raises(ValueError, match="opinions that differ"):
        brisque.fit_regressor(np.ones((5, 36)), np.ones(5), tmp_path / "r.npz", higher_is_better=True)
    assert list(tmp_path.iterdir()) == []
