"""The random types in law: moments and distributions against independent draws."""

import numpy as np
import pytest
import torch
from scipy import stats

from benchmark.degradations import LEVELS, degrade
from benchmark.degradations.kinds import KINDS
from benchmark.degradations.seeds import derive, generator, normal
from tests.degradations.pictures import photographs

GRAY = torch.full((1, 3, 128, 128), 0.5)


def test_normal_fields_are_normal():
    values = normal(generator(0, "field"), 400_000).numpy().astype(np.float64)
    assert stats.kstest(values, "norm").pvalue > 0.01
    assert values.mean() == pytest.approx(0, abs=4 / np.sqrt(len(values)))
    assert values.var() == pytest.approx(1, abs=4 * np.sqrt(2 / len(values)))
    assert stats.kurtosis(values) == pytest.approx(0, abs=4 * np.sqrt(24 / len(values)))
    assert np.corrcoef(values[:-1], values[1:])[0, 1] == pytest.approx(0, abs=4 / np.sqrt(len(values)))


@pytest.mark.parametrize("level", [1, 3, 5])
def test_white_noise_matches_independent_gaussian_noise(level):
    made = degrade(GRAY, "whitenoise", level, [5]).numpy().ravel() - 0.5
    theirs = np.random.default_rng(1).normal(0, np.sqrt(LEVELS["whitenoise"][level - 1]), made.size)
    assert stats.ks_2samp(made, np.clip(theirs, -0.5, 0.5)).pvalue > 0.01
    channels = made.reshape(3, -1)
    assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < 4 / np.sqrt(channels.shape[1])


def test_chrominance_noise_has_the_variance_asked_for_in_each_channel():
    made = degrade(GRAY, "whitenoiseCC", 5, [5])[0].flatten(1).double().numpy() - 0.5
    red, green, blue = made
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    for channel in (luma, 0.564 * (blue - luma), 0.713 * (red - luma)):
        assert channel.var() == pytest.approx(LEVELS["whitenoiseCC"][4], rel=4 * np.sqrt(2 / channel.size))


def test_multiplicative_noise_grows_with_the_signal():
    ramp = torch.linspace(0.1, 0.6, 128).expand(1, 3, 128, 128)
    noise = (degrade(ramp, "multnoise", 3, [9]) - ramp)[0].double()
    deviation = noise.permute(2, 0, 1).flatten(1).std(1).numpy()
    expected = ramp[0, 0, 0].numpy() * np.sqrt(LEVELS["multnoise"][2])
    assert deviation == pytest.approx(expected, rel=4 / np.sqrt(2 * 3 * 128))


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_impulses_have_the_density_asked_for_half_of_each_sort(level):
    made = degrade(GRAY, "impulsenoise", level, [2])
    density = LEVELS["impulsenoise"][level - 1]
    drawn = int(density * GRAY.numel())
    distinct = GRAY.numel() * (1 - (1 - 1 / GRAY.numel()) ** drawn)  # drawn with replacement
    assert (made != 0.5).sum() == pytest.approx(distinct, abs=4 * np.sqrt(drawn * density) + 2)
    salt = int((made == 1).sum())
    assert stats.binomtest(salt, int((made != 0.5).sum())).pvalue > 0.001


def test_directions_of_motion_are_spread_over_all_degrees():
    draw = KINDS["motionblur"].draw
    angles = np.array([draw(generator(seed, "motionblur"), 32, 32)[0] for seed in range(5000)])
    assert stats.chisquare(np.bincount(angles, minlength=181)).pvalue > 0.001


def test_green_moves_in_directions_of_the_unit_square():
    draw = KINDS["colorshift"].draw
    ours = [draw(generator(seed, "colorshift"), 32, 32)[0].numpy() for seed in range(4000)]
    angle = np.arctan2(*np.transpose(ours))
    square = np.random.default_rng(0).random((4000, 2))
    assert stats.ks_2samp(angle, np.arctan2(square[:, 0], square[:, 1])).pvalue > 0.01


def test_displaced_patches_stay_inside_and_near():
    height, width = 200, 150
    patches = np.vstack(
        [KINDS["noneccpatch"].draw(generator(s, "noneccpatch"), height, width)[0] for s in range(50)]
    )
    start, goal = patches[:, :2], patches[:, 2:]
    assert start.min() >= 16
    assert (start <= np.array([height, width]) - 32).all()
    assert np.abs(goal - start).max() <= 8
    places = np.bincount(start[:, 0] - 16)[1:-1]  # rounding halves the chance of both ends
    assert stats.chisquare(places).pvalue > 0.001
    steps = np.bincount((goal - start)[:, 1] + 8)
    chances = np.array([0.5, *[1] * 15, 0.5]) / 16
    assert stats.chisquare(steps, chances * steps.sum()).pvalue > 0.001


def test_blocks_have_uniform_colours_and_places():
    drawn = [KINDS["colorblock"].draw(generator(s, "colorblock"), 232, 132) for s in range(500)]
    colours = np.vstack([field[0].numpy() for field in drawn])
    corners = np.vstack([field[1] for field in drawn])
    assert stats.kstest(colours.ravel(), "uniform").pvalue > 0.01
    assert corners.min() == 0
    assert corners[:, 0].max() == 199
    assert corners[:, 1].max() == 99
    assert stats.chisquare(np.bincount(corners[:, 1], minlength=100)).pvalue > 0.001


def test_jitter_keeps_the_mean_and_blurs_more_with_more_passes_of_noise():
    image = photographs()[:1]
    flat = degrade(GRAY, "jitter", 5, [1])
    assert torch.allclose(flat, GRAY, atol=1e-6)
    assert degrade(image, "jitter", 5, [1]).mean() == pytest.approx(float(image.mean()), abs=0.02)


def test_seeds_and_types_draw_apart():
    fields = [normal(generator(seed, name), 20_000) for seed in (0, 1, -1) for name in ("a", "b")]
    assert np.abs(np.corrcoef(torch.stack(fields).numpy()) - np.eye(6)).max() < 5 / np.sqrt(20_000)


def test_a_sequence_draws_anew_at_every_place():
    assert derive(11, 0) == 11
    assert len({derive(seed, place) for seed in range(100) for place in range(10)}) == 1000
