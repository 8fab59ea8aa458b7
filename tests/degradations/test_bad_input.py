"""Whatever is wrong is named."""

import pytest
import torch

from benchmark.degradations import compose, degrade, group_of, ladder, sample_sequence

GOOD = torch.full((2, 3, 32, 32), 0.5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GOOD[0], r"shape \[B, 3, H, W\], not \[3, 32, 32\]"),
        (GOOD[:, :1], r"not \[2, 1, 32, 32\]"),
        (GOOD[..., :31], r"at least 32 x 32 pixels, not \[32, 31\]"),
        ((GOOD * 255).byte(), "floating point in .* divide bytes by 255"),
        (GOOD * 255, "these reach from 127.5 to 127.5"),
        (GOOD - 1, "these reach from -0.5"),
        (GOOD.where(torch.rand_like(GOOD) < 0.9, torch.nan), "without NaN"),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda images: degrade(images, "jpeg", 1, [0, 0]),
        lambda images: ladder(images, "jpeg", [0, 0]),
        lambda images: compose(images, [], [0, 0]),
    ],
)
def test_images(call, images, message):
    with pytest.raises(ValueError, match=message):
        call(images)


@pytest.mark.parametrize("level", [0, 6, -1, 1.5, True, torch.tensor([1, 6]), torch.tensor(1.0), [0, 1]])
def test_levels(level):
    with pytest.raises(ValueError, match="level must be a whole number from 1 to 5, not"):
        degrade(GOOD, "jpeg", level, [0, 0])


def test_number_of_levels():
    with pytest.raises(ValueError, match="levels must be a whole number from 1 to 5, not 6"):
        ladder(GOOD, "jpeg", [0, 0], levels=6)


def test_types():
    with pytest.raises(ValueError, match="unknown degradation 'gausblur'; did you mean 'gaublur'"):
        degrade(GOOD, "gausblur", 1, [0, 0])
    with pytest.raises(ValueError, match="did you mean 'whitenoiseCC'"):
        ladder(GOOD, ["jpeg", "whitenoiseC"], [0, 0])
    with pytest.raises(ValueError, match="1 types for 2 images"):
        degrade(GOOD, ["jpeg"], 1, [0, 0])
    assert group_of("jitter") == "spatial_distortion"


def test_seeds():
    with pytest.raises(ValueError, match="3 seeds for 2 images"):
        degrade(GOOD, "jpeg", 1, [0, 0, 0])
    with pytest.raises(ValueError, match="seeds must be whole numbers, not torch"):
        degrade(GOOD, "jpeg", 1, torch.zeros(2))
    with pytest.raises(ValueError, match="2 levels for 3 images"):
        degrade(torch.cat((GOOD, GOOD[:1])), "jpeg", [1, 2], [0, 0, 0])


def test_order():
    with pytest.raises(ValueError, match="unknown order 'rising': use 'reference' or 'monotone'"):
        ladder(GOOD, "jpeg", [0, 0], order="rising")


def test_sampler():
    with pytest.raises(ValueError, match="most must be 1 to 7"):
        sample_sequence(0, most=8)
    with pytest.raises(ValueError, match="levels must be 1 to 5"):
        sample_sequence(0, levels=6)
    with pytest.raises(ValueError, match="most must be 1 to 7"):
        sample_sequence(0, most=0)
    with pytest.raises(ValueError, match="levels must be 1 to 5"):
        sample_sequence(0, levels=0)
    assert [level for _, level in sample_sequence(0, most=7, levels=1)].count(1) == len(
        sample_sequence(0, 7, 1)
    )


def test_no_images_give_no_images():
    none = GOOD[:0]
    assert degrade(none, "jpeg", 1, []).shape == none.shape
    assert ladder(none, "jitter", torch.zeros(0, dtype=torch.int64)).shape == (5, *none.shape)
