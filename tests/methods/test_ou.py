"""The opinion-unaware distance over any encoder's features: the formula, and a plain choice of patches."""

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

from methods._shared.pristine import ou
from tests.reference import niqe as plain


class Encoder:
    """Twelve numbers a patch: each colour's means over its quarters."""

    name = "quarters"

    def features(self, images):
        return F.adaptive_avg_pool2d(images, 2).flatten(1)


def to_tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


def to_pixels(patch):
    return (patch * 255).round().byte().permute(1, 2, 0).numpy()


SETTINGS = ou.Settings(patch=32, stride=16)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    at = tmp_path_factory.mktemp("pristine")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()[:200, :300]).save(at / f"{name}.png")
    return sorted(at.iterdir())


@pytest.fixture(scope="module")
def method(files):
    return ou.fit(Encoder(), files, SETTINGS)


def plain_rows(image, patch, stride):
    height, width = image.shape[1:]
    corners = [
        (i, j) for i in range(0, height - patch + 1, stride) for j in range(0, width - patch + 1, stride)
    ]
    patches = [image[:, i : i + patch, j : j + patch] for i, j in corners]
    return patches, np.array([[float(v) for v in Encoder().features(p[None])[0]] for p in patches])


def test_the_distance_is_that_of_the_formula(method):
    image = to_tensor(skimage.data.rocket()[50:150, 100:231])
    _, rows = plain_rows(image, 32, 16)
    away = rows.mean(0) - method.mean.numpy()
    both = (np.cov(rows, rowvar=False) + method.covariance.numpy()) / 2 + 1e-3 * np.eye(12)
    expected = np.sqrt(away @ np.linalg.inv(both) @ away)
    assert method.score(image[None]).item() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(method.features(image[None])[0], rows.mean(0), rtol=1e-5)


def test_pristine_patches_are_sharp_and_colourful(files, method):
    kept = []
    for file in files:
        pixels = np.array(Image.open(file))
        deviation = plain.mscn(plain.grey(pixels))[1]
        patches, rows = plain_rows(to_tensor(pixels), 32, 32)
        width = pixels.shape[1] // 32
        sharp = [
            deviation[32 * (n // width) :][:32, 32 * (n % width) :][:, :32].sum() for n in range(len(rows))
        ]
        colour = []
        for patch in patches:
            r, g, b = patch.double().numpy()
            rg, yb = abs(r - g), abs(0.5 * (r + g) - b)
            spread = np.sqrt(rg.std(ddof=1) ** 2 + yb.std(ddof=1) ** 2)
            colour.append(spread + np.sqrt(rg.mean() ** 2 + yb.mean() ** 2))
        sharp_enough = [n for n in range(len(rows)) if sharp[n] > 0.75 * max(sharp)]
        most = max(colour[n] for n in sharp_enough)
        kept += [rows[n] for n in sharp_enough if colour[n] > 0.8 * most]
    assert len(kept) > len(files)
    np.testing.assert_allclose(method.mean, np.mean(kept, 0), rtol=1e-6)
    np.testing.assert_allclose(method.covariance, np.cov(np.array(kept), rowvar=False), atol=1e-9)


def test_colours_that_lean_either_way_have_the_magnitudes_of_their_differences():
    patches = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    patches[1, 0] *= 0.2  # greener and bluer than red
    expected = []
    for r, g, b in patches.double().numpy():
        rg, yb = abs(r - g), abs(0.5 * (r + g) - b)
        expected.append(np.hypot(rg.std(ddof=1), yb.std(ddof=1)) + np.hypot(rg.mean(), yb.mean()))
    np.testing.assert_allclose(ou.colourfulness(patches), expected, rtol=1e-9)


def test_a_grey_picture_keeps_its_sharp_patches():
    grey = to_tensor(np.repeat(skimage.data.camera()[:128, :128, None], 3, 2))
    assert len(ou.pristine_patches(grey, SETTINGS)) > 0


def test_a_score_does_not_depend_on_batches(method):
    images = torch.stack([to_tensor(skimage.data.rocket()[k : k + 80, 100:190]) for k in (0, 60, 120)])
    alone = torch.cat([method.score(image[None]) for image in images])
    torch.testing.assert_close(method.score(images), alone, atol=1e-6, rtol=0)
    settings = ou.Settings(patch=32, stride=16, batch=5)
    smaller = ou.OpinionUnaware(Encoder(), method.mean, method.covariance, settings)
    torch.testing.assert_close(smaller.score(images), alone, atol=1e-6, rtol=1e-6)


def test_a_single_patch_is_scored(method):
    image = to_tensor(skimage.data.rocket()[:32, :32])
    away = Encoder().features(image[None])[0].double().numpy() - method.mean.numpy()
    expected = away @ np.linalg.inv(method.covariance.numpy() / 2 + 1e-3 * np.eye(12)) @ away
    assert method.score(image[None]).item() == pytest.approx(np.sqrt(expected), rel=1e-6)


def test_pictures_unlike_the_pristine_ones_lie_farther_away(method):
    pixels = skimage.data.chelsea()[:200, :300]
    inverted = 255 - ndimage.gaussian_filter(pixels, (4, 4, 0))
    like, unlike = method.score(torch.stack([to_tensor(pixels), to_tensor(inverted)]))
    assert like < unlike


def test_the_model_is_written_and_read(method, tmp_path):
    ou.write(method, tmp_path / "m.npz")
    again = ou.read(Encoder(), tmp_path / "m.npz")
    image = to_tensor(skimage.data.rocket()[:90, :90])[None]
    assert torch.equal(again.score(image), method.score(image))
    assert again.settings == SETTINGS
    assert again.name == "quarters-ou"
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


@pytest.mark.parametrize("fault", ["missing", "truncated", "another", "setting"])
def test_a_faulty_model_is_refused(method, tmp_path, fault):
    file = tmp_path / "m.npz"
    ou.write(method, file)
    if fault == "missing":
        file.unlink()
    if fault == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    if fault == "another":
        np.savez(file, weights=np.ones(3))
    if fault == "setting":
        np.savez(file, **dict(np.load(file)), unknown=3)
    with pytest.raises(ValueError, match=r"m\.npz"):
        ou.read(Encoder(), file)


def test_what_cannot_serve_is_refused(method, files):
    with pytest.raises(ValueError, match="30x40 pixels is smaller than a patch of 32"):
        method.score(torch.zeros(1, 3, 40, 30))
    with pytest.raises(ValueError, match=r"astronaut\.png.*smaller than a patch of 256"):
        ou.fit(Encoder(), files, ou.Settings(patch=256))
    with pytest.raises(ValueError, match="0 pristine pictures give 0"):
        ou.fit(Encoder(), [], SETTINGS)
    with pytest.raises(ValueError, match="stride"):
        ou.Settings(stride=97)
    with pytest.raises(ValueError, match="ridge"):
        ou.Settings(ridge=0)
