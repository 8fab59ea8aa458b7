"""QualiCLIP (Agnolucci, Galteri, Bertini, arXiv 2403.11176): CLIP taught to rank rising degradation.

``losses`` states what is learnt, ``crops`` what it sees, ``training`` how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from benchmark.method import Card
from methods._shared.clip.antonyms import SEVEN_PAIRS, prompt_pairs
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.official import is_qualiclip, read_qualiclip
from methods._shared.clip.qualiclip_file import official_file
from methods._shared.clip.weights import load_scorer, read_metadata
from methods._shared.exposure import HERE, KADIS_OF_QUALICLIP, OPENAI, corpus_of
from methods._shared.papers import QUALICLIP
from methods._shared.weights.tensor_files import read_tensors
from methods.qualiclip.course import START
from methods.qualiclip.training import fetch, train

#: Several processes of ``torchrun`` may share each batch of the training.
SHARES_BATCHES = True

__all__ = ["CARD", "fetch", "load", "train"]

CARD = Card(
    title="QualiCLIP",
    paper="Agnolucci, Galteri, Bertini: Quality-Aware Image-Text Alignment for Opinion-Unaware Image Quality "
    "Assessment. arXiv 2403.11176",
    licence="as the backbone's; trained here",
    training_data="pristine pictures, synthetically degraded; no quality scores",
    opinion_aware=False,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
    bibtex=QUALICLIP,
)

PUBLISHED = replace(
    CARD,
    published_as="qualiclip",
    title="QualiCLIP (official weights)",
    licence="CC BY-NC 4.0",
    weights="published checkpoint, fetched at first use; or trained here",
    training_data="140,000 pristine pictures of KADIS-700k, synthetically degraded; no quality scores",
    exposure=(OPENAI, KADIS_OF_QUALICLIP),
)


def load(
    weights: str = "official",
    prompts: str | list[list[str]] | None = None,
    scale: float | Literal["official", "pyiqa"] | None = None,
) -> AntonymMethod:
    """Load QualiCLIP.

    Parameters
    ----------
    weights
        ``"official"`` for the published checkpoint, fetched at first use; or the path of such a file, or of
        the safetensors file that :func:`train` wrote.
    prompts
        Antonym prompts in place of those of the weights: ``[[positive, negative], ...]``, or a name of
        ``methods._shared.clip.antonyms.PROMPTS``.
    scale
        Factor on the cosines before the softmax: a number, ``"official"`` (100, the hub code), ``"pyiqa"``
        (half of exp(logit_scale), the authors' port) or nothing for what the weights say, which for the
        published checkpoint is ``"official"``. Rankings can differ slightly.
    """
    path = official_file() if weights == "official" else Path(weights)
    pairs = None if prompts is None else prompt_pairs(prompts)
    metadata = read_metadata(path)
    if "config" in metadata:
        text = json.loads(metadata.get("text", "{}"))
        scorer = load_scorer(path, pairs)
        card = replace(CARD, exposure=(*corpus_of(text["pretrained"]), HERE)) if text else CARD
        if _is_the_papers(text, len(scorer.positive)):
            card = replace(card, published_as="qualiclip")
        half = scorer.scale / 2
    else:
        state = read_tensors(path)
        if not is_qualiclip(state):
            raise ValueError(
                f"{path} is no checkpoint of QualiCLIP: neither the published layout (clip_model.*, "
                "prompts_features) nor a file that this suite trained"
            )
        scorer, card = read_qualiclip(state, path, pairs), PUBLISHED
        half = scorer.scale / 2
        scorer.scale = 100.0
    if scale is not None:
        scorer.scale = {"official": 100.0, "pyiqa": half}[scale] if isinstance(scale, str) else float(scale)
    if pairs not in (None, SEVEN_PAIRS) or scorer.scale != 100:
        card = replace(card, published_as="")  # no figure is published of these
    return AntonymMethod("qualiclip", scorer, card)


def _is_the_papers(text: Mapping[str, Any], prompts: int) -> bool:
    """Whether a training started where the paper's does: CLIP RN50 of OpenAI, asked with its seven pairs."""
    start = (text.get("name"), text.get("pretrained"))
    return start == START and prompts == len(SEVEN_PAIRS)
