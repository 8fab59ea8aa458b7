"""What rows are worked out with."""

import numpy as np

from benchmark.protocols.rows import _as_by_chance, median_of_known


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
