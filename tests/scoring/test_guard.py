"""The door of every method: pictures pass as they are, what is none is refused with its likely mistake."""

import copy
import pickle
import sys
import types
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import hubconf
import methods
from benchmark.attribution.maps import maps
from benchmark.method import has_features, has_gradients
from benchmark.scoring.guard import checked, guarded
from experiments.runs.trained import load_trained
from tests.made import trained

PICTURE = torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(0))
CLIP = torch.tensor([[0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]])
IMAGENET = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])


def normalised(images, by):
    mean, deviation = by.view(2, 1, 3, 1, 1)
    return (images - mean) / deviation


def with_one(value):
    images = PICTURE.clone()
    images[1, 2, 17, 5] = value
    return images


WRONG = {
    "bytes": ((PICTURE * 255).byte(), "not uint8: divide bytes by 255"),
    "0 to 255": (PICTURE * 255, r"values from 0\.\d+ to 25\d.*: divide by 255"),
    "0 to 65535": (PICTURE * 65535, ": divide by 65535"),
    "16 bits": ((PICTURE * 65535).to(torch.uint16), "not uint16: divide by 65535"),
    "whole numbers": (PICTURE.long(), "must be float32, not int64"),
    "bfloat16": (PICTURE.bfloat16(), "not bfloat16: .*float32"),
    "by CLIP": (normalised(PICTURE, CLIP), r"values from -1\.\d+ to 2\.\d+: already normalised\?"),
    "by ImageNet": (normalised(PICTURE, IMAGENET), r"values from -2\.\d+ to 2\.\d+: already normalised\?"),
    "dark, by CLIP": (normalised(PICTURE / 8, CLIP), r"values from -1\.\d+ to -\d\.\d+: already normalised"),
    "bright, by CLIP": (normalised(1 - PICTURE / 8, CLIP), r"values from 1\.\d+ to 2\.\d+: already norm"),
    "-1 to 1": (PICTURE * 2 - 1, r"scaled to \[-1, 1\]"),
    "overshoot": (PICTURE * 1.2 - 0.1, r"overshoot of resizing\? clamp\(0, 1\)"),
    "a NaN": (with_one(float("nan")), "1 of 11520 values are NaN or infinite"),
    "a NaN with its sign set": (-with_one(float("nan")), "1 of 11520 values are NaN or infinite"),
    "infinite": (with_one(float("inf")), "1 of 11520 values"),
    "minus infinite": (with_one(-float("inf")), "1 of 11520 values"),
    "a NaN among doubles": (with_one(float("nan")).double(), "1 of 11520 values"),
    "one pixel too bright": (with_one(1.01), "overshoot"),
    "one pixel below zero": (with_one(-0.01), "overshoot"),
    "far below": (PICTURE - 100, "values from -"),
    "grey": (PICTURE[:, :1], r"not \[2, 1, 40, 48\]: for grey pictures, images\.expand"),
    "transparency": (torch.cat([PICTURE, PICTURE[:, :1]], 1), r"not \[2, 4, 40, 48\]: a fourth channel"),
    "no batch": (PICTURE[0], r"for one picture, images\[None\]"),
    "channels last": (PICTURE.permute(0, 2, 3, 1), "channels must come first"),
    "no pictures": (PICTURE[:0], r"no pictures: the batch is empty, \[0, 3, 40, 48\]"),
    "no pixels": (torch.zeros(1, 3, 0, 4), "4x0 have no pixels"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_no_picture_is_refused_with_the_likely_mistake(case):
    images, says = WRONG[case]
    with pytest.raises(ValueError, match=says):
        checked(images)


@pytest.mark.parametrize("thing", [PICTURE.numpy(), "photo.jpg", None, [PICTURE]])
def test_what_is_no_tensor_is_refused(thing):
    with pytest.raises(TypeError, match=r"must be a tensor .*benchmark\.images\.read"):
        checked(thing)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pictures_pass_as_they_are(dtype, layout):
    images = PICTURE.to(dtype=dtype, memory_format=layout)
    assert checked(images) is images
    for edge in (torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2), torch.full((1, 3, 2, 2), 2.0**-149)):
        assert checked(edge) is edge
    assert checked(images[:, :, ::2, 1:]).shape == (2, 3, 20, 47)


def test_minus_zero_is_zero():
    assert torch.equal(checked(torch.full((1, 3, 2, 2), -0.0)), torch.zeros(1, 3, 2, 2))


def test_half_precision_becomes_single():
    found = checked(PICTURE.half())
    assert found.dtype == torch.float32
    assert torch.equal(found, PICTURE.half().float())


@given(st.floats(-1, 2, width=32), st.integers(0, 11519), st.sampled_from([torch.float32, torch.float64]))
def test_a_single_value_decides(value, place, dtype):
    images = PICTURE.to(dtype, copy=True)
    images.view(-1)[place] = value
    if -0.5 / 255 <= value <= 1 + 0.5 / 255:
        assert torch.equal(checked(images), images.clamp(0, 1))
    else:
        with pytest.raises(ValueError, match="values from"):
            checked(images)


def test_gradients_flow_through():
    images = (PICTURE * 1.001).requires_grad_()
    checked(images).sum().backward()
    assert torch.equal(images.grad, (images.detach() <= 1).float())
    inside = PICTURE.clone().requires_grad_()
    checked(inside).square().sum().backward()
    torch.testing.assert_close(inside.grad, 2 * PICTURE)


@pytest.mark.parametrize("case", list(WRONG))
@pytest.mark.parametrize("part", ["score", "features", "probabilities", "cam_module"])
def test_every_function_of_a_method_is_guarded(case, part):
    images, says = WRONG[case]
    with pytest.raises(ValueError, match=says):
        getattr(small(), part)(images)


def small(kept=[]):  # noqa: B006 (loaded once)
    if not kept:
        kept.append(methods.load("clipiqa", architecture="small", pretrained=None))
    return kept[0]


def test_the_guard_changes_no_score_under_autocast_or_not():
    bare = methods.clipiqa.load(architecture="small", pretrained=None)
    assert torch.equal(small().score(PICTURE), bare.score(PICTURE))
    assert torch.equal(small().score(PICTURE.half()), bare.score(PICTURE.half().float()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(small().score(PICTURE), bare.score(PICTURE))
    near = PICTURE.clone()
    near[0, 0, 0, 0], near[1, 0, 0, 0] = 1 + 1e-6, -1e-6
    assert torch.equal(small().score(near), bare.score(near.clamp(0, 1)))


def test_maps_ask_too():
    with pytest.raises(ValueError, match="already normalised"):
        maps(small(), normalised(PICTURE, CLIP))
    bare = methods.clipiqa.load(architecture="small", pretrained=None)
    with pytest.raises(ValueError, match="already normalised"):
        maps(bare, normalised(PICTURE, CLIP))


def test_methods_are_reached_by_no_other_door(tmp_path):
    trained("mine").write(tmp_path / "mine")
    for method in (
        load_trained("mine", tmp_path), hubconf.sharpness(), methods.load("pyiqa:piqe"),
        methods.load("qualiclip-small"), methods.load("brisque"),
    ):  # fmt: skip
        part = method.features if has_features(method) else method.score
        with pytest.raises(ValueError, match="divide by 255"):
            part(PICTURE * 255)


@dataclass(frozen=True)
class Frozen:
    name: str = "mine"
    higher_is_better: bool = True

    def score(self, images):
        return images.mean((1, 2, 3))


class Network(nn.Module):
    name, higher_is_better, cam_targets = "mine", True, ("score",)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 3)

    def forward(self, images):
        return self.conv(images).mean((2, 3))

    @property
    def cam_module(self):
        return self

    @property
    def cam_layer(self):
        return self.conv

    def score(self, images):
        return self(images)[:, 0].detach()

    def features(self, images):
        return self.conv(images).flatten(1).detach()


@pytest.mark.parametrize("kind", [Frozen, Network])
def test_a_method_of_ones_own_is_guarded(kind, monkeypatch):
    module = types.ModuleType("methods.mine")
    module.CARD, module.load = methods.card("sharpness"), kind
    monkeypatch.setitem(sys.modules, "methods.mine", module)
    monkeypatch.setattr("methods._shared.registry.names", lambda: ["mine"])
    method = methods.load("mine")
    with pytest.raises(ValueError, match="divide by 255"):
        method.score(PICTURE * 255)
    assert torch.equal(method.score(PICTURE), kind.score(method, PICTURE))
    if kind is Network:
        assert has_gradients(method)
        with pytest.raises(ValueError, match="divide by 255"):
            method.features(PICTURE * 255)
        with pytest.raises(ValueError, match="divide by 255"):
            method.cam_module(PICTURE * 255)


ANSWERS = {
    "a list": (lambda means: means.tolist(), "must return a tensor, not list"),
    "an array": (lambda means: means.numpy(), "must return a tensor, not ndarray"),
    "a number": (lambda means: means.mean().item(), "must return a tensor, not float"),
    "nothing": (lambda means: None, "must return a tensor, not NoneType"),
    "one for all": (torch.mean, r"one row for each of 2 pictures, not \[\]"),
    "too many": (lambda means: means.repeat(2), r"one row for each of 2 pictures, not \[4\]"),
    "a row": (lambda means: means[None], r"one row for each of 2 pictures, not \[1, 2\]"),
    "two a picture": (
        lambda means: means[:, None].repeat(1, 2),
        r"one number a picture, \[2\], not \[2, 2\]",
    ),
    "a column": (lambda means: means[:, None], r"one number a picture, \[2\], not \[2, 1\]"),
    "complex": (lambda means: means.to(torch.complex64), "must return real numbers, not complex64"),
}


def answering(made):
    """A method whose answer is made of the means of the pictures."""

    class Answering:
        name, higher_is_better = "mine", True

        def score(self, images):
            return made(images.mean((1, 2, 3)))

        features = score

    return Answering()


@pytest.mark.parametrize("case", list(ANSWERS))
def test_an_answer_that_is_no_number_for_each_picture_is_refused(case):
    made, says = ANSWERS[case]
    with pytest.raises(TypeError, match=rf"Answering\.score (must return )?{says}"):
        guarded(answering(made)).score(PICTURE)
    if "row for each" in says or "a tensor" in says:
        with pytest.raises(TypeError, match=says):
            guarded(answering(made)).features(PICTURE)


def test_an_answer_passes_as_it_is():
    method = guarded(answering(lambda means: means.double()))
    assert torch.equal(method.score(PICTURE), PICTURE.mean((1, 2, 3)).double())
    crops = guarded(answering(lambda means: means[:, None, None].repeat(1, 5, 7)))
    assert crops.features(PICTURE).shape == (2, 5, 7)


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"higher_is_better": False}, r"methods/mine: the card says .*=True, .* higher_is_better=False"),
        ({"higher_is_better": "yes"}, "higher_is_better='yes'"),
        ({"higher_is_better": None}, "the method says nothing"),
        ({"name": ""}, "has no `name`"),
    ],
)
def test_a_method_that_says_otherwise_than_its_card_is_not_loaded(own, says, monkeypatch):
    """Tables take the direction of the method, pages and other users' files that of the card."""
    module = types.ModuleType("methods.mine")
    module.CARD, module.load = methods.card("sharpness"), lambda: Frozen(**own)
    monkeypatch.setitem(sys.modules, "methods.mine", module)
    monkeypatch.setattr("methods._shared.registry.names", lambda: ["mine"])
    with pytest.raises(ValueError, match=says):
        methods.load("mine")


def test_a_method_to_which_nothing_can_be_added_is_refused():
    class Slotted:
        __slots__ = ("name",)

        def score(self, images):
            return images

    with pytest.raises(TypeError, match=r"Slotted cannot be guarded: .*__slots__"):
        guarded(Slotted())


def test_guarding_twice_is_guarding_once():
    method = guarded(Network())
    door = method.score
    assert guarded(method).score is door
    assert len(method._forward_pre_hooks) == 1


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_guarded_and_independent(again):
    method = guarded(Network())
    other = again(method)
    with pytest.raises(ValueError, match="divide by 255"):
        other.score(PICTURE * 255)
    before = method.score(PICTURE)
    with torch.no_grad():
        other.conv.bias += 1
    assert torch.equal(method.score(PICTURE), before)
    np.testing.assert_allclose(other.score(PICTURE), before + 1, rtol=1e-5)
