"""What rows are worked out with."""

import numpy as np

from benchmark.protocols.rows import median_of_known


def test_the_median_is_over_what_is_known_and_nothing_is_said_where_nothing_is():
    x = np.nan
    found = median_of_known(np.array([[1.0, x, -3, x], [2.0, x, x, 7], [4.0, x, -1, 5]]))
    np.testing.assert_array_equal(found, [2, x, -2, 6])
