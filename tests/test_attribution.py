import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.metrics import roc_auc_score
from torch import nn

from benchmark.attribution import (
    HOW,
    Trial,
    auc,
    energy_inside,
    floors,
    implant,
    localise,
    maps,
    pointing_game,
    region,
    shuffled,
    table,
    upsample,
)
from benchmark.attribution.study import _noise, towards_low_quality
from benchmark.degradations import degrade
from benchmark.pictures.overlay import overlay

TIDY = ["statistic", "value", "low", "high", "n", "units", "protocol", "published", "standing"]


class Head(nn.Module):
    """Convolution, then the mean of every channel weighed by a target: all maps have a closed form."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 8, stride=8)
        self.weights = nn.Parameter(torch.randn(4, 3, generator=generator))
        with torch.no_grad():
            for p in self.conv.parameters():
                p.copy_(torch.randn(p.shape, generator=generator))

    def forward(self, images):
        return self.conv(images).mean((2, 3)) @ self.weights


class Linear:
    name = "linear"
    higher_is_better = True
    cam_targets = ("positive", "negative", "score")

    def __init__(self, train=False):
        self.cam_module = Head().train(train)
        self.cam_layer = self.cam_module.conv


class NoiseSpotter(Linear):
    """Local variance of the picture, and a score that falls with it."""

    name = "noise spotter"

    class Variance(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = nn.AvgPool2d(8)
            self.tap = nn.Identity()
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, images):
            local = self.pool(images**2) - self.pool(images) ** 2
            total = (self.gain * self.tap(local)).sum((1, 2, 3))
            return torch.stack([-total, total, -total], dim=1)

    def __init__(self):
        self.cam_module = self.Variance()
        self.cam_layer = self.cam_module.tap


class Tokens(Linear):
    """The same network whose layer yields ``[B, tokens, channels]``, as a transformer does."""

    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.tap = Head(), nn.Identity()

        def forward(self, images):
            tokens = self.tap(self.head.conv(images).flatten(2).mT)
            return tokens.mean(1) @ self.head.weights

    def __init__(self):
        self.cam_module = self.Flat()
        self.cam_layer = self.cam_module.tap

    def cam_reshape(self, tokens):
        return tokens.mT.unflatten(2, (4, 6))


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


def photographs(count=4):
    """Smooth pictures, so that added noise stands out."""
    coarse = torch.rand(count, 3, 3, 3, generator=torch.Generator().manual_seed(2)) * 0.5 + 0.25
    return list(upsample(coarse, (64, 64)))


@pytest.mark.parametrize("how", ["gradcam", "hirescam"])
def test_raw_map_of_a_linear_head_is_its_closed_form(images, how):
    method = Linear()
    with torch.no_grad():
        activations = method.cam_layer(images)
        expected = torch.einsum("bchw,ct->bthw", activations, method.cam_module.weights) / (4 * 6)
    found = maps(method, images, how=how)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)
    assert (found < 0).any()
    # The bias-free sum of HiResCAM's map is the output itself (Draelos and Carin, completeness).
    torch.testing.assert_close(found.sum((2, 3)), method.cam_module(images).detach())


def test_scorecam_weighs_channels_by_the_score_of_masked_pictures(images):
    method = Linear()
    picture = images[:1]
    with torch.no_grad():
        activations = method.cam_layer(picture)
        masks = upsample_aligned(activations, picture.shape[-2:])[0]
        masks = torch.stack([(mask - mask.min()) / (mask.max() - mask.min() + 1e-8) for mask in masks])
        scores = method.cam_module(picture * masks[:, None])[:, 1]
        expected = (scores.softmax(0)[:, None, None] * activations[0]).sum(0)
    torch.testing.assert_close(maps(method, picture, ["negative"], "scorecam")[0, 0], expected)


def upsample_aligned(x, size):
    return nn.functional.interpolate(x, size=size, mode="bilinear", align_corners=True)


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_eigencam_is_the_first_principal_component_rising_with_activation(images, scale):
    method = Linear()
    with torch.no_grad():
        for p in method.cam_layer.parameters():
            p *= scale
    found = maps(method, images, how="eigencam")
    activations = method.cam_layer(images).detach().numpy()
    for b in range(2):
        rows = activations[b].reshape(4, -1).T
        rows = rows - rows.mean(0)
        left, scale, _ = np.linalg.svd(rows, full_matrices=False)
        component = (left[:, 0] * scale[0]).reshape(4, 6)
        assert abs(np.corrcoef(component.ravel(), found[b, 0].numpy().ravel())[0, 1]) == pytest.approx(1)
        assert np.corrcoef(activations[b].mean(0).ravel(), found[b, 0].numpy().ravel())[0, 1] > 0


@pytest.mark.parametrize("how", list(HOW))
def test_batch_does_not_matter(images, how):
    together = maps(Linear(), images, how=how)
    alone = torch.cat([maps(Linear(), image[None], how=how) for image in images])
    torch.testing.assert_close(together, alone)


def test_targets_are_chosen_by_name_and_tokens_are_reshaped(images):
    every = maps(Linear(), images)
    torch.testing.assert_close(maps(Linear(), images, ["score", "positive"]), every[:, [2, 0]])
    torch.testing.assert_close(maps(Tokens(), images), every)


@pytest.mark.parametrize("train", [False, True])
def test_the_method_is_left_as_it_was(images, train):
    method = Linear(train)
    method.cam_module.weights.grad = torch.ones(4, 3)
    method.cam_module.conv.weight.requires_grad_(False)
    maps(method, images)
    assert method.cam_module.training is train
    assert not method.cam_module.conv.weight.requires_grad
    assert method.cam_module.weights.requires_grad
    assert (method.cam_module.weights.grad == 1).all()
    assert method.cam_module.conv.bias.grad is None
    assert not method.cam_layer._forward_hooks


def test_frozen_weights_still_give_maps(images):
    method = Linear()
    expected = maps(method, images)
    method.cam_module.requires_grad_(False)
    torch.testing.assert_close(maps(method, images), expected)


def test_upsample_keeps_the_values():
    raw = torch.tensor([[[[-1.0, 3.0], [3.0, -1.0]]]])
    large = upsample(raw, (64, 32))
    assert large.shape == (1, 1, 64, 32)
    assert (large.min(), large.max()) == (-1, 3)


def test_bad_requests_are_named(images):
    class Plain:
        name = "plain"

    with pytest.raises(ValueError, match="'plain' has no gradients"):
        maps(Plain(), images)
    with pytest.raises(ValueError, match="did you mean 'negative'"):
        maps(Linear(), images, ["negativ"])
    with pytest.raises(ValueError, match="did you mean 'gradcam'"):
        maps(Linear(), images, how="grad-cam")


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, (5, 4), elements=st.integers(-3, 3).map(float)), st.integers(1, 19))
def test_auc_is_that_of_scikit_learn(saliency, size):
    inside = np.zeros(20, dtype=bool)
    inside[np.random.default_rng(size).permutation(20)[:size]] = True
    assert auc(saliency, inside.reshape(5, 4)) == pytest.approx(roc_auc_score(inside, saliency.ravel()))


@pytest.mark.parametrize("measure", [pointing_game, energy_inside, auc])
def test_the_region_itself_scores_one_and_its_opposite_nothing(measure):
    mask = region(48, 64, seed=3)
    assert measure(mask.float(), mask) == 1
    assert measure((~mask).float(), mask) == 0


def test_maps_that_say_nothing_score_as_chance():
    mask = region(48, 64, seed=3)
    flat = torch.zeros(48, 64)
    assert auc(flat, mask) == 0.5
    assert pointing_game(flat, mask) == energy_inside(flat, mask) == pytest.approx(float(mask.float().mean()))
    noise = torch.rand(48, 64, generator=torch.Generator().manual_seed(0))
    assert auc(noise, mask) == pytest.approx(0.5, abs=0.05)


def test_energy_ignores_what_is_negative():
    saliency = np.array([[3.0, 1.0], [-8.0, 0.0]])
    assert energy_inside(saliency, [[True, False], [True, False]]) == 0.75


def test_bad_maps_are_named():
    mask = region(8, 8, seed=0)
    with pytest.raises(ValueError, match="upsample the map first"):
        auc(np.zeros((4, 4)), mask)
    with pytest.raises(ValueError, match="not finite"):
        auc(np.full((8, 8), np.nan), mask)
    with pytest.raises(ValueError, match="leave some out"):
        auc(np.zeros((8, 8)), np.ones((8, 8)))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 90), st.integers(2, 90), st.integers(0, 2**62), st.floats(0.05, 0.5), st.floats(0.5, 0.95)
)
def test_regions_are_rectangles_of_the_size_asked_for(height, width, seed, least, most):
    mask = region(height, width, seed, (least, most)).numpy()
    rows, columns = mask.any(1), mask.any(0)
    assert mask.sum() == rows.sum() * columns.sum()
    for side, length in ((height, rows.sum()), (width, columns.sum())):
        assert max(1, side * least - 0.5) <= length <= max(1, side * most + 0.5)
        assert length < side
    for hit in (rows, columns):
        assert np.abs(np.diff(hit.astype(int))).sum() <= 2


def test_regions_are_spread_over_the_picture():
    places = []
    for seed in range(400):
        rows = np.flatnonzero(region(2000, 2, seed, (0.2, 0.4)).numpy().any(1))
        places.append(rows[0] / (2000 - len(rows)))
    assert stats.kstest(places, "uniform").pvalue > 0.01


def test_a_region_may_begin_at_every_row():
    """Two rows of four begin at the first, the second or the third."""
    masks = [region(4, 2, seed, (0.5, 0.5)).any(1) for seed in range(80)]
    assert {int(mask.nonzero()[0]) for mask in masks} == {0, 1, 2}
    assert all(mask.sum() == 2 for mask in masks)


def test_implant_changes_the_region_alone(images):
    worse, regions = implant(images, "colorsat2", 5, seed=4)
    assert torch.equal(
        worse[~regions[:, None].expand(-1, 3, -1, -1)], images[~regions[:, None].expand(-1, 3, -1, -1)]
    )
    whole = degrade(images, "colorsat2", 5, [0, 0])
    torch.testing.assert_close(worse, torch.where(regions[:, None], whole, images))
    again, _ = implant(images.flip(0), "colorsat2", 5, seed=4)
    assert torch.equal(again.flip(0), worse)
    assert torch.equal(implant(images, "colorsat2", 1, seed=4)[1], regions)
    assert not torch.equal(implant(images, "colorsat2", 5, seed=5)[1], regions)


def test_a_method_that_sees_noise_beats_the_floors():
    trial = Trial(photographs(), ["whitenoise"])
    values = pd.concat([localise(NoiseSpotter(), trial), floors(trial, NoiseSpotter.cam_targets)])
    found = table(values)
    assert list(found) == ["method", "target", "distortion", *TIDY]
    means = found[found.distortion == "whitenoise"].pivot_table(
        index=["method", "target"], columns="statistic", values="value"
    )
    for target in ("positive", "negative", "score"):
        seen = means.loc["noise spotter", target]
        assert seen["auc"] > 0.95
        assert seen["pointing_game"] == 1
        for floor in ("centre_prior", "random_map"):
            assert means.loc[floor, target]["auc"] < 0.85
            assert seen["energy_inside"] > 1.5 * means.loc[floor, target]["energy_inside"]
    assert set(found.distortion) == {"whitenoise", "all"}


def test_batch_and_picture_order_do_not_matter_for_the_study():
    pictures = photographs()
    one = localise(NoiseSpotter(), Trial(pictures, ["whitenoise", "gaublur"], (2, 5), batch=8))
    two = localise(NoiseSpotter(), Trial(pictures[::-1], ["whitenoise", "gaublur"], (2, 5), batch=1))
    pd.testing.assert_frame_equal(table(one), table(two), rtol=1e-5)


def test_table_takes_images_as_the_unit():
    values = pd.DataFrame(
        [
            ("m", "negative", kind, 5, image, statistic, value)
            for image, pair in enumerate([(0.2, 0.4), (0.5, 0.9), (0.6, 0.8), (0.1, 0.3), (0.4, 0.0)])
            for kind, value in zip(("jpeg", "jitter"), pair, strict=True)
            for statistic in ("auc", "pointing_game")
        ],
        columns=["method", "target", "distortion", "level", "image", "statistic", "value"],
    )
    found = table(values).set_index(["distortion", "statistic"])
    assert (found.n == 5).all()
    assert found.loc[("all", "auc")].value == pytest.approx(np.mean([0.3, 0.7, 0.7, 0.2, 0.2]))
    assert found.loc[("jpeg", "auc")].value == pytest.approx(np.mean([0.2, 0.5, 0.6, 0.1, 0.4]))
    assert (found.low >= 0).all()
    assert (found.high <= 1).all()


def test_photographs_of_one_reference_are_one_unit_of_a_map():
    """Each of six contents twice: intervals are those of the six."""
    worth = [(0.2, 1.0), (0.5, 0.0), (0.6, 1.0), (0.1, 0.25), (0.4, 0.0), (0.3, 1.0)]
    columns = ["method", "target", "distortion", "level", "image", "statistic", "value"]

    def of(contents):
        rows = [
            ("m", "negative", "jpeg", level, place, "auc", worth[content][level])
            for place, content in enumerate(contents)
            for level in (0, 1)
        ]
        return pd.DataFrame(rows, columns=columns)

    six, twice = list(range(6)), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    found, alone = table(of(twice), np.array(twice)), table(of(six))
    np.testing.assert_allclose(found[["value", "low", "high"]], alone[["value", "low", "high"]])
    assert found[["n", "units"]].eq([12, 6]).all(axis=None)
    assert (table(of(twice))["high"] < found["high"]).all()


def measured(values, statistic="pointing_game", kinds=("jpeg",), levels=(5,)):
    rows = [
        ("m", "negative", kind, level, image, statistic, value)
        for image, value in enumerate(values)
        for kind in kinds
        for level in levels
    ]
    columns = ["method", "target", "distortion", "level", "image", "statistic", "value"]
    return table(pd.DataFrame(rows, columns=columns)).set_index("distortion")


def test_a_pointing_game_played_once_an_image_has_wilsons_interval():
    found = measured([1.0] * 9 + [0.0])
    wilson = stats.binomtest(9, 10).proportion_ci(method="wilson")
    assert found.loc["jpeg", ["value", "low", "high"]].tolist() == pytest.approx([0.9, *wilson])
    student = stats.t.interval(0.95, 9, 0.9, stats.sem([1] * 9 + [0]))
    for twice in (measured([1.0] * 9 + [0.0], levels=(2, 5)), measured([1.0] * 9 + [0.0], "auc")):
        assert twice.loc["jpeg", "high"] == 1
        assert twice.loc["jpeg", "low"] == pytest.approx(student[0])
    assert measured([1.0, 0, 1, 1, 1], levels=(5, 2)).protocol["all"] == "one degraded rectangle, level 2, 5"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_pointing_game_that_is_always_won_or_lost_is_not_known_for_sure(value):
    found = measured([value] * 12, kinds=("jpeg", "jitter")).loc["all"]
    wilson = stats.binomtest(12 * int(value), 12).proportion_ci(method="wilson")
    assert found[["value", "low", "high"]].tolist() == pytest.approx([value, *wilson])


def test_a_picture_whose_region_a_kind_leaves_as_it_is_does_not_count_for_it():
    """Colours of a grey photograph: there is nothing to point at, and what a map says of it is chance."""
    colour = photographs()
    grey = colour[0].mean(dim=0, keepdim=True).expand(3, -1, -1).clone()
    trial = Trial([*colour, grey], ["colorsat2", "whitenoise"])
    found, without = (table(localise(NoiseSpotter(), one)) for one in (trial, Trial(colour, trial.kinds)))
    of_colour = found["distortion"].eq("colorsat2")
    assert (found.loc[of_colour, "n"] == len(colour)).all()
    assert found.loc[of_colour, "protocol"].str.contains("colorsat2: without 1 whose rectangle").all()
    assert (found.loc[~of_colour, "n"] == len(colour) + 1).all()
    same = [
        frame[frame["distortion"].eq("colorsat2")].set_index(["target", "statistic"])
        for frame in (found, without)
    ]
    pd.testing.assert_series_equal(same[0]["value"], same[1]["value"], rtol=1e-5)
    nothing = table(localise(NoiseSpotter(), Trial([grey], ["colorsat2"])))
    assert nothing["value"].isna().all()
    assert (nothing["n"] == 0).all()


def test_intervals_end_where_the_measures_do():
    found = measured([0.0, 0.0, 0.5, 1.0, 1.0], "auc")
    assert found[["low", "high"]].to_numpy().tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize("statistic", ["auc", "pointing_game"])
def test_maps_of_four_images_have_no_interval(statistic):
    found = measured([1.0] * 4, statistic)
    assert found["value"].eq(1).all()
    assert found[["low", "high"]].isna().all(axis=None)
    assert found["protocol"].str.endswith("no interval: fewer than 5 images or references").all()


def test_the_centre_prior_is_a_gaussian_of_a_quarter_of_each_side():
    pictures = [torch.rand(3, 40, 64, generator=torch.Generator().manual_seed(k)) for k in range(2)]
    found = floors(Trial(pictures, ["jpeg"], seed=3), ["score"])
    y, x = np.mgrid[:40, :64]
    prior = np.exp(-(((y - 19.5) / (39 / 4)) ** 2 + ((x - 31.5) / (63 / 4)) ** 2) / 2)
    _, regions = implant(torch.stack(pictures), "jpeg", 5, 3)
    for image, inside in enumerate(regions.numpy()):
        rows = found[(found["method"] == "centre_prior") & (found["image"] == image)].set_index("statistic")
        assert rows["value"]["energy_inside"] == pytest.approx(prior[inside].sum() / prior.sum(), rel=1e-5)


@pytest.mark.parametrize(("height", "width", "cells"), [(64, 96, 2), (65, 200, 3), (200, 97, 4), (32, 90, 1)])
def test_a_random_map_has_a_cell_for_every_stride_begun(height, width, cells):
    noise = _noise(5, height, width, 32)
    assert noise.shape == (height, width)
    assert torch.linalg.matrix_rank(noise.double(), rtol=1e-5) == cells


def test_maps_are_turned_towards_low_quality():
    more, less = Linear(), Linear()
    less.higher_is_better = False
    signs = {target: [towards_low_quality(m, target) for m in (more, less)] for target in Linear.cam_targets}
    assert signs == {"positive": [-1, -1], "negative": [1, 1], "score": [-1, 1]}


@pytest.mark.parametrize("share", [(0.0, 0.5), (0.5, 1.0), (0.6, 0.5)])
def test_a_share_of_nothing_or_of_all_or_turned_round_is_named(share):
    with pytest.raises(ValueError, match="the lesser first"):
        region(32, 32, 0, share)
    assert region(40, 40, 0, (0.25, 0.25)).sum() == 100


def test_a_share_that_is_no_share_is_named():
    with pytest.raises(ValueError, match=r"share=\(0.5, 1.5\)"):
        region(32, 32, 0, (0.5, 1.5))


def test_shuffled_weights_are_the_same_values_elsewhere_and_repeat(images):
    method = Linear()
    before = {name: p.clone() for name, p in method.cam_module.named_parameters()}
    other, again = shuffled(method, 3), shuffled(method, 3)
    assert other.name == "linear_shuffled"
    for name, values in other.cam_module.named_parameters():
        assert torch.equal(values.flatten().sort().values, before[name].flatten().sort().values)
        assert torch.equal(values, again.cam_module.get_parameter(name))
        assert torch.equal(method.cam_module.get_parameter(name), before[name])
    assert not torch.equal(other.cam_module.weights, before["weights"])
    assert not torch.equal(shuffled(method, 4).cam_module.weights, other.cam_module.weights)
    assert not torch.allclose(maps(other, images), maps(method, images))


def test_a_shuffled_method_takes_part_in_the_study():
    trial = Trial(photographs(2), ["whitenoise"])
    found = table(localise(shuffled(Linear()), trial))
    assert set(found["method"]) == {"linear_shuffled"}
    assert set(found["target"]) == {"positive", "negative", "score"}


RED, BLUE = torch.tensor([0.70, 0.05, 0.15]), torch.tensor([0.05, 0.25, 0.70])


@pytest.mark.parametrize(
    ("value", "share", "colour"),
    [
        (2.0, 0.8, RED),
        (1.0, 0.4, RED),
        (9.0, 0.8, RED),
        (-2.0, 0.8, BLUE),
        (-0.5, 0.2, BLUE),
        (0.0, 0.0, RED),
    ],
)
def test_an_overlay_is_red_where_the_output_rises_and_blue_where_it_falls(images, value, share, colour):
    """Full at ``scale``, four fifths of the colour over a grey picture."""
    picture = images[0]
    found = overlay(picture, torch.full((4, 6), value), scale=2.0)
    grey = ((picture[0] + picture[1] + picture[2]) / 3).expand(3, -1, -1)
    torch.testing.assert_close(found, (1 - share) * grey + share * colour.view(3, 1, 1))


def test_an_overlay_follows_the_map_and_needs_a_scale(images):
    raised = torch.tensor([[1.0, -1.0]])
    found = overlay(images[0], raised, 1.0)
    assert (found[0, :, 0] > found[2, :, 0]).all()
    assert (found[0, :, -1] < found[2, :, -1]).all()
    with pytest.raises(ValueError, match="a map of zeros has nothing to show"):
        overlay(images[0], raised, 0.0)
