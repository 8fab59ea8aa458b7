"""Folded for scoring: the same network by another road. The plain one is the oracle."""

import copy

import pytest
import torch
from torch import nn

from benchmark.attribution.shuffle import shuffled
from methods._shared.clip.antonyms import SEVEN_PAIRS
from methods._shared.clip.encoder import SMALL, ImageEncoder, build
from methods._shared.clip.folded import folded
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import scorer
from methods.qualiclip import CARD


def norms(module):
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.fixture
def method():
    """Norms with statistics as training leaves them: at the start they would do nothing."""
    made = scorer(
        build({**SMALL, "vision_cfg": {**SMALL["vision_cfg"], "layers": [2, 1, 1, 1]}}, 0), SEVEN_PAIRS
    )
    generator = torch.Generator().manual_seed(1)
    for norm in norms(made):
        for values, low, high in ((norm.running_mean, -0.5, 0.5), (norm.running_var, 0.5, 2.0)):
            values.copy_(torch.rand(values.shape, generator=generator) * (high - low) + low)
        with torch.no_grad():
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            norm.bias.uniform_(-0.5, 0.5, generator=generator)
    return AntonymMethod("qualiclip", made, CARD)


@pytest.fixture
def images():
    return torch.rand(3, 3, 75, 110, generator=torch.Generator().manual_seed(2))


def test_the_folded_encoder_gives_the_same_embeddings(method, images):
    encoder = method.scorer.encoder
    light = folded(encoder, torch.float32)
    assert norms(encoder)
    assert not norms(light)
    with torch.no_grad():
        torch.testing.assert_close(light(images), encoder(images), atol=1e-5, rtol=0)


def test_scores_are_those_of_the_plain_network(method, images):
    with torch.no_grad():
        expected = method.scorer(images)[:, 2]
    torch.testing.assert_close(method.score(images), expected, atol=1e-5, rtol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = method.score(images)
    assert 0 < (coarse - expected).abs().max() < 0.1
    torch.testing.assert_close(method.score(images), expected, atol=1e-5, rtol=0)  # back in single precision


def test_weights_that_change_are_noticed(method, images):
    before = method.score(images)
    other = shuffled(method)
    with torch.no_grad():
        expected = other.scorer(images)[:, 2]
    torch.testing.assert_close(other.score(images), expected, atol=1e-5, rtol=0)
    assert (expected - before).abs().max() > 1e-4
    with torch.no_grad():
        method.scorer.encoder.visual.layer4[0].bn3.bias.add_(1.0)
        expected = method.scorer(images)[:, 2]
    torch.testing.assert_close(method.score(images), expected, atol=1e-5, rtol=0)


def test_training_and_gradcam_see_the_network_as_it_is(method, images):
    kept = copy.deepcopy(method.scorer.state_dict())
    method.score(images)
    assert norms(method.cam_module)
    assert all(parameter.requires_grad for parameter in method.scorer.encoder.parameters())
    assert all(torch.equal(values, kept[name]) for name, values in method.scorer.state_dict().items())
    method.cam_module(images)[:, 2].sum().backward()
    assert method.scorer.encoder.visual.conv1.weight.grad.abs().max() > 0


def test_towers_without_norms_to_fold_are_taken_as_they_are():
    tower = {"image_size": 64, "layers": 1, "width": 64, "patch_size": 16, "head_width": 32}
    encoder = ImageEncoder(build({**SMALL, "vision_cfg": tower}, seed=0).visual)
    assert folded(encoder, torch.bfloat16) is encoder
