import numpy as np
import pytest
import torch
from scipy import stats

from benchmark.robustness import (
    sensitivity,
)
from tests.robustness.pretenders import TIDY, Brightness, Constant, Darkness, photographs


class Corner(Brightness):
    """Sees one pixel of the left upper corner: a flip moves it, a brightness change too."""

    name = "corner"

    def score(self, images):
        return images[:, :, 0, 0].mean(1)


class Matrix(Brightness):
    """A product that autocast computes in bfloat16."""

    name = "matrix"

    def score(self, images):
        return (images.mean((2, 3)) @ torch.tensor([[0.3], [0.5], [0.7]])).float()[:, 0]


def shifts(method, images, statistic):
    found = sensitivity(method, images)
    assert list(found) == ["method", "change", *TIDY]
    return found[found.statistic == statistic].set_index("change").value


def test_flip_shift_has_a_closed_form():
    images = photographs(6)
    before = np.array([float(image[:, 0, 0].mean()) for image in images])
    after = np.array([float(image[:, 0, -1].mean()) for image in images])
    found = shifts(Corner(), images, "shift")
    assert found["flip"] == pytest.approx(np.mean(after - before) / before.std(), abs=1e-5)
    assert shifts(Corner(), images, "abs_shift")["flip"] == pytest.approx(
        np.mean(np.abs(after - before)) / before.std(), abs=1e-5
    )
    assert shifts(Corner(), images, "srcc")["flip"] == pytest.approx(stats.spearmanr(before, after).statistic)


def test_what_does_not_touch_a_method_does_not_move_it():
    found = shifts(Brightness(), photographs(6), "abs_shift")
    assert found[["flip", "batch", "precision"]].to_numpy() == pytest.approx(0, abs=1e-4)
    assert found["jpeg95"] > 0
    order = shifts(Brightness(), photographs(6), "srcc")
    assert order[["flip", "batch", "precision"]].tolist() == [1, 1, 1]


def test_precision_is_that_of_bfloat16():
    moved = shifts(Matrix(), photographs(6), "abs_shift")["precision"]
    assert moved > 1e-3


def test_sign_of_a_shift_is_towards_better_quality():
    images = photographs(6)
    assert shifts(Darkness(), images, "shift")["crop"] == pytest.approx(
        shifts(Brightness(), images, "shift")["crop"], abs=1e-4
    )


def test_constant_method_has_no_shift_and_no_order():
    found = sensitivity(Constant(), photographs(4)).set_index(["statistic", "change"]).value
    assert (found[["shift", "abs_shift"]] == 0).all()
    assert found["srcc"].isna().all()
