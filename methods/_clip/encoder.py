"""CLIP towers through open_clip, and the image encoder without positional embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from open_clip import get_model_config
from open_clip.model import CLIP
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from torch import Tensor, nn

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
        ``"small"`` (:data:`SMALL`) or any name known to open_clip, e.g. ``"RN50-quickgelu"``.
    changes
        Entries of ``vision_cfg`` to replace, e.g. ``{"width": 32}``.

    Raises
    ------
    ValueError
        If open_clip knows no such architecture.
    """
    config = SMALL if name == "small" else get_model_config(name)
    if config is None:
        raise ValueError(
            f"unknown CLIP architecture {name!r}; take 'small' or a name of open_clip.list_models()"
        )
    return {**config, "vision_cfg": {**config["vision_cfg"], **(changes or {})}}


def build(config: Mapping[str, Any], seed: int) -> CLIP:
    """Build a CLIP with random weights drawn from ``seed``; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIP(**config).eval()


class ImageEncoder(nn.Module):
    """CLIP's ResNet image tower whose attention pool adds no positional embedding.

    Without it the tower takes images of any size (Wang et al., AAAI 2023, section 3.2). Input is RGB in
    [0, 1]; CLIP's normalisation is applied inside.

    Parameters
    ----------
    visual
        Image tower of an open_clip model with a ResNet.

    Raises
    ------
    ValueError
        If the tower is not CLIP's ResNet.
    """

    mean: Tensor
    std: Tensor

    visual: ModifiedResNet

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        if not isinstance(visual, ModifiedResNet):
            raise ValueError(f"the image tower must be CLIP's ResNet, not {type(visual).__name__}")
        self.visual = visual
        # It is never used, so it must take no part in weight decay or in a saved file.
        self.visual.attnpool.register_parameter("positional_embedding", None)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    @property
    def last_block(self) -> nn.Module:
        """Last convolutional block, whose activations gradCAM weighs."""
        return self.visual.layer4[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Return unit embeddings ``[B, D]`` of ``images [B, 3, H, W]`` in [0, 1], H and W at least 32."""
        visual = self.visual
        x = visual.stem((images - self.mean) / self.std)
        x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(x))))
        return F.normalize(attention_pool(visual.attnpool, x).float(), dim=-1)


def attention_pool(pool: AttentionPool2d, x: Tensor) -> Tensor:
    """Pool ``x [B, C, h, w]`` to ``[B, D]``: the mean token attends to all, none carries its position."""
    tokens = x.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([tokens.mean(dim=0, keepdim=True), tokens])
    pooled, _ = F.multi_head_attention_forward(
        query=tokens[:1],
        key=tokens,
        value=tokens,
        embed_dim_to_check=tokens.shape[-1],
        num_heads=pool.num_heads,
        q_proj_weight=pool.q_proj.weight,
        k_proj_weight=pool.k_proj.weight,
        v_proj_weight=pool.v_proj.weight,
        in_proj_weight=None,
        in_proj_bias=torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=pool.c_proj.weight,
        out_proj_bias=pool.c_proj.bias,
        use_separate_proj_weight=True,
        training=pool.training,
        need_weights=False,
    )
    return pooled[0]


@torch.no_grad()
def encode_prompts(clip: CLIP, prompts: Sequence[str]) -> Tensor:
    """Return unit embeddings ``[P, D]`` of ``prompts``."""
    from open_clip.tokenizer import SimpleTokenizer

    tokens = SimpleTokenizer(context_length=clip.context_length)(list(prompts))
    return F.normalize(clip.encode_text(tokens).float(), dim=-1)
