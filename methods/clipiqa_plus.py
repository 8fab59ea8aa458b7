"""CLIP-IQA+ (Wang, Chan, Loy, AAAI 2023, arXiv 2207.12396): CLIP-IQA with prompts learnt from scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.method import Card
from methods._archive import read_tensors
from methods._clip.method import AntonymMethod
from methods._clip.official import read_clip
from methods._clip.prompts import LearntPrompts, learnt_scorer
from methods._clip.weights import load_clip, load_scorer, read_metadata
from methods._weights import weights_file

CARD = Card(
    title="CLIP-IQA+",
    paper="Wang, Chan, Loy: Exploring CLIP for Assessing the Look and Feel of Images. AAAI 2023",
    licence="CLIP's weights: MIT; prompts trained here",
    training_data="CLIP's pairs; prompts learnt from the scores of a rated data set",
    opinion_aware=True,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
)

PUBLISHED = replace(
    CARD,
    title="CLIP-IQA+ (published prompts)",
    licence="S-Lab 1.0, non-commercial",
    training_data="CLIP's pairs; prompts learnt from the training split of KonIQ-10k",
)

URLS = (
    "https://huggingface.co/chaofengchen/IQA-PyTorch-Weights/resolve/main/CLIP-IQA+_learned_prompts-603f3273.pth",
)

#: The published words; the authors' code adds a further full stop behind the context.
WORDS, ENDING, TOKENS = ("Good photo.", "Bad photo."), ".", 16


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
    """
    path = weights_file("clipiqa_plus.pth", URLS) if weights == "official" else Path(weights)
    if "config" in read_metadata(path):
        return AntonymMethod("clipiqa_plus", load_scorer(path), CARD)
    state = read_tensors(path)
    own = {
        key.rpartition("prompt_learner.clip_model.")[2]: value
        for key, value in state.items()
        if "prompt_learner.clip_model." in key
    }
    clip = read_clip(own, path) if own else load_clip(architecture, pretrained, seed)
    prompts = LearntPrompts(clip, WORDS, tokens=TOKENS, shared=True, ending=ENDING)
    prompts.take(state, path)
    scale = float(clip.logit_scale.detach().exp())
    return AntonymMethod("clipiqa_plus", learnt_scorer(clip, prompts, scale), PUBLISHED)
