"""What rows are worked out with."""

import numpy as np
import pandas as pd
import pytest

from benchmark.protocols import Resampling, by_distortion, ceilings, differences, discrimination, zero_shot
from benchmark.protocols.rows import _as_by_chance, median_of_known

from .data import scores_of


def test_the_median_is_over_what_is_known_and_nothing_is_said_where_nothing_is():
    x = np.nan
    found = median_of_known(np.array([[1.0, x, -3, x], [2.0, x, x, 7], [4.0, x, -1, 5]]))
    np.testing.assert_array_equal(found, [2, x, -2, 6])


def test_a_relation_reaches_further_from_nothing_than_chance_does():
    """By hand: z = 1.472 and half an interval of .201, 7.3 of them; of the others 1.5 and none at all."""
    assert not _as_by_chance(0.9, (0.85, 0.93))
    assert _as_by_chance(0.3, (0.1, 0.48))
    assert _as_by_chance(0.999999, (0.9, 1.0))  # an end that rounds to 1
    assert not _as_by_chance(1.0, (1.0, 1.0))


@pytest.mark.parametrize("references", [1, 2, 4, 5])
def test_no_table_has_an_interval_of_fewer_than_five_references(manifest, references):
    number = pd.Series(np.arange(len(manifest)) % references, index=manifest.index)
    frame = manifest.assign(reference=number.map("ref{}".format), mos_std=0.3, ratings=20)
    one, two = scores_of(frame), scores_of(frame, noise=2.0, seed=2)
    up, both = {"mos_higher_is_better": True}, {"one": one, "two": two}
    higher = dict.fromkeys(both, True)
    areas, tested = discrimination(both, frame, higher_is_better=higher, ratings=None, **up)
    tables = {
        "zero_shot": zero_shot(one, frame, higher_is_better=True, how=Resampling(50), **up),
        "by_distortion": by_distortion(one, frame, higher_is_better=True, how=Resampling(50), **up),
        "ceilings": ceilings(frame, **up),
        "differences": differences(both, frame, higher_is_better=higher, how=Resampling(50), **up),
        "areas": areas,
        "tested": tested,
    }
    for name, table in tables.items():
        bounded = table["low"].notna() | table["high"].notna()
        assert bounded.any() == (references == 5), name
        assert not (bounded & table["units"].lt(5)).any(), name
        why = table["protocol"].str.contains("no interval|undefined")
        assert (bounded | why | table["value"].isna()).all(), name
    assert areas["protocol"].str.contains("logit").any()
    assert not tested["protocol"].str.contains("logit").any()  # of a difference
