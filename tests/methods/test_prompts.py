"""Learnt prompts: the context alone changes, it learns from scores, a killed run goes on as it would have."""

import numpy as np
import pandas as pd
import pytest
import torch
from pyiqa.losses.iqa_losses import PLCCLoss

import methods
from benchmark.datasets import COLUMNS, Dataset, Record
from benchmark.images import write_png
from methods._shared.clip import prompt_training
from methods._shared.clip.encoder import SMALL, build, encode_prompts
from methods._shared.clip.prompt_training import PromptTraining, plcc_loss, rated_pictures
from methods._shared.clip.prompts import LearntPrompts, middle

RECORD = {
    "name": "toy", "title": "Toy", "citation": "", "licence": "", "score_name": "mos", "low": 0.0,
    "high": 10.0, "higher_is_better": True, "rated_by": "people",
}  # fmt: skip
TINY = {
    "architecture": "small", "pretrained": None, "steps": 6, "batch": 4, "lr": 0.02, "optimizer": "adam",
    "log_every": 1, "checkpoint_every": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """Pictures whose score is how smooth they are."""
    root = tmp_path_factory.mktemp("rated")
    generator = torch.Generator().manual_seed(0)
    rows = []
    for index in range(8):
        coarse = torch.rand(1, 3, 4 + 8 * index, 4 + 8 * index, generator=generator)
        image = torch.nn.functional.interpolate(coarse, size=(72, 80), mode="bilinear")[0]
        write_png(root / f"{index}.png", image)
        rows.append({"image": f"{index}.png", "mos": 10.0 - index})
    return Dataset(Record(**RECORD), root, pd.DataFrame(rows).reindex(columns=list(COLUMNS)))


def test_the_words_stand_in_the_middle_of_the_context():
    assert middle(4, 2, 9) == [0, 1, 2, 5, 6, 3, 4, 7, 8]
    for tokens, length in [(16, 3), (5, 1), (1, 4)]:
        assert sorted(middle(tokens, length, 77)) == list(range(77))


def test_a_context_of_real_words_reads_as_the_sentence_does():
    """With the embeddings of words as context, the prompt is that of the plain sentence."""
    from open_clip.tokenizer import SimpleTokenizer

    clip = build(SMALL, seed=2)
    prompts = LearntPrompts(clip, ["good photo"], tokens=4, shared=True)
    tokens = SimpleTokenizer()(["this is a"])[0, 1:4]
    last = SimpleTokenizer()(["today"])[0, 1:2]
    with torch.no_grad():
        words = clip.token_embedding(torch.cat([tokens[:2], tokens[2:], last]))
        prompts.context.copy_(words)
        found = prompts()
    torch.testing.assert_close(found, encode_prompts(clip, ["this is good photo a today"]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [1, 2, 8, 20])
def test_plcc_term_is_half_of_what_pearson_lacks_to_one(size):
    generator = np.random.default_rng(size)
    x, y = generator.normal(size=size), generator.normal(size=size)
    expected = (1 - np.corrcoef(x, y)[0, 1]) / 2 if size > 1 else abs(x[0] - y[0])
    found = plcc_loss(torch.tensor(x), torch.tensor(y))
    assert float(found) == pytest.approx(expected, abs=1e-9)
    # The class that `metric_loss_opt` of pyiqa's configuration of QualiCLIP+ names.
    theirs = PLCCLoss()(torch.tensor(x)[:, None], torch.tensor(y)[:, None])
    assert float(found) == pytest.approx(float(theirs), abs=1e-9)


def test_plcc_term_runs_from_nothing_to_one_and_has_a_value_and_slope_everywhere():
    rising = torch.arange(4.0)
    assert float(plcc_loss(rising, 2 * rising + 1)) == pytest.approx(0, abs=1e-6)
    assert float(plcc_loss(rising, -rising)) == pytest.approx(1, abs=1e-6)
    flat = torch.ones(4, requires_grad=True)
    loss = plcc_loss(flat, rising)
    loss.backward()
    assert float(loss.detach()) == 0.5
    assert flat.grad.isfinite().all()


def test_the_loss_of_a_step_is_the_squared_error_and_the_weighted_term(rated, tmp_path):
    own = TINY | {"steps": 2, "plcc": 3.0}
    methods.train("clipiqa_plus", [], tmp_path / "m", seed=1, settings=own, rated=rated)
    curve = pd.read_csv(tmp_path / "m" / "curve.csv")
    np.testing.assert_allclose(curve["loss"], curve["mse"] + 3 * curve["plcc"], rtol=1e-5)


@pytest.mark.parametrize("crop", [None, 48])
def test_the_score_is_learnt_and_the_context_alone_changes(rated, tmp_path, crop):
    own = TINY | {"steps": 25, "batch": 4, "crop": crop}
    learnt = methods.train("clipiqa_plus", [], tmp_path / "m", seed=1, settings=own, rated=rated)
    curve = pd.read_csv(tmp_path / "m" / "curve.csv")
    assert list(curve.columns) == ["step", "lr", "loss", "mse", "plcc"]
    assert curve["mse"].iloc[-5:].mean() < 0.8 * curve["mse"].iloc[:2].mean()
    method = methods.load("clipiqa_plus", **learnt)
    untouched = build(SMALL, seed=1).visual.conv1.weight
    assert torch.equal(method.scorer.encoder.visual.conv1.weight, untouched)
    assert method.card.opinion_aware
    with pytest.raises(ValueError, match=r"brings the CLIP .*leave architecture=ViT-B-32"):
        methods.load("clipiqa_plus", **learnt, architecture="ViT-B-32")


def test_qualiclip_plus_learns_on_what_qualiclip_learnt(rated, tmp_path):
    pictures = [rated.root / f"{i}.png" for i in range(3)]
    small = {"architecture": "small", "pretrained": None, "steps": 1, "batch": 2, "crop": 64, "norm": "train"}
    base = methods.train("qualiclip", pictures, tmp_path / "base", seed=4, settings=small)["weights"]
    own = {"encoder": base, "steps": 2, "batch": 2, "crop": 48, "optimizer": "adam"}
    learnt = methods.train("qualiclip_plus", [], tmp_path / "plus", seed=4, settings=own, rated=rated)
    plus = methods.load("qualiclip_plus", **learnt)
    with pytest.raises(ValueError, match="brings the encoder that it was trained on"):
        methods.load("qualiclip_plus", **learnt, encoder=base)
    encoder = methods.load("qualiclip", weights=base).scorer.encoder
    images = torch.rand(2, 3, 61, 75)
    with torch.no_grad():
        assert torch.equal(plus.scorer.encoder(images), encoder(images))
    assert plus.scorer.positive.shape == (7, 128)
    assert plus.scorer.scale == pytest.approx(1 / 0.07 / 2, rel=1e-5)


def test_a_killed_run_goes_on_bit_by_bit(rated, tmp_path, monkeypatch):
    whole = methods.train("clipiqa_plus", [], tmp_path / "whole", seed=3, settings=TINY, rated=rated)

    class Killed(Exception):
        pass

    steps, genuine = iter(range(100)), prompt_training.plcc_loss

    def killed_in_the_fifth_step(*arguments):
        if next(steps) == 4:
            raise Killed
        return genuine(*arguments)

    monkeypatch.setattr(prompt_training, "plcc_loss", killed_in_the_fifth_step)
    with pytest.raises(Killed):
        methods.train("clipiqa_plus", [], tmp_path / "cut", seed=3, settings=TINY, rated=rated)
    assert (tmp_path / "cut.partial").is_file()
    monkeypatch.setattr(prompt_training, "plcc_loss", genuine)
    cut = methods.train("clipiqa_plus", [], tmp_path / "cut", seed=3, settings=TINY, rated=rated)
    for file in ("weights.safetensors", "curve.csv"):
        assert (tmp_path / "cut" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file
    assert whole.keys() == cut.keys()


def test_scores_are_scaled_turned_and_split(rated):
    own = PromptTraining(steps=1, batch=1, optimizer="sgd")
    assert rated_pictures(rated, own)[1].tolist() == pytest.approx([(10 - i) / 10 for i in range(8)])
    turned = Dataset(Record(**RECORD | {"higher_is_better": False}), rated.root, rated.manifest)
    assert rated_pictures(turned, own)[1].tolist() == pytest.approx([i / 10 for i in range(8)])
    some = rated.manifest.assign(split=["train"] * 3 + ["test"] * 5)
    assert len(rated_pictures(Dataset(rated.record, rated.root, some), own)[0]) == 3
    wide = own.model_copy(update={"mos_high": 20.0})
    assert rated_pictures(rated, wide)[1].tolist() == pytest.approx([(10 - i) / 20 for i in range(8)])


def test_what_the_last_step_has_broken_is_no_result(breaking, rated, tmp_path):
    own = TINY | {"steps": 1}
    with pytest.raises(ValueError, match="made weights infinite or NaN; lower `lr`"):
        methods.train("clipiqa_plus", [], tmp_path / "m", seed=0, settings=own, rated=rated)


def test_what_cannot_be_learnt_from_is_named(rated, tmp_path):
    with pytest.raises(ValueError, match=r"name a rated data set in `train\.rated`"):
        methods.train("clipiqa_plus", [], tmp_path, seed=0, settings=TINY)
    nobody = Dataset(rated.record, rated.root, rated.manifest.assign(mos=np.nan))
    with pytest.raises(ValueError, match="'toy' has no scores to learn from"):
        methods.train("clipiqa_plus", [], tmp_path, seed=0, settings=TINY, rated=nobody)
    boundless = Dataset(Record(**RECORD | {"high": float("inf")}), rated.root, rated.manifest)
    with pytest.raises(ValueError, match=r"scores of 'toy' run from 0\.0 to inf; set both"):
        methods.train("clipiqa_plus", [], tmp_path, seed=0, settings=TINY, rated=boundless)
    with pytest.raises(ValueError, match=r"\.png: picture of 80x72 is smaller than the crop of 128"):
        methods.train("clipiqa_plus", [], tmp_path, seed=0, settings=TINY | {"crop": 128}, rated=rated)
