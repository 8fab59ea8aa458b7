"""How fast the engine degrades a batch of 64 at 224 x 224, beside the plain loop of the oracles.

One core: ``OMP_NUM_THREADS=1 taskset -c 0 pytest benchmarks/test_degradations.py``. Each figure is the time
of all five levels; ``extra_info`` holds milliseconds per image and level.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests/ is no installed package

from benchmark.degradations import LEVELS, degrade, ladder
from benchmark.degradations.kinds import KINDS
from benchmark.degradations.seeds import generator
from tests.degradations.pictures import photographs
from tests.reference.degradations import degraded

BATCH, SIDE = 64, 224
IMAGES = photographs(SIDE)[torch.arange(BATCH) % 6]
SEEDS = torch.arange(BATCH)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def every_level(kind):
    for level in range(1, 6):
        made = degrade(IMAGES, kind, level, SEEDS)
    return made


def oracle_loop(kind, count):
    draw = KINDS[kind].draw
    for amount in LEVELS[kind]:
        for seed, image in enumerate(IMAGES[:count]):
            fields = draw(generator(seed, kind), SIDE, SIDE) if draw else ()
            degraded(kind, image.permute(1, 2, 0).numpy(), amount, [field.numpy() for field in fields])


@pytest.mark.parametrize("kind", LEVELS)
def test_degrade(benchmark, kind):
    made = benchmark.pedantic(every_level, args=(kind,), rounds=3, warmup_rounds=1)
    assert made.shape == IMAGES.shape
    benchmark.extra_info["ms per image"] = 1e3 * benchmark.stats["min"] / (5 * BATCH)


@pytest.mark.parametrize("kind", LEVELS)
def test_ladder(benchmark, kind):
    made = benchmark.pedantic(ladder, args=(IMAGES, kind, SEEDS), rounds=3, warmup_rounds=1)
    assert made.shape == (5, *IMAGES.shape)
    benchmark.extra_info["ms per image"] = 1e3 * benchmark.stats["min"] / (5 * BATCH)


def test_batch_and_ladder_against_the_plain_loop(benchmark):
    """Compare processor time in one run; JPEG 2000, the same library on both sides, apart."""
    runs = {
        "loop": (lambda kind: oracle_loop(kind, 4), 4),
        "degrade": (every_level, BATCH),
        "ladder": (lambda kind: ladder(IMAGES, kind, SEEDS, order="reference"), BATCH),
    }
    spent = {name: {} for name in runs}
    for kind in LEVELS:
        for name, (run, images) in runs.items():
            start = time.process_time()
            run(kind)
            spent[name][kind] = 1e3 * (time.process_time() - start) / (5 * images)
        print(f"{kind:18}", *(f"{name} {times[kind]:7.2f} ms " for name, times in spent.items()))
    for kinds in (set(LEVELS), set(LEVELS) - {"jpeg2000"}):
        mean = {name: np.mean([times[kind] for kind in kinds]) for name, times in spent.items()}
        for name in ("degrade", "ladder"):
            label = f"{name}, {len(kinds)} types"
            benchmark.extra_info[label] = f"{mean[name]:.2f} ms, {mean['loop'] / mean[name]:.1f} x faster"
            assert mean[name] < mean["loop"]
    print(benchmark.extra_info)
    benchmark.pedantic(every_level, args=("gaublur",), rounds=1)
