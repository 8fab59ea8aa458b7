"""CLIP-IQA (Wang, Chan, Loy, AAAI 2023, arXiv 2207.12396): CLIP as it is, asked about "Good photo."."""

from __future__ import annotations

from dataclasses import replace

from benchmark.method import Card
from methods._clip.antonyms import GOOD_BAD
from methods._clip.method import AntonymMethod
from methods._clip.weights import load_clip, scorer

CARD = Card(
    title="CLIP-IQA",
    paper="Wang, Chan, Loy: Exploring CLIP for Assessing the Look and Feel of Images. AAAI 2023",
    licence="CLIP's weights: MIT",
    training_data="400 million image-text pairs (CLIP); no quality scores",
    opinion_aware=False,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
)

UNTRAINED = replace(
    CARD,
    title="Untrained backbone",
    paper="",
    licence="Apache-2.0",
    training_data="none: random weights, the floor that training must rise above",
)


def load(
    architecture: str = "RN50-quickgelu",
    pretrained: str | None = "openai",
    weights: str | None = None,
    pairs: list[list[str]] | None = None,
    scale: float = 100.0,
    width: int | None = None,
    seed: int = 0,
) -> AntonymMethod:
    """Load CLIP-IQA.

    Parameters
    ----------
    architecture
        ``"small"`` or an open_clip name.
    pretrained
        Tag of open_clip; ``None`` for random weights, which is then shown as "Untrained backbone".
    weights
        Path of a CLIP state dict, instead of ``pretrained``.
    pairs
        Antonym prompts ``[[positive, negative], ...]``; the score is the mean over the pairs.
    scale
        Factor on the cosines; exp(logit_scale) of OpenAI's weights is 100.
    width
        Width of the image tower where it differs from the architecture's.
    seed
        Seed of random weights.
    """
    clip = load_clip(architecture, weights or pretrained, seed, {"width": width} if width else None)
    prompts = [(p, n) for p, n in pairs] if pairs else GOOD_BAD
    trained = (weights or pretrained) is not None
    return AntonymMethod("clipiqa", scorer(clip, prompts, scale), CARD if trained else UNTRAINED)
