"""Speed and memory of intervals, tests and areas at the size of the largest data sets."""

import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from scipy import stats

from benchmark.protocols.calibration import GAPS
from benchmark.statistics import (
    bootstrap,
    ceiling,
    difference_test,
    discriminate,
    fit,
    influence,
    interval,
    ranks,
    resolvable,
    share,
)
from benchmark.statistics.calibration import ordered_pairs, rmse_interval
from benchmark.statistics.weighted import PREPARE

N, RESAMPLES = 10_000, 1_000


def sample(methods, n=N, seed=0):
    g = np.random.default_rng([n, seed])
    mos = g.normal(size=n)
    return mos + g.normal(size=(methods, n)) * np.linspace(0.5, 2, methods)[:, None], mos


@pytest.mark.parametrize("statistic", ["srcc", "krcc", "plcc"])
def test_interval_of_one_method(benchmark, statistic):
    scores, mos = sample(1)
    draws = benchmark.pedantic(
        bootstrap, args=(scores, mos, statistic), kwargs={"resamples": RESAMPLES}, rounds=3, warmup_rounds=1
    )
    assert np.isfinite(interval(draws[0], units=N)).all()


def test_at_least_five_times_as_fast_as_scipy(benchmark):
    """Both in this process, one after the other: only their ratio is claimed."""
    scores, mos = sample(1)
    ours = benchmark.pedantic(
        lambda: interval(bootstrap(scores, mos, resamples=RESAMPLES)[0]), rounds=3, warmup_rounds=1
    )
    start = time.perf_counter()
    theirs = stats.bootstrap(
        (scores[0], mos),
        lambda a, b: stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ratio = (time.perf_counter() - start) / benchmark.stats.stats.min
    benchmark.extra_info["times as fast as scipy"] = round(ratio, 1)
    assert ratio >= 5
    assert ours == pytest.approx(tuple(theirs), abs=0.002)


def test_memory_stays_below_one_gibibyte():
    scores, mos = sample(10)
    tracemalloc.start()
    bootstrap(scores, mos, resamples=RESAMPLES)
    bootstrap(scores[:1], mos, "krcc", resamples=32)
    discriminate(scores[:2], mos, np.full(N, 0.2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**30


@pytest.mark.parametrize("form", ["logistic4", "logistic5"])
def test_mapping(benchmark, form):
    scores, mos = sample(1)
    found = benchmark.pedantic(fit, args=(scores[0], np.tanh(mos), form), rounds=3, warmup_rounds=1)
    assert found.converged


def one_set(seed):
    """Everything about ten methods on one set: intervals, tests of all pairs, areas, ranks, shares, maps."""
    scores, mos = sample(10, seed=seed)
    draws = bootstrap(scores, mos, resamples=RESAMPLES)
    bounds = [interval(row, units=N) for row in draws]
    value = PREPARE["srcc"](scores, mos)(np.ones((1, N)))[:, 0]
    moved = [influence(score, mos) for score in scores]
    pairs = [(a, b) for a in range(10) for b in range(a)]
    tests = [difference_test((value[a], value[b]), (moved[a], moved[b])) for a, b in pairs]
    gaps = [interval(draws[a] - draws[b], units=N) for a, b in pairs]
    areas = discriminate(scores, mos, np.full(N, 0.2), workers=1)
    tests += [area.test(a, b) for area in (areas.different_similar, areas.better_worse) for a, b in pairs]
    assert len(ranks(value, draws, units=N).rank) == 10
    least = [resolvable(np.std(draws[a] - draws[b]), N) for a, b in pairs]
    top = [ceiling(mos, np.full(N, 0.9), 20) for _ in scores]  # as often as the tables work it out
    parts = [share(v, m, t) for v, m, t in zip(value, moved, top, strict=True)]
    curves = [fit(score, mos) for score in scores]
    errors = [rmse_interval(curve(score) - mos) for curve in curves for score in scores]
    apart = [ordered_pairs(score, mos, GAPS) for score in scores]
    assert np.isfinite([*least, *np.ravel(parts), *np.ravel(errors)]).all()
    assert len(apart) == 10
    return len(bounds), len(gaps), len(tests)


def test_all_pairs_of_ten_methods_on_ten_sets(benchmark):
    """Under a minute on two free cores."""

    def run():
        with ProcessPoolExecutor(2) as pool:
            return list(pool.map(one_set, range(10)))

    assert benchmark.pedantic(run, rounds=1) == [(10, 45, 135)] * 10
