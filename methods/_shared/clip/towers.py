"""CLIP's image towers on images of any size: what each kind does with positions, and where gradCAM looks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn


class ResNet:
    """CLIP's own ResNet: its attention pool adds no positional embedding.

    Without it the tower takes images of any size (Wang et al., AAAI 2023, section 3.2).
    """

    smallest = 32

    @staticmethod
    def prepare(visual: ModifiedResNet) -> None:
        """Drop the positions: never used, they must take no part in weight decay or in a saved file."""
        visual.attnpool.register_parameter("positional_embedding", None)

    @staticmethod
    def embed(visual: ModifiedResNet, x: Tensor) -> Tensor:
        """Map normalised images ``[B, 3, H, W]`` to ``[B, D]``."""
        x = visual.stem(x)
        x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(x))))
        return attention_pool(visual.attnpool, x)

    @staticmethod
    def cam_layer(visual: ModifiedResNet) -> nn.Module:
        """Last convolutional block."""
        return visual.layer4[-1]


class Transformer:
    """A vision transformer: its positional grid is resized to that of the image.

    Bicubic with antialiasing, as open_clip resizes a checkpoint. Pixels beyond the last whole patch are not
    seen.
    """

    smallest = 32

    @staticmethod
    def prepare(visual: VisionTransformer) -> None:
        """Nothing to do."""

    @staticmethod
    def embed(visual: VisionTransformer, x: Tensor) -> Tensor:
        """Map normalised images ``[B, 3, H, W]`` to ``[B, D]``."""
        patches = visual.conv1(x)
        grid = (patches.shape[2], patches.shape[3])
        tokens = patches.flatten(2).transpose(1, 2)
        first = visual.class_embedding.to(tokens.dtype).expand(len(tokens), 1, -1)
        positions = resized_positions(visual.positional_embedding, visual.grid_size, grid)
        tokens = torch.cat([first, tokens], dim=1) + positions.to(tokens.dtype)
        pooled, _ = visual._pool(visual.transformer(visual.ln_pre(visual.patch_dropout(tokens))))
        return pooled if visual.proj is None else pooled @ visual.proj

    @staticmethod
    def cam_layer(visual: VisionTransformer) -> nn.Module:
        """First norm of the last block: after it only the class token reaches the output."""
        return visual.transformer.resblocks[-1].ln_1


class Convolutional:
    """A convolutional trunk of timm with global pooling, such as ConvNeXt: any size as it is."""

    smallest = 32

    @staticmethod
    def prepare(visual: TimmModel) -> None:
        """Refuse trunks that take one size alone."""
        if not hasattr(visual.trunk, "stages"):
            raise ValueError(
                f"the image tower {type(visual.trunk).__name__} takes images of one size alone; "
                "choose a ResNet, a ViT or a ConvNeXt of open_clip"
            )

    @staticmethod
    def embed(visual: TimmModel, x: Tensor) -> Tensor:
        """Map normalised images ``[B, 3, H, W]`` to ``[B, D]``."""
        return visual(x)

    @staticmethod
    def cam_layer(visual: TimmModel) -> nn.Module:
        """Last stage of the trunk."""
        return visual.trunk.stages[-1]


Tower = type[ResNet] | type[Transformer] | type[Convolutional]
TOWERS: dict[type, Tower] = {
    ModifiedResNet: ResNet,
    VisionTransformer: Transformer,
    TimmModel: Convolutional,
}


def tower_of(visual: nn.Module) -> Tower:
    """Return how to use an image tower.

    Raises
    ------
    ValueError
        If its kind is not known.
    """
    for kind, tower in TOWERS.items():
        if isinstance(visual, kind):
            return tower
    known = ", ".join(kind.__name__ for kind in TOWERS)
    raise ValueError(f"the image tower is a {type(visual).__name__}; known are {known}")


def resized_positions(positions: Tensor, trained: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Resize positions ``[1 + h*w, D]``, the class token first, from the grid ``trained`` to ``grid``."""
    if tuple(trained) == tuple(grid):
        return positions
    square = positions[1:].view(*trained, -1).permute(2, 0, 1).unsqueeze(0)
    square = F.interpolate(square.float(), size=grid, mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([positions[:1], square[0].flatten(1).T.to(positions.dtype)])


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
