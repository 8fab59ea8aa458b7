"""Where the paper leaves QualiCLIP open, each reading does what it says, and each is an ablation."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy import stats

import methods
from benchmark.degradations import LEVELS, degrade
from benchmark.images import write_png
from experiments import settings as settings_of
from experiments.settings.ablations import variant_settings
from methods.qualiclip.crops import draw_kinds
from methods.qualiclip.degrading import rising
from methods.qualiclip.settings import Training
from methods.qualiclip.training import pair_terms
from tests.reference import qualiclip as plain

ROOT = Path(__file__).parents[2]

#: Every choice that no source settles, and the ablation with the other reading.
READINGS = {
    "losses_per_pair": {"averaged": "losses"},
    "groups_first": {"drawn": "groups"},
    "two_distortions": {"distortions": 2},
    "mean_losses": {"reduction": "mean"},
    "own_level_draws": {"levels_draw": "own"},
    "own_crop_draws": {"crops_draw": "own"},
}


def cosines(levels, images, pairs, seed):
    draw = np.random.default_rng(seed)
    return [draw.uniform(-0.3, 0.5, (levels, images, 2, pairs)) for _ in range(2)]


@pytest.mark.parametrize("averaged", ["cosines", "losses"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(1, 3), st.integers(1, 4), st.integers(0, 10_000))
def test_terms_equal_the_loops(averaged, reduction, levels, images, pairs, seed):
    positive, negative = cosines(levels, images, pairs, seed)
    own = Training(averaged=averaged, reduction=reduction)
    found = pair_terms(torch.tensor(positive), torch.tensor(negative), own)
    expected = plain.terms(positive, negative, 2.5e-3, 6.75e-2, averaged, reduction)
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, abs=1e-9), name
    assert float(found["across"]) == 0


def test_the_loss_of_the_mean_is_not_the_mean_of_the_losses():
    positive, negative = cosines(5, 4, 7, 0)
    ways = ("cosines", "losses")
    both = [sum(plain.terms(positive, negative, 2.5e-3, 6.75e-2, how).values()) for how in ways]
    assert both[1] > 1.2 * both[0]  # a hinge is convex: averaging first can only lower it


def test_ranking_across_images_follows_the_reading():
    positive, negative = (torch.tensor(s) for s in cosines(4, 3, 2, 1))
    apart = pair_terms(positive, negative, Training(averaged="losses", rank_across=1.0))
    total = 0.0
    for pair in range(2):
        for s in (positive[..., pair].numpy(), -negative[..., pair].numpy()):
            for a, b in itertools.permutations(range(3), 2):
                for i, k in itertools.combinations(range(4), 2):
                    total += sum(max(0, 0.0675 - (x - y)) for x in s[i, a] for y in s[k, b])
    assert float(apart["across"]) == pytest.approx(total / 2 / 6, abs=1e-9)


@pytest.mark.parametrize("drawn", ["types", "groups"])
def test_types_come_as_often_as_the_reading_says(drawn):
    draws = 3000
    counted = Counter(draw_kinds(np.random.default_rng([4, i]), drawn, 1)[0] for i in range(draws))
    expected = [draws * plain.probability(kind, drawn) for kind in LEVELS]
    assert stats.chisquare([counted[kind] for kind in LEVELS], expected).pvalue > 1e-3
    other = [
        draws * plain.probability(kind, {"types": "groups", "groups": "types"}[drawn]) for kind in LEVELS
    ]
    assert stats.chisquare([counted[kind] for kind in LEVELS], other).pvalue < 1e-9


@pytest.mark.parametrize("drawn", ["types", "groups"])
@given(st.integers(1, 7), st.integers(0, 10_000))
def test_composed_types_differ_and_so_do_their_groups_where_groups_are_drawn(drawn, count, seed):
    kinds = draw_kinds(np.random.default_rng(seed), drawn, count)
    assert len(set(kinds)) == count
    groups = {next(i for i, group in enumerate(plain.GROUPS) if kind in group) for kind in kinds}
    assert len(groups) == count or drawn == "types"


def crops(count, value=None):
    if value is not None:
        return torch.full((count, 2, 3, 48, 48), value)
    return torch.rand(count, 2, 3, 48, 48, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("order", ["reference", "monotone"])
def test_composed_types_are_applied_one_after_another_at_the_same_level(order):
    pictures, kinds = crops(2), [("gaublur", "darken"), ("pixelate", "colorsat1")]
    found = rising(pictures, kinds, [7, 8], Training(distortions=2, order=order))
    assert found.shape == (5, 2, 2, 3, 48, 48)
    for level, index, crop in itertools.product(range(5), range(2), range(2)):
        expected = pictures[index, crop][None]
        for kind in kinds[index]:  # none of these draws anything
            expected = degrade(expected, kind, level + 1, [0], order)
        torch.testing.assert_close(found[level, index, crop], expected[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("levels_draw", ["shared", "own"])
@pytest.mark.parametrize("crops_draw", ["shared", "own"])
@pytest.mark.parametrize("kinds", [("whitenoise",), ("gaublur", "whitenoise")])
def test_noise_is_shared_as_the_reading_says(levels_draw, crops_draw, kinds):
    """On grey pictures the field is what was added, over its published deviation."""
    own = Training(levels_draw=levels_draw, crops_draw=crops_draw, distortions=len(kinds))
    found = rising(crops(2, 0.5), [kinds] * 2, [11, 12], own)
    deviation = torch.tensor([0.001, 0.002, 0.003, 0.005, 0.01]).sqrt().view(5, 1, 1, 1)
    fields = ((found - 0.5).flatten(3) / deviation).flatten(0, 2)
    assert fields.std(dim=1).sub(1).abs().max() < 0.05
    alike = np.corrcoef(fields.numpy())
    places = list(itertools.product(range(5), range(2), range(2)))
    for (a, one), (b, two) in itertools.combinations(enumerate(places), 2):
        level, picture, crop = (x == y for x, y in zip(one, two, strict=True))
        shared = picture and (level or levels_draw == "shared") and (crop or crops_draw == "shared")
        assert alike[a, b] == pytest.approx(1 if shared else 0, abs=0.001 if shared else 0.1), (one, two)


@pytest.mark.parametrize("kind", ["meanshift", "lincontrchange"])
def test_a_direction_is_one_for_all_levels_and_crops_whatever_they_draw(kind):
    own = Training(levels_draw="own", crops_draw="own", order="monotone")
    pictures = crops(1).mul(0.6).add(0.2).expand(6, -1, -1, -1, -1)
    changes = rising(pictures, [(kind,)] * 6, list(range(6)), own) - pictures
    distance = changes.flatten(3).abs().mean(-1)
    assert (distance.diff(dim=0) > 0).all()  # each level is farther than the one before
    # Contrast moves the brightest pixel; a shift of the mean moves all.
    brightest = pictures.flatten(2).argmax(-1).expand(5, -1, -1).unsqueeze(-1)
    signs = changes.flatten(3).gather(-1, brightest)[..., 0].sign().transpose(0, 1).flatten(1)
    assert (signs == signs[:, :1]).all()


def test_own_draws_are_the_same_in_every_run_and_shared_ones_are_those_of_before():
    pictures, kinds = crops(2), [("whitenoise",), ("jitter",)]
    own = Training(levels_draw="own", crops_draw="own")
    assert torch.equal(rising(pictures, kinds, [1, 2], own), rising(pictures, kinds, [1, 2], own))
    shared = rising(pictures, kinds, [1, 2], Training())
    for level, index, crop in itertools.product(range(5), range(2), range(2)):
        expected = degrade(pictures[index, crop][None], kinds[index][0], level + 1, [[1, 2][index]])
        torch.testing.assert_close(shared[level, index, crop], expected[0], atol=1e-6, rtol=0)


def variant(name):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return variant_settings(name, settings_of.load()).methods["qualiclip"].train


@pytest.fixture(scope="module")
def of_full():
    return variant("full")


@pytest.mark.parametrize("name", list(READINGS))
def test_every_reading_is_an_ablation_and_stated_in_the_paper_profile(name, of_full):
    change = READINGS[name]
    assert {key: value for key, value in variant(name).items() if of_full.get(key) != value} == change
    profile = (ROOT / "experiments/profile/_paper.yaml").read_text()
    (key,) = change
    stated = yaml.safe_load(profile)["methods"]["qualiclip"]["train"]
    assert stated[key] == Training.model_fields[key].default != change[key]
    line = next(text for text in profile.splitlines() if text.strip().startswith(f"{key}:"))
    assert name in line
    assert "R" in line or "not known" in line
    assert f"`{key}: " in (ROOT / "docs/qualiclip.md").read_text()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    generator = torch.Generator().manual_seed(0)
    for i in range(4):
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        write_png(folder / f"{i}.png", torch.nn.functional.interpolate(coarse, size=(72, 80))[0])
    return sorted(folder.iterdir())


def trained(pictures, out, **settings):
    tiny = {"architecture": "small", "pretrained": None, "steps": 3, "batch": 3, "crop": 32, "norm": "train",
            "lr": 1e-3, "log_every": 1, "bf16": False, "order": "monotone"}  # fmt: skip
    learnt = methods.train("qualiclip", pictures, out, seed=6, settings=tiny | settings)
    return load_file(learnt["weights"])


@pytest.fixture(scope="module")
def full(pictures, tmp_path_factory):
    return trained(pictures, tmp_path_factory.mktemp("full"))


@pytest.mark.parametrize("name", list(READINGS))
def test_every_reading_trains_and_differs_from_full(name, pictures, full, tmp_path):
    other = trained(pictures, tmp_path / name, **READINGS[name])
    assert full.keys() == other.keys()
    assert all(tensor.isfinite().all() for tensor in other.values() if tensor.is_floating_point())
    moved = [name for name, tensor in full.items() if not torch.equal(tensor, other[name])]
    assert len(moved) > len(full) / 3


def test_full_claims_no_more_than_is_known():
    said = (ROOT / "experiments/ablation/full.yaml").read_text()
    assert "as published" not in said
    assert "profile states" in said
