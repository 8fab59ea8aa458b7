"""CLIP towers through open_clip, and the image encoder that takes images of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from open_clip import get_model_config, list_models
from open_clip.model import CLIP
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from methods._shared.clip.towers import tower_of
from methods._shared.devices import at_least_single

#: Endings of names that say with which activation, where open_clip has an architecture with either.
PLAIN, QUICK = "-gelu", "-quickgelu"

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

#: CLIP's ResNet made small: 1.4 million image parameters, and a text tower to match.
SMALL: dict[str, Any] = {
    "embed_dim": 128,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 128, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


def architecture(name: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Configuration of a CLIP by name.

    Parameters
    ----------
    name
        ``"small"`` (:data:`SMALL`) or any name known to open_clip, e.g. ``"RN50-quickgelu"``; ``"RN50-gelu"``
        says that open_clip's ``RN50``, which has a twin with QuickGELU, is meant.
    changes
        Entries of ``vision_cfg`` to replace, e.g. ``{"width": 32}``.

    Raises
    ------
    ValueError
        If open_clip knows no such architecture, or its text tower needs a tokenizer other than CLIP's.
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
    foreign = {"custom_text", "multimodal_cfg"} & set(config)
    if foreign or {"hf_model_name", "hf_tokenizer_name"} & set(config["text_cfg"]):
        raise ValueError(f"CLIP architecture {name!r} has a text tower of another kind than CLIP's own")
    return {**config, "vision_cfg": {**config["vision_cfg"], **(changes or {})}}


def build(config: Mapping[str, Any], seed: int) -> CLIP:
    """Build a CLIP with random weights drawn from ``seed``; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIP(**config).eval()


def undrawn(config: Mapping[str, Any]) -> CLIP:
    """Build a CLIP whose weights are to be filled from a file: drawing those of RN50 first takes a second."""
    with _Undrawn():
        return build(config, 0)


class _Undrawn(TorchFunctionMode):
    """Leaves a tensor as it is where an initialisation would draw its values."""

    DRAWS = frozenset({"normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_"})

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self.DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


class ImageEncoder(nn.Module):
    """A CLIP image tower for images of any size; RGB in [0, 1], CLIP's normalisation is applied inside.

    Parameters
    ----------
    visual
        Image tower of an open_clip model: CLIP's ResNet, a ViT, or a convolutional trunk of timm.

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
        self.register_buffer("mean", torch.tensor(MEAN, device=there).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD, device=there).view(1, 3, 1, 1), persistent=False)
        self._size = (0, 0)

    def forward(self, images: Tensor) -> Tensor:
        """Return unit embeddings ``[B, D]`` of ``images [B, 3, H, W]`` in [0, 1]; raises as `embed`."""
        return self.embed((images - self.mean) / self.std)

    def embed(self, normalised: Tensor) -> Tensor:
        """Return unit embeddings ``[B, D]`` of pictures ``[B, 3, H, W]`` in CLIP's normalisation.

        Raises
        ------
        ValueError
            If a side is shorter than the tower can see.
        """
        height, width = self._size = (normalised.shape[2], normalised.shape[3])
        if min(height, width) < self.tower.smallest:
            raise ValueError(
                f"picture of {width}x{height} is too small: each side must have at least "
                f"{self.tower.smallest} pixels"
            )
        pixels = normalised.to(next(self.visual.parameters()).dtype)
        return F.normalize(at_least_single(self.tower.embed(self.visual, pixels)), dim=-1)

    @property
    def cam_layer(self) -> nn.Module:
        """Layer whose activations gradCAM weighs."""
        return self.tower.cam_layer(self.visual)

    def cam_reshape(self, activations: Tensor) -> Tensor:
        """Turn a transformer's tokens ``[B, 1 + h*w, C]`` into ``[B, C, h, w]``; maps stay as they are."""
        if activations.ndim == 4:
            return activations
        patch_height, patch_width = self.visual.patch_size
        grid = (self._size[0] // patch_height, self._size[1] // patch_width)
        return activations[:, 1:].transpose(1, 2).unflatten(2, grid)


@torch.no_grad()
def encode_prompts(clip: CLIP, prompts: Sequence[str]) -> Tensor:
    """Return unit embeddings ``[P, D]`` of ``prompts``."""
    from open_clip.tokenizer import SimpleTokenizer

    tokens = SimpleTokenizer(context_length=clip.context_length)(list(prompts))
    return F.normalize(clip.encode_text(tokens).float(), dim=-1)
