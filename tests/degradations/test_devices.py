"""What runs on other devices: all images of a type at once, with the same draws."""

import pytest
import torch

from benchmark.degradations import LEVELS, degrade, ladder
from benchmark.degradations.kinds import KINDS
from benchmark.degradations.render import gather, render
from benchmark.degradations.seeds import generator
from tests import pretended
from tests.degradations.pictures import photographs
from tests.on_cuda import DEVICE, needed

# Rounding in another order may carry a value over a grey level where a type truncates to bytes.
MEAN, MOST = 1e-4, 1.01 / 255


def drawn(kind, images):
    draw = KINDS[kind].draw
    return [draw(generator(seed, kind), *images.shape[2:]) for seed in range(len(images))] if draw else []


@pytest.mark.parametrize("kind", LEVELS)
def test_images_that_run_at_once_come_out_as_they_do_alone(kind):
    images = photographs()[:4]
    at = KINDS[kind].prepare(images, *gather(drawn(kind, images), images.device))
    for level, amount in enumerate(LEVELS[kind], start=1):
        difference = (at(amount).clamp(0, 1) - degrade(images, kind, level, range(4))).abs()
        assert difference.mean() < MEAN
        assert difference.max() < MOST


@pytest.mark.parametrize("kind", LEVELS)
def test_float64_and_bfloat16_get_the_float32_result(kind):
    images = photographs()[:1].bfloat16()
    expected = degrade(images.float(), kind, 3, [1])
    assert torch.equal(degrade(images.double(), kind, 3, [1]), expected.double())
    assert torch.equal(degrade(images, kind, 3, [1]), expected.bfloat16())


@pytest.mark.parametrize("kind", [name for name in LEVELS if not KINDS[name].codec])
def test_on_cuda_every_step_is_taken_on_the_device(kind):
    draws = drawn(kind, torch.empty(3, 3, 64, 48))
    with pretended.cuda():
        images = torch.empty(3, 3, 64, 48, device="cuda")
        at = KINDS[kind].prepare(images, *gather(draws, images.device))
        for amount in LEVELS[kind]:
            made = at(amount)
            assert made.device.type == "cuda"
            assert made.shape == images.shape


@needed
@pytest.mark.parametrize("kind", LEVELS)
def test_cuda_agrees_with_the_cpu(kind):
    images = photographs()
    here = ladder(images, kind, range(6))
    there = ladder(images.to(DEVICE), kind, torch.arange(6))
    assert there.device.type == DEVICE.type
    assert (there.cpu() - here).abs().mean() < MEAN
    assert (there.cpu() - here).abs().max() < MOST


@pytest.mark.parametrize("kind", ["jpeg", "jpeg2000"])
def test_codecs_give_the_same_on_threads_and_alone(kind):
    images = photographs()
    alone = torch.cat([render(image[None], [kind], [(20,)], [0], KINDS)[0] for image in images])
    assert torch.equal(render(images, [kind] * 6, [(20,)] * 6, [0] * 6, KINDS)[0], alone)
