"""Checkpoints as the authors publish them: a whole CLIP in OpenAI's naming, and what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from open_clip.model import CLIP
from torch import Tensor

from benchmark.images import read
from methods._shared.clip.antonyms import AntonymScorer
from methods._shared.clip.encoder import ImageEncoder, undrawn
from methods._shared.clip.weights import Pairs, fill, openai_names, scorer

#: Embeddings of the prompts, which stand beside the CLIP in QualiCLIP's checkpoint.
PROMPTS = "prompts_features"


def openai_config(state: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Read the architecture of a CLIP with a ResNet off the shapes of its tensors.

    Raises
    ------
    ValueError
        If the tensors are not those of CLIP with a ResNet.
    """
    needed = (
        "visual.attnpool.positional_embedding",
        "visual.layer1.0.conv1.weight",
        "text_projection",
        "positional_embedding",
        "token_embedding.weight",
    )
    if missing := [key for key in needed if key not in state]:
        raise ValueError(f"{path} holds no CLIP with a ResNet in OpenAI's naming: it lacks {missing[0]}")

    def count(prefix: str) -> int:
        depth = prefix.count(".")
        return len({key.split(".")[depth] for key in state if key.startswith(prefix)})

    side = round((len(state["visual.attnpool.positional_embedding"]) - 1) ** 0.5)
    text_width, embedding = state["text_projection"].shape
    return {
        "embed_dim": int(embedding),
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": 32 * side,
            "layers": [count(f"visual.layer{stage}.") for stage in (1, 2, 3, 4)],
            "width": int(state["visual.layer1.0.conv1.weight"].shape[0]),
            "patch_size": None,
        },
        "text_cfg": {
            "context_length": len(state["positional_embedding"]),
            "vocab_size": len(state["token_embedding.weight"]),
            "width": int(text_width),
            "heads": max(1, int(text_width) // 64),
            "layers": count("transformer.resblocks."),
        },
    }


def read_clip(state: Mapping[str, Tensor], path: Path) -> CLIP:
    """Build the CLIP that a state dict in OpenAI's naming holds.

    Raises
    ------
    ValueError
        If it is none, or not whole.
    """
    named = openai_names(state)
    clip = undrawn(openai_config(named, path))
    fill(clip, named, f"{path} holds no whole CLIP with a ResNet")
    return clip


def read_qualiclip(state: Mapping[str, Tensor], path: Path, pairs: Pairs | None = None) -> AntonymScorer:
    """Make a scorer of QualiCLIP's published checkpoint: ``clip_model.*`` and ``prompts_features``.

    The stored embeddings alternate, good before bad, and are taken as they are: the published list of prompts
    is at fault (see ``methods._shared.clip.antonyms.SEVEN_PAIRS``). Other ``pairs`` are encoded by the text
    tower in the file.

    Raises
    ------
    ValueError
        If the checkpoint is not of this layout.
    """
    features = state.get("prompts_features")
    clip = read_clip(
        {k.removeprefix("clip_model."): v for k, v in state.items() if k.startswith("clip_model.")}, path
    )
    if pairs is not None:
        return scorer(clip, pairs)
    width = clip.text_projection.shape[1]
    if features is None or features.ndim != 2 or features.shape[1] != width or len(features) % 2:
        found = "none" if features is None else list(features.shape)
        raise ValueError(f"{path}: prompts_features must be [2 x pairs, {width}], found {found}")
    scale = float(clip.logit_scale.detach().exp())
    features = features.detach().float()
    return AntonymScorer(
        ImageEncoder(clip.visual), features[0::2].contiguous(), features[1::2].contiguous(), scale
    ).eval()


def is_qualiclip(state: Mapping[str, Any]) -> bool:
    """Whether a state dict has the layout of QualiCLIP's published checkpoint."""
    return "prompts_features" in state or any(key.startswith("clip_model.") for key in state)


@torch.no_grad()
def feature_cosines(
    before: Mapping[str, Tensor], after: Mapping[str, Tensor], pictures: Sequence[Path]
) -> list[float]:
    """Cosine of the image embeddings of two checkpoints in OpenAI's naming, picture by picture.

    The text tower of ``before`` stands in where ``after`` has none: no embedding of a picture depends on it.

    Raises
    ------
    ValueError
        If one is no CLIP with a ResNet.
    """
    towers = []
    for state in (before, {**before, **after}):
        whole = {key: value for key, value in state.items() if key in before and key != PROMPTS}
        towers.append(ImageEncoder(read_clip(whole, Path("the checkpoint")).visual).eval())
    seen = (read(path)[None] for path in pictures)
    return [float((towers[0](image) * towers[1](image)).sum()) for image in seen]
