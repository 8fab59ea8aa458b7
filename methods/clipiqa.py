"""CLIP-IQA (Wang, Chan, Loy, AAAI 2023, arXiv 2207.12396): CLIP as it is, asked about "Good photo."."""

from __future__ import annotations

from dataclasses import replace

from benchmark.method import Card
from methods._shared.clip.antonyms import prompt_pairs
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import load_clip, scorer
from methods._shared.exposure import OPENAI, corpus_of
from methods._shared.papers import CLIPIQA

CARD = Card(
    title="CLIP-IQA",
    paper="Wang, Chan, Loy: Exploring CLIP for Assessing the Look and Feel of Images. AAAI 2023",
    licence="CLIP's weights: MIT",
    weights="CLIP's RN50 by OpenAI, fetched at first use",
    training_data="400 million image-text pairs (CLIP); no quality scores",
    opinion_aware=False,
    exposure=(OPENAI,),
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
    bibtex=CLIPIQA,
)

#: Name of the published figures by the prompts that they were measured with.
FIGURES_OF = {"clipiqa": "clipiqa", "pyiqa": "clipiqa_pyiqa"}

UNTRAINED = replace(
    CARD,
    title="Untrained backbone",
    paper="",
    bibtex="",
    licence="Apache-2.0",
    training_data="none: random weights, the floor that training must rise above",
    exposure=(),
)


def load(
    architecture: str = "RN50-quickgelu",
    pretrained: str | None = "openai",
    weights: str | None = None,
    prompts: str | list[list[str]] = "clipiqa",
    scale: float | None = None,
    width: int | None = None,
    seed: int = 0,
) -> AntonymMethod:
    """Load CLIP-IQA.

    Parameters
    ----------
    architecture
        ``"small"`` or an open_clip name.
    pretrained
        Tag of open_clip, fetched at first use; ``None`` for random weights, which is then shown as "Untrained
        backbone".
    weights
        Path of CLIP weights, instead of ``pretrained``: OpenAI's archive, a state dict or safetensors.
    prompts
        ``"clipiqa"`` for the published pair; ``"pyiqa"`` for the five pairs that pyiqa's ``clipiqa`` takes;
        an attribute: ``"brightness"``, ``"sharpness"``, ``"noisiness"``, ``"colorfulness"``, ``"contrast"``;
        or pairs ``[[positive, negative], ...]``. The score is the mean over the pairs.
    scale
        Factor on the cosines; default exp(logit_scale) of the weights, 100 for OpenAI's.
    width
        Width of the image tower where it differs from the architecture's.
    seed
        Seed of random weights.
    """
    pairs = prompt_pairs(prompts)
    clip = load_clip(architecture, weights or pretrained, seed, {"width": width} if width else None)
    card = CARD if (weights or pretrained) is not None else UNTRAINED
    if card is CARD:
        card = replace(card, exposure=corpus_of(weights or pretrained))
    if prompts != "clipiqa" and card.title == CARD.title:
        name = prompts if isinstance(prompts, str) else "own prompts"
        card = replace(card, title=f"CLIP-IQA ({name})")
    if (architecture, pretrained, weights, scale, width) == ("RN50-quickgelu", "openai", None, None, None):
        card = replace(card, published_as=FIGURES_OF.get(prompts, "") if isinstance(prompts, str) else "")
    card = replace(card, higher_is_better=pairs != prompt_pairs("noisiness"))
    return AntonymMethod("clipiqa", scorer(clip, pairs, scale), card)
