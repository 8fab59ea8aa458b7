"""Scoring a folder with CLIP's RN50: ours, the official README's loop, pyiqa, and the bare network.

Weights are random: they take no less time than others. All score the same twenty photographs in turn, ten
times, so that whatever else the machine does slows all alike. `--benchmark-json FILE` keeps the figures.
"""

import statistics
import sys
import time
from types import SimpleNamespace

import packaging.version
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import to_dtype, to_image

from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.images import read
from benchmark.scoring import stream
from experiments.scoring.local import How, function_of
from methods._shared.clip.antonyms import SEVEN_PAIRS
from methods._shared.clip.encoder import architecture, build
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import scorer
from methods.qualiclip import CARD

COUNT, CHUNK = 200, 20
#: Height and width of photographs of BSDS500 and such, mixed.
SIZES = [(321, 481), (481, 321), (384, 512), (321, 481), (375, 500)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    squares = [dead_leaves(512, seed) for seed in range(4)]
    for index in range(COUNT):
        height, width = SIZES[index % len(SIZES)]
        crop = squares[index % 4].roll(index, dims=1)[:, :height, :width]
        pixels = (crop * 255).byte().permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(folder / f"{index:03d}.jpg", quality=92)
    return sorted(folder.glob("*.jpg"))


def clip():
    return build(architecture("RN50-quickgelu"), seed=0)


def ours(method, precision):
    how = How(device="cpu", precision=precision)
    function = function_of(method, how)

    def score(files, pairs):
        return sum(len(part) for part in stream(files, function, batch=how.batch, workers=how.workers))

    return score


def official(network):
    """As the official README has it: one picture after the other is opened and scored in fp32."""

    def score(files, pairs):
        for file in files:
            with Image.open(file) as image:
                picture = to_dtype(to_image(image.convert("RGB")), torch.float32, scale=True)
            with torch.inference_mode():
                network(picture[None])
        return len(files)

    return score


def bare(function):
    """The network alone in bf16 on the tensors that ours gives it, decoded beforehand."""

    def score(files, pairs):
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            for pair in pairs:
                function(pair)
        return sum(len(pair) for pair in pairs)

    return score


def pyiqas(metric):
    """pyiqa's ``clipiqa``, which encodes its prompts anew for each picture; five of them."""

    def score(files, pairs):
        for file in files[:5]:
            metric(str(file))
        return len(files[:5])

    return score


@pytest.fixture
def contestants(monkeypatch):
    # OpenAI's package, which pyiqa imports, asks setuptools for a part that newer ones no longer have.
    monkeypatch.setitem(sys.modules, "pkg_resources", SimpleNamespace(packaging=packaging))
    pyiqa = pytest.importorskip("pyiqa", reason="the extra `pyiqa` is not installed")
    from pyiqa.archs import clip_model, clipiqa_arch

    network = clip_model.build_model(clip().state_dict()).float()
    monkeypatch.setattr(clipiqa_arch, "load", lambda name, device: network)
    method = AntonymMethod("qualiclip", scorer(clip(), SEVEN_PAIRS), CARD)
    return {
        "ours, bf16": ours(method, "bf16"),
        "ours, fp32": ours(method, "fp32"),
        "official loop, fp32": official(scorer(clip(), SEVEN_PAIRS)),
        "bare network, bf16": bare(method.scorer),
        "bare network, folded, bf16": bare(method.score),
        "pyiqa clipiqa, fp32": pyiqas(pyiqa.create_metric("clipiqa", device="cpu")),
    }


def pairs_of(files):
    """Pictures two of a size at a time, as tensors."""
    by_size = {}
    for file in files:
        image = read(file)
        by_size.setdefault(image.shape, []).append(image)
    pairs = [torch.stack(group[at : at + 2]) for group in by_size.values() for at in range(0, len(group), 2)]
    return [pair.contiguous(memory_format=torch.channels_last) for pair in pairs]


def test_throughput(benchmark, files, contestants):
    seconds = {name: [] for name in contestants}

    def once(chunk):
        pairs = pairs_of(chunk)
        for name, score in contestants.items():
            start = time.perf_counter()
            done = score(chunk, pairs)
            seconds[name].append((time.perf_counter() - start) / done)

    def everything():
        for first in range(0, COUNT, CHUNK):
            once(files[first : first + CHUNK])

    once(files[:CHUNK])
    for times in seconds.values():
        times.clear()
    benchmark.pedantic(everything, rounds=1)
    for name, times in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(times, seconds["ours, bf16"], strict=True))
        rate = 1 / statistics.median(times)
        benchmark.extra_info[name] = {"images a second": round(rate, 2), "time over ours": round(ratio, 3)}
    assert all(len(times) == COUNT / CHUNK for times in seconds.values())
