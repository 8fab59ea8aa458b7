"""Frozen encoders: features as their libraries give them, files without a classifier, and the distance."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

import methods
from benchmark.scoring.conformance import check_method

MOBILENET = (
    Path(__file__).resolve().parents[2] / "../shared/data/pretrained/mobilenet_v2_features.safetensors"
)
IMAGENET = (torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))


def normalised(images, mean=IMAGENET[0], std=IMAGENET[1]):
    return (images - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 97, 130, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    torch.manual_seed(0)
    network = torchvision.models.resnet18(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(network.state_dict(), path)
    return network, path


def test_features_of_torchvision_are_what_its_classifier_sees(resnet, images):
    network, path = resnet
    method = methods.load("encoder", model="resnet18", weights=str(path))
    seen = []
    network.fc.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    with torch.no_grad():
        network(normalised(images))
    torch.testing.assert_close(method.features(images), seen[0], atol=1e-5, rtol=1e-4)


def test_both_scales_stand_side_by_side(resnet, images):
    one = methods.load("encoder", model="resnet18", weights=str(resnet[1])).features
    pixels = (images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    small = np.array(Image.fromarray(pixels).resize((65, 48), Image.Resampling.BILINEAR))
    full, smaller = (torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (pixels, small))
    both = methods.load("encoder", model="resnet18", weights=str(resnet[1]), scales="both").features(full)
    torch.testing.assert_close(both, torch.cat([one(full), one(smaller)], 1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("model", ["test_vit", "test_convnext", "test_efficientnet"])
def test_features_of_timm_are_its_own(model, images, tmp_path):
    torch.manual_seed(0)
    shape = {"dynamic_img_size": True} if "vit" in model else {}
    theirs = timm.create_model(model, **shape).eval()
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    method = methods.load("encoder", library="timm", model=model, weights=str(tmp_path / "w.safetensors"))
    about = theirs.pretrained_cfg
    x = normalised(images, torch.tensor(about["mean"]), torch.tensor(about["std"]))
    if "vit" in model:
        x = x[:, :, : 97 // 16 * 16, : 130 // 16 * 16]
    with torch.no_grad():
        expected = theirs.forward_head(theirs.forward_features(x), pre_logits=True)
    torch.testing.assert_close(method.features(images), expected, atol=1e-5, rtol=1e-4)


def test_features_of_open_clip_are_clipiqas(images):
    asked = {"architecture": "small", "pretrained": None}
    expected = methods.load("clipiqa", **asked).features(images)
    found = methods.load("encoder", library="open_clip", model="small", weights=None).features(images)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    at = tmp_path_factory.mktemp("pristine")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()[:200, :300]).save(at / f"{name}.png")
    return at


def test_the_distance_keeps_every_promise_and_training_gives_the_same(pristine, tmp_path):
    chosen = {"library": "timm", "model": "test_resnet", "weights": None}
    method = methods.load("encoder", pristine=str(pristine), **chosen)
    found = check_method(method, method.card, features=True)
    assert [finding for finding in found if finding.problem] == []
    made = methods.train("encoder", sorted(pristine.iterdir()), tmp_path / "out", seed=0, settings=chosen)
    picture = (
        torch.from_numpy(np.ascontiguousarray(skimage.data.rocket()[:200, :200])).permute(2, 0, 1)[None] / 255
    )
    torch.testing.assert_close(methods.load("encoder", **made).score(picture), method.score(picture))


def test_without_pristine_pictures_there_are_no_scores(images):
    method = methods.load("encoder", library="timm", model="test_resnet", weights=None)
    with pytest.raises(ValueError, match="no scores of its own; set `pristine`"):
        method.score(images)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"model": "resnet81", "weights": None}, "did you mean 'resnet"),
        ({"model": "squeezenet1_1", "weights": None}, "no linear classifier to leave out"),
        ({"model": "resnet18", "weights": "imagenet"}, "neither a file nor 'IMAGENET1K_V1'"),
        ({"model": "maxvit_t", "weights": None}, "maxvit_t of torchvision cannot take a picture of 96x96"),
        ({"library": "timm", "model": "test_vitt", "weights": None}, "did you mean 'test_vit"),
    ],
)
def test_what_cannot_be_is_refused_by_the_setting(settings, says):
    with pytest.raises(ValueError, match=says):
        methods.load("encoder", **settings)


def test_a_file_of_another_network_is_refused(resnet):
    with pytest.raises(ValueError, match=r"resnet18\.safetensors does not fit: it lacks layer1"):
        methods.load("encoder", model="resnet34", weights=str(resnet[1]))


@pytest.mark.skipif(not MOBILENET.is_file(), reason="MobileNetV2's weights are not here")
def test_real_weights_without_their_classifier(images):
    method = methods.load("encoder", model="mobilenet_v2", weights=str(MOBILENET))
    network = torchvision.models.mobilenet_v2(weights=None).eval()
    from safetensors.torch import load_file

    network.load_state_dict(load_file(MOBILENET), strict=False)
    with torch.no_grad():
        expected = network.features(normalised(images)).mean((2, 3))
    torch.testing.assert_close(method.features(images), expected, atol=1e-5, rtol=1e-4)
