"""NIQE against plain loops, its parameter files, and pictures that people rated."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import skimage.data
import torch
from PIL import Image
from scipy import ndimage, stats

import methods
from benchmark import images as pictures_io
from benchmark.method import TrainingData
from methods import niqe
from tests.reference import niqe as plain

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the pictures in ../shared/data")


def to_tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def pictures():
    """Crops of two photographs, sharp and smooth, of several sizes that are no multiples of a patch."""
    astronaut, coffee = skimage.data.astronaut(), skimage.data.coffee()
    return [astronaut[:130, :200], astronaut[200:330, 100:300], coffee[100:230, 150:350], coffee[:97, :101]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same photographs cut into files: enough patches of 32 pixels to fit to."""
    at = tmp_path_factory.mktemp("pristine")
    for name in ("astronaut", "coffee"):
        photograph = getattr(skimage.data, name)()
        for k in range(4):
            crop = photograph[100 * (k // 2) :][:160, 180 * (k % 2) :][:, :224]
            Image.fromarray(np.ascontiguousarray(crop)).save(at / f"{name}{k}.png")
    return at


@pytest.fixture(scope="module")
def fitted(folder):
    return methods.load("niqe", pristine=str(folder), patch=32)


@pytest.mark.parametrize("patch", [32, 96])
def test_patches_are_described_as_by_plain_loops(pictures, patch):
    for pixels in pictures[1:]:
        features, sharpness = niqe.patch_features(to_tensor(pixels), patch)
        expected, expected_sharpness = plain.features(pixels, patch)
        np.testing.assert_allclose(features, expected, atol=1e-8)
        np.testing.assert_allclose(sharpness, expected_sharpness, atol=1e-8)


def test_fit_and_score_are_those_of_plain_loops(folder, fitted, pictures):
    mean, covariance = plain.fit([np.asarray(Image.open(p)) for p in sorted(folder.iterdir())], patch=32)
    np.testing.assert_allclose(fitted.mean, mean, atol=1e-8)
    np.testing.assert_allclose(fitted.covariance, covariance, atol=1e-8)
    for pixels in pictures[1:]:
        found = fitted.score(to_tensor(pixels)[None]).item()
        assert found == pytest.approx(plain.score(pixels, mean, covariance, patch=32), rel=1e-5)


def test_one_patch_is_enough_for_a_score(pictures, folder, fitted):
    pixels = pictures[0][20:52, 30:62]
    expected = plain.score(pixels, fitted.mean.numpy(), fitted.covariance.numpy(), patch=32)
    assert fitted.score(to_tensor(pixels)[None]).item() == pytest.approx(expected, rel=1e-5)


def test_a_score_does_not_depend_on_the_batch(pictures, fitted):
    batch = torch.stack([to_tensor(p[:97, :101]) for p in pictures])
    alone = torch.cat([fitted.score(image[None]) for image in batch])
    assert torch.equal(fitted.score(batch), alone)
    assert alone.dtype == torch.float32
    assert alone.shape == (4,)
    assert torch.equal(fitted.features(batch)[2:3], fitted.features(batch[2:3]))


def test_features_are_the_mean_over_the_patches(pictures, fitted):
    found = fitted.features(to_tensor(pictures[1])[None])
    np.testing.assert_allclose(found[0], plain.features(pictures[1], 32)[0].mean(0), rtol=1e-5)


def test_distortions_take_a_picture_away_from_nature(pictures, fitted):
    pixels = pictures[2]
    noise = np.random.default_rng(0).normal(0, 40, pixels.shape)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    blurred = ndimage.gaussian_filter(pixels, (3, 3, 0))
    good, *bad = fitted.score(torch.stack([to_tensor(p) for p in (pixels, noisy, blurred)]))
    assert good < min(bad)


def test_a_picture_without_texture_lies_far_from_nature(pictures, fitted):
    photographs = [fitted.score(to_tensor(p)[None]).item() for p in pictures]
    flat, black = fitted.score(torch.stack([torch.full((3, 64, 64), 0.5), torch.zeros(3, 64, 64)]))
    assert 2 * max(photographs) < flat < float("inf")
    assert flat == black


def test_the_scales_of_a_flat_patch_are_left_out(pictures, fitted):
    image = to_tensor(pictures[1])[:, :64, :64]
    image[:, :, 20:] = 0.5  # the right half of the patches and its surroundings
    rows = niqe.patch_features(image, 32)[0]
    assert rows[1::2].isnan().any(-1).all()
    np.testing.assert_allclose(fitted.features(image[None])[0, 1], rows[::2, 1].mean(), rtol=1e-6)


def test_what_training_writes_loads_again(folder, fitted, tmp_path):
    files = sorted(folder.iterdir())
    settings = niqe.train(TrainingData(files[::-1], seed=1), tmp_path / "a", patch=32)
    again = niqe.train(TrainingData(files, seed=2), tmp_path / "b", patch=32)
    loaded = methods.load("niqe", **settings)
    assert torch.equal(loaded.mean, fitted.mean)
    assert torch.equal(loaded.covariance, fitted.covariance)
    assert loaded.patch == 32
    assert Path(settings["parameters"]).read_bytes() == Path(again["parameters"]).read_bytes()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["niqe.npz"]


def test_parameters_of_matlab_are_read(fitted, tmp_path):
    file = tmp_path / "modelparameters.mat"
    scipy.io.savemat(
        file, {"mu_prisparam": fitted.mean.numpy()[None], "cov_prisparam": fitted.covariance.numpy()}
    )
    loaded = methods.load("niqe", parameters=str(file), patch=32)
    assert torch.equal(loaded.mean, fitted.mean)
    assert methods.load("niqe", parameters=str(file)).patch == 96


def test_a_picture_smaller_than_a_patch_is_refused(fitted, folder):
    with pytest.raises(ValueError, match="31x40 pixels is smaller than a patch of 32; set a smaller `patch`"):
        fitted.score(torch.zeros(1, 3, 40, 31))
    with pytest.raises(ValueError, match=r"astronaut0\.png.*smaller than a patch of 192"):
        methods.load("niqe", pristine=str(folder), patch=192)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": 32}, "published parameters are of patches of 96"),
        ({"parameters": "a.npz", "pristine": "b"}, "either `parameters`, a file, or `pristine`"),
        ({"parameters": "missing.npz"}, r"missing\.npz: cannot be read"),
        ({"pristine": "missing"}, "no pictures in the folder missing"),
        ({"pristine": ".", "patch": 33}, "even number"),
    ],
)
def test_bad_settings_are_named(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64)).save("one.png")
    with pytest.raises(ValueError, match=message):
        methods.load("niqe", **settings)


def test_too_few_patches_are_refused(folder, tmp_path):
    (tmp_path / "one.png").write_bytes((folder / "coffee0.png").read_bytes())
    with pytest.raises(ValueError, match=r"1 pristine pictures give .* more than 36 are needed"):
        methods.load("niqe", pristine=str(tmp_path), patch=32)


@pytest.mark.parametrize("fault", ["truncated", "pickled", "another", "shape", "nan", "skew", "patch"])
def test_a_faulty_parameter_file_is_refused(fault, fitted, folder, tmp_path):
    file = tmp_path / "p.npz"
    mean, covariance = fitted.mean.numpy().copy(), fitted.covariance.numpy().copy()
    entries = {"mu_pris_param": mean, "cov_pris_param": covariance}
    if fault == "pickled":
        entries["mu_pris_param"] = np.array([print] * 36, dtype=object)
    if fault == "another":
        entries = {"weights": mean}
    if fault == "shape":
        entries["cov_pris_param"] = covariance[:35, :35]
    if fault == "nan":
        mean[3] = np.nan
    if fault == "skew":
        covariance[3, 4] += 1
    np.savez(file, **entries, patch=32)
    if fault == "truncated":
        file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"p\.npz"):
        methods.load("niqe", parameters=str(file), patch=96 if fault == "patch" else None)


@pytest.fixture(scope="module")
def rated():
    table = pd.read_csv(SHARED / "agiqa3k/data.csv").iloc[::30]
    files = {p.name: p for p in (SHARED / "agiqa3k").rglob("*.jpg")}
    images = [pictures_io.read(files[Path(name).name]) for name in table["name"]]
    described, describe = {}, niqe.patch_features

    def once(image, patch):
        """Describe a picture once: that takes most of the time, and is the same for all parameters."""
        key = patch, image.numpy().tobytes()
        if key not in described:
            described[key] = describe(image, patch)
        return described[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(niqe, "patch_features", once)
        yield images, table["mos_quality"]


@needs_shared
@pytest.mark.shared
def test_published_parameters_give_the_published_correlation(rated):
    images, mos = rated
    file = SHARED / "niqe/niqe_pris_params.npz"
    method = methods.load("niqe", parameters=str(file))
    scores = [method.score(image[None]).item() for image in images]
    # Published: .529 over all 2,982 pictures; 100 of them leave a standard error of about .08.
    assert 0.529 - 0.16 < -stats.spearmanr(scores, mos).statistic < 0.529 + 0.16
    entries = np.load(file)
    for image, score in list(zip(images, scores, strict=True))[:3]:
        pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
        expected = plain.score(pixels, entries["mu_pris_param"][0], entries["cov_pris_param"])
        assert score == pytest.approx(expected, abs=1e-4)


@needs_shared
@pytest.mark.shared
def test_fitted_to_photographs_it_agrees_with_people(rated):
    images, mos = rated
    files = sorted((SHARED / "bsds500").rglob("*.jpg"))[::10]
    method = niqe.fit(files)
    scores = [method.score(image[None]).item() for image in images]
    assert -stats.spearmanr(scores, mos).statistic > 0.5
