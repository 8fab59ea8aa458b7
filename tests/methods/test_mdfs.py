"""MDFS against a plain writing of it, the authors' file of pristine features, and what is refused."""

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import methods
from benchmark.scoring.conformance import check_method
from tests.reference import arniqa
from tests.reference import mdfs as plain

B0 = {"model": "efficientnet_b0"}


def tensor(height, width):
    return torch.from_numpy(arniqa.picture(height, width)).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def network():
    return plain.network()


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    """Weights of the network, and pristine features as the authors save them: a lone tensor [N, D]."""
    at = tmp_path_factory.mktemp("mdfs")
    torch.save(network.state_dict(), at / "b0.pth")
    rows = 0.3 * torch.randn(900, 272, generator=torch.Generator().manual_seed(0))
    torch.save(rows, at / "MDFS_weights.pth")
    return {
        "weights": str(at / "b0.pth"),
        "pristine": str(at / "MDFS_weights.pth"),
        **B0,
    }, rows.double().numpy()


@pytest.mark.parametrize("size", [(130, 97), (96, 160)])
def test_places_are_those_of_the_plain_writing(network, files, size):
    method, image = methods.load("mdfs", **files[0]), tensor(*size)
    rows, deviations = method.statistics.of(image)
    expected = plain.places(network, image)
    np.testing.assert_allclose(rows, expected[0], atol=1e-6)
    np.testing.assert_allclose(deviations, expected[1], rtol=1e-5)


def test_a_wider_window_on_a_larger_grid(network, files):
    """From 32 places on the window grows: 5 x 5, every second place."""
    from methods import mdfs

    maps = torch.rand(1, 6, 34, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows, _ = mdfs.pooled(maps, [2, 4])
    assert rows.shape == (32 * 38, 6)
    rows, deviations = mdfs.pooled(torch.rand(1, 6, 64, 70), [2, 4])
    assert rows.shape == (30 * 33, 6)
    assert deviations.shape == (30 * 33,)


@pytest.mark.parametrize("size", [(130, 97), (96, 160)])
def test_the_score_is_that_of_the_formula(network, files, size):
    (given, rows), image = files, tensor(*size)
    found = methods.load("mdfs", **given).score(image[None]).item()
    assert found == pytest.approx(plain.score(network, rows, image), rel=1e-5)


def test_it_keeps_every_promise(files):
    method = methods.load("mdfs", **files[0])
    assert [f for f in check_method(method, method.card) if f.problem] == []
    assert [entry.kind for entry in method.card.exposure] == ["corpus", "pictures"]


def test_training_takes_the_places_with_more_detail_than_the_mean(network, files, tmp_path):
    at = tmp_path / "pristine"
    at.mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()[:240, :320]).save(at / f"{name}.png")
    given = {"weights": files[0]["weights"], **B0}
    made = methods.train("mdfs", sorted(at.iterdir()), tmp_path / "out", seed=0, settings=given)
    kept = []
    for path in sorted(at.iterdir()):
        image = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1).float() / 255
        rows, deviations = plain.places(network, image)
        kept.append(rows[deviations > deviations.mean()])
    method = methods.load("mdfs", **made)
    np.testing.assert_allclose(method.mean, np.concatenate(kept).mean(0), atol=1e-6)
    np.testing.assert_allclose(method.covariance, np.cov(np.concatenate(kept), rowvar=False), atol=1e-7)
    again = methods.load("mdfs", pristine=str(at), **given)
    assert torch.equal(again.mean, method.mean)
    assert method.card.exposure[-1].what == "the pictures of `train.dataset`"


def test_what_cannot_serve_is_refused(files, tmp_path):
    given = files[0]
    method = methods.load("mdfs", **given)
    with pytest.raises(ValueError, match="33x40 pixels is too small"):
        method.score(tensor(40, 33)[None])
    torch.save(torch.rand(100, 272), tmp_path / "few.pth")
    with pytest.raises(ValueError, match="give 100 rows of 272 features: add some"):
        methods.load("mdfs", **{**given, "pristine": str(tmp_path / "few.pth")})
    with pytest.raises(ValueError, match=r"b0\.pth holds no rows of features"):
        methods.load("mdfs", **{**given, "pristine": given["weights"]})
    with pytest.raises(ValueError, match="'resnet18' is no EfficientNet"):
        methods.load("mdfs", **{**given, "model": "resnet18"})
