"""QualiCLIP+ (Agnolucci, Galteri, Bertini, arXiv 2403.11176): QualiCLIP with prompts learnt from scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from open_clip.model import CLIP
from pydantic import Field

from benchmark.method import Card, TrainingData
from methods._shared.clip.antonyms import SEVEN_PAIRS
from methods._shared.clip.encoder import architecture
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.official import openai_config, read_clip
from methods._shared.clip.prompt_training import PromptTraining, train_prompts
from methods._shared.clip.prompts import LearntPrompts, learnt_scorer
from methods._shared.clip.qualiclip_file import official_file
from methods._shared.clip.weights import load_clip, load_scorer, openai_names, read_metadata
from methods._shared.exposure import KADIS_OF_QUALICLIP, OPENAI, opinions
from methods._shared.papers import QUALICLIP
from methods._shared.weights.tensor_files import read_tensors
from methods._shared.weights.told_by_name import check_name
from methods._shared.weights.weight_cache import weights_file

PYIQAS = "pyiqa's training configuration"

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
    bibtex=QUALICLIP,
)

PUBLISHED = replace(
    CARD,
    title="QualiCLIP+ (published prompts)",
    licence="CC BY-NC 4.0",
    weights="published prompts and QualiCLIP's checkpoint, fetched at first use; or prompts trained here",
    training_data="QualiCLIP's; prompts learnt from the scores of koniq10k",
    opinions_of="koniq10k",
    exposure=(OPENAI, KADIS_OF_QUALICLIP, *opinions("koniq10k", PYIQAS)),
)

#: Published prompts by the data set that they were learnt on.
DATASETS = {"koniq10k": "koniq", "clive": "clive", "flive": "flive", "spaq": "spaq"}
ADDRESS = "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/QualiCLIP+_{}.pth"
WORDS, TOKENS = tuple(word for pair in SEVEN_PAIRS for word in pair), 16


class Training(PromptTraining):
    """Settings of the training; the defaults are those of pyiqa's configuration, the only one published."""

    encoder: str = Field("official", description="QualiCLIP: the published one, or the path of a checkpoint")
    steps: int = Field(44_100, ge=0, description="50 epochs of KonIQ-10k's 7,058 in batches of 8")
    batch: int = Field(8, ge=1)
    optimizer: Literal["sgd", "adam"] = "adam"
    plcc: float = Field(1.0, ge=0)
    crop: int | None = Field(384, ge=32)


#: Where `train.rated` names a data set, its opinions are learnt.
LEARNS_FROM_SCORES = True


def train(data: TrainingData, out: Path, *, settings: Training) -> dict[str, Any]:
    """Learn a context for each prompt; writes ``weights.safetensors`` and ``curve.csv`` below ``out``.

    Returns
    -------
    dict
        Keyword arguments of :func:`load`.
    """
    clip, config = base_clip(settings.encoder)
    prompts = LearntPrompts(clip, WORDS, tokens=TOKENS, shared=False, seed=data.seed)
    scale = float(clip.logit_scale.detach().exp()) / 2
    return train_prompts(clip, config, prompts, data, out, scale=scale, settings=settings)


def fetch(settings: Training) -> None:
    """Bring the weights that training starts from."""
    base_clip(settings.encoder)


def base_clip(encoder: str) -> tuple[CLIP, dict[str, Any]]:
    """QualiCLIP with its text tower: the published checkpoint, or one that this suite trained.

    Returns
    -------
    clip
        Image tower of QualiCLIP, text tower of its CLIP.
    config
        Its architecture.
    """
    path = official_file() if encoder == "official" else Path(encoder)
    metadata = read_metadata(path)
    if "config" not in metadata:
        state = {
            k.removeprefix("clip_model."): v for k, v in read_tensors(path).items() if "clip_model." in k
        }
        return read_clip(state, path), openai_config(openai_names(state), path)
    if "text" not in metadata:
        raise ValueError(f"encoder: {path} does not say where its text tower came from")
    clip = load_clip(**json.loads(metadata["text"]))
    clip.visual = load_scorer(path).encoder.visual
    return clip, json.loads(metadata["config"])


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
        QualiCLIP that published prompts belong to: ``"official"`` or the path of a checkpoint.

    Raises
    ------
    ValueError
        If a file does not serve or is of another data set by its name, or an encoder is told beside prompts
        that bring theirs.
    """
    if weights == "official":
        path = weights_file(f"qualiclip_plus_{dataset}.pth", [ADDRESS.format(DATASETS[dataset])])
    else:
        path = Path(weights)
    metadata = read_metadata(path)
    if "config" in metadata:
        if encoder != "official":
            raise ValueError(f"{path} brings the encoder that it was trained on; leave encoder={encoder} out")
        ours = json.loads(metadata["config"]) == architecture("RN50-quickgelu")
        card = replace(CARD, published_as="qualiclip_plus" if ours else "")
        return AntonymMethod("qualiclip_plus", load_scorer(path), card)
    if weights != "official":
        check_name(
            path,
            {word: name for name, called in DATASETS.items() for word in (name, called)},
            dataset,
            "dataset",
        )
    state = read_tensors(path)
    clip, _ = base_clip(encoder)
    prompts = LearntPrompts(clip, WORDS, tokens=TOKENS, shared=False)
    prompts.take(state, path)
    learnt = f"QualiCLIP's; prompts learnt from the scores of {dataset}"
    known = "qualiclip_plus" if encoder == "official" else ""
    base = (OPENAI, KADIS_OF_QUALICLIP) if encoder == "official" else ()
    seen = (*base, *opinions(dataset, PYIQAS)) if base else None
    card = replace(PUBLISHED, training_data=learnt, opinions_of=dataset, published_as=known, exposure=seen)
    # Published through pyiqa alone, whose temperature is 2.
    scale = float(clip.logit_scale.detach().exp()) / 2
    return AntonymMethod("qualiclip_plus", learnt_scorer(clip, prompts, scale), card)
