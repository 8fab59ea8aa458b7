"""Scores of a study that was stopped, in a file."""

import numpy as np

from experiments.scoring.partial import Partial


def tables():
    return {("m", "gaublur"): np.full((2, 3), np.nan), ("m n", "jpeg"): np.full((2, 3), np.nan)}


def test_only_the_same_run_takes_them_up(tmp_path):
    path, written = tmp_path / "x.part.npz", tables()
    for index, values in enumerate(written.values()):
        values[0] = index
    Partial(path, "this").save(written)
    for about, expected in (("this", written), ("other", tables())):
        found = tables()
        Partial(path, about).fill(found)
        for key, values in found.items():
            np.testing.assert_array_equal(values, expected[key])
    Partial(path, "this").remove()
    assert not path.exists()
    Partial(path, "this").fill(tables())
    Partial(path, "this").remove()
