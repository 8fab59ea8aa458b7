"""CLIP's image towers on images of any size: what each kind does with positions, and where gradCAM looks."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class ResNet:
    """CLIP's own ResNet: its attention pool adds no positional embedding.

    Without it the tower takes images of any size (Wang et al., AAAI 2023, section 3.2).
    """

    smallest = 32
    #: Convolutions over pixels whose channels lie together take two thirds of the time on a CPU.
    layout = torch.channels_last

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
    layout = torch.channels_last

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

    @staticmethod
    def tokens(visual: VisionTransformer, size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
        """Return how many tokens come before those of the patches, and the grid of these."""
        height, width = visual.patch_size
        return 1, (size[0] // height, size[1] // width)


class Timm:
    """A trunk of timm: a convolutional one takes any size as it is, a transformer resizes its positions.

    timm's own way with sizes (``dynamic_img_size``) is switched on. Pixels beyond the last whole patch are
    not seen.
    """

    smallest = 32
    #: torch 2.15 ends without a word in FastViT's gradients on a CPU where channels lie together.
    layout = torch.contiguous_format

    @staticmethod
    def prepare(visual: TimmModel) -> None:
        """Let a transformer take any size; refuse trunks that take one alone."""
        any_size(visual.trunk)

    @staticmethod
    def embed(visual: TimmModel, x: Tensor) -> Tensor:
        """Map normalised images ``[B, 3, H, W]`` to ``[B, D]``."""
        with at_size(visual.trunk, x) as seen:
            return visual(seen)

    @staticmethod
    def cam_layer(visual: TimmModel) -> nn.Module:
        """Last stage of the trunk; of a transformer, the first norm of the last block."""
        trunk = visual.trunk
        return trunk.blocks[-1].norm1 if hasattr(trunk, "blocks") else trunk.stages[-1]

    @staticmethod
    def tokens(visual: TimmModel, size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
        """Return how many tokens come before those of the patches, and the grid of these."""
        height, width = visual.trunk.patch_embed.feat_ratio(as_scalar=False)
        return visual.trunk.num_prefix_tokens, (size[0] // height, size[1] // width)


Tower = type[ResNet] | type[Transformer] | type[Timm]
TOWERS: dict[type, Tower] = {
    ModifiedResNet: ResNet,
    VisionTransformer: Transformer,
    TimmModel: Timm,
}


def is_transformer(trunk: Any) -> bool:
    """Whether a network of timm is a vision transformer that can be told to resize its positions."""
    return hasattr(trunk, "dynamic_img_size") and hasattr(trunk, "blocks")


def any_size(trunk: Any) -> None:
    """Let a network of timm take images of any size.

    Raises
    ------
    ValueError
        If it cannot.
    """
    if is_transformer(trunk):
        trunk.dynamic_img_size = True
        trunk.patch_embed.strict_img_size = trunk.patch_embed.flatten = False
        trunk.patch_embed.output_fmt = type(trunk.patch_embed.output_fmt)("NHWC")
    elif not hasattr(trunk, "stages") or hasattr(trunk, "patch_embed"):  # windows of Swin, relative positions
        raise ValueError(
            f"the image tower {type(trunk).__name__} takes images of one size alone; choose a ResNet, a "
            "ConvNeXt or a ViT"
        )


@contextlib.contextmanager
def at_size(trunk: Any, x: Tensor) -> Any:
    """Ready a network of timm for the size of ``x [B, 3, H, W]``; gives the part of ``x`` that it sees."""
    if not is_transformer(trunk):
        yield x
        return
    height, width = trunk.patch_embed.feat_ratio(as_scalar=False)
    grid = (x.shape[2] // height, x.shape[3] // width)
    rope = getattr(trunk, "rope", None)
    if rope is not None and rope.feat_shape is not None and tuple(rope.feat_shape) != grid:
        with torch.inference_mode(False), torch.no_grad():  # kept beyond this call, which may be inference
            rope.update_feat_shape(grid)
    with Separable():
        yield x[:, :, : grid[0] * height, : grid[1] * width]


class Separable(TorchFunctionMode):
    """Resizes by `bicubic` wherever a network asks torch for a bicubic resizing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.interpolate and kwargs.get("mode") == "bicubic" and kwargs.get("antialias"):
            return bicubic(args[0], kwargs["size"])
        return func(*args, **kwargs)


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
    square = bicubic(square.float(), grid)
    return torch.cat([positions[:1], square[0].flatten(1).T.to(positions.dtype)])


def bicubic(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize ``maps [B, C, h, w]``, bicubic with antialiasing, by one product an axis.

    torch's own has no deterministic gradient on CUDA; the trainings ask for one.
    """
    rows, columns = (_weights(was, to, maps) for was, to in zip(maps.shape[2:], size, strict=True))
    return rows @ maps @ columns.T


def _weights(was: int, to: int, like: Tensor) -> Tensor:
    """What each of ``to`` places takes of ``was``: torch's resizing of the unit vectors, ``[to, was]``."""
    with torch.no_grad(), torch.autocast(like.device.type, enabled=False):
        eye = torch.eye(was).view(1, 1, was, was)
        return F.interpolate(eye, size=(to, was), mode="bicubic", antialias=True)[0, 0].to(like)


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
