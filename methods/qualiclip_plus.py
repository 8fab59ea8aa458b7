"""QualiCLIP+ (Agnolucci, Galteri, Bertini, arXiv 2403.11176): QualiCLIP with prompts learnt from scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from benchmark.method import Card
from methods._archive import read_tensors
from methods._clip.antonyms import SEVEN_PAIRS
from methods._clip.method import AntonymMethod
from methods._clip.official import read_clip
from methods._clip.prompts import LearntPrompts, learnt_scorer
from methods._clip.weights import load_scorer, read_metadata
from methods._weights import weights_file
from methods.qualiclip import official_file

CARD = Card(
    title="QualiCLIP+",
    paper="Agnolucci, Galteri, Bertini: Quality-Aware Image-Text Alignment for Opinion-Unaware Image Quality "
    "Assessment. arXiv 2403.11176",
    licence="as QualiCLIP's; prompts trained here",
    training_data="QualiCLIP's; prompts learnt from the scores of a rated data set",
    opinion_aware=True,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
)

#: Published prompts by the data set that they were learnt on.
DATASETS = {"koniq10k": "koniq", "clive": "clive", "flive": "flive", "spaq": "spaq"}
ADDRESS = "https://huggingface.co/chaofengchen/IQA-PyTorch-Weights/resolve/main/QualiCLIP+_{}.pth"
WORDS, TOKENS = tuple(word for pair in SEVEN_PAIRS for word in pair), 16


def load(
    weights: str = "official",
    dataset: Literal["koniq10k", "clive", "flive", "spaq"] = "koniq10k",
    encoder: str = "official",
) -> AntonymMethod:
    """Load QualiCLIP+.

    Parameters
    ----------
    weights
        ``"official"`` for published prompts, fetched at first use; or the path of such a file, or of the
        safetensors file that :func:`train` wrote.
    dataset
        Which published prompts: the data set that they were learnt on.
    encoder
        QualiCLIP that published prompts belong to: ``"official"`` or the path of its checkpoint.
    """
    if weights == "official":
        path = weights_file(f"qualiclip_plus_{dataset}.pth", [ADDRESS.format(DATASETS[dataset])])
    else:
        path = Path(weights)
    if "config" in read_metadata(path):
        return AntonymMethod("qualiclip_plus", load_scorer(path), CARD)
    state = read_tensors(path)
    base = official_file() if encoder == "official" else Path(encoder)
    whole = read_tensors(base)
    clip = read_clip(
        {k.removeprefix("clip_model."): v for k, v in whole.items() if k.startswith("clip_model.")}, base
    )
    prompts = LearntPrompts(clip, WORDS, tokens=TOKENS, shared=False)
    prompts.take(state, path)
    card = replace(
        CARD,
        title="QualiCLIP+ (published prompts)",
        licence="CC BY-NC 4.0",
        training_data=f"QualiCLIP's; prompts learnt from the scores of {dataset}",
    )
    # Published through pyiqa alone, whose temperature is 2.
    scale = float(clip.logit_scale.detach().exp()) / 2
    return AntonymMethod("qualiclip_plus", learnt_scorer(clip, prompts, scale), card)
