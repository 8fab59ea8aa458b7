"""Scores and opinions brought together: what is left out, whose reference is whose, how a set is split."""

import numpy as np
import pandas as pd
import pytest

from benchmark.protocols import Resampling, zero_shot
from benchmark.protocols.samples import clusters, join, split_by_reference
from tests.protocols.data import UP

FRAME = pd.DataFrame(
    {
        **{"image": ["d", "b", "a", "c"], "reference": ["r", " ", "r", np.nan]},
        "mos": [4.0, 2.0, 1.0, np.nan],
    }
)


def test_pictures_without_a_reference_are_each_their_own():
    assert clusters(FRAME.drop(columns="reference")) is None
    assert clusters(FRAME.assign(reference="")) is None
    number = clusters(FRAME)
    assert number[0] == number[2]
    assert len(set(number)) == 3
    scores = {"m": pd.DataFrame({"image": list("abcd"), "score": [1.0, 2, 3, 4]})}
    assert join(scores, FRAME, {"m": True}, True).units == 3
    assert join(scores, FRAME.drop(columns="reference"), {"m": True}, True).units == 4


def test_what_is_left_out_is_counted_and_named_where_there_are_several_methods():
    one = pd.DataFrame({"image": ["a", "b", "c", "x", "y"], "score": [1.0, np.nan, 3, 9, 9]})
    two = pd.DataFrame({"image": list("abcd"), "score": [5.0, 6, 7, 8]})
    alone = join({"m": one}, FRAME, {"m": False}, False)
    assert alone.frame["image"].tolist() == ["a", "c"]  # sorted by image
    assert alone.scores.tolist() == [[-1, -3]]
    assert alone.mos[0] == -1
    assert alone.notes == ("2 of 4 scores missing", "2 scored images not in the manifest")
    assert alone.rated().notes[2:] == ("1 of 2 images without opinion left out",)
    both = join({"m": one, "n": two}, FRAME, {"m": True, "n": True}, True)
    assert both.notes == ("m: 2 of 4 scores missing", "m: 2 scored images not in the manifest")
    assert both.scores.tolist() == [[1, 3], [5, 7]]
    full = join({"n": two}, FRAME.dropna(), {"n": True}, True)
    assert full.rated() is full
    with pytest.raises(ValueError, match="does not say the direction of 'm'"):
        join({"m": one}, FRAME, {}, True)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        *((3, (1, 1, 1)), (4, (2, 1, 1)), (5, (3, 1, 1)), (6, (4, 1, 1))),  # each part has one at least
        *((10, (7, 1, 2)), (20, (14, 2, 4)), (100, (70, 10, 20))),
    ],
)
def test_parts_are_70_10_and_20_per_cent_and_none_is_empty(count, sizes):
    frame = pd.DataFrame({"image": [f"{k:03d}" for k in range(count)]})
    drawn = split_by_reference(frame, splits=3)
    assert len(drawn) == 3
    for parts in drawn:
        assert tuple(len(part) for part in parts) == sizes
        assert sorted(np.concatenate(parts)) == list(range(count))
    assert any(not np.array_equal(drawn[0][0], other[0]) for other in drawn[1:]) or count < 5


@pytest.mark.parametrize(
    ("shares", "sizes"), [((0.9, 0.5), (8, 1, 1)), ((0.05, 0.9), (1, 8, 1)), ((0.5, 0.3), (5, 3, 2))]
)
def test_other_shares_leave_one_for_every_part(shares, sizes):
    (parts,) = split_by_reference(pd.DataFrame({"image": list("abcdefghij")}), splits=1, shares=shares)
    assert tuple(len(part) for part in parts) == sizes


def of_references(count):
    """Three pictures of each reference."""
    names = [f"{r:02d}{k}" for r in range(count) for k in range(3)]
    g = np.random.default_rng(0)
    frame = pd.DataFrame({"image": names, "reference": [name[:2] for name in names]})
    frame["mos"] = g.normal(size=len(frame))
    scores = pd.DataFrame({"image": names, "score": frame["mos"] + g.normal(size=len(frame))})
    return zero_shot(scores, frame, **UP, how=Resampling(20)).set_index("statistic")


def test_ten_references_are_the_least_that_are_split_and_trusted():
    nine, ten = of_references(9), of_references(10)
    assert "references (9, too few for a trustworthy interval)" in nine.protocol["srcc"]
    assert "references (10)" in ten.protocol["srcc"]
    assert "srcc_splits" not in nine.index
    assert {"srcc_splits", "plcc_raw_splits"} <= set(ten.index)


def test_intervals_are_of_a_known_kind_and_of_one_resample_at_least():
    assert Resampling(1).resamples == 1
    with pytest.raises(ValueError, match="resamples must be positive, not 0"):
        Resampling(0)
    with pytest.raises(ValueError, match="unknown interval 'bc': choose from bca, percentile"):
        Resampling(interval="bc")
