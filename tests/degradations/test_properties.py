"""What holds for every type, level, size and dtype."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.degradations import GROUPS, LEVELS, MONOTONE, compose, degrade, ladder
from benchmark.degradations.kinds import KINDS
from tests.degradations.pictures import photographs

kinds = st.sampled_from(sorted(LEVELS))
levels = st.integers(1, 5)
seeds = st.integers(-(2**63), 2**63 - 1)
sizes = st.tuples(st.integers(32, 70), st.integers(32, 70))
dtypes = st.sampled_from([torch.float32, torch.bfloat16, torch.float16, torch.float64])
orders = st.sampled_from(["reference", "monotone"])
FEW = settings(max_examples=60, deadline=None, derandomize=True)


def textured(count, size, seed):
    """Noise over a photograph, so that no two images and no two regions are alike."""
    noise = torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed % 2**31))
    return 0.7 * photographs()[:1, :, : size[0], : size[1]] + 0.3 * noise


@FEW
@given(kinds, levels, seeds, sizes, dtypes, orders)
def test_shape_dtype_and_range_stay_and_the_input_is_not_touched(kind, level, seed, size, dtype, order):
    images = textured(2, size, seed).to(dtype)
    before = images.clone()
    made = degrade(images, kind, level, [seed, seed + 1 if seed < 0 else seed - 1], order)
    assert made.shape == images.shape
    assert made.dtype == dtype
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.equal(images, before)
    assert made.data_ptr() != images.data_ptr()


@FEW
@given(kinds, st.lists(levels, min_size=3, max_size=3), st.lists(seeds, min_size=3, max_size=3), sizes)
def test_an_image_is_degraded_alike_alone_in_a_batch_and_in_another_order(kind, rungs, numbers, size):
    images = textured(3, size, 1)
    together = degrade(images, kind, torch.tensor(rungs), torch.tensor(numbers))
    backwards = degrade(images.flip(0), kind, rungs[::-1], numbers[::-1]).flip(0)
    alone = torch.cat([degrade(images[i : i + 1], kind, rungs[i], [numbers[i]]) for i in range(3)])
    assert torch.equal(together, backwards)
    assert torch.equal(together, alone)


@settings(FEW, max_examples=30)
@given(st.lists(kinds, min_size=4, max_size=4), levels, seeds)
def test_types_mixed_in_a_batch_give_what_each_gives_alone(mixed, level, seed):
    images = textured(4, (40, 48), 2)
    together = degrade(images, mixed, level, [seed] * 4)
    rungs = ladder(images, mixed, [seed] * 4)
    for i, kind in enumerate(mixed):
        assert torch.equal(together[i], degrade(images[i : i + 1], kind, level, [seed])[0])
        assert torch.equal(rungs[:, i], ladder(images[i : i + 1], kind, [seed])[:, 0])


@FEW
@given(kinds, levels, seeds, orders)
def test_a_rung_of_the_ladder_is_that_level(kind, level, seed, order):
    images = textured(2, (48, 56), 3)
    rung = ladder(images, kind, [seed, 5], order=order)[level - 1]
    alone = degrade(images, kind, level, [seed, 5], order)
    if kind == "jpeg2000":  # quality layers of one codestream: as near to the original
        loss, loss_alone = (float((made - images).abs().mean()) for made in (rung, alone))
        assert loss == pytest.approx(loss_alone, rel=0.25)
    else:
        assert torch.equal(rung, alone)
    assert torch.equal(rung, ladder(images, kind, [seed, 5], level, order)[-1])


@pytest.mark.parametrize("kind", LEVELS)
def test_threads_and_memory_layout_do_not_matter(kind):
    images = photographs()[:3]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = degrade(images, kind, 4, [1, 2, 3])
        torch.set_num_threads(2)
        double = degrade(images, kind, 4, [1, 2, 3])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(single, double)
    shuffled = images.to(memory_format=torch.channels_last)
    assert torch.equal(degrade(shuffled, kind, 4, [1, 2, 3]), double)
    wide = torch.zeros(3, 3, 96, 100)
    wide[..., 2:98] = images
    assert torch.equal(degrade(wide[..., 2:98], kind, 4, [1, 2, 3]), double)


@pytest.mark.parametrize("kind", ["colordiff", "brighten", "gaublur", "whitenoiseCC", "jitter"])
def test_autocast_and_gradients_do_not_reach_inside(kind):
    images = photographs()[:2]
    plain = degrade(images, kind, 3, [1, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(degrade(images, kind, 3, [1, 2]), plain)
    assert not degrade(images.clone().requires_grad_(), kind, 3, [1, 2]).requires_grad


@pytest.mark.parametrize("kind", LEVELS)
def test_the_two_crops_of_a_pair_share_their_draws(kind):
    crop = photographs()[:1]
    pair = ladder(torch.cat((crop, crop)), kind, [17, 17])
    assert torch.equal(pair[:, 0], pair[:, 1])


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.draw])
def test_random_types_follow_the_seed(kind):
    image = photographs()[:1]
    first, again, other = (degrade(image, kind, 5, [seed]) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", ["whitenoise", "whitenoiseCC", "multnoise"])
def test_noise_of_a_ladder_is_one_field_scaled(kind):
    image = torch.full((1, 3, 64, 64), 0.5)
    rungs = ladder(image, kind, [4])
    field = (rungs - 0.5) / torch.tensor(MONOTONE[kind]).sqrt().view(5, 1, 1, 1, 1)
    inside = ((rungs > 0) & (rungs < 1)).all(0)
    assert torch.allclose(field[4][inside], field[0][inside], atol=1e-4)


@settings(FEW, max_examples=40)
@given(st.lists(st.tuples(kinds, levels), max_size=4), seeds)
def test_a_composition_is_its_steps_one_after_another(sequence, seed):
    images = textured(2, (40, 44), 4)
    made = compose(images, sequence, [seed, 1])
    assert made.min() >= 0
    assert made.max() <= 1
    if not sequence:
        assert torch.equal(made, images)
    elif len(sequence) == 1:
        assert torch.equal(made, degrade(images, *sequence[0], [seed, 1]))
    else:
        start = compose(images, sequence[:-1], [seed, 1])
        assert torch.equal(compose(images[1:], sequence, [1])[0], made[1])
        if LEVELS[sequence[-1][0]] and sequence[-1][0] in {"gaublur", "jpeg", "darken", "pixelate"}:
            assert torch.equal(made, degrade(start, *sequence[-1], [0, 0]))


def test_a_repeated_type_draws_a_new_field_in_a_composition():
    image = torch.full((1, 3, 64, 64), 0.5)
    once, twice = (compose(image, [("whitenoise", 1)] * n, [3]) - 0.5 for n in (1, 2))
    assert twice.var() == pytest.approx(2 * float(once.var()), rel=0.1)


def test_the_table_is_the_published_one():
    assert [len(group) for group in GROUPS.values()] == [3, 4, 2, 4, 3, 5, 3]
    assert [kind for group in GROUPS.values() for kind in group] == list(LEVELS)
    assert set(MONOTONE) == set(LEVELS)
    assert all(len(set(amounts)) == 5 for amounts in MONOTONE.values())
