"""Maps from scores to opinions, carried from one data set to another."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark.protocols.calibration import GAPS, OnOneScale, pairs_by_gap, transferred
from benchmark.protocols.samples import join
from tests.draws import generator


def scaled(seed, low, high, better, n=200, noise=0.0, shift=0.0):
    """Opinions of some range and direction, and a score that follows quality from 0 to 1."""
    g = generator(seed)
    quality = g.uniform(size=n)
    opinion = low + (high - low) * (quality if better else 1 - quality)
    names = [f"{k}.png" for k in range(n)]
    frame = pd.DataFrame({"image": names, "mos": opinion})
    scores = pd.DataFrame({"image": names, "score": 2 * quality + shift + noise * g.normal(size=n)})
    return OnOneScale.of(join({"m": scores}, frame, {"m": True}, better), low, high, better)


def test_a_map_carries_over_whatever_range_and_direction_opinions_have():
    table = transferred({"mos": scaled(1, 1, 5, True), "dmos": scaled(2, 0, 100, False)})
    errors = table[table["statistic"].eq("calibration_rmse")].set_index(["train", "test"])["value"]
    assert errors.max() < 0.03
    assert len(errors) == 4


def test_a_score_that_lies_elsewhere_on_another_set_errs_by_that_much():
    table = transferred(
        {"here": scaled(1, 0, 1, True, noise=0.1), "there": scaled(2, 0, 1, True, shift=0.4, noise=0.1)}
    )
    by = table.set_index(["train", "test", "statistic"])["value"]
    assert by["here", "here", "calibration_bias"] == pytest.approx(0, abs=1e-6)
    assert by["here", "there", "calibration_bias"] == pytest.approx(0.15, abs=0.06)
    assert by["here", "there", "calibration_rmse"] > by["here", "here", "calibration_rmse"]
    assert "fitted to all of here" in table[table["test"].eq("there")]["protocol"].iloc[0]


def test_what_has_no_range_or_no_map_is_left_out():
    assert scaled(1, 0, np.inf, True, n=5) is None
    constant = scaled(1, 0, 1, True)
    flat = OnOneScale(constant.samples.take(np.ones(200, bool)), constant.opinion)
    flat.samples.scores[:] = 1.0
    assert set(transferred({"flat": flat, "good": scaled(2, 0, 1, True)})["train"]) == {"good"}


def test_a_class_whose_pairs_are_all_alike_says_why_it_has_no_interval():
    table = pairs_by_gap(scaled(3, 0, 1, True))
    assert (table["value"] == 1).all()
    assert table["low"].isna().all()
    assert table["protocol"].str.contains("no interval: all pairs are alike").all()


def test_pairs_have_a_class_for_each_distance():
    one = scaled(3, 0, 1, True, noise=0.5)
    table = pairs_by_gap(one)
    assert table["gap"].tolist() == list(GAPS[1:])
    assert table["value"].is_monotonic_increasing
    far = np.maximum(one.opinion - one.opinion.min(), one.opinion.max() - one.opinion)
    assert table["units"].tolist() == [200] * 5 + [(far > 0.5).sum()]
    some = table[table["value"].between(0.01, 0.99)]
    assert len(some) > 3
    assert some["value"].between(some["low"], some["high"], inclusive="neither").all()
    assert table["n"].sum() == 200 * 64


def test_infinite_scores_are_left_out_of_maps_and_pairs_and_counted():
    one = scaled(4, 0, 10, True, n=60, noise=0.2)
    scores = one.samples.scores.copy()
    scores[0, [3, 8]] = np.inf, -np.inf
    samples = replace(one.samples, scores=scores)
    kept = np.isfinite(scores[0])
    found, expected = OnOneScale.of(samples, 0, 10, True), OnOneScale.of(samples.take(kept), 0, 10, True)
    for table, other in (
        (transferred({"a": found}), transferred({"a": expected})),
        (pairs_by_gap(found), pairs_by_gap(expected)),
    ):
        assert len(table)
        pd.testing.assert_frame_equal(table.drop(columns="protocol"), other.drop(columns="protocol"))
        assert table["protocol"].str.contains("2 infinite scores left out").all()
