import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from skimage.data import astronaut

from benchmark.datasets._manifest import write_dataset
from benchmark.datasets._record import Record
from benchmark.degradations import GROUPS, degrade, ladder
from benchmark.images import write_png
from benchmark.robustness import (
    FURTHER,
    UNSEEN,
    d_test,
    l_test,
    long_ladder,
    manifold,
    p_test,
    sensitivity,
    sweep,
    unseen_ladder,
    waterloo,
)
from benchmark.robustness.tools import bounded, content_seed, mean_interval, share_interval
from experiments import robustness as robustness_stage
from experiments.compose import composed
from experiments.settings import parse

TIDY = ["statistic", "value", "low", "high", "n", "protocol", "published", "standing"]
BRIGHT = {"brightness_change": ("darken", "brighten")}


class Brightness:
    """A linear model: the mean of all pixels."""

    name = "brightness"
    higher_is_better = True

    def score(self, images):
        return images.mean((1, 2, 3))


class Darkness(Brightness):
    name = "darkness"
    higher_is_better = False

    def score(self, images):
        return -images.mean((1, 2, 3))


class Constant(Brightness):
    name = "constant"

    def score(self, images):
        return torch.zeros(len(images))


def photographs(count=3, height=40, width=48):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(3, height, width, generator=generator) * 0.6 + 0.2 for _ in range(count)]


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


def test_direction_of_the_method_does_not_matter_for_the_order():
    _, bright = sweep(Brightness(), photographs(), {"known": ("fall",)}, levels=3, ladder=planted)
    _, dark = sweep(Darkness(), photographs(), {"known": ("fall",)}, levels=3, ladder=planted)
    assert bright.value.tolist() == dark.value.tolist()


def test_constant_method_keeps_no_order():
    _, order = sweep(Constant(), photographs(), BRIGHT)
    assert (order.value == 0).all()


def test_frames_have_the_documented_columns_and_start_at_the_pristine_picture():
    images = photographs()
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


def test_content_seed_depends_on_pixels_shape_and_labels():
    image = torch.zeros(3, 32, 64)
    seeds = {
        content_seed(image, 0, "a"),
        content_seed(image, 1, "a"),
        content_seed(image, 0, "b"),
        content_seed(image.reshape(3, 64, 32), 0, "a"),
        content_seed(image + 1e-3, 0, "a"),
    }
    assert len(seeds) == 5
    assert content_seed(image, 0, "a") == content_seed(image.clone(), 0, "a")
    assert all(0 <= seed < 2**62 for seed in seeds)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_share_has_wilsons_interval(hits):
    expected = stats.binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    share, low, high, n = share_interval(np.array(hits))
    assert (share, n) == (np.mean(hits), len(hits))
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_intervals_end_where_the_statistic_does():
    assert bounded((0.5, -0.2, 1.4, 3), 0, 1) == (0.5, 0.0, 1.0, 3)
    assert np.isnan(bounded((0.5, np.nan, np.nan, 1), -1, 1)[1:3]).all()


def test_mean_has_students_interval():
    values = np.random.default_rng(0).normal(size=12)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    mean, low, high, n = mean_interval(values)
    assert (mean, low, high, n) == pytest.approx((values.mean(), expected.low, expected.high, 12))
    assert np.isnan(mean_interval(values[:1])[1:3]).all()


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
    assert found[["flip", "batch", "precision"]].to_numpy() == pytest.approx(0, abs=1e-4)
    assert found["jpeg95"] > 0
    order = shifts(Brightness(), photographs(6), "srcc")
    assert order[["flip", "batch", "precision"]].tolist() == [1, 1, 1]


def test_precision_is_that_of_bfloat16():
    moved = shifts(Matrix(), photographs(6), "abs_shift")["precision"]
    assert moved > 1e-3


def test_sign_of_a_shift_is_towards_better_quality():
    images = photographs(6)
    assert shifts(Darkness(), images, "shift")["crop"] == pytest.approx(
        shifts(Brightness(), images, "shift")["crop"], abs=1e-4
    )


def test_constant_method_has_no_shift_and_no_order():
    found = sensitivity(Constant(), photographs(4)).set_index(["statistic", "change"]).value
    assert (found[["shift", "abs_shift"]] == 0).all()
    assert found["srcc"].isna().all()


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


def test_palette_has_no_more_colours_than_asked_for():
    steps = unseen_ladder(photographs(1)[0][None], "colorquantization", torch.tensor([0]))
    for level, most in enumerate(UNSEEN["colorquantization"]):
        assert len(steps[level, 0].flatten(1).unique(dim=1).T) <= most


def test_unknown_kinds_and_levels_are_named():
    image, seed = photographs(1)[0][None], torch.tensor([0])
    with pytest.raises(ValueError, match="'jpeg' has no levels beyond"):
        long_ladder(image, "jpeg", seed)
    with pytest.raises(ValueError, match="'gaublur' is no unseen kind"):
        unseen_ladder(image, "gaublur", seed)
    with pytest.raises(ValueError, match="levels=6"):
        unseen_ladder(image, "denoise", seed, 6)


small = st.lists(st.integers(0, 6), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(small, small)
def test_d_test_is_the_best_threshold_of_all(pristine, distorted):
    good, bad = np.array(pristine), np.array(distorted)
    thresholds = np.arange(-0.5, 7)
    best = max(((good > t).mean() + (bad <= t).mean()) / 2 for t in thresholds)
    assert d_test(good, bad) == pytest.approx(best)


def degraded_set(noise, references=5, kinds=("jpeg", "jitter"), seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        {"reference": f"r{r}", "distortion": kind, "level": level, "truth": 100 - 15 * level}
        for r in range(references)
        for kind, level in [("", 0), *((kind, level) for kind in kinds for level in range(1, 6))]
    ]
    frame = pd.DataFrame(rows)
    frame["image"] = [f"{row.reference}{row.distortion}{row.level}" for row in frame.itertuples()]
    return frame.assign(score=frame.truth + rng.normal(0, noise, len(frame)))


def test_l_test_is_the_srcc_of_every_list():
    frame = degraded_set(20.0)
    found = l_test(frame)
    assert found.shape == (5, 2)
    for r, reference in enumerate(sorted(frame.reference.unique())):
        for k, kind in enumerate(["jitter", "jpeg"]):
            part = frame[(frame.reference == reference) & (frame.distortion == kind)]
            assert found[r, k] == pytest.approx(-stats.spearmanr(part.level, part.score).statistic)


def test_p_test_counts_pairs_in_plain_loops():
    rng = np.random.default_rng(0)
    names = [f"i{k}" for k in range(40)]
    judges = pd.DataFrame(rng.uniform(0, 100, (40, 2)), index=names)
    judges[1] = (judges[0] + judges[1]) / 2
    scores = pd.Series(rng.integers(0, 5, 40), index=names)
    right, pairs = 0.0, 0
    for a in names:
        for b in names:
            if (judges.loc[a] - judges.loc[b] > 40).all():
                pairs += 1
                right += 1.0 if scores[a] > scores[b] else 0.5 if scores[a] == scores[b] else 0.0
    assert p_test(scores.sample(frac=1, random_state=0), judges) == (pytest.approx(right / pairs), pairs)
    drawn, number = p_test(scores, judges, limit=700)
    assert number < pairs
    assert drawn == pytest.approx(right / pairs, abs=0.15)


def test_oracle_passes_all_three_and_noise_none():
    frame = degraded_set(0.0)
    judges = frame.set_index("image")[["truth"]]
    perfect = waterloo(frame, judges, method="oracle", dataset="toy", resamples=50)
    assert list(perfect) == ["method", "dataset", *TIDY]
    assert perfect.statistic.tolist() == ["d_test", "l_test", "p_test"]
    assert perfect.value.tolist() == pytest.approx([1, 1, 1])
    assert perfect.low.tolist() == pytest.approx([1, 1, 1])
    noisy = degraded_set(0.0, references=60)
    noisy["score"] = np.random.default_rng(0).normal(size=len(noisy))
    judges = noisy.set_index("image")[["truth"]]
    chance = waterloo(noisy, judges, method="noise", dataset="toy", resamples=50).set_index("statistic")
    assert chance.value["l_test"] == pytest.approx(0, abs=0.15)
    assert chance.low["p_test"] < 0.5 < chance.high["p_test"]
    assert chance.value["d_test"] < 0.7
    assert list(waterloo(noisy, method="noise", dataset="toy", resamples=5).statistic) == ["d_test", "l_test"]


def test_sets_without_pristine_images_or_levels_are_named():
    with pytest.raises(ValueError, match="pristine and distorted"):
        d_test([], [1.0])
    with pytest.raises(ValueError, match="two levels"):
        l_test(degraded_set(1.0).query("level < 2"))
    assert np.isnan(p_test(pd.Series({"a": 1.0, "b": 2.0}), pd.DataFrame({"x": {"a": 50.0, "b": 60.0}}))[0])


def test_retrieval_finds_planted_types_and_levels():
    frame = degraded_set(0.0, references=4, kinds=("jpeg", "jitter", "gaublur"))
    codes = {kind: k for k, kind in enumerate(["", "jpeg", "jitter", "gaublur"])}
    planted = np.zeros((len(frame), 9))
    planted[np.arange(len(frame)), frame.distortion.map(codes)] = 10
    planted[np.arange(len(frame)), 3 + frame.level] += 1
    place, table = manifold(planted + 1e-3, frame, method="oracle", dataset="toy")
    assert list(place) == ["image", "distortion", "level", "x", "y"]
    assert len(place) == len(frame)
    assert np.isfinite(place[["x", "y"]]).all(axis=None)
    every = table[table.distortion == "all"].set_index("statistic").value
    assert every[["retrieval_type", "retrieval_level", "retrieval_both"]].tolist() == [1, 1, 1]
    assert every[["chance_type", "chance_level", "chance_both"]].tolist() == pytest.approx(
        [1 / 3, 1 / 5, 1 / 15]
    )
    content = pd.get_dummies(frame.reference).to_numpy(dtype=float)
    _, blind = manifold(content, frame, method="content", dataset="toy")
    assert blind[blind.distortion == "all"].set_index("statistic").value["retrieval_both"] < 0.2


def test_manifold_names_what_is_wrong():
    frame = degraded_set(0.0, references=2)
    with pytest.raises(ValueError, match="do not belong"):
        manifold(np.zeros((3, 2)), frame, method="m", dataset="d")
    with pytest.raises(ValueError, match="not finite"):
        manifold(np.full((len(frame), 2), np.nan), frame, method="m", dataset="d")
    one = frame[frame.reference == "r0"]
    with pytest.raises(ValueError, match="at least two references"):
        manifold(np.zeros((len(one), 2)), one, method="m", dataset="d")


class Grey:
    """Mean brightness and, as features, the mean colour."""

    name = "grey"
    higher_is_better = True

    def score(self, images):
        return images.mean((1, 2, 3))


@pytest.fixture
def stage_of(tmp_path, monkeypatch):
    """A prepared data set of 4 references, darker at each level, with scores and features of one method."""
    rows, vectors = [], []
    (tmp_path / "data/toy").mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for reference in range(4):
        clean = 0.2 + 0.5 * torch.rand(3, 48, 48, generator=generator)
        for level in range(4):
            name = f"{reference}_{level}.png"
            write_png(tmp_path / "data/toy" / name, clean * (1 - 0.2 * level))
            kind = "darken" if level else "pristine"
            rows.append((name, -float(level) + 0.01 * reference, f"r{reference}", kind, level))
            vectors.append([1.0, level, 0.1 * reference])
    frame = pd.DataFrame(rows, columns=["image", "mos", "reference", "distortion", "level"])
    record = Record("toy", "Toy", "made here", "CC0", "level", -9, 9, True, "proxy")
    write_dataset(tmp_path / "data/toy", record, frame)
    for folder in ("results/scores/grey", "results/features/grey", "results/tables", "models/grey"):
        (tmp_path / folder).mkdir(parents=True)
    frame.assign(score=frame["mos"], error="")[["image", "score", "error"]].to_csv(
        tmp_path / "results/scores/grey/toy.csv", index=False
    )
    np.savez(tmp_path / "results/features/grey/toy.npz", image=frame["image"].to_numpy(str), features=vectors)
    (tmp_path / "models/grey/method.json").write_text('{"higher_is_better": true}')
    monkeypatch.chdir(tmp_path)
    base = parse(yaml.safe_load(composed("profile=demo")))
    changes = {
        "prepare": {"datasets": ["toy"]},
        "score": {"datasets": ["toy"]},
        "evaluate": {"resamples": 100},
        "robustness": {
            **{"dataset": "toy", "images": 5, "references": 2, "kinds": ["darken"]},
            **{"levels": 6, "features": ["grey"]},
        },
    }
    changed = {key: getattr(base, key).model_copy(update=change) for key, change in changes.items()}
    settings = base.model_copy(update={**changed, "seed": 1, "methods": {"grey": base.methods["niqe"]}})
    monkeypatch.setattr(robustness_stage.stage, "start", lambda: settings)
    monkeypatch.setattr(robustness_stage, "load_trained", lambda name: Grey())
    return tmp_path


def test_stage_writes_every_study(stage_of):
    robustness_stage.robustness()
    tables = {path.stem: pd.read_csv(path) for path in (stage_of / "results/tables").glob("*.csv")}
    assert set(tables) == {"further", "further_order", "sensitivity", "waterloo", "retrieval"}
    assert set(tables["further"]["distortion"]) == {"darken", *UNSEEN}
    assert tables["further"].query("distortion == 'darken'")["level"].max() == 6
    flips = tables["sensitivity"].query("change == 'flip' and statistic == 'abs_shift'")
    assert flips["value"].item() == pytest.approx(0, abs=1e-4)
    # The scores are the opinions: levels and pairs are all right; pristine ones stand above all others.
    assert set(tables["waterloo"]["value"].round(6)) == {1.0}
    assert set(tables["waterloo"]["statistic"]) == {"d_test", "l_test", "p_test"}
    found = tables["retrieval"].query("distortion == 'all' and statistic == 'retrieval_level'")
    assert found["value"].item() == 1
    layout = pd.read_csv(stage_of / "results/robustness/manifold.csv")
    assert len(layout) == 16
    assert set(layout["group"]) == {"brightness_change", "pristine"}


def test_stage_leaves_out_what_a_data_set_cannot_give(stage_of, capsys):
    path = stage_of / "data/toy/manifest.csv"
    frame = pd.read_csv(path).query("level > 0").assign(reference="")
    frame.to_csv(path, index=False)
    robustness_stage.robustness()
    assert "need pristine and degraded pictures" in capsys.readouterr().out
    assert pd.read_csv(stage_of / "results/tables/waterloo.csv").empty
    assert pd.read_csv(stage_of / "results/tables/retrieval.csv").empty
    assert pd.read_csv(stage_of / "results/robustness/manifold.csv").empty


def test_pictures_are_spread_over_the_opinions(stage_of):
    data = robustness_stage.results.dataset("toy")
    assert robustness_stage.spread(data, 3)[0] == "0_3.png"
    assert robustness_stage.spread(data, 3)[-1] == "3_0.png"
    assert len(robustness_stage.spread(data, 99)) == 16
