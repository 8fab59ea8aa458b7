"""QualiCLIP's training: crops, draws, resume, and that it learns what it is for."""

import itertools
import json
import math
import os
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy import stats

import methods
from benchmark.degradations import LEVELS
from benchmark.images import write_png
from methods._shared.clip.encoder import architecture, build
from methods._shared.training.loop import cached_bytes
from methods._shared.training.ranks import Team
from methods.qualiclip import training
from methods.qualiclip.crops import draw_batch, overlapping_crops
from methods.qualiclip.feed import Feed
from methods.qualiclip.settings import Training, learning_rate
from methods.qualiclip.training import train_encoder
from methods.qualiclip.validation import held_out_pictures

TINY = {
    "architecture": "small", "pretrained": None, "width": 8, "steps": 6, "batch": 2, "crop": 32,
    "norm": "train", "lr": 1e-3, "log_every": 1, "checkpoint_every": 2, "bf16": False,
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


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75, 1.0])
def test_second_crops_are_drawn_evenly_among_those_that_overlap_enough(overlap):
    """All nine places of a crop of four pixels in six, each with the places that share enough of it."""
    image = torch.arange(36.0).view(1, 6, 6).expand(3, 6, 6)
    rng = np.random.default_rng(8)
    found = Counter(
        tuple(overlapping_crops(image, 4, overlap, rng)[:, 0, 0, 0].int().tolist()) for _ in range(1500)
    )
    expected = {}
    places = list(itertools.product(range(3), repeat=2))
    for first in places:
        near = [p for p in places if (4 - abs(p[0] - first[0])) * (4 - abs(p[1] - first[1])) >= overlap * 16]
        for second in near:
            pair = (6 * first[0] + first[1], 6 * second[0] + second[1])
            expected[pair] = 1500 / 9 / len(near)
    assert set(found) <= set(expected)
    assert stats.chisquare([found[pair] for pair in expected], list(expected.values())).pvalue > 1e-3


def test_a_picture_as_large_as_a_crop_is_the_crop():
    image = torch.rand(3, 32, 32)
    assert torch.equal(
        overlapping_crops(image, 32, 1.0, np.random.default_rng(0)), torch.stack([image, image])
    )


def test_too_small_a_picture_is_named(pictures):
    with pytest.raises(ValueError, match=r"\.png: picture of 110x96 is smaller than the crop of 128"):
        draw_batch(pictures, [0], 0, cached_bytes(4), 128, 0.5)


def test_an_epoch_shows_every_picture_once(pictures):
    seen = []

    def reader(path):
        seen.append(path)
        return torch.zeros(3, 64, 64)

    for step in range(5):
        draw_batch(pictures, range(3 * step, 3 * step + 3), 1, reader, 64, 0.5)
    epochs = [sorted(seen[i : i + 5]) for i in (0, 5, 10)]
    assert epochs == [sorted(pictures)] * 3
    assert seen[:5] != seen[5:10] or seen[5:10] != seen[10:]


def test_a_draw_depends_on_the_position_and_not_on_the_batch_size(pictures):
    reader = cached_bytes(8)
    wide = draw_batch(pictures, range(4), 7, reader, 64, 0.5)
    narrow = [draw_batch(pictures, [2 * s, 2 * s + 1], 7, reader, 64, 0.5) for s in (0, 1)]
    assert torch.equal(wide[0], torch.cat([n[0] for n in narrow]))
    assert wide[1] == narrow[0][1] + narrow[1][1]
    assert torch.equal(wide[2], torch.cat([n[2] for n in narrow]))


def test_all_types_are_drawn(pictures):
    kinds = []
    for step in range(40):
        kinds += draw_batch(pictures, range(8 * step, 8 * step + 8), 0, cached_bytes(8), 64, 0.5)[1]
    assert set(kinds) == {(kind,) for kind in LEVELS}
    assert len(LEVELS) == 24


def test_no_two_pictures_are_degraded_by_one_seed(pictures):
    seeds = draw_batch(pictures, range(60), 0, cached_bytes(8), 64, 0.5)[2]
    assert len(set(seeds.tolist())) == 60


CURVE = "step,lr,loss,consistency,positive,negative,across,in_order"
VARIANTS = {
    "plain": {},
    "all": {"ema": 0.9, "accumulate": 2, "rank_across": 0.5, "validate_every": 3, "workers": 2},
}


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_resumed_run_equals_the_uninterrupted_one(pictures, tmp_path, monkeypatch, variant):
    own = Training(**TINY | VARIANTS[variant])
    whole, curve, judged = train_encoder(
        pictures, tmp_path / "whole", seed=3, settings=own, held_out=pictures[:1]
    )

    class Killed(Exception):
        pass

    steps = iter(range(100))
    genuine = training.step_losses

    def killed_in_the_fifth_step(*arguments):
        if next(steps) == 4 * own.accumulate:
            raise Killed
        return genuine(*arguments)

    monkeypatch.setattr(training, "step_losses", killed_in_the_fifth_step)
    with pytest.raises(Killed):
        train_encoder(pictures, tmp_path / "cut", seed=3, settings=own, held_out=pictures[:1])
    assert (tmp_path / "cut.partial").is_file()
    gone_on = []
    monkeypatch.setattr(training, "step_losses", lambda *own: gone_on.append(1) or genuine(*own))
    resumed, again, judged_again = train_encoder(
        pictures, tmp_path / "cut", seed=3, settings=own, held_out=pictures[:1]
    )
    assert len(gone_on) == 2 * own.accumulate  # of six steps, four were in the state
    assert judged.equals(judged_again)
    assert len(judged) == (2 if own.validate_every else 0)
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert curve.equals(again)
    # Whoever writes the result removes the state after it: the disk may be full.
    assert (tmp_path / "cut.partial").exists()


def test_training_orders_levels_that_it_has_not_seen(pictures, tmp_path, monkeypatch):
    """A single picture set, few steps: the order of Gaussian blur and noise must rise well above chance."""
    two = ("gaublur", "whitenoise")
    monkeypatch.setattr("methods.qualiclip.crops.draw_kinds", lambda rng, *_: (two[rng.integers(2)],))
    own = Training(**TINY | {"steps": 30, "batch": 4})
    _, curve, _ = train_encoder(pictures, tmp_path / "m", seed=0, settings=own)
    assert curve["in_order"].iloc[-10:].mean() > max(0.7, curve["in_order"].iloc[:3].mean() + 0.15)
    assert curve["loss"].iloc[-10:].mean() < curve["loss"].iloc[:3].mean()


@pytest.mark.parametrize(
    ("step", "share"),
    [
        *((0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0)),  # ten steps of warm-up, then half a cosine of a hundred
        *((35, 0.853553), (60, 0.5), (85, 0.146447), (110, 0.0)),
    ],
)
def test_the_rate_rises_in_a_line_and_falls_as_half_a_cosine(step, share):
    own = Training(steps=110, warmup=10, lr=0.02, decay="cosine")
    assert learning_rate(step, own) == pytest.approx(0.02 * share, abs=1e-8)
    level = own.model_copy(update={"decay": "none"})
    assert learning_rate(step, level) == pytest.approx(0.02 * min(1.0, (step + 1) / 10))
    assert learning_rate(step, level.model_copy(update={"warmup": 0})) == 0.02


def test_every_third_step_and_the_last_are_logged(pictures, tmp_path):
    own = Training(**TINY | {"steps": 6, "log_every": 3})
    _, curve, _ = train_encoder(pictures, tmp_path / "m", seed=3, settings=own)
    assert curve["step"].tolist() == [0, 3, 5]


def test_every_step_is_taken_at_the_rate_of_its_place(pictures, tmp_path, monkeypatch):
    taken = []
    genuine = torch.optim.AdamW.step

    def step(self, *arguments, **named):
        taken.append(self.param_groups[0]["lr"])
        return genuine(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    own = Training(**TINY | {"steps": 4, "warmup": 1, "decay": "cosine", "lr": 0.001})
    _, curve, _ = train_encoder(pictures, tmp_path / "m", seed=3, settings=own)
    assert taken == pytest.approx([0.001, 0.001, 0.00075, 0.00025])  # 1 and (1 + cos(k pi / 3)) / 2
    assert curve["lr"].tolist() == taken


def test_the_loss_is_the_sum_of_its_terms_each_by_its_weight():
    """Against the sums of section 3.3, of cosines that are the mean colours of the crops."""
    crops = torch.rand(3, 2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    crops *= torch.linspace(1, 0.4, 12).view(3, 2, 2, 1, 1, 1)
    prompts = types.SimpleNamespace(
        positive=torch.tensor([[1.0, 0, 0], [0.5, 0, 0]]), negative=torch.tensor([[0, 1.6, 0], [0, 0, -0.3]])
    )
    mean = crops.mean((-1, -2)).double()
    p, n = 0.75 * mean[..., 0], 0.8 * mean[..., 1] - 0.15 * mean[..., 2]
    pairs = list(itertools.combinations(range(3), 2))

    def hinge(value):
        return max(0.0, float(value))

    both = list(itertools.product(range(2), repeat=2))
    terms = dict.fromkeys(("consistency", "positive", "negative", "across"), 0.0)
    for b in range(2):
        for s in (p, n):
            terms["consistency"] += sum(hinge(abs(s[i, b, 0] - s[i, b, 1]) - 0.0025) for i in range(3)) / 2
        for (i, k), (c, d) in itertools.product(pairs, both):
            terms["positive"] += hinge(0.0675 - (p[i, b, c] - p[k, b, d])) / 2
            terms["negative"] += hinge(0.0675 - (n[k, b, d] - n[i, b, c])) / 2
            terms["across"] += hinge(0.0675 - (p[i, b, c] - p[k, 1 - b, d])) / 2
            terms["across"] += hinge(0.0675 - (n[k, 1 - b, d] - n[i, b, c])) / 2
    assert min(terms.values()) > 0.01
    weights = {"consistency": 3.0, "positive": 0.5, "negative": 2.0, "rank_across": 0.25}
    own = Training(**TINY | weights)
    loss, found = training.step_losses(lambda images: images.mean((-1, -2)), prompts, crops, own)
    for name, expected in terms.items():
        assert float(found[name]) == pytest.approx(expected, rel=1e-4), name
    named = terms | {"rank_across": terms["across"]}
    assert float(loss) == pytest.approx(sum(w * named[k] for k, w in weights.items()), rel=1e-4)
    right = sum(
        float((p - n)[i, b, c] > (p - n)[k, b, c]) for i, k in pairs for b in range(2) for c in range(2)
    )
    assert 0 < right < len(pairs) * 4
    assert float(found["in_order"]) == pytest.approx(right / (len(pairs) * 4))
    for left_out in weights:
        own = Training(**TINY | weights | {left_out: 0.0})
        less, _ = training.step_losses(lambda images: images.mean((-1, -2)), prompts, crops, own)
        assert float(loss - less) == pytest.approx(weights[left_out] * named[left_out], rel=1e-3)


def test_defaults_are_the_figures_of_the_paper():
    own = Training()
    assert (own.architecture, own.pretrained, own.levels, own.crop, own.batch) == (
        "RN50-quickgelu", "openai", 5, 224, 16
    )  # fmt: skip
    assert (own.margin_consistency, own.margin_rank) == (2.5e-3, 6.75e-2)
    assert (own.lr, own.weight_decay, own.scale, own.order) == (1e-9, 1e-2, 100.0, "reference")
    assert own.steps * own.batch == 10 * 140_000  # ten epochs of KADIS-700k's pristine pictures
    assert (own.consistency, own.positive, own.negative, own.rank_across) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        *(("width", 8, None), ("steps", 0, None), ("batch", 1, None), ("accumulate", 1, None)),
        *(("crop", 32, None), ("overlap", 0, 1), ("levels", 2, 5), ("margin_consistency", 0, None)),
        *(("margin_rank", 0, None), ("consistency", 0, None), ("positive", 0, None), ("negative", 0, None)),
        *(("rank_across", 0, None), ("weight_decay", 0, None), ("warmup", 0, None), ("ema", 0, None)),
        *(("workers", 1, None), ("cache", 0, None), ("validate_every", 0, None), ("validate_on", 1, None)),
        *(("log_every", 1, None), ("checkpoint_every", 1, None)),
    ],
)
def test_settings_outside_their_range_are_refused(name, least, most):
    assert getattr(Training(**{name: least}), name) == least
    with pytest.raises(ValueError, match=name):
        Training(**{name: least - 1})
    if most is not None:
        assert getattr(Training(**{name: most}), name) == most
        with pytest.raises(ValueError, match=name):
            Training(**{name: most + 1})


def test_rate_and_scale_are_above_zero_and_the_average_decays():
    assert (Training(lr=1e-12).lr, Training(scale=1e-12).scale, Training(ema=0.999).ema) == (
        1e-12, 1e-12, 0.999
    )  # fmt: skip
    for wrong in ({"lr": 0.0}, {"scale": 0.0}, {"ema": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Training(**wrong)


EVAL = TINY | {"norm": "eval", "batch": 4, "steps": 4}


def close(one, other, tolerance=2e-6):
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a.float(), b.float(), atol=tolerance, rtol=1e-4, msg=name)


def test_a_batch_in_parts_gives_the_step_of_the_whole(pictures, tmp_path):
    whole, curve, _ = train_encoder(
        pictures, tmp_path / "a", seed=1, settings=Training(**EVAL | {"lr": 1e-5})
    )
    own = Training(**EVAL | {"lr": 1e-5, "accumulate": 2})
    parts, again, _ = train_encoder(pictures, tmp_path / "b", seed=1, settings=own)
    np.testing.assert_allclose(again.to_numpy(float), curve.to_numpy(float), rtol=1e-4, atol=1e-5)
    # AdamW's first steps are signs of gradients: where one is nearly nothing, rounding decides.
    close(whole, parts, tolerance=2 * 4 * 1e-5)


def test_the_average_of_the_weights_lags_behind_them(pictures, tmp_path):
    start, *_ = train_encoder(pictures, tmp_path / "s", seed=1, settings=Training(**EVAL | {"steps": 0}))
    last, *_ = train_encoder(pictures, tmp_path / "l", seed=1, settings=Training(**EVAL))
    mean, *_ = train_encoder(pictures, tmp_path / "m", seed=1, settings=Training(**EVAL | {"ema": 0.9}))
    far, near = (
        sum(float((a - b).detach().norm()) for a, b in zip(m.parameters(), start.parameters(), strict=True))
        for m in (last, mean)
    )
    assert 0 < near < far


def test_validation_counts_pairs_in_order(pictures):
    """A stand-in for a network that sees nothing but the mean brightness."""
    from methods.qualiclip.validation import COLUMNS, ranking_accuracy

    class Brightness(torch.nn.Module):
        def similarities(self, images):
            mean = images.mean(dim=(1, 2, 3)).unsqueeze(1)
            return mean, torch.zeros_like(mean)

    own = Training(**TINY)
    found = ranking_accuracy(Brightness(), pictures[:2], own, torch.device("cpu"))
    assert tuple(found) == COLUMNS[1:]
    # darken lowers the brightness with each level, brighten raises it, meanshift raises it.
    assert found["brightness_change"] == pytest.approx(1 / 3, abs=0.02)
    assert all(0 <= share <= 1 for share in found.values())


class Stepped(torch.nn.Module):
    """A stand-in that sees colourfulness and brightness in coarse steps, and float noise in between."""

    def similarities(self, images):
        colour = (images.amax(1) - images.amin(1)).mean(dim=(1, 2))
        seen = ((colour + images.mean(dim=(1, 2, 3))) * 20).round()
        noise = 1e-6 * torch.linspace(1, 0, len(images))  # it falls from level to level
        return (seen + noise).unsqueeze(1), torch.zeros(len(images), 1)


def test_validation_counts_no_picture_for_a_type_that_leaves_it_as_it_is(pictures, tmp_path):
    """Against pair after pair, counted by hand, without the noise."""
    from benchmark.degradations import GROUPS, ladder
    from benchmark.images import read
    from methods.qualiclip.validation import ranking_accuracy

    grey = read(pictures[0]).mean(0, keepdim=True).expand(3, -1, -1)
    write_png(tmp_path / "grey.png", grey)
    own = Training(**TINY)
    found = ranking_accuracy(Stepped(), [*pictures[:2], tmp_path / "grey.png"], own, torch.device("cpu"))
    shares, unchanged = {}, []
    for kind in LEVELS:
        hits = []
        for place, path in enumerate([*pictures[:2], tmp_path / "grey.png"]):
            image = read(path)[:, 32:64, 39:71]
            levels = ladder(image[None], kind, [place])[:, 0]
            if max(float((level - image).abs().max()) for level in levels) * 255 < 1.5:
                unchanged.append((kind, path.name))
                continue
            seen = [float(Stepped().similarities(level[None])[0].round()) for level in levels]
            hits += [a > b for a, b in itertools.combinations(seen, 2)]
        shares[kind] = np.mean(hits)
    assert set(unchanged) >= {("colorsat1", "grey.png"), ("colorsat2", "grey.png")}
    assert found["unchanged"] == len(unchanged)
    assert found["all"] == pytest.approx(np.mean(list(shares.values())))
    for group, kinds in GROUPS.items():
        assert found[group] == pytest.approx(np.mean([shares[kind] for kind in kinds])), group


def test_a_group_without_a_picture_that_it_changes_has_no_share():
    from methods.qualiclip.validation import _in_order

    assert math.isnan(_in_order(np.empty((5, 0)), 0.0))


def test_the_middle_of_a_picture_is_validated():
    from methods.qualiclip.validation import _middle

    image = torch.arange(3 * 9 * 12.0).view(3, 9, 12)
    assert torch.equal(_middle(image, 4, "a"), image[:, 2:6, 4:8])
    with pytest.raises(ValueError, match="a: picture of 12x9 is smaller than the crop of 10"):
        _middle(image, 10, "a")


def test_pictures_of_the_validation_are_not_learnt_from(pictures, tmp_path):
    many = [tmp_path / f"{i}.png" for i in range(40)]
    own = Training(**TINY | {"validate_every": 1, "validate_on": 3})
    kept, out = held_out_pictures(many, [], 0, own)
    assert len(out) == 3
    assert sorted(kept + out) == sorted(many)
    assert held_out_pictures(many, [], 0, own) == (kept, out)
    assert held_out_pictures(many, pictures, 0, own) == (many, pictures[:3])
    assert held_out_pictures(many, pictures, 0, Training(**TINY)) == (many, [])


@pytest.mark.parametrize(("count", "most", "out"), [(57, 20, 5), (57, 3, 3), (400, 20, 20), (9, 20, 0)])
def test_at_most_a_tenth_of_the_pictures_is_taken_out_for_the_validation(count, most, out):
    names, own = [Path(f"{k}.png") for k in range(count)], Training(validate_every=10, validate_on=most)
    learnt, validated = held_out_pictures(names, [], 3, own)
    assert len(validated) == out
    assert sorted(learnt + validated) == sorted(names)
    assert held_out_pictures(names, [], 4, own)[1] != validated or not out


def test_no_steps_leave_the_backbone_as_it_starts(pictures, tmp_path):
    # Folders that are not there yet are made; the test of the ladders trains into one that is.
    own = TINY | {"steps": 0, "width": None}
    learnt = methods.train("qualiclip", pictures, tmp_path / "own/m", seed=5, settings=own)
    assert (tmp_path / "own/m/curve.csv").read_text() == f"{CURVE}\n"
    assert not (tmp_path / "own/m/validation.csv").exists()
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
    with pytest.raises(ValueError, match="cannot be shared by 1 processes in 2 equal parts"):
        methods.train("qualiclip", pictures, tmp_path, seed=0, settings=TINY | {"batch": 3, "accumulate": 2})
    with pytest.raises(ValueError, match="lower `lr`"):
        methods.train("qualiclip", pictures, tmp_path, seed=0, settings=TINY | {"lr": 1e30, "steps": 20})


BROKEN = "made weights infinite or NaN; lower `lr`"


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({}, BROKEN),
        ({"checkpoint_every": 1}, BROKEN),
        ({"validate_every": 1}, "the validation are not finite; lower `lr`"),
    ],
)
def test_what_the_last_step_has_broken_is_no_result(breaking, pictures, tmp_path, own, words):
    """The loss is that before the step; weights that are no numbers had 0 of their pairs in order."""
    told = {"seed": 0, "settings": {**TINY, "steps": 1, **own}, "held_out": pictures[:1]}
    with pytest.raises(ValueError, match=words):
        methods.train("qualiclip", pictures, tmp_path / "m", **told)
    assert not (tmp_path / "m/weights.safetensors").exists()
    assert not (tmp_path / "m.partial").exists()


def test_training_leaves_a_picture_of_what_it_ranks(pictures, tmp_path):
    from benchmark.images import read

    own = {**TINY, "steps": 1, "validate_every": 1}
    methods.train("qualiclip", pictures, tmp_path, seed=0, settings=own, held_out=pictures[:1])
    for name, head in (("curve", CURVE), ("validation", "step,all,")):
        rows = (tmp_path / f"{name}.csv").read_text().splitlines()
        assert rows[0].startswith(head)
        assert [row.split(",")[0] for row in rows[1:]] == ["0"]
    sheet = read(tmp_path / "ladders.png")
    side = training.SHOWN
    assert sheet.shape == (3, 8 * (side + 28), 3 * (5 * side + 10))
    assert (
        sheet[:, 18 : 18 + side, :side] - sheet[:, 18 : 18 + side, 4 * side : 5 * side]
    ).abs().mean() > 0.01


def test_processes_share_the_pictures_of_a_step(pictures):
    own = Training(**TINY | {"batch": 4, "steps": 2, "accumulate": 2})
    cpu = torch.device("cpu")
    alone = training.ladders(pictures, 0, 5, own, Team(0, 1, cpu))
    pair = [training.ladders(pictures, 0, 5, own, Team(rank, 2, cpu)) for rank in (0, 1)]
    for parts, *shares in zip(alone, *pair, strict=True):
        for part, *halves in zip(parts, *shares, strict=True):
            assert torch.equal(part, torch.cat(halves, dim=1))


def test_figures_are_the_means_over_the_processes(monkeypatch):
    """The other process has three times the figures of this one."""
    crops = torch.rand(3, 2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    prompts = types.SimpleNamespace(positive=torch.eye(3), negative=-0.5 * torch.eye(3))

    def figures(size):
        team = Team(0, size, torch.device("cpu"))
        return training.take_step(lambda x: x.mean((-1, -2)), prompts, [crops], Training(**TINY), team)

    monkeypatch.setattr(training.dist, "all_reduce", lambda own: own.mul_(4))
    alone, two = figures(1), figures(2)
    assert alone["loss"] > 0
    assert two == pytest.approx({name: 2 * value for name, value in alone.items()})


@pytest.mark.parametrize("change", [{}, {"accumulate": 2, "levels": 3, "batch": 4, "crop": 48}])
def test_the_room_of_a_step_is_that_of_its_parts(pictures, change):
    feed = Feed([str(path) for path in pictures], 0, Training(**TINY | change), 0, 1)
    assert feed.step_bytes == sum(part.nbytes for part in feed(0))


JOB = """
import json, os, sys
from pathlib import Path
import methods
from methods._shared.clip import encoder
assert os.environ["WORLD_SIZE"] == "2"
encoder.SMALL["text_cfg"]["width"] = 16  # as these tests have it, see conftest
job = json.loads(Path(sys.argv[1]).read_text())
pictures = [Path(path) for path in job["pictures"]]
methods.train("qualiclip", pictures, Path(job["out"]), seed=2, settings=job["settings"])
"""


@pytest.mark.slow
def test_two_processes_take_the_course_of_one(pictures, tmp_path):
    """Under torchrun, over Gloo, with parts of a batch and ranking across the images of both."""
    own = EVAL | {"lr": 1e-4, "rank_across": 0.5, "accumulate": 2, "batch": 4}
    job = {"pictures": [str(p) for p in pictures], "out": str(tmp_path / "two"), "settings": own}
    (tmp_path / "job.json").write_text(json.dumps(job))
    (tmp_path / "job.py").write_text(JOB)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    subprocess.run(
        [*command, str(tmp_path / "job.py"), str(tmp_path / "job.json")],
        env=environment, check=True, capture_output=True, timeout=170,
    )  # fmt: skip
    # One process that takes the same four pictures a step in parts of two, as the pair does together.
    methods.train("qualiclip", pictures, tmp_path / "one", seed=2, settings=own)
    two, one = (pd.read_csv(tmp_path / name / "curve.csv").to_numpy() for name in ("two", "one"))
    np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)
    # Each step moves a weight by about the learning rate; what one process alone had seen would show.
    start = build(architecture("small", {"width": 8}), seed=2).visual.state_dict()
    moved, apart = [], []
    states = [load_file(tmp_path / name / "weights.safetensors") for name in ("two", "one")]
    for name, value in states[1].items():
        if name.endswith("weight") and name.startswith("encoder.visual."):
            moved.append((value - start[name.removeprefix("encoder.visual.")]).abs().mean())
            apart.append((value - states[0][name]).abs().mean())
    assert np.mean(apart) < 0.02 * np.mean(moved)
    assert not (tmp_path / "two.partial").exists()


def test_a_bar_is_drawn_where_somebody_looks_and_nowhere_else(pictures, tmp_path, capfd, monkeypatch):
    asked = []
    shown = training.trange
    monkeypatch.setattr(
        training, "trange", lambda *at, **how: asked.append(how["disable"]) or shown(*at, **how)
    )
    train_encoder(pictures, tmp_path / "m", seed=0, settings=Training(**TINY | {"steps": 1}))
    assert "%|" not in capfd.readouterr().err
    assert asked == [None]  # as tqdm finds it: a terminal or not
