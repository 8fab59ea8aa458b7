"""Scores and losses are computed where the weights lie, whichever device that is.

The pretended device has no autocast, no backward pass and no branches on values: those want a real one.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import methods
from methods import niqe
from methods._shared import devices
from methods._shared.arniqa.encoder import build
from methods._shared.arniqa.features import TwoScales
from methods._shared.clip import prompt_training
from methods._shared.clip.encoder import architecture
from methods._shared.clip.encoder import build as build_clip
from methods._shared.clip.prompt_training import PromptTraining
from methods._shared.clip.prompts import LearntPrompts, learnt_scorer
from methods.arniqa import training as of_arniqa
from methods.arniqa.loss import nt_xent
from methods.qualiclip.settings import Training
from methods.qualiclip.training import step_losses
from tests import pretended


def test_a_statistic_of_pictures_is_taken_on_cuda():
    with pretended.cuda():
        assert methods.load("sharpness").score(torch.empty(2, 3, 220, 250, device="cuda")).shape == (2,)


def test_features_of_natural_scenes_are_taken_on_cuda():
    with pretended.cuda():
        for found in niqe.patch_features(torch.empty(3, 252, 336, device="cuda"), 84):
            assert found.device.type == "cuda"


def test_a_network_takes_pictures_to_its_weights():
    method = methods.load("qualiclip-small")
    with pretended.cuda() as mode:
        pretended.moved(method.scorer, mode)
        scores = method.score(torch.empty(2, 3, 90, 120))
        assert (scores.device.type, scores.shape) == ("cpu", (2,))
        assert method.features(torch.empty(2, 3, 90, 120)).device.type == "cpu"


def test_prompts_are_learnt_where_the_weights_lie(monkeypatch):
    clip = build_clip(architecture("small"), seed=0).requires_grad_(False)
    prompts = LearntPrompts(clip, ["Good photo.", "Bad photo."], tokens=4, shared=True)
    monkeypatch.setattr(prompt_training, "read", lambda path, short_side: torch.empty(3, 90, 120))
    own = PromptTraining(steps=1, batch=2, optimizer="adam")
    with pretended.cuda() as mode:
        pretended.moved(clip, mode)
        pretended.moved(prompts, mode)
        encoder = learnt_scorer(clip, prompts, 100.0).encoder
        _, embedded = prompt_training.Batches(encoder, [Path("a.png"), Path("b.png")], 0, own)(0)
        logits = embedded @ prompts().T
        assert (logits.device.type, logits.shape) == ("cuda", (2, 2))


def test_arniqa_takes_both_scales_to_its_weights(narrow_resnets):
    scales = TwoScales(build("small", 0, 128))
    with pretended.cuda() as mode:
        pretended.moved(scales.encoder, mode)
        features = scales.describe(torch.empty(2, 3, 90, 120), torch.empty(2, 3, 45, 60))
        assert (features.device.type, features.shape) == ("cpu", (2, 256))


def test_a_step_of_qualiclip_lies_on_cuda():
    scorer = methods.load("qualiclip-small").scorer
    with pretended.cuda() as mode:
        pretended.moved(scorer, mode).train()
        crops = torch.empty(5, 2, 2, 3, 96, 96, device="cuda")
        loss, figures = step_losses(scorer.encoder, scorer, crops, Training(bf16=False))
        assert {figure.device.type for figure in figures.values()} == {"cuda"}
        assert loss.device.type == "cuda"


def test_a_step_of_arniqa_lies_on_cuda(narrow_resnets):
    encoder = build("small", 0, 128)
    with pretended.cuda() as mode:
        pretended.moved(encoder, mode).train()
        sides = [encoder.project(torch.empty(4, 3, 96, 96, device="cuda")) for _ in range(2)]
        loss = nt_xent(*sides, 0.1)
        assert loss.device.type == "cuda"


def test_bf16_is_what_the_processor_has_arithmetic_for():
    told = torch.cpu.get_capabilities()
    if told["architecture"] != "x86_64":
        pytest.skip("told by the names of x86-64")
    avx512 = all(told[f"avx512_{part}"] for part in ("f", "bw", "vl", "dq"))
    assert devices.computes_in_bf16("cpu") == (avx512 or told["avx_ne_convert"])


def test_a_build_without_onednn_computes_in_fp32(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    assert not devices.computes_in_bf16("cpu")


@pytest.mark.parametrize("asked", [None, True, False])
@pytest.mark.parametrize("has", [True, False])
def test_trainings_compute_in_bf16_where_the_device_does_unless_told(asked, has, monkeypatch):
    monkeypatch.setattr(devices, "computes_in_bf16", lambda kind: has)
    found = []

    def embed(images):
        found.append(torch.is_autocast_enabled("cpu"))
        return images.mean((-1, -2))

    prompts = SimpleNamespace(positive=torch.eye(3)[:1], negative=torch.eye(3)[1:2])
    own = Training(bf16=asked, levels=2)
    step_losses(embed, prompts, torch.rand(2, 1, 2, 3, 32, 32, requires_grad=True), own)
    weight = torch.ones(3, requires_grad=True)
    network = SimpleNamespace(project=lambda side: embed(side) * weight)
    sides = [torch.rand(4, 3, 32, 32) for _ in range(2)]
    optimizer = torch.optim.SGD([weight], lr=0.1)
    of_arniqa.train_step(network, optimizer, *sides, of_arniqa.Training(bf16=asked))
    assert found == [has if asked is None else asked] * 3
