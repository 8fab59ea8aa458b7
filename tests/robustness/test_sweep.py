import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from benchmark.degradations import GROUPS, degrade
from benchmark.robustness import (
    sweep,
)
from benchmark.statistics.estimates import mean_interval
from benchmark.study import content_seed
from tests.robustness.pretenders import TIDY, Brightness, Constant, Darkness, photographs

BRIGHT = {"brightness_change": ("darken", "brighten")}


def planted(images, kind, seeds, levels):
    """Darker by a tenth a level; ``rising`` goes the other way, ``late`` changes at level 2 alone."""
    step = torch.arange(1, levels + 1).view(-1, 1, 1, 1, 1) / 10
    strength = {"fall": step, "rising": -step, "late": (step > 0.15) / 10}[kind]
    return (images * (1 - strength)).clamp(0, 1)


def test_planted_orders_are_found():
    kinds = {"known": ("fall", "rising", "late")}
    _, order = sweep(Brightness(), photographs(), kinds, levels=3, ladder=planted)
    table = order.pivot_table(index="distortion", columns="statistic", values="value")
    assert table.loc["fall"].tolist() == [1.0, 1.0]
    assert table.loc["rising", "srcc_level"] == pytest.approx(-1)
    assert table.loc["rising", "monotone_share"] == 0
    expected = stats.spearmanr([0, 1, 2, 3], [0, 0, 1, 1]).statistic
    assert table.loc["late", "srcc_level"] == pytest.approx(expected)
    assert table.loc["late", "monotone_share"] == 0


class Jittery(Brightness):
    """Brightness whose last bits hang on the place in the batch, as those of a network do."""

    def score(self, images):
        return super().score(images) + 6e-8 * torch.arange(len(images))


GREY = {"color": ("colorsat1", "colorsat2", "colordiff"), "brightness_change": ("darken",)}


@pytest.mark.parametrize("method", [Jittery(), Constant()], ids=lambda method: method.name)
def test_a_photograph_that_no_level_changes_does_not_count_for_that_type(method):
    """Of eight photographs two are grey, whose colours cannot change: the rest alone are as if alone."""
    coloured = photographs(6)
    grey = [image.mean(0, keepdim=True).expand(3, -1, -1).clone() for image in photographs(8)[6:]]
    mixed = sweep(method, [*coloured[:3], *grey, *coloured[3:]], GREY)
    alone = sweep(method, coloured, GREY)
    for found, expected in zip(mixed, alone, strict=True):
        colours = found["group"].eq("color")
        assert set(found.loc[colours, "n"]) == {6}
        assert set(found.loc[~colours, "n"]) == {8}
        values = expected.loc[expected["group"].eq("color"), ["value", "low", "high"]]
        np.testing.assert_allclose(found.loc[colours, ["value", "low", "high"]], values, atol=1e-6)
        said = found["distortion"] + ": without 2 that no level of it changes"
        assert [s in p for s, p in zip(said, found["protocol"], strict=True)] == colours.tolist()
    for found in sweep(method, grey, GREY):
        colours = found["group"].eq("color")
        assert found.loc[colours, ["value", "low", "high"]].isna().all(axis=None)
        assert (found.loc[colours, "n"] == 0).all()
        assert found.loc[~colours, "value"].notna().all()


def test_a_level_that_changes_nothing_has_the_score_of_the_photograph():
    """``late`` begins at the second level: the first is a tie, whatever the last bits of its score are."""
    _, order = sweep(Jittery(), photographs(5), {"known": ("late",)}, levels=2, ladder=planted)
    expected = stats.spearmanr([0, 1, 2], [0, 0, 1]).statistic
    assert order.value.tolist() == pytest.approx([expected, 0])


def test_a_method_that_is_blind_to_a_type_has_no_order_but_rounding():
    """Channels change places, which brightness sees in its last bits alone."""

    def turned(images, kind, seeds, levels):
        return torch.stack([images.roll(level, 1) for level in range(1, levels + 1)])

    images = [image + k / 50 for k, image in enumerate(photographs(5))]
    _, order = sweep(Jittery(), images, {"known": ("turned",)}, levels=2, ladder=turned)
    assert order.value.tolist() == [0, 0]


def test_direction_of_the_method_does_not_matter_for_the_order():
    _, bright = sweep(Brightness(), photographs(), {"known": ("fall",)}, levels=3, ladder=planted)
    _, dark = sweep(Darkness(), photographs(), {"known": ("fall",)}, levels=3, ladder=planted)
    assert bright.value.tolist() == dark.value.tolist()


def test_two_methods_of_one_name_are_not_given_the_scores_of_one():
    with pytest.raises(ValueError, match=f"several methods are called {Brightness().name!r}"):
        sweep([Brightness(), Constant(), Brightness()], photographs(2), BRIGHT, levels=1)


def test_constant_method_keeps_no_order():
    _, order = sweep(Constant(), photographs(), BRIGHT)
    assert (order.value == 0).all()


def test_frames_have_the_documented_columns_and_start_at_the_pristine_picture():
    images = photographs(6)
    curve, order = sweep(Brightness(), images, BRIGHT)
    assert list(curve) == ["method", "group", "distortion", "level", *TIDY]
    assert list(order) == ["method", "group", "distortion", *TIDY]
    assert curve.level.tolist() == [0, 1, 2, 3, 4, 5] * 2
    expected = mean_interval(np.array([float(image.mean()) for image in images]))
    for row in curve[curve.level == 0].itertuples():
        assert (row.value, row.low, row.high, row.n) == pytest.approx(expected, abs=1e-7)


def test_levels_are_those_of_degrade():
    images = photographs(1)
    curve, _ = sweep(Brightness(), images, {"noise": ("impulsenoise",)}, seed=5)
    seed = content_seed(images[0], 5, "impulsenoise")
    for row in curve[curve.level > 0].itertuples():
        expected = degrade(images[0][None], "impulsenoise", row.level, [seed], "monotone").mean()
        assert row.value == pytest.approx(float(expected), abs=1e-6)


def test_neither_batch_nor_order_of_images_matters():
    images = [*photographs(3), *photographs(2, 32, 36)]
    kinds = {"noise": ("whitenoise",), "spatial_distortion": ("colorblock",)}
    one, two = sweep(Brightness(), images, kinds, batch=8), sweep(Brightness(), images[::-1], kinds, batch=1)
    for a, b in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(a, b, rtol=1e-6)


def test_several_methods_are_each_as_if_alone():
    alone = [sweep(method, photographs(), BRIGHT) for method in (Brightness(), Darkness())]
    together = sweep([Brightness(), Darkness()], photographs(), BRIGHT)
    for k in range(2):
        pd.testing.assert_frame_equal(pd.concat([pair[k] for pair in alone], ignore_index=True), together[k])


class Recorded(list):
    """References, and which were asked for."""

    def __init__(self, images):
        super().__init__(images)
        self.asked = []

    def __getitem__(self, place):
        self.asked.append(place)
        return super().__getitem__(place)


class Memory:
    """What a file would hold."""

    def __init__(self):
        self.lines = []

    def add(self, batch):
        self.lines.append(json.loads(json.dumps(batch)))


class Failing(Brightness):
    """Ends with the machine at some call; a batch's mean makes a score depend on its company."""

    def __init__(self, calls):
        self.left = calls

    def score(self, images):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().score(images) + images.mean()


@pytest.mark.parametrize("calls", range(1, 13, 2))
def test_a_stopped_sweep_goes_on_to_the_same_bits(calls):
    images = [image for pair in zip(photographs(5), photographs(5, 32, 36), strict=True) for image in pair]
    whole = sweep(Failing(-1), images, BRIGHT, batch=2)
    memory, rest = Memory(), Recorded(images)
    with pytest.raises(KeyboardInterrupt):
        sweep(Failing(calls), images, BRIGHT, batch=2, journal=memory)
    again = sweep(Failing(-1), rest, BRIGHT, batch=2, journal=memory)
    for a, b in zip(whole, again, strict=True):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    done = 2 * ((calls - 1) // 3)  # three calls a batch of two: as they are, and two kinds
    assert len(rest.asked) == len(set(rest.asked)) == len(images) - done


def test_all_kinds_by_default():
    curve, order = sweep(Brightness(), photographs(1, 32, 32))
    assert list(dict.fromkeys(curve.distortion)) == [kind for kinds in GROUPS.values() for kind in kinds]
    assert dict(zip(order.distortion, order.group, strict=True))["jpeg2000"] == "jpeg"


class Broken(Brightness):
    def score(self, images):
        return torch.full((len(images),), torch.nan)


class Misshapen(Brightness):
    def score(self, images):
        return torch.zeros(len(images), 1)


@pytest.mark.parametrize(
    ("method", "references", "message"),
    [
        (Brightness(), [], "no reference images"),
        (Brightness(), [torch.rand(1, 40, 40)], r"\[3, H, W\]"),
        (Brightness(), [torch.rand(3, 40, 40) * 255], "divide 8-bit values by 255"),
        (Brightness(), [torch.full((3, 40, 40), torch.nan)], "leaves"),
        (Broken(), photographs(), "not finite for a pristine photograph"),
        (Misshapen(), photographs(), r"shape \(3, 1\)"),
    ],
)
def test_bad_input_is_named(method, references, message):
    with pytest.raises(ValueError, match=message):
        sweep(method, references, BRIGHT)


def test_at_least_one_level():
    with pytest.raises(ValueError, match="levels=0"):
        sweep(Brightness(), photographs(), BRIGHT, levels=0)


def test_photographs_of_one_reference_are_one_unit():
    """Each of six contents twice: as many bits are known as of the six, and intervals are theirs."""
    once, contents = photographs(6), np.repeat(np.arange(6), 2)
    twice = [once[content] for content in contents]
    expected = sweep(Brightness(), once, BRIGHT)
    for found, alone in zip(sweep(Brightness(), twice, BRIGHT, groups=contents), expected, strict=True):
        assert found["n"].eq(12).all()
        assert found["units"].eq(6).all()
        assert found["protocol"].str.startswith("12 photographs of 6 references").all()
        student = ~found["statistic"].eq(
            "monotone_share"
        )  # shares of six have Wilson's, of contents Student's
        columns = ["value", "low", "high"]
        np.testing.assert_allclose(found.loc[student, columns], alone.loc[student, columns])
    few = sweep(Brightness(), twice[:8], BRIGHT, groups=contents[:8])
    for table in few:
        assert table[["low", "high"]].isna().all(axis=None)
        assert table["protocol"].str.contains("fewer than 5 images or references").all()
