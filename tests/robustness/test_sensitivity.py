import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from benchmark.robustness import (
    sensitivity,
)
from benchmark.robustness.sensitivity import cropped, recompressed, resized
from experiments.scoring.local import Placed
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
    assert found[["flip", "batch"]].to_numpy() == pytest.approx(0, abs=1e-4)
    assert found["jpeg95"] > 0
    order = shifts(Brightness(), photographs(6), "srcc")
    assert order[["flip", "batch"]].tolist() == [1, 1]


def test_precision_is_that_of_bfloat16():
    moved = shifts(Matrix(), photographs(6), "abs_shift")["precision"]
    assert moved > 1e-3


def test_precision_of_a_placed_method_is_that_of_bfloat16_too():
    """As the study passes it: a method that keeps its own precision whatever surrounds it."""
    images = photographs(6)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = np.array([float(Matrix().score(image[None])) for image in images])
    plain = np.array([float(Matrix().score(image[None])) for image in images])
    moved = shifts(Placed(Matrix()), images, "abs_shift")
    assert moved["precision"] == pytest.approx(np.abs(coarse - plain).mean() / plain.std(), rel=1e-3)
    assert moved["precision"] > 1e-3
    assert moved["flip"] < 1e-4  # the others stay in float32


class Exact(Brightness):
    """Computes in float64, which autocast leaves as it is."""

    def score(self, images):
        return (images.double().mean((2, 3)) @ torch.tensor([[0.3], [0.5], [0.7]]).double())[:, 0]


@pytest.mark.parametrize("method", [Exact(), Placed(Exact())], ids=["bare", "placed"])
def test_arithmetic_that_bfloat16_does_not_enter_is_not_measured(method):
    found = sensitivity(method, photographs(6)).set_index(["statistic", "change"])
    part = found.xs("precision", level="change")
    assert part[["value", "low", "high"]].isna().all(axis=None)
    assert part["protocol"].str.contains("nothing of it is computed in bfloat16").all()
    rest = found.drop("precision", level="change")
    assert rest["value"].notna().all()
    assert not rest["protocol"].str.contains("bfloat16").any()


def test_pictures_without_company_say_nothing_of_batches():
    images = [image for k in range(5) for image in photographs(1, 40 + k)]
    found = sensitivity(Brightness(), images).set_index(["statistic", "change"])
    alone = found.xs("batch", level="change")
    assert alone["value"].isna().all()
    assert alone["protocol"].str.contains("each was scored by itself anyway").all()
    assert found.loc["abs_shift", "value"].drop(["batch", "precision"]).notna().all()
    paired = sensitivity(Brightness(), [*images, images[0]]).set_index(["statistic", "change"])
    assert paired.loc[("abs_shift", "batch"), "value"] == pytest.approx(0, abs=1e-4)


def test_sign_of_a_shift_is_towards_better_quality():
    images = photographs(6)
    assert shifts(Darkness(), images, "shift")["crop"] == pytest.approx(
        shifts(Brightness(), images, "shift")["crop"], abs=1e-4
    )


def test_constant_method_has_no_shift_and_no_order():
    found = sensitivity(Constant(), photographs(4)).set_index(["statistic", "change"]).value
    moved = found[["shift", "abs_shift"]].drop("precision", level="change")
    assert (moved == 0).all()
    assert found["srcc"].isna().all()


def test_a_crop_is_the_middle_of_nine_tenths():
    rows, columns = torch.meshgrid(torch.arange(100.0), torch.arange(120.0), indexing="ij")
    found = cropped(torch.stack([rows, columns, rows])[None])
    assert found.shape == (1, 3, 90, 108)
    assert found[0, :2, 0, 0].tolist() == [5, 6]
    assert found[0, :2, -1, -1].tolist() == [94, 113]


@pytest.mark.parametrize("image", [photographs(1, 50, 70)[0], torch.eye(50, 70).expand(3, -1, -1)])
def test_a_resize_is_pillows_bicubic_to_nine_tenths(image):
    expected = [
        np.asarray(Image.fromarray(channel.numpy(), "F").resize((63, 45), Image.Resampling.BICUBIC))
        for channel in image
    ]
    # Beside an edge the filter overshoots, which no picture can.
    assert np.abs(resized(image[None])[0].numpy() - np.clip(expected, 0, 1)).max() < 1e-4


def test_a_recompression_is_jpeg_95_with_all_its_colour():
    image = photographs(1)[0]
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    stream = imagecodecs.jpeg8_encode(np.ascontiguousarray(pixels), level=95, subsampling="444")
    found = (recompressed(image[None])[0] * 255).permute(1, 2, 0).numpy()
    assert np.abs(found - imagecodecs.jpeg8_decode(stream)).max() <= 1
    assert recompressed(image[None].double()).dtype == torch.float64


def grey(*values):
    return [torch.full((3, 40, 40), value) for value in values]


def test_three_pictures_have_an_order_and_two_have_none():
    """Scores of 0, 1/2 and 1: their range is 1, and their order is kept."""
    found = sensitivity(Brightness(), grey(0.0, 0.5, 1.0)).set_index(["statistic", "change"])
    assert found.value["srcc"].drop("precision").tolist() == pytest.approx([1] * 5)
    assert (found.n == 3).all()
    two = sensitivity(Brightness(), grey(0.0, 1.0)).set_index(["statistic", "change"])
    assert two.loc["srcc", ["value", "low", "high"]].isna().all(axis=None)
    assert (two.n == 2).all()


def test_shifts_of_a_method_that_scores_all_alike_are_in_its_own_units():
    class Height(Brightness):
        def score(self, images):
            return torch.full((len(images),), float(images.shape[2]))

    found = shifts(Height(), grey(0.2, 0.4, 0.6), "shift")
    assert (found["crop"], found["resize"], found["flip"]) == (-4, -4, 0)


def test_pictures_of_one_reference_are_one_unit_and_a_size_is_never_negative():
    """Four pictures of each of six references, which move alike: their means alone have an interval."""
    images = [image for image in photographs(6) for _ in range(4)]
    groups = np.repeat([f"r{k}" for k in range(6)], 4)
    before, after = (np.array([float(i[:, 0, c].mean()) for i in images[::4]]) for c in (0, -1))
    shift = (after - before) / before.std()
    found = sensitivity(Corner(), images, groups=groups).set_index(["statistic", "change"])
    for name, moved in (("shift", shift), ("abs_shift", np.abs(shift))):
        low, high = stats.ttest_1samp(moved, 0).confidence_interval()
        row = found.loc[name, "flip"]
        assert row[["value", "low", "high"]].tolist() == pytest.approx(
            [moved.mean(), low if name == "shift" else max(low, 0), high], abs=1e-5
        )
        assert (row["n"], row["units"]) == (24, 6)
    assert found.loc["abs_shift", "low"].dropna().ge(0).all()
    few = sensitivity(Corner(), images[:16], groups=groups[:16])
    assert few[["low", "high"]].isna().all(axis=None)


def test_the_size_of_a_shift_ends_at_nought():
    """Of six pictures one alone moves; Student's interval of its size would begin below 0."""
    images = [image - image.min() for image in photographs(6)]
    images[1:] = [(i + i.flip(-1)) / 2 for i in images[1:]]
    row = sensitivity(Corner(), images).set_index(["statistic", "change"]).loc["abs_shift", "flip"]
    assert row["low"] == 0 < row["value"] < row["high"]
