"""CLIP-IQA+ (Wang, Chan, Loy, AAAI 2023, arXiv 2207.12396): CLIP-IQA with prompts learnt from scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from benchmark.method import Card, TrainingData
from methods._shared.clip.encoder import architecture as architecture_of
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.official import read_clip
from methods._shared.clip.prompt_training import PromptTraining, train_prompts
from methods._shared.clip.prompts import LearntPrompts, learnt_scorer
from methods._shared.clip.weights import load_clip, load_scorer, read_metadata
from methods._shared.exposure import OPENAI, opinions
from methods._shared.papers import CLIPIQA
from methods._shared.weights.tensor_files import read_tensors
from methods._shared.weights.weight_cache import weights_file

CARD = Card(
    title="CLIP-IQA+",
    paper="Wang, Chan, Loy: Exploring CLIP for Assessing the Look and Feel of Images. AAAI 2023",
    licence="CLIP's weights: MIT; prompts trained here",
    training_data="CLIP's pairs; prompts learnt from the scores of a rated data set",
    opinion_aware=True,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
    bibtex=CLIPIQA,
)

PUBLISHED = replace(
    CARD,
    title="CLIP-IQA+ (published prompts)",
    licence="S-Lab 1.0, non-commercial",
    weights="published prompts and CLIP's RN50 by OpenAI, fetched at first use; or prompts trained here",
    training_data="CLIP's pairs; prompts learnt from the training split of KonIQ-10k",
    opinions_of="koniq10k",
    exposure=(OPENAI, *opinions("koniq10k", "Wang et al., AAAI 2023, and the authors' configuration")),
    published_as="clipiqa_plus",
)

URLS = (
    "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/CLIP-IQA+_learned_prompts-603f3273.pth",
)

#: The published words; the authors' code adds a further full stop behind the context.
WORDS, ENDING, TOKENS = ("Good photo.", "Bad photo."), ".", 16


class Training(PromptTraining):
    """Settings of the training; the defaults are those of the authors' configuration for KonIQ-10k."""

    architecture: str = "RN50-quickgelu"
    pretrained: str | None = Field("openai", description="open_clip tag or file; null: random weights")
    steps: int = Field(300_000, ge=0, description="one period of the cosine")
    batch: int = Field(64, ge=1)
    lowest_lr: float = Field(1e-7, ge=0)
    optimizer: Literal["sgd", "adam"] = "sgd"


#: Where `train.rated` names a data set, its opinions are learnt.
LEARNS_FROM_SCORES = True


def train(data: TrainingData, out: Path, *, settings: Training) -> dict[str, Any]:
    """Learn the shared context from scores; write ``weights.safetensors`` and ``curve.csv`` below ``out``.

    Returns
    -------
    dict
        Keyword arguments of :func:`load`.
    """
    clip = load_clip(settings.architecture, settings.pretrained, data.seed)
    prompts = LearntPrompts(clip, WORDS, tokens=TOKENS, shared=True, ending=ENDING, seed=data.seed)
    scale = float(clip.logit_scale.detach().exp())
    config = architecture_of(settings.architecture, None, settings.pretrained)
    return train_prompts(clip, config, prompts, data, out, scale=scale, settings=settings)


def fetch(settings: Training) -> None:
    """Bring the weights that training starts from."""
    load_clip(settings.architecture, settings.pretrained, seed=0)


def load(
    weights: str = "official",
    architecture: str = "RN50-quickgelu",
    pretrained: str | None = "openai",
    seed: int = 0,
) -> AntonymMethod:
    """Load CLIP-IQA+.

    Parameters
    ----------
    weights
        ``"official"`` for the published prompts, fetched at first use; or the path of a checkpoint in the
        layout of the authors' code (mmedit) or of pyiqa, or of the safetensors file that :func:`train` wrote.
    architecture, pretrained
        CLIP that published prompts belong to, see ``methods.clipiqa``; a checkpoint of the authors' code
        brings its own.
    seed
        Seed of random weights, where ``pretrained`` is none.

    Raises
    ------
    ValueError
        If a file does not serve, or a CLIP is told beside prompts that bring theirs.
    """
    path = weights_file("clipiqa_plus.pth", URLS) if weights == "official" else Path(weights)
    metadata = read_metadata(path)
    if "config" in metadata:
        _check_idle(path, architecture, pretrained)
        ours = json.loads(metadata["config"]) == architecture_of("RN50-quickgelu")
        card = replace(CARD, published_as="clipiqa_plus" if ours else "")
        return AntonymMethod("clipiqa_plus", load_scorer(path), card)
    state = read_tensors(path)
    own = {
        key.rpartition("prompt_learner.clip_model.")[2]: value
        for key, value in state.items()
        if "prompt_learner.clip_model." in key
    }
    if own:
        _check_idle(path, architecture, pretrained)
    clip = read_clip(own, path) if own else load_clip(architecture, pretrained, seed)
    prompts = LearntPrompts(clip, WORDS, tokens=TOKENS, shared=True, ending=ENDING)
    prompts.take(state, path)
    scale = float(clip.logit_scale.detach().exp())
    return AntonymMethod("clipiqa_plus", learnt_scorer(clip, prompts, scale), PUBLISHED)


def _check_idle(path: Path, architecture: str, pretrained: str | None) -> None:
    """Refuse a CLIP that is told beside a file that brings its own."""
    if architecture != "RN50-quickgelu" or pretrained not in ("openai", None):
        raise ValueError(
            f"{path} brings the CLIP that its prompts were learnt with; leave architecture={architecture} "
            f"and pretrained={pretrained} out"
        )
