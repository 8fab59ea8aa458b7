"""Intensities and kinds that no method of this suite was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from benchmark.degradations import GROUPS, compose, ladder

#: Applied to their own fifth level these wear out, repeat or undo themselves: a second JPEG of one quality
#: or rounding to the same grey levels changes nothing, a second negative saturation turns the hues back.
_EXHAUSTED = {"colordiff", "colorsat1", "jpeg", "jpeg2000", "meanshift", "lincontrchange", "quantization"}

#: Kinds, by group, that have levels beyond the fifth.
FURTHER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        group: tuple(kind for kind in kinds if kind not in _EXHAUSTED)
        for group, kinds in GROUPS.items()
        if not set(kinds) <= _EXHAUSTED
    }
)


def long_ladder(images: Tensor, kind: str, seeds: Tensor, levels: int = 7) -> Tensor:
    """`benchmark.degradations.ladder` with levels on top, for `benchmark.robustness.sweep`.

    Level 6 is the fifth level applied twice, level 7 three times, with draws of their own each time.

    Parameters
    ----------
    images
        ``[B, 3, H, W]`` in [0, 1].
    kind
        One of `FURTHER`.
    seeds
        ``[B]`` whole numbers.
    levels
        How many, at least 1.

    Returns
    -------
    Tensor
        ``[levels, B, 3, H, W]``; the first five are those of the short ladder.

    Raises
    ------
    ValueError
        If ``kind`` gets no worse by repetition, or ``levels`` is below 1.
    """
    known = [name for members in FURTHER.values() for name in members]
    if kind not in known:
        raise ValueError(f"{kind!r} has no levels beyond the fifth; choose from {', '.join(known)}")
    steps = [ladder(images, kind, seeds, min(levels, 5))]
    for level in range(6, levels + 1):
        steps.append(compose(images, [(kind, 5)] * (level - 4), seeds, "monotone")[None])
    return torch.cat(steps)


#: The two kinds of KADID-10k that are not among the 24, with five strengths of this suite's own choosing:
#: colours of the palette; deviation of the noise that is then removed.
UNSEEN: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {"colorquantization": (64, 48, 32, 16, 8), "denoise": (0.05, 0.1, 0.15, 0.2, 0.3)}
)


def unseen_ladder(images: Tensor, kind: str, seeds: Tensor, levels: int = 5) -> Tensor:
    """Ladder of a kind of `UNSEEN`, for `benchmark.robustness.sweep`.

    ``colorquantization`` is a palette fitted to the picture (median cut) with Floyd and Steinberg's dither;
    ``denoise`` adds white noise, one field for all levels, and removes it by total variation (Chambolle
    2004). Arguments and result as in `long_ladder`.

    Raises
    ------
    ValueError
        If ``kind`` is unknown or ``levels`` is not 1 to 5.
    """
    if kind not in UNSEEN:
        raise ValueError(f"{kind!r} is not an unseen kind; choose from {', '.join(UNSEEN)}")
    if not 1 <= levels <= 5:
        raise ValueError(f"levels={levels} must be 1 to 5")
    spoil = _dithered if kind == "colorquantization" else _denoised
    result = images.new_empty((levels, *images.shape))
    for row, seed in enumerate(seeds.tolist()):
        picture = images[row].permute(1, 2, 0).float().cpu().numpy()
        noise = np.random.default_rng(seed).standard_normal(picture.shape, dtype=np.float32)
        for level, amount in enumerate(UNSEEN[kind][:levels]):
            result[level, row] = torch.from_numpy(spoil(picture, amount, noise)).permute(2, 0, 1).clamp(0, 1)
    return result


def _dithered(picture: np.ndarray, colours: float, noise: np.ndarray) -> np.ndarray:
    whole = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    palette = whole.quantize(int(colours), Image.Quantize.MEDIANCUT)
    # Pillow dithers only towards a palette that is given.
    dithered = whole.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")
    return np.asarray(dithered, dtype=np.float32) / 255


def _denoised(picture: np.ndarray, deviation: float, noise: np.ndarray) -> np.ndarray:
    return np.asarray(denoise_tv_chambolle(picture + deviation * noise, weight=deviation, channel_axis=-1))
