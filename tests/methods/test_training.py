"""QualiCLIP's training: crops, draws, resume, and that it learns what it is for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import methods
from benchmark.images import write_png
from methods.qualiclip import training
from methods.qualiclip.crops import KINDS, cached_reader, draw_batch, overlapping_crops
from methods.qualiclip.training import Training, train_encoder

TINY = {
    "architecture": "small", "pretrained": None, "steps": 6, "batch": 2, "crop": 64, "norm": "train",
    "lr": 1e-3, "log_every": 1, "checkpoint_every": 2, "bf16": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Smooth coloured patches with edges: something that degradation visibly changes."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = torch.Generator().manual_seed(0)
    paths = []
    for i in range(5):
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        image = torch.nn.functional.interpolate(coarse, size=(96, 110), mode="nearest")[0]
        write_png(folder / f"{i}.png", image)
        paths.append(folder / f"{i}.png")
    return paths


@settings(max_examples=50, deadline=None)
@given(
    st.integers(32, 300), st.integers(32, 300), st.integers(16, 32), st.floats(0, 1), st.integers(0, 2**32)
)  # fmt: skip
def test_crops_lie_inside_and_overlap_enough(height, width, size, overlap, seed):
    rows = torch.arange(height).view(1, -1, 1).expand(1, height, width)
    columns = torch.arange(width).view(1, 1, -1).expand(1, height, width)
    image = torch.cat([rows, columns, rows])
    crops = overlapping_crops(image, size, overlap, np.random.default_rng(seed))
    assert crops.shape == (2, 3, size, size)
    corner = crops[:, :2, 0, 0]
    # Each crop is a contiguous piece of the image...
    assert torch.equal(crops[:, :2, -1, -1], corner + size - 1)
    # ...and the area they share, counted pixel by pixel, is enough.
    first, second = (
        {(y, x) for y in range(a, a + size) for x in range(b, b + size)} for a, b in corner.tolist()
    )
    assert len(first & second) >= overlap * size * size - 1e-6


def test_too_small_a_picture_is_named(pictures):
    with pytest.raises(ValueError, match=r"\.png: picture of 110x96 is smaller than the crop of 128"):
        draw_batch(pictures, 0, 0, cached_reader(4), 1, 128, 0.5)


def test_an_epoch_shows_every_picture_once(pictures):
    seen = []

    def reader(path):
        seen.append(path)
        return torch.zeros(3, 64, 64)

    for step in range(5):
        draw_batch(pictures, step, 1, reader, 3, 64, 0.5)
    epochs = [sorted(seen[i : i + 5]) for i in (0, 5, 10)]
    assert epochs == [sorted(pictures)] * 3
    assert seen[:5] != seen[5:10] or seen[5:10] != seen[10:]


def test_a_draw_depends_on_the_position_and_not_on_the_batch_size(pictures):
    reader = cached_reader(8)
    wide = draw_batch(pictures, 0, 7, reader, 4, 64, 0.5)
    narrow = [draw_batch(pictures, s, 7, reader, 2, 64, 0.5) for s in (0, 1)]
    assert torch.equal(wide[0], torch.cat([n[0] for n in narrow]))
    assert wide[1] == narrow[0][1] + narrow[1][1]
    assert torch.equal(wide[2], torch.cat([n[2] for n in narrow]))


def test_all_types_are_drawn(pictures):
    kinds = []
    for step in range(40):
        kinds += draw_batch(pictures, step, 0, cached_reader(8), 8, 64, 0.5)[1]
    assert set(kinds) == set(KINDS)
    assert len(KINDS) == 24


def test_resumed_run_equals_the_uninterrupted_one(pictures, tmp_path, monkeypatch):
    whole, curve = train_encoder(pictures, tmp_path / "whole", seed=3, settings=Training(**TINY))

    class Killed(Exception):
        pass

    steps = iter(range(100))
    genuine = training.step_losses

    def killed_in_the_fifth_step(*arguments):
        if next(steps) == 4:
            raise Killed
        return genuine(*arguments)

    monkeypatch.setattr(training, "step_losses", killed_in_the_fifth_step)
    with pytest.raises(Killed):
        train_encoder(pictures, tmp_path / "cut", seed=3, settings=Training(**TINY))
    assert (tmp_path / "cut.partial").is_file()
    monkeypatch.setattr(training, "step_losses", genuine)
    resumed, again = train_encoder(pictures, tmp_path / "cut", seed=3, settings=Training(**TINY))
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert curve.equals(again)
    assert not (tmp_path / "cut.partial").exists()


def test_a_checkpoint_of_other_settings_is_not_taken_up(pictures, tmp_path):
    model, _ = train_encoder(pictures, tmp_path / "a", seed=3, settings=Training(**TINY | {"steps": 0}))
    optimizer = torch.optim.AdamW(model.encoder.parameters())
    training.Checkpoint(tmp_path / "a", "another run").save(model, optimizer, 4, [])
    assert training.Checkpoint(tmp_path / "a", "this run").restore(model, optimizer) == (0, [])


def test_training_orders_levels_that_it_has_not_seen(pictures, tmp_path):
    """A single picture set, few steps: the order of Gaussian blur and noise must rise well above chance."""
    own = Training(**TINY | {"steps": 40, "batch": 4})
    _, curve = train_encoder(pictures, tmp_path / "m", seed=0, settings=own)
    assert curve["in_order"].iloc[-10:].mean() > curve["in_order"].iloc[:3].mean() + 0.15
    assert curve["loss"].iloc[-10:].mean() < curve["loss"].iloc[:3].mean()


def test_no_steps_leave_the_backbone_as_it_starts(pictures, tmp_path):
    learnt = methods.train("qualiclip", pictures, tmp_path / "m", seed=5, settings=TINY | {"steps": 0})
    trained = methods.load("qualiclip", **learnt)
    fresh = methods.load(
        "clipiqa", architecture="small", pretrained=None, seed=5, prompts="qualiclip", scale=100.0
    )
    images = torch.rand(2, 3, 80, 70)
    assert torch.equal(trained.score(images), fresh.score(images))


def test_bad_settings_and_pictures_are_named(pictures, tmp_path):
    with pytest.raises(ValueError, match="no pictures to train on"):
        methods.train("qualiclip", [], tmp_path, seed=0, settings=TINY)
    with pytest.raises(ValueError, match=r"train\.order: .*'reference' or 'monotone'"):
        methods.train("qualiclip", pictures, tmp_path, seed=0, settings=TINY | {"order": "rising"})
    with pytest.raises(ValueError, match="did you mean 'margin_rank'"):
        methods.train("qualiclip", pictures, tmp_path, seed=0, settings=TINY | {"margin_rnk": 0.1})
    with pytest.raises(ValueError, match="lower `lr`"):
        methods.train("qualiclip", pictures, tmp_path, seed=0, settings=TINY | {"lr": 1e30, "steps": 20})


def test_training_leaves_a_picture_of_what_it_ranks(pictures, tmp_path):
    from benchmark.images import read

    methods.train("qualiclip", pictures, tmp_path, seed=0, settings={**TINY, "steps": 1})
    sheet = read(tmp_path / "ladders.png")
    side = training.SHOWN
    assert sheet.shape == (3, 8 * (side + 28), 3 * (5 * side + 10))
    assert (
        sheet[:, 18 : 18 + side, :side] - sheet[:, 18 : 18 + side, 4 * side : 5 * side]
    ).abs().mean() > 0.01
