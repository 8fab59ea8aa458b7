import pytest
import torch
from skimage.data import astronaut

from benchmark.degradations import degrade, ladder
from benchmark.robustness import (
    FURTHER,
    UNSEEN,
    long_ladder,
    unseen_ladder,
)
from tests.robustness.pretenders import photographs


@pytest.mark.parametrize("kind", [kind for kinds in FURTHER.values() for kind in kinds])
def test_further_levels_follow_the_known_ones_and_are_worse(kind):
    image = torch.from_numpy(astronaut()[:128, 160:288] / 255).float().permute(2, 0, 1)[None].contiguous()
    seeds = torch.tensor([11])
    steps = long_ladder(image, kind, seeds)
    torch.testing.assert_close(steps[:5], ladder(image, kind, seeds))
    error = ((steps - image) ** 2).mean((1, 2, 3, 4))
    assert error[4] < error[5] < error[6]


@pytest.mark.parametrize("kind", UNSEEN)
def test_unseen_kinds_get_worse_with_the_level_and_repeat(kind):
    coarse = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(3))
    images = torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic").clamp(0, 1)
    seeds = torch.tensor([1, 2])
    steps = unseen_ladder(images, kind, seeds)
    error = ((steps - images) ** 2).mean((2, 3, 4))
    assert (error.diff(dim=0) > 0).all()
    assert torch.equal(unseen_ladder(images[1:], kind, seeds[1:], 3), steps[:3, 1:])


@pytest.mark.parametrize("levels", [1, 5, 6, 7])
def test_levels_above_the_fifth_are_the_fifth_again_and_again(levels):
    image, seed = photographs(1)[0][None], torch.tensor([0])
    steps = long_ladder(image, "gaublur", seed, levels)
    assert len(steps) == levels
    expected = image
    for level in (5, 6, 7):
        expected = degrade(expected, "gaublur", 5, seed, "monotone")  # draws nothing
        if level <= levels:
            torch.testing.assert_close(steps[level - 1], expected)


def test_noise_is_removed_from_a_flat_picture_and_what_is_left_is_in_proportion():
    """Total variation of weight w takes w n to w times what weight 1 takes n to: one field at all levels."""
    grey = torch.full((1, 3, 48, 48), 0.5)
    left = (unseen_ladder(grey, "denoise", torch.tensor([3])) - 0.5)[:, 0].flatten(1)
    deviation = torch.tensor([0.05, 0.1, 0.15, 0.2, 0.3])
    torch.testing.assert_close(left / deviation[:, None], (left[:1] / 0.05).expand(5, -1), atol=1e-3, rtol=0)
    assert 0.05 < left[0].std() / 0.05 < 0.6


def test_noise_on_black_and_on_white_is_cut_off_where_the_range_ends():
    for colour in (0.0, 1.0):
        steps = unseen_ladder(torch.full((1, 3, 48, 48), colour), "denoise", torch.tensor([3]))
        assert (steps.min(), steps.max())[int(colour)] == colour
        assert steps.std() > 0.01


def test_palette_has_no_more_colours_than_asked_for():
    steps = unseen_ladder(photographs(1)[0][None], "colorquantization", torch.tensor([0]))
    for level, most in enumerate(UNSEEN["colorquantization"]):
        assert len(steps[level, 0].flatten(1).unique(dim=1).T) <= most


def test_unknown_kinds_and_levels_are_named():
    image, seed = photographs(1)[0][None], torch.tensor([0])
    with pytest.raises(ValueError, match="'jpeg' has no levels beyond"):
        long_ladder(image, "jpeg", seed)
    with pytest.raises(ValueError, match="'gaublur' is not an unseen kind"):
        unseen_ladder(image, "gaublur", seed)
    with pytest.raises(ValueError, match="levels=6"):
        unseen_ladder(image, "denoise", seed, 6)
    with pytest.raises(ValueError, match="levels=0"):
        unseen_ladder(image, "denoise", seed, 0)
    assert unseen_ladder(image, "denoise", seed, 1).shape == (1, *image.shape)
