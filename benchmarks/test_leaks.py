"""Speed of the search for crops between two sets, drawn so that points coincide as often as real ones.

``PICTURES=100000 pytest benchmarks/test_leaks.py --benchmark-only -o filterwarnings=default`` for large sets.
"""

import os

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets.leaks import leaks
from benchmark.datasets.points import COUNT, POINT, packed

PICTURES = int(os.environ.get("PICTURES", "10000"))
#: Of the 430,000 points of 3,506 pictures (BSDS500, Kodak, AGIQA-3K) one pair in a million shares a given
#: quarter of the code; so do signs of random sums of 14 normal numbers.
DIMENSIONS = 14
PLANTED = 100


def drawn(count, seed):
    """Pictures whose points have nothing to do with each other."""
    draw = np.random.default_rng(seed)
    sums = np.random.default_rng(0).normal(size=(DIMENSIONS, 128)).astype(np.float32)
    for _ in range(count):
        points = np.zeros(COUNT, POINT)
        bits = draw.standard_normal((COUNT, DIMENSIONS), np.float32) @ sums > 0
        points["code"] = np.packbits(bits, axis=1).view("<u8")
        points["x"], points["y"] = draw.integers(-2500, 2500, (2, COUNT))
        points["size"] = np.clip(draw.exponential(16, COUNT) + 30, 0, 120)
        yield points


def frame(pictures, name):
    texts = [packed(points) for points in pictures]
    images = [f"{name}{index}" for index in range(len(texts))]
    return pd.DataFrame({"image": images, "reference": np.nan, "looks": "", "points": texts})


@pytest.fixture(scope="module")
def sets():
    train, test = list(drawn(PICTURES, 1)), list(drawn(PICTURES, 2))
    for index in range(PLANTED):
        test[index][::4] = train[index][::4]  # a quarter of the points, where they were
    return frame(train, "a"), frame(test, "b")


def test_crops_between_two_large_sets(benchmark, sets):
    found = benchmark.pedantic(leaks, args=sets, rounds=1)
    pairs = set(zip(found["train"], found["test"], strict=True))
    assert {(f"a{index}", f"b{index}") for index in range(PLANTED)} <= pairs
    print(f"{len(found) - PLANTED} pairs of pictures that share nothing would be opened")
