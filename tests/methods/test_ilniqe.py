"""IL-NIQE against plain maps and fits, its model against plain linear algebra, and its parameter files."""

import numpy as np
import pytest
import scipy.io
import skimage.data
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from scipy import ndimage, optimize, stats

import methods
from benchmark.images import read
from benchmark.method import TrainingData
from methods import ilniqe
from methods.ilniqe import statistics
from tests.reference import ilniqe as plain


def to_tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    at = tmp_path_factory.mktemp("pristine")
    for name in ("coffee", "astronaut"):
        Image.fromarray(getattr(skimage.data, name)()[:300, :400]).save(at / f"{name}.png")
    return at


@pytest.fixture(scope="module")
def rows(folder):
    """What describes the pristine pictures, by their bytes: a second each."""
    images = [read(path) for path in folder.iterdir()]
    return {image.numpy().tobytes(): statistics.describe(image) for image in images}


@pytest.fixture(scope="module")
def fitted(folder, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ilniqe, "describe", lambda image: rows[image.numpy().tobytes()])
        return ilniqe.fit(folder.iterdir(), sharpness=0.2)


def test_blocks_are_described_as_by_plain_maps():
    pixels = skimage.data.coffee()[:270, 100:470]
    blocks = [(0, 5)]  # a corner, where maps end on two sides
    expected, expected_sharpness = plain.features(pixels, blocks)
    found, sharpness = statistics.describe(to_tensor(pixels))
    at = [6 * row + column for row, column in blocks]
    # Shapes come from a table in steps of .001; scipy's likelihood search stops at about 1e-4.
    np.testing.assert_allclose(found[at], expected, rtol=2e-3, atol=2e-5)
    colours = np.r_[24:30, 258:264]  # means and variances of logarithms of colours
    np.testing.assert_allclose(found[at][:, colours], expected[:, colours], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(sharpness[at], expected_sharpness, rtol=1e-9)


@pytest.mark.parametrize("sigma", [1.66, 1.367])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_slopes_are_convolutions_with_the_derivatives_of_a_gaussian(sigma, dtype, error):
    maps = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 56, 84))).to(dtype)
    at = np.arange(-5, 6)
    bell = np.exp(-(at**2) / (2 * sigma**2))
    found = statistics.derivatives(maps, sigma)
    for x, pair in zip(maps.double().numpy(), found, strict=True):
        around = sliding_window_view(np.pad(x, 5), (11, 11))
        for slopes, (across, down) in zip(pair, ((at * bell, bell), (bell, at * bell)), strict=True):
            kernel = np.outer(down, across)[::-1, ::-1]
            np.testing.assert_allclose(slopes, np.einsum("hwyx,yx->hw", around, kernel), atol=error)


@pytest.mark.parametrize(("shape", "scale"), [(0.4, 3.0), (1.3, 200.0), (4.0, 1e-3)])
def test_the_weibull_fit_is_the_maximum_likelihood(shape, scale):
    x = stats.weibull_min.rvs(shape, scale=scale, size=(2, 3000), random_state=np.random.default_rng(0))
    scales, shapes = statistics.fit_weibull(torch.from_numpy(x).log())
    for values, *found in zip(x, shapes, scales, strict=True):
        expected_shape, _, expected_scale = stats.weibull_min.fit(values, floc=0)
        np.testing.assert_allclose([float(f) for f in found], [expected_shape, expected_scale], rtol=1e-4)


@pytest.mark.parametrize(
    "logs",
    [
        lambda random: np.log(random.uniform(size=1764)),
        lambda random: random.normal(scale=4, size=1764),
        lambda random: random.choice([-9, 2.5], 1764, p=[0.99, 0.01]) + random.normal(scale=0.1, size=1764),
        lambda random: np.append(np.log(1e-4) * np.ones(1763), 3.0),
        lambda random: np.log(1e-4) + random.exponential(3, size=1764),
    ],
    ids=["uniform", "log-normal", "two heaps", "one value apart", "long tail"],
)
def test_the_weibull_fit_finds_the_root_from_far_away(logs):
    logs = logs(np.random.default_rng(0)).astype(np.float32)
    away = logs.astype(float) - logs.max()

    def slope(shape):
        return 1 / shape + away.mean() - np.average(away, weights=np.exp(shape * away))

    expected = optimize.brentq(slope, 1e-3, 1e3, rtol=1e-12)
    expected_scale = np.exp(logs.max() + np.log(np.exp(expected * away).mean()) / expected)
    scale, shape = statistics.fit_weibull(torch.from_numpy(logs)[None])
    np.testing.assert_allclose([float(scale), float(shape)], [expected_scale, expected], rtol=5e-5)


def test_equal_values_have_no_weibull_shape():
    _, shape = statistics.fit_weibull(
        torch.stack([torch.full((50,), 2.0), torch.linspace(1, 2, 50)]).double().log()
    )
    assert shape.isfinite().tolist() == [False, True]


def test_the_model_is_the_gaussian_of_the_principal_axes(folder, monkeypatch):
    # Blocks with a spectrum of variances, some dull, one incomplete.
    random = np.random.default_rng(0)
    rows = random.normal(size=(2, 36, 468)) * np.geomspace(10, 0.01, 468) + random.normal(size=468)
    sharpness = random.uniform(0.5, 1, size=(2, 36))
    sharpness[0, 0], rows[0, 0, 5] = 2, np.nan
    pictures = iter(zip(torch.from_numpy(rows), torch.from_numpy(sharpness), strict=True))
    monkeypatch.setattr(ilniqe, "describe", lambda image: next(pictures))
    model = ilniqe.fit(folder.iterdir(), sharpness=0.6).pristine

    sharpness[0, 0] = 0
    kept = np.concatenate([r[s > 0.6 * s.max()] for r, s in zip(rows, sharpness, strict=True)])
    assert 36 < len(kept) < 71
    values, axes = np.linalg.eigh(np.cov(kept, rowvar=False))
    count = int(len(kept) * 0.92)
    values, axes = values[::-1][:count], axes[:, ::-1][:, :count]
    np.testing.assert_allclose(model.centre, kept.mean(0), atol=1e-12)
    np.testing.assert_allclose(np.abs(model.axes.numpy().T @ axes), np.eye(count), atol=1e-6)
    np.testing.assert_allclose(model.covariance, np.diag(values), atol=1e-9 * values[0])
    np.testing.assert_allclose(model.mean, 0, atol=1e-9)


def test_the_score_is_the_mean_distance_of_the_blocks(fitted):
    p = fitted.pristine
    rows = np.random.default_rng(1).normal(size=(36, 468)) * p.centre.abs().numpy() / 10 + p.centre.numpy()
    expected = plain.score(rows, *(part.numpy() for part in (p.mean, p.covariance, p.centre, p.axes)))
    assert float(fitted._distance(torch.from_numpy(rows))) == pytest.approx(expected, rel=1e-6)


def test_incomplete_blocks_count_as_the_mean_of_the_others(fitted):
    p = fitted.pristine
    rows = np.random.default_rng(2).normal(size=(36, 468)) + p.centre.numpy()
    projected = (rows[2:] - p.centre.numpy()) @ p.axes.numpy()
    inverse = np.linalg.pinv((np.cov(projected, rowvar=False) + p.covariance.numpy()) / 2)
    away = np.concatenate([projected, [projected.mean(0)] * 2]) - p.mean.numpy()
    expected = np.sqrt(np.einsum("nk,kl,nl->n", away, inverse, away)).mean()
    rows[:2, 7] = np.nan
    assert float(fitted._distance(torch.from_numpy(rows))) == pytest.approx(expected, rel=1e-6)


def test_features_are_the_mean_of_the_blocks_that_are_whole(fitted, monkeypatch):
    rows = np.random.default_rng(3).normal(size=(2, 36, 468))
    rows[0, 3, 5] = rows[1, :2, 0] = np.nan
    images = torch.rand(2, 3, 32, 40)
    monkeypatch.setattr(
        ilniqe,
        "describe",
        lambda image: (torch.from_numpy(rows[int(image.equal(images[1]))]), torch.ones(36)),
    )
    found = fitted.features(images)
    expected = [own[np.isfinite(own).all(1)].mean(0) for own in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_distortions_take_a_picture_of_any_batch_and_size_away_from_nature(fitted):
    pixels = skimage.data.coffee()[:300, 200:600]
    blurred = ndimage.gaussian_filter(pixels, (4, 4, 0))
    noise = np.random.default_rng(0).normal(0, 50, pixels.shape)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    batch = torch.stack([to_tensor(p) for p in (pixels, blurred, noisy)])
    scores = fitted.score(batch)
    assert scores.dtype == torch.float32
    assert torch.equal(scores[2:], fitted.score(batch[2:]))
    flat = fitted.score(torch.full((1, 3, 32, 60), 0.5))
    good, *bad = scores
    assert good < min(bad)
    assert max(bad) < float("inf")
    assert good < flat < float("inf")


def test_what_training_writes_loads_again(folder, fitted, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(ilniqe, "describe", lambda image: rows[image.numpy().tobytes()])
    files = sorted(folder.iterdir())
    settings = ilniqe.train(TrainingData(files[::-1], seed=1), tmp_path, sharpness=0.2)
    loaded = methods.load("ilniqe", **settings).pristine
    for name in ("mean", "covariance", "centre", "axes"):
        assert torch.equal(getattr(loaded, name), getattr(fitted.pristine, name))
    assert [p.name for p in tmp_path.iterdir()] == ["ilniqe.npz"]


def test_the_authors_file_is_read(fitted, tmp_path):
    p = fitted.pristine
    cells = np.empty((1, 4), dtype=object)
    cells[0] = [p.mean.numpy()[None], p.covariance.numpy(), p.centre.numpy()[:, None], p.axes.numpy()]
    scipy.io.savemat(tmp_path / "templateModel.mat", {"templateModel": cells})
    loaded = methods.load("ilniqe", parameters=str(tmp_path / "templateModel.mat")).pristine
    assert torch.equal(loaded.covariance, p.covariance)
    assert torch.equal(loaded.mean, p.mean)
    assert torch.equal(loaded.centre, p.centre)
    assert torch.equal(loaded.axes, p.axes)


@pytest.mark.parametrize("fault", ["missing", "truncated", "another", "shape", "nan", "mat"])
def test_a_faulty_parameter_file_is_refused(fault, fitted, tmp_path):
    file = tmp_path / ("p.mat" if fault == "mat" else "p.npz")
    parts = {name: getattr(fitted.pristine, name).numpy().copy() for name in ilniqe._PARTS}
    if fault == "another":
        del parts["axes"]
    if fault == "shape":
        parts["axes"] = parts["axes"][:, 1:]
    if fault == "nan":
        parts["centre"][0] = np.nan
    np.savez(tmp_path / "p.npz", **parts)
    if fault == "mat":
        (tmp_path / "p.npz").rename(file)
    if fault == "missing":
        file.unlink()
    if fault == "truncated":
        file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"p\.(npz|mat)"):
        methods.load("ilniqe", parameters=str(file))


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(ValueError, match="either `parameters`, a file, or `pristine`"):
        methods.load("ilniqe", parameters="a.npz", pristine="b")
    with pytest.raises(ValueError, match="no pictures in the folder"):
        methods.load("ilniqe", pristine=str(tmp_path))
    with pytest.raises(ValueError, match="sharpness must lie"):
        ilniqe.fit([], sharpness=1.0)
    with pytest.raises(ValueError, match="0 pristine pictures give 0 sharp blocks"):
        ilniqe.fit([])
