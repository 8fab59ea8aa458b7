"""Scoring a folder with CLIP's RN50: ours, the loop that the official README shows, and the bare network.

Weights are random: they take no less time than others. `pytest benchmarks/test_throughput.py` prints images a
second as operations over time; each round scores all pictures once.
"""

import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import to_dtype, to_image

from benchmark.dead_leaves import dead_leaves
from benchmark.scoring import stream
from experiments.scoring_run import How, function_of
from methods._clip.antonyms import SEVEN_PAIRS
from methods._clip.encoder import architecture, build
from methods._clip.method import AntonymMethod
from methods._clip.weights import scorer
from methods.qualiclip import CARD

COUNT = 40


@pytest.fixture(scope="module")
def method():
    return AntonymMethod(
        "qualiclip", scorer(build(architecture("RN50-quickgelu"), seed=0), SEVEN_PAIRS), CARD
    )


@pytest.fixture(scope="module")
def plain():
    """The same network as the official code lays it out."""
    return scorer(build(architecture("RN50-quickgelu"), seed=0), SEVEN_PAIRS)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """JPEGs of 481 x 321 and 321 x 481 pixels, mixed."""
    folder = tmp_path_factory.mktemp("photographs")
    for index in range(COUNT):
        square = dead_leaves(481, index % 4)
        crop = square[:, :321] if index % 3 else square[:, :, :321]
        pixels = (crop * 255).byte().permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(folder / f"{index:03d}.jpg", quality=92)
    return sorted(folder.glob("*.jpg"))


def score(files, method, how):
    function = function_of(method, how)
    return [result for part in stream(files, function, batch=how.batch, jobs=how.jobs) for result in part]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_ours(benchmark, files, method, precision):
    how = How(device="cpu", precision=precision, batch=2)
    done = benchmark.pedantic(score, (files, method, how), rounds=2, warmup_rounds=1)
    assert len(done) == COUNT


def test_one_image_at_a_time(benchmark, files, plain):
    """As the official README has it: one picture after the other is opened and scored in fp32."""

    def loop():
        scores = []
        for file in files:
            with Image.open(file) as image:
                picture = to_dtype(to_image(image.convert("RGB")), torch.float32, scale=True)
            with torch.inference_mode():
                scores.append(plain(picture[None])[:, 2])
        return scores

    assert len(benchmark.pedantic(loop, rounds=2, warmup_rounds=1)) == COUNT


def test_bare_network(benchmark, files, method):
    """The network alone in bf16, on the tensors that `test_ours` gives it."""
    shapes = [(321, 481)] * (COUNT - -(-COUNT // 3)) + [(481, 321)] * -(-COUNT // 3)
    batches = [
        torch.rand(2, 3, *shape).contiguous(memory_format=torch.channels_last)
        for shape in (shapes[0], shapes[-1])
    ]
    counts = [shapes.count(shape) / 2 for shape in (shapes[0], shapes[-1])]

    def network():
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            for images, count in zip(batches, counts, strict=True):
                whole, rest = divmod(count, 1)
                for _ in range(int(whole)):
                    method.scorer(images)
                if rest:
                    method.scorer(images[: round(rest * 2)])

    benchmark.pedantic(network, rounds=2, warmup_rounds=1)
    assert sum(counts) * 2 == COUNT
