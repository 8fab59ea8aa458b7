"""Speed and memory of the pair search and of the tables."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from benchmark.gmad import common_scale, competition, select_pairs


@pytest.fixture(scope="module")
def large():
    """16 methods x 100,000 images of rising noise, and the MOS behind them."""
    rng = np.random.default_rng(0)
    mos = pd.Series(rng.normal(size=100_000), index=[f"i{k:06d}.png" for k in range(100_000)])
    raw = pd.DataFrame({f"m{k:02d}": mos + rng.normal(0, 0.1 + 0.3 * k, len(mos)) for k in range(16)})
    return common_scale(raw), mos


def test_pairs_of_16_methods_and_100000_images(benchmark, large):
    pairs = benchmark.pedantic(select_pairs, args=(large[0],), rounds=3)
    assert len(pairs) == 16 * 15 * 6


def test_memory_of_the_pair_search(large):
    tracemalloc.start()
    select_pairs(large[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**30


def test_whole_competition_with_intervals(benchmark, large):
    found = benchmark.pedantic(competition, args=large, kwargs={"dataset": "large"}, rounds=3)
    assert len(found.table) == 3 * 16
