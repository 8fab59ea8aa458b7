"""ARNIQA's training: its loss and rate against plain ones, its draws, resume, and that it learns."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import methods
from benchmark.datasets import COLUMNS, Dataset, Record
from benchmark.degradations import compose
from benchmark.images import read, write_png
from methods import arniqa
from methods._shared.arniqa.encoder import load_encoder
from methods._shared.training.loop import cached_bytes, code_of, index_at
from methods.arniqa import pairs, training
from methods.arniqa.loss import nt_xent
from methods.arniqa.training import Training, learning_rate, train_encoder

pytestmark = pytest.mark.usefixtures("narrow_resnets")

TINY = {
    "backbone": "small", "pretrained": None, "embedding": 16, "epochs": 3, "batch": 2, "crop": 32,
    "lr": 0.05, "log_every": 1, "checkpoint_every": 2, "bf16": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Four smooth coloured pictures with edges."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = torch.Generator().manual_seed(0)
    for i in range(4):
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        write_png(folder / f"{i}.png", torch.nn.functional.interpolate(coarse, size=(90, 100))[0])
    return sorted(folder.iterdir())


def test_the_loss_is_the_sum_over_pairs_of_its_equation():
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.nn.functional.normalize(torch.randn(5, 7, generator=generator)) for _ in range(2))
    rows = torch.cat([a, b]).tolist()
    total = 0.0
    for i, row in enumerate(rows):
        weights = [math.exp(sum(x * y for x, y in zip(row, other, strict=True)) / 0.1) for other in rows]
        total -= math.log(weights[(i + 5) % 10] / (sum(weights) - weights[i]))
    assert nt_xent(a, b, 0.1).item() == pytest.approx(total / 10, rel=1e-5)


def test_the_rate_is_that_of_torchs_warm_restarts():
    settings = Training()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 1, 2, eta_min=1e-6)
    optimizer.step()
    for epoch in np.arange(0, 10, 0.0625):
        scheduler.step(epoch)
        assert learning_rate(epoch, settings) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-6)


def test_defaults_are_those_of_the_published_code():
    own = Training()
    assert (own.backbone, own.pretrained, own.embedding) == ("resnet50", "imagenet", 128)
    assert (own.epochs, own.batch, own.crop, own.temperature) == (10, 16, 224, 0.1)
    assert (own.distortions, own.levels, own.pristine) == (4, 5, 0.05)
    assert (own.lr, own.lr_least, own.momentum, own.weight_decay) == (1e-3, 1e-6, 0.9, 1e-4)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        *(("embedding", 2, None), ("batch", 2, None), ("crop", 32, None), ("levels", 1, 5)),
        *(("distortions", 1, 7), ("pristine", 0, 1), ("epochs", 0, None), ("log_every", 1, None)),
        *(
            ("cache", 0, None),
            ("checkpoint_every", 1, None),
            ("lr_least", 0, None),
            ("weight_decay", 0, None),
        ),
        *(("momentum", 0, None),),
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


@pytest.mark.parametrize("name", ["lr", "temperature"])
def test_rate_and_temperature_are_above_zero_and_momentum_below_one(name):
    assert getattr(Training(**{name: 1e-12}), name) == 1e-12
    for wrong in ({name: 0.0}, {"momentum": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Training(**wrong)


def draw(pictures, position, seed=0, **changes):
    how = pairs.Draw(**{"crop": 32, "distortions": 4, "levels": 5, "pristine": 0.0, **changes})
    return pairs.draw_pair(pictures, position, seed, cached_bytes(8), how)


def test_the_four_crops_are_degraded_by_the_same_types_and_levels(pictures, monkeypatch):
    calls = []

    def spy(images, sequence, seeds):
        calls.append((images.clone(), sequence, seeds))
        return compose(images, sequence, seeds)

    monkeypatch.setattr(pairs, "compose", spy)
    result = draw(pictures, 3)
    ((images, sequence, seeds),) = calls
    assert images.shape == (4, 3, 32, 32)
    assert 1 <= len(sequence) <= 4
    assert len(set(seeds)) == 4
    assert torch.equal(result, compose(images, sequence, seeds))


def test_no_two_crops_are_degraded_by_one_seed(pictures, monkeypatch):
    seeds = []
    monkeypatch.setattr(pairs, "compose", lambda images, sequence, own: seeds.extend(own) or images)
    for position in range(40):
        draw(pictures, position)
    assert len(set(seeds)) == 160


def test_crops_come_from_two_pictures_at_two_scales(pictures):
    a, _, a_half, _ = draw(pictures, 1, pristine=1.0)
    full = [read(path) for path in pictures]
    halves = [pairs.half(image[None], "bicubic")[0] for image in full]

    def holds(image, crop):
        windows = image.unfold(1, 32, 1).unfold(2, 32, 1)
        return bool((windows - crop[:, None, None]).abs().amax((0, 3, 4)).min() < 1e-6)

    first = index_at(1, 4, 0)
    assert holds(full[first], a)
    assert holds(halves[first], a_half)
    assert not holds(full[first], a_half)


def test_both_scales_of_a_side_are_of_one_picture_and_the_other_side_is_any():
    """Pictures of one grey level each, so that a crop says which it is of."""

    def grey(path):
        return torch.full((3, 70, 90), 40 * int(path.name), dtype=torch.uint8)

    names, how = [Path(str(level)) for level in range(6)], pairs.Draw(32, 4, 5, 1.0)
    seen = []
    for position in range(120):
        crops = pairs.draw_pair(
            names,
            position,
            3,
            lambda path: torch.full((3, 70, 90), 40 * int(path.name), dtype=torch.uint8),
            how,
        )
        a, b, a_half, b_half = (crops.amax((1, 2, 3)) * 255 / 40).round().int().tolist()
        assert (a, b) == (a_half, b_half)
        assert a == index_at(position, 6, 3)
        seen.append(b)
    assert stats.chisquare(np.bincount(seen, minlength=6)).pvalue > 1e-3


def test_a_step_sets_full_scales_and_halves_of_one_picture_against_those_of_the_other(pictures):
    """A picture is a partner of what is degraded alike at its own scale, never of itself at the other."""
    how = pairs.Draw(32, 4, 5, 0.05)
    first, second = pairs.draw_batch(pictures, 2, 3, 7, cached_bytes(8), how)
    for place in range(3):
        a, b, a_half, b_half = pairs.draw_pair(pictures, 6 + place, 7, cached_bytes(8), how)
        assert torch.equal(first[place], a)
        assert torch.equal(first[3 + place], a_half)
        assert torch.equal(second[place], b)
        assert torch.equal(second[3 + place], b_half)


def test_a_share_of_the_pairs_stays_pristine(pictures, monkeypatch):
    composed = []
    monkeypatch.setattr(pairs, "compose", lambda images, *_: composed.append(1) or images)
    for position in range(150):
        draw(pictures, position, pristine=0.25)
    assert 0.65 < len(composed) / 150 < 0.85


def test_a_small_picture_is_filled_up_with_black():
    for (height, width), seed in itertools.product(((20, 50), (50, 20), (20, 24)), range(8)):
        crop = pairs.random_crop(torch.ones(3, height, width), 32, np.random.default_rng(seed))
        assert crop.shape == (3, 32, 32)
        assert crop[:, :height, :width].eq(1).all()
        assert crop[:, height:].eq(0).all()
        assert crop[:, :, width:].eq(0).all()


def test_draws_depend_on_the_position_and_not_on_batch_or_threads(pictures):
    how, reader = pairs.Draw(32, 4, 5, 0.05), cached_bytes(8)
    with ThreadPoolExecutor(3) as many, ThreadPoolExecutor(1) as one:
        wide = pairs.draw_batch(pictures, 0, 4, 7, reader, how, many)
        narrow = [pairs.draw_batch(pictures, step, 2, 7, reader, how, one) for step in (0, 1)]
    for side in (0, 1):
        full = torch.cat([step[side][:2] for step in narrow])
        halved = torch.cat([step[side][2:] for step in narrow])
        assert torch.equal(wide[side], torch.cat([full, halved]))


def test_the_room_of_a_step_is_that_of_its_two_sides(pictures):
    feed = pairs.Feed([str(path) for path in pictures], 3, 0, pairs.Draw(40, 4, 5, 0.0))
    assert feed.step_bytes == sum(side.nbytes for side in feed(0))


def test_a_resumed_run_equals_the_uninterrupted_one(pictures, tmp_path, monkeypatch):
    whole, curve = train_encoder(pictures, tmp_path / "whole", seed=3, settings=Training(**TINY))

    class Killed(Exception):
        pass

    steps, genuine = iter(range(100)), training.train_step

    def killed_in_the_fourth_step(*arguments):
        if next(steps) == 3:
            raise Killed
        return genuine(*arguments)

    monkeypatch.setattr(training, "train_step", killed_in_the_fourth_step)
    with pytest.raises(Killed):
        train_encoder(pictures, tmp_path / "cut", seed=3, settings=Training(**TINY))
    assert (tmp_path / "cut.partial").is_file()
    gone_on = []
    monkeypatch.setattr(training, "train_step", lambda *own: gone_on.append(1) or genuine(*own))
    resumed, again = train_encoder(pictures, tmp_path / "cut", seed=3, settings=Training(**TINY))
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert curve.equals(again)
    assert len(gone_on) == 4  # of six steps, two were in the state
    assert len(curve) == 6
    # Whoever writes the result removes the state after it: the disk may be full.
    assert (tmp_path / "cut.partial").exists()


def test_the_end_of_the_last_whole_cycle_is_kept_and_each_cycles_stays(pictures, tmp_path):
    """Four pictures, two a step: cycles end after 2, 6 and 14 steps. Oracle: a run that ends there."""
    long = TINY | {"epochs": 3.5}
    ends = {
        epochs: train_encoder(pictures, tmp_path / str(epochs), seed=3, settings=Training(**TINY | own))[0]
        for epochs, own in ((1, {"epochs": 1, "keep": "last"}), (3, {"epochs": 3, "keep": "last"}))
    }
    last, _ = train_encoder(pictures, tmp_path / "last", seed=3, settings=Training(**long | {"keep": "last"}))
    methods.train("arniqa", pictures, tmp_path / "m", seed=3, settings=long)
    kept = [load_encoder(tmp_path / "m" / f"encoder_epoch_{epochs}.safetensors") for epochs in (1, 3)]
    chosen = load_encoder(tmp_path / "m/encoder.safetensors")
    for name, tensor in chosen.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        assert torch.equal(tensor, ends[3].state_dict()[name]), name
        assert torch.equal(kept[1].state_dict()[name], tensor)
        assert torch.equal(kept[0].state_dict()[name], ends[1].state_dict()[name])
    assert not torch.equal(chosen.model[0].weight, last.model[0].weight)
    assert not list(tmp_path.glob("m.cycle_*"))


def test_without_a_whole_cycle_the_last_weights_are_kept(pictures, tmp_path):
    methods.train("arniqa", pictures, tmp_path / "m", seed=3, settings=TINY | {"epochs": 0.5})
    assert {path.name for path in (tmp_path / "m").glob("*.safetensors")} == {"encoder.safetensors"}


def test_training_brings_pictures_degraded_alike_together(pictures, tmp_path):
    easy = {"epochs": 40, "batch": 8, "lr": 0.01, "pristine": 0.0, "distortions": 1}
    settings = Training(**TINY | easy)
    _, curve = train_encoder(pictures, tmp_path / "m", seed=0, settings=settings)
    assert curve["loss"].tail(10).mean() < curve["loss"].head(5).mean() - 0.2
    assert curve["matched"].tail(10).mean() > 2 / 31  # chance is 1 in 31


def test_what_was_trained_is_loaded(pictures, tmp_path):
    learnt = methods.train("arniqa", pictures, tmp_path / "own/m", seed=0, settings=TINY | {"epochs": 0.5})
    method = methods.load("arniqa", **learnt)
    assert method.features(torch.rand(2, 3, 70, 50)).shape == (2, 256)
    assert (tmp_path / "own/m/curve.csv").read_text().splitlines()[0] == "step,lr,loss,matched"


def record_of(name):
    return Record(name=name, title="Toy", citation="", licence="", score_name="mos", low=0.0, high=9.0,
                  higher_is_better=False, rated_by="people")  # fmt: skip


def test_a_rated_data_set_gives_a_regressor(pictures, tmp_path):
    record = record_of("toy")
    names = [path.name for path in pictures]
    for turn in (1, 2):  # a split needs a few pictures
        for path in pictures:
            write_png(tmp_path / f"{turn}{path.name}", read(path).flip(turn % 3))
            names.append(f"{turn}{path.name}")
    for path in pictures:
        write_png(tmp_path / path.name, read(path))
    rows = pd.DataFrame({"image": names, "mos": np.linspace(0, 9, len(names))})
    rated = Dataset(record, tmp_path, rows.reindex(columns=list(COLUMNS)))
    own = TINY | {"epochs": 0}
    (tmp_path / "m").mkdir()  # as it is after a run that was stopped
    learnt = methods.train("arniqa", pictures, tmp_path / "m", seed=0, settings=own, rated=rated)
    method = methods.load("arniqa", **learnt)
    assert (method.protocol, method.card.opinion_aware) == ("five-crops", True)
    assert method.score(read(pictures[0])[None]).isfinite().all()
    missing = Dataset(record, tmp_path, rated.manifest.assign(image="absent.png"))
    with pytest.raises(ValueError, match=r"1 of \d+ pictures cannot be used:\n.*absent\.png"):
        methods.train("arniqa", pictures, tmp_path / "n", seed=0, settings=own, rated=missing)


@pytest.fixture
def forty(tmp_path):
    """Forty small rated pictures, of which sixteen go together."""
    generator = torch.Generator().manual_seed(3)
    names = [f"{number:02d}.png" for number in range(40)]
    (tmp_path / "rated").mkdir()
    for name in names:
        write_png(tmp_path / "rated" / name, torch.rand(3, 24, 24, generator=generator))
    opinions = np.random.RandomState(4).permutation(np.linspace(0, 9, 40))
    rows = pd.DataFrame({"image": names, "mos": opinions})
    return Dataset(record_of("forty"), tmp_path / "rated", rows.reindex(columns=list(COLUMNS)))


@pytest.fixture
def described(monkeypatch):
    """Count the pictures that ARNIQA describes, and kill it at one of them: ``[described, the one]``."""
    inner, state = arniqa.Arniqa.features, [0, math.inf]

    def features(self, images):
        if state[0] + len(images) > state[1]:
            raise KeyboardInterrupt
        state[0] += len(images)
        return inner(self, images)

    monkeypatch.setattr(arniqa.Arniqa, "features", features)
    return state


def test_a_fit_to_opinions_that_was_killed_goes_on_with_what_was_described(
    pictures, forty, described, tmp_path
):
    def fitted(out, seed=0):
        described[0] = 0
        own = TINY | {"epochs": 0}
        methods.train("arniqa", pictures, tmp_path / out, seed=seed, settings=own, rated=forty)
        assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []
        return (tmp_path / out / "regressor.safetensors").read_bytes()

    def killed(out, at, seed=0):
        described[1] = at
        with pytest.raises(KeyboardInterrupt):
            fitted(out, seed)
        described[1] = math.inf
        return described[0]

    whole = fitted("whole")
    assert described[0] == 40
    assert (killed("a", 20), killed("a", 20)) == (16, 16)
    assert fitted("a") == whole
    assert described[0] == 8
    killed("b", 20)
    other = fitted("b", seed=1)  # of other weights
    assert (described[0], other == whole) == (40, False)
    killed("c", 20)
    write_png(forty.root / "00.png", torch.zeros(3, 24, 24))  # another picture of the name
    assert fitted("c") != whole
    assert described[0] == 40


def test_features_of_other_code_are_not_taken(pictures, forty, described, tmp_path, monkeypatch):
    own = {"seed": 0, "settings": TINY | {"epochs": 0}, "rated": forty}
    described[1] = 20
    with pytest.raises(KeyboardInterrupt):
        methods.train("arniqa", pictures, tmp_path / "m", **own)
    described[:] = [0, math.inf]
    monkeypatch.setattr(arniqa, "code_of", lambda *modules: "another")
    methods.train("arniqa", pictures, tmp_path / "m", **own)
    assert described[0] == 40


def test_the_code_of_a_package_is_that_of_all_its_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "drawn_apart/deep").mkdir(parents=True)
    inner = tmp_path / "drawn_apart/deep/inner.py"
    for path in (tmp_path / "drawn_apart/__init__.py", inner, tmp_path / "drawn_alone.py"):
        path.write_text("")
    __import__("drawn_apart")
    __import__("drawn_alone")
    before = [code_of("drawn_apart"), code_of("drawn_alone")]
    inner.write_text("changed = True")
    assert [code_of("drawn_apart") != before[0], code_of("drawn_alone") == before[1]] == [True, True]
    (tmp_path / "drawn_alone.py").write_text("changed = True")
    assert code_of("drawn_alone") != before[1]


def test_what_the_last_step_has_broken_is_no_result(breaking, pictures, tmp_path):
    own = TINY | {"epochs": 1, "batch": len(pictures)}
    with pytest.raises(ValueError, match="made weights infinite or NaN; lower `lr`"):
        methods.train("arniqa", pictures, tmp_path, seed=0, settings=own)


def test_bad_settings_are_named(pictures, tmp_path):
    with pytest.raises(ValueError, match="no pictures to train on"):
        methods.train("arniqa", [], tmp_path, seed=0, settings=TINY)
    with pytest.raises(ValueError, match="did you mean 'temperature'"):
        methods.train("arniqa", pictures, tmp_path, seed=0, settings=TINY | {"temprature": 0.1})
    with pytest.raises(ValueError, match="lower `lr`"):
        methods.train("arniqa", pictures, tmp_path, seed=0, settings=TINY | {"lr": 1e30, "epochs": 5})
