"""CLIP towers through open_clip, and the image encoder that takes images of any size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from open_clip import get_model_config, list_models
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP, set_model_preprocess_cfg
from torch import Tensor, nn

from methods._shared.clip.texts import encode_prompts, from_the_hub
from methods._shared.clip.towers import tower_of
from methods._shared.devices import at_least_single
from methods._shared.weights.undrawn import Undrawn

#: Endings of names that say with which activation, where open_clip has an architecture with either.
PLAIN, QUICK = "-gelu", "-quickgelu"

__all__ = ["SMALL", "ImageEncoder", "architecture", "build", "encode_prompts", "undrawn"]

#: What OpenAI's CLIP takes off its pictures and divides them by; other weights may say otherwise.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

#: CLIP's ResNet made small: 1.4 million image parameters, and a text tower to match.
SMALL: dict[str, Any] = {
    "embed_dim": 128,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 128, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


def architecture(
    name: str, changes: Mapping[str, Any] | None = None, pretrained: str | None = None
) -> dict[str, Any]:
    """Configuration of a CLIP by name, as open_clip has it.

    Parameters
    ----------
    name
        ``"small"`` (:data:`SMALL`) or any name known to open_clip, e.g. ``"RN50-quickgelu"``; ``"RN50-gelu"``
        says that open_clip's ``RN50``, which has a twin with QuickGELU, is meant.
    changes
        Entries of ``vision_cfg`` to replace, e.g. ``{"width": 32}``.
    pretrained
        Tag of open_clip whose weights it is for.

    Returns
    -------
    dict
        Arguments of open_clip's model; with ``preprocess``, mean and deviation of the pictures, where these
        are not those of OpenAI's CLIP (:data:`MEAN`, :data:`STD`).

    Raises
    ------
    ValueError
        If open_clip knows no such architecture, or has no entry that ``changes`` names.
    """
    known = list_models()
    plain = name.removesuffix(PLAIN)
    own = plain if plain + QUICK in known else name
    # open_clip warns of an unknown name before it returns nothing.
    config = SMALL if name == "small" else get_model_config(own) if own in known else None
    if config is None:
        raise ValueError(
            f"unknown CLIP architecture {name!r}; take 'small' or a name of open_clip.list_models()"
        )
    vision = config["vision_cfg"]
    if changes and "timm_model_name" in vision:
        raise ValueError(
            f"{', '.join(changes)}: the image tower of {name} is {vision['timm_model_name']} of timm, whose "
            "size its name decides; leave it out"
        )
    # Weights of the whole come from the tag or file; none are fetched for a tower beforehand.
    if "timm_model_name" in vision:
        vision = {**vision, "timm_model_pretrained": False}
    text = config["text_cfg"]
    if "hf_model_name" in text:
        text = {**text, "hf_model_pretrained": False}
    found = {**config, "vision_cfg": {**vision, **(changes or {})}, "text_cfg": text}
    pictures = pictures_of(own, pretrained)
    return found if pictures == (MEAN, STD) else {**found, "preprocess": pictures}


def pictures_of(name: str, tag: str | None = None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the pictures that weights were trained on, by open_clip's record of its tags.

    Without a tag, those of all tags of the architecture if they agree, else those of OpenAI's CLIP.
    """
    tags = open_clip.list_pretrained_tags_by_model(name)
    entries = [open_clip.get_pretrained_cfg(name, t) for t in ([tag] if tag in tags else tags)]
    found = {(tuple(entry["mean"]), tuple(entry["std"])) for entry in entries}
    return found.pop() if len(found) == 1 else (MEAN, STD)


def build(config: Mapping[str, Any], seed: int) -> Any:
    """Build a CLIP with random weights drawn from ``seed``; the global generator is left as it was.

    Returns
    -------
    Module
        open_clip's ``CLIP``, ``CustomTextCLIP`` or ``CoCa``, as the configuration asks; ``text_settings`` is
        its ``text_cfg``, and ``visual.image_mean`` and ``visual.image_std`` are what its pictures need.

    Raises
    ------
    ValueError
        If its text tower needs a file of the hub that is not here.
    """
    arguments = {k: v for k, v in config.items() if k not in ("preprocess", "custom_text")}
    mean, std = config.get("preprocess", (MEAN, STD))
    text = arguments["text_cfg"]
    kind: Any = CustomTextCLIP if config.get("custom_text") or "hf_model_name" in text else CLIP
    kind = CoCa if "multimodal_cfg" in config else kind
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if "hf_model_name" in text:
            with from_the_hub(text["hf_model_name"], "hf_model_name") as found:
                arguments["text_cfg"] = {**text, "hf_model_name": found}
                clip = kind(**arguments).eval()
        else:
            clip = kind(**arguments).eval()
    set_model_preprocess_cfg(clip, {"mean": tuple(mean), "std": tuple(std)})
    clip.text_settings = dict(text)
    return clip


def tower(config: Mapping[str, Any]) -> nn.Module:
    """Build the image tower alone, to be filled from a file: that needs nothing of the hub."""
    text = {"context_length": 1, "vocab_size": 1, "width": 64, "heads": 1, "layers": 1}
    asked = {k: v for k, v in config.items() if k not in ("custom_text", "multimodal_cfg")}
    visual: nn.Module = undrawn({**asked, "text_cfg": text}).visual
    return visual


def undrawn(config: Mapping[str, Any]) -> Any:
    """Build a CLIP whose weights are to be filled from a file."""
    with Undrawn():
        return build(config, 0)


class ImageEncoder(nn.Module):
    """A CLIP image tower for images of any size; RGB in [0, 1], its normalisation is applied inside.

    Parameters
    ----------
    visual
        Image tower of an open_clip model: CLIP's ResNet, a ViT, or a trunk of timm. Mean and deviation are
        its ``image_mean`` and ``image_std``, else those of OpenAI's CLIP.

    Raises
    ------
    ValueError
        If the tower is of another kind.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.tower: Any = tower_of(visual)
        self.tower.prepare(visual)
        self.visual: Any = visual
        there = next(visual.parameters()).device
        mean, std = getattr(visual, "image_mean", MEAN), getattr(visual, "image_std", STD)
        self.register_buffer("mean", torch.tensor(mean, device=there).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, device=there).view(1, 3, 1, 1), persistent=False)
        self._size = (0, 0)

    def forward(self, images: Tensor) -> Tensor:
        """Return unit embeddings ``[B, D]`` of ``images [B, 3, H, W]`` in [0, 1]; raises as `embed`."""
        return self.embed((images - self.mean) / self.std)

    def embed(self, normalised: Tensor) -> Tensor:
        """Return unit embeddings ``[B, D]`` of pictures ``[B, 3, H, W]`` in its normalisation.

        Raises
        ------
        ValueError
            If a side is shorter than the tower can see.
        """
        return F.normalize(self._tower_of(normalised), dim=-1)

    def raw(self, images: Tensor) -> Tensor:
        """Return embeddings ``[B, D]`` of ``images [B, 3, H, W]`` in [0, 1] as long as the tower gives.

        Raises
        ------
        ValueError
            If a side is shorter than the tower can see.
        """
        return self._tower_of((images - self.mean) / self.std)

    def _tower_of(self, normalised: Tensor) -> Tensor:
        height, width = self._size = (normalised.shape[2], normalised.shape[3])
        if min(height, width) < self.tower.smallest:
            raise ValueError(
                f"picture of {width}x{height} is too small: each side must have at least "
                f"{self.tower.smallest} pixels"
            )
        pixels = normalised.to(next(self.visual.parameters()).dtype).contiguous(memory_format=self.layout)
        return at_least_single(self.tower.embed(self.visual, pixels))

    @property
    def layout(self) -> torch.memory_format:
        """How weights and pictures are best laid out in memory."""
        layout: torch.memory_format = self.tower.layout
        return layout

    @property
    def cam_layer(self) -> nn.Module:
        """Layer whose activations gradCAM weighs."""
        return self.tower.cam_layer(self.visual)

    def cam_reshape(self, activations: Tensor) -> Tensor:
        """Turn a transformer's tokens ``[B, n + h*w, C]`` into ``[B, C, h, w]``; maps stay as they are."""
        if activations.ndim == 4:
            return activations
        before, grid = self.tower.tokens(self.visual, self._size)
        return activations[:, before:].transpose(1, 2).unflatten(2, grid)
