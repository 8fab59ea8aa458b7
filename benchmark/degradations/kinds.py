"""What the engine runs for each type: how to draw its randomness, and how to apply it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from benchmark.degradations import (
    blur,
    brightness_change,
    color_distortion,
    jpeg,
    noise,
    sharpness_contrast,
    spatial_distortion,
)
from benchmark.degradations.levels import Order


@dataclass(frozen=True)
class Kind:
    """One type of degradation.

    Parameters
    ----------
    prepare
        Takes float32 images ``[N, 3, H, W]`` and what ``draw`` drew, stacked; returns a function of the
        amount. Whatever does not depend on the amount is done once, for all levels of a ladder. The
        returned images may leave [0, 1]: the engine clips.
    draw
        Draws the randomness of one image, on the CPU, from a generator and the image's height and width.
        ``prepare`` gets the images' tensors stacked, on their device, and anything else as a list.
    codec
        Whether it runs on the CPU wherever the images are, images side by side on threads.
    """

    prepare: Callable[..., Callable[[float], Tensor]]
    draw: Callable[[np.random.Generator, int, int], tuple[Any, ...]] | None = None
    codec: bool = False


KINDS: Mapping[str, Kind] = {
    "gaublur": Kind(blur.gaublur),
    "lensblur": Kind(blur.lensblur),
    "motionblur": Kind(blur.motionblur, blur.draw_angle),
    "colordiff": Kind(color_distortion.colordiff),
    "colorshift": Kind(color_distortion.colorshift, color_distortion.draw_direction),
    "colorsat1": Kind(color_distortion.colorsat1),
    "colorsat2": Kind(color_distortion.colorsat2),
    "jpeg2000": Kind(jpeg.jpeg2000, codec=True),
    "jpeg": Kind(jpeg.jpeg, codec=True),
    "whitenoise": Kind(noise.whitenoise, noise.draw_noise),
    "whitenoiseCC": Kind(noise.whitenoise_cc, noise.draw_noise),
    "impulsenoise": Kind(noise.impulsenoise, noise.draw_impulses),
    "multnoise": Kind(noise.multnoise, noise.draw_noise),
    "brighten": Kind(brightness_change.brighten),
    "darken": Kind(brightness_change.darken),
    "meanshift": Kind(brightness_change.meanshift),
    "jitter": Kind(spatial_distortion.jitter, spatial_distortion.draw_warps),
    "noneccpatch": Kind(spatial_distortion.noneccpatch, spatial_distortion.draw_patches),
    "pixelate": Kind(spatial_distortion.pixelate),
    "quantization": Kind(spatial_distortion.quantization),
    "colorblock": Kind(spatial_distortion.colorblock, spatial_distortion.draw_blocks),
    "highsharpen": Kind(sharpness_contrast.highsharpen),
    "lincontrchange": Kind(sharpness_contrast.lincontrchange),
    "nonlincontrchange": Kind(sharpness_contrast.nonlincontrchange),
}

#: What each order of levels runs.
BY_ORDER: Mapping[Order, Mapping[str, Kind]] = {
    "reference": KINDS,
    "monotone": {**KINDS, "quantization": Kind(spatial_distortion.quantization_unstretched)},
}

#: What a ladder runs instead: a codec that writes all its levels at once.
FOR_LADDERS: Mapping[str, Kind] = {"jpeg2000": Kind(jpeg.jpeg2000_layers, codec=True)}
