"""Agreement with plain implementations in float64, given the same draws."""

import numpy as np
import pytest
import torch

from benchmark.degradations import GROUPS, LEVELS, MONOTONE, degrade, ladder
from benchmark.degradations.kinds import KINDS
from benchmark.degradations.levels import NEUTRAL
from benchmark.degradations.seeds import generator
from tests.degradations.pictures import photographs
from tests.reference.degradations import PUBLISHED, RISING, degraded

LEVEL_OF_GREY = 1 / 255


def oracle(kind, image, amount, seed):
    draw = KINDS[kind].draw
    fields = draw(generator(seed, kind), *image.shape[1:]) if draw else ()
    plain = degraded(kind, image.permute(1, 2, 0).numpy(), amount, [np.asarray(field) for field in fields])
    return np.moveaxis(plain, -1, 0)


def test_types_groups_and_levels_are_the_published_ones():
    assert dict(LEVELS) == PUBLISHED
    assert dict(MONOTONE) == PUBLISHED | RISING
    assert dict(NEUTRAL) == {"meanshift": 0.0, "lincontrchange": -0.2}
    assert dict(GROUPS) == {
        "blur": ("gaublur", "lensblur", "motionblur"),
        "color_distortion": ("colordiff", "colorshift", "colorsat1", "colorsat2"),
        "jpeg": ("jpeg2000", "jpeg"),
        "noise": ("whitenoise", "whitenoiseCC", "impulsenoise", "multnoise"),
        "brightness_change": ("brighten", "darken", "meanshift"),
        "spatial_distortion": ("jitter", "noneccpatch", "pixelate", "quantization", "colorblock"),
        "sharpness_contrast": ("highsharpen", "lincontrchange", "nonlincontrchange"),
    }


@pytest.mark.parametrize("kind", PUBLISHED)
def test_every_level_agrees_with_the_plain_implementation(kind):
    images = photographs()[:4, :, :72, :56]
    for level, amount in enumerate(PUBLISHED[kind], start=1):
        ours = degrade(images, kind, level, range(len(images)))
        for seed, (image, made) in enumerate(zip(images, ours, strict=True)):
            difference = np.abs(made.numpy() - oracle(kind, image, amount, seed))
            # The two truncations to bytes may fall on either side of a grey level.
            assert (
                difference.mean() < (0.1 if kind not in ("colorsat2", "colordiff") else 0.25) * LEVEL_OF_GREY
            )
            assert np.quantile(difference, 0.999) < 1.1 * LEVEL_OF_GREY


@pytest.mark.parametrize("kind", [kind for kind in RISING if kind not in NEUTRAL])
def test_changed_levels_agree_too(kind):
    images = photographs()[:2]
    for made, amount in zip(ladder(images, kind, [7, 7]), RISING[kind], strict=True):
        for image, one in zip(images, made, strict=True):
            assert np.abs(one.numpy() - oracle(kind, image, amount, 7)).mean() < 0.25 * LEVEL_OF_GREY


@pytest.mark.parametrize("kind", ["gaublur", "colordiff", "jpeg", "highsharpen", "pixelate", "jitter"])
@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (150, 32)])
def test_any_size_from_32_pixels_agrees(kind, shape):
    image = photographs(160)[:1, :, : shape[0], : shape[1]]
    for level, amount in enumerate(PUBLISHED[kind], start=1):
        made = degrade(image, kind, level, [3])[0].numpy()
        assert np.abs(made - oracle(kind, image[0], amount, 3)).mean() < LEVEL_OF_GREY


def test_jpeg2000_layers_of_a_ladder_are_as_good_as_codestreams_of_their_own():
    images = photographs(224)
    layers = ladder(images, "jpeg2000", range(len(images)))
    for level, layer in enumerate(layers, start=1):
        alone = degrade(images, "jpeg2000", level, range(len(images)))
        assert (layer - alone).abs().mean() < LEVEL_OF_GREY
        loss, loss_alone = (layer - images).square().mean(), (alone - images).square().mean()
        assert loss == pytest.approx(float(loss_alone), rel=0.1)


def test_conversions_survive_a_round_trip_at_every_grey_level():
    grays = torch.arange(256).repeat(32, 1).view(1, 1, 32, 256).expand(1, 3, 32, 256) / 255
    assert torch.equal((degrade(grays, "colorsat2", 1, [0]) * 255).round(), (grays * 255).round())


@pytest.mark.parametrize("count", PUBLISHED["quantization"])
def test_unstretched_quantization_is_a_uniform_quantiser(count):
    image = photographs()[:1]
    level = PUBLISHED["quantization"].index(count) + 1
    made = degrade(image, "quantization", level, [0], order="monotone")
    assert len(made.unique()) <= count
    assert (made - image).abs().max() <= 1 / count + 1e-6
    steps = made * (count - 1)
    assert torch.allclose(steps, steps.round(), atol=1e-5)
