"""Where CLIP weights come from, and the safetensors file that a trained scorer is kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from methods._clip.antonyms import AntonymScorer, Pairs, split_pairs
from methods._clip.encoder import ImageEncoder, architecture, build, encode_prompts


def load_clip(name: str, pretrained: str | None, seed: int, changes: Mapping[str, Any] | None = None) -> CLIP:
    """Return a CLIP model on the CPU, in evaluation mode.

    Parameters
    ----------
    name, changes
        See :func:`methods._clip.encoder.architecture`.
    pretrained
        ``None`` for random weights drawn from ``seed``; a tag of open_clip such as ``"openai"``, fetched once
        and cached; or the path of a state dict or safetensors file.

    Raises
    ------
    ValueError
        If the architecture, the tag or the file is unknown or does not fit.
    """
    if pretrained is None:
        return build(architecture(name, changes), seed)
    if not Path(pretrained).is_file() and pretrained not in open_clip.list_pretrained_tags_by_model(name):
        raise ValueError(
            f"pretrained={pretrained!r} is neither a file nor a tag that open_clip knows for {name}"
        )
    try:
        return open_clip.create_model(name, pretrained=pretrained, precision="fp32").eval()
    except RuntimeError as error:
        raise ValueError(f"{pretrained} does not hold the weights of {name}: {error}") from error


def scorer(clip: CLIP, pairs: Pairs, scale: float) -> AntonymScorer:
    """Make a scorer of a CLIP model; its text tower is read once and not kept."""
    positive, negative = split_pairs(pairs)
    return AntonymScorer(
        ImageEncoder(clip.visual), encode_prompts(clip, positive), encode_prompts(clip, negative), scale
    ).eval()


def save_scorer(model: AntonymScorer, path: Path, config: Mapping[str, Any]) -> None:
    """Write encoder and prompt embeddings to a safetensors file, aside and renamed."""
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    metadata = {"config": json.dumps(config, sort_keys=True), "scale": repr(model.scale)}
    aside = path.with_suffix(".tmp")
    save_file(state, aside, metadata=metadata)
    os.replace(aside, path)


def load_scorer(path: Path) -> AntonymScorer:
    """Read what :func:`save_scorer` wrote.

    Raises
    ------
    ValueError
        If the file is missing, truncated, not of this kind, or its tensors do not fit its architecture.
    """
    if not path.is_file():
        raise ValueError(f"no weights at {path}; train them with `dvc repro` or give the path of a file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from error
    if "config" not in metadata:
        raise ValueError(f"{path} does not say which architecture it holds; was it written by this suite?")
    clip = build(json.loads(metadata["config"]), seed=0)
    positive, negative = state.get("positive"), state.get("negative")
    if positive is None or negative is None:
        raise ValueError(f"{path} holds no prompt embeddings; was it written by this suite?")
    model = AntonymScorer(
        ImageEncoder(clip.visual), torch.empty_like(positive), torch.empty_like(negative), 1.0
    )
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit the architecture that it names: {error}") from error
    model.scale = float(metadata["scale"])
    return model.eval()
