"""The full-reference proxy: order, finiteness, and the mean z-score against SciPy."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import zscore

from benchmark.datasets import proxy
from benchmark.datasets.dead_leaves import dead_leaves


@pytest.fixture(scope="module")
def references():
    return torch.stack([dead_leaves(64, [5, index]) for index in range(3)])


def noisy(images, strength):
    field = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images + strength * field).clamp(0, 1)


def test_identical_pictures_are_finite_and_best(references):
    same = proxy.measure(references, references)
    worse = proxy.measure(noisy(references, 0.05), references)
    assert np.isfinite(same.to_numpy()).all()
    # GMSD and MDSI measure deviation, the other two similarity.
    assert (same[["gmsd", "mdsi"]] < worse[["gmsd", "mdsi"]]).all(axis=None)
    assert (same[["vifp", "haarpsi"]] > worse[["vifp", "haarpsi"]]).all(axis=None)
    assert same.to_numpy() == pytest.approx(np.tile([1, 0, 0, 1], (3, 1)), abs=1e-5)


def test_proxy_falls_as_noise_rises(references):
    strengths = (0, 0.02, 0.05, 0.1, 0.2)
    values = pd.concat(
        [proxy.measure(noisy(references, s), references) for s in strengths], ignore_index=True
    )
    combined = proxy.combine(values).to_numpy().reshape(len(strengths), -1)
    assert (np.diff(combined, axis=0) < 0).all()


def test_a_picture_is_measured_alike_alone_and_in_company(references):
    images = noisy(references, 0.1)
    together = proxy.measure(images, references)
    alone = pd.concat(
        [proxy.measure(images[i : i + 1], references[i : i + 1]) for i in range(3)], ignore_index=True
    )
    assert together.to_numpy() == pytest.approx(alone.to_numpy(), rel=1e-5)


def test_combination_is_the_mean_z_score_with_deviations_inverted():
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=list(proxy.METRICS))
    expected = (zscore(values.vifp) - zscore(values.gmsd) - zscore(values.mdsi) + zscore(values.haarpsi)) / 4
    assert proxy.combine(values).to_numpy() == pytest.approx(expected)


def test_a_constant_metric_is_named():
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 4)), columns=list(proxy.METRICS))
    with pytest.raises(ValueError, match="gmsd: the same for every picture"):
        proxy.combine(values.assign(gmsd=0.25))


def test_shapes_that_differ_are_refused(references):
    with pytest.raises(ValueError, match=r"images \[2, 3, 64, 64\] and references \[3, 3, 64, 64\]"):
        proxy.measure(references[:2], references)
