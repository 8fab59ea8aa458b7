"""CONTRIQUE and Re-IQA: the authors' files in their own layout, features by a plain ResNet, the distance."""

import pytest
import skimage.data
import torch
from PIL import Image

import methods
from benchmark.method import has_features
from benchmark.scoring.conformance import check_method
from tests.reference import arniqa, contrastive

SIZES = [(97, 131), (150, 64)]


def tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    at = tmp_path_factory.mktemp("weights")
    files = {name: str(at / f"{name}.pth") for name in ("contrique", "quality", "content")}
    states = {
        name: contrastive.write_reiqa(files[name], name, arniqa.tiny) for name in ("quality", "content")
    }
    states["contrique"] = contrastive.write_contrique(files["contrique"], arniqa.tiny)
    given = {
        "contrique": {"weights": files["contrique"]},
        "reiqa": {"quality": files["quality"], "content": files["content"]},
    }
    return given, states


@pytest.fixture
def small(written, narrow_resnets):
    """Settings that load each method from files of a tiny ResNet, and what those hold."""
    return written


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    at = tmp_path_factory.mktemp("pristine")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()[:200, :300]).save(at / f"{name}.png")
    return at


@pytest.mark.parametrize("size", SIZES)
def test_features_are_those_of_a_plain_resnet(small, size):
    (given, states), pixels = small, arniqa.picture(*size)
    found = methods.load("contrique", **given["contrique"]).features(tensor(pixels))
    expected = contrastive.contrique(states["contrique"], pixels)
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)
    found = methods.load("reiqa", **given["reiqa"]).features(tensor(pixels))
    expected = contrastive.reiqa(states["quality"], states["content"], pixels)
    torch.testing.assert_close(found.double(), expected, atol=1e-5 * expected.abs().max(), rtol=0)


@pytest.mark.slow
def test_the_authors_files_of_a_resnet50(tmp_path):
    pixels = arniqa.picture(97, 131)
    state = contrastive.write_contrique(tmp_path / "CONTRIQUE_checkpoint25.tar")
    found = methods.load("contrique", weights=str(tmp_path / "CONTRIQUE_checkpoint25.tar"))
    expected = contrastive.contrique(state, pixels)
    assert expected.shape == (1, 4096)
    torch.testing.assert_close(found.features(tensor(pixels)).double(), expected, atol=1e-6, rtol=0)
    state = contrastive.write_reiqa(tmp_path / "quality_aware_r50.pth", "quality")
    quality = methods.load("reiqa", quality=str(tmp_path / "quality_aware_r50.pth"))
    expected = contrastive.reiqa(state, state, pixels).unflatten(1, (4, 2048))[:, ::2].flatten(1)
    found = quality.features(tensor(pixels)).double()
    torch.testing.assert_close(found, expected, atol=1e-5 * expected.abs().max(), rtol=0)


@pytest.mark.parametrize("name", ["contrique", "reiqa"])
def test_the_distance_keeps_every_promise_and_training_gives_the_same(small, pristine, tmp_path, name):
    given = small[0][name]
    method = methods.load(name, pristine=str(pristine), **given)
    assert [f for f in check_method(method, method.card, features=True) if f.problem] == []
    assert method.name == f"{name}-ou"
    made = methods.train(name, sorted(pristine.iterdir()), tmp_path / "out", seed=0, settings=given)
    picture = tensor(arniqa.picture(200, 200))
    torch.testing.assert_close(methods.load(name, **made).score(picture), method.score(picture))
    assert [entry.what for entry in method.card.exposure][-1] == "the pictures of `train.dataset`"


@pytest.mark.parametrize("name", ["contrique", "reiqa"])
def test_without_pristine_pictures_there_are_features_alone(small, name):
    method = methods.load(name, **small[0][name])
    images = torch.cat([tensor(arniqa.picture(97, 131)), tensor(arniqa.picture(97, 131)).flip(3)])
    alone = torch.cat([method.features(image[None]) for image in images])
    torch.testing.assert_close(method.features(images), alone, atol=1e-6 * alone.abs().max(), rtol=0)
    assert has_features(method)
    with pytest.raises(ValueError, match=f"{name}: has features and no scores of its own; set `pristine`"):
        method.score(images)


def test_one_encoder_of_reiqa_says_which_it_is_and_what_it_saw(small):
    given = small[0]["reiqa"]
    quality, content = (methods.load("reiqa", **{name: given[name]}) for name in ("quality", "content"))
    assert (quality.card.title, content.card.title) == ("Re-IQA (quality)", "Re-IQA (content)")
    assert {entry.what for entry in quality.card.exposure} >= {"kadis700k", "AVA"}
    assert [entry.kind for entry in content.card.exposure] == ["corpus"]
    with pytest.raises(ValueError, match="give `quality`, `content` or both"):
        methods.load("reiqa")


def test_a_file_of_another_kind_is_refused(small, tmp_path):
    given = small[0]
    with pytest.raises(ValueError, match=r"quality\.pth is no checkpoint of CONTRIQUE: it lacks a ResNet"):
        methods.load("contrique", weights=given["reiqa"]["quality"])
    with pytest.raises(ValueError, match=r"contrique\.pth is no checkpoint of Re-IQA: it lacks a ResNet"):
        methods.load("reiqa", quality=given["contrique"]["weights"])
    state = torch.load(given["contrique"]["weights"])
    del state["encoder.5.0.conv1.weight"]
    torch.save(state, tmp_path / "damaged.tar")
    with pytest.raises(ValueError, match=r"it lacks layer2\.0\.conv1\.weight"):
        methods.load("contrique", weights=str(tmp_path / "damaged.tar"))
