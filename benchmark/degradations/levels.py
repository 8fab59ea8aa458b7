"""The 24 types of degradation, their seven groups and the strength of their five levels."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from benchmark import naming

Order = Literal["reference", "monotone"]

#: Group -> its types, in the order and spelling of ARNIQA (Agnolucci et al., WACV 2024).
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "blur": ("gaublur", "lensblur", "motionblur"),
        "color_distortion": ("colordiff", "colorshift", "colorsat1", "colorsat2"),
        "jpeg": ("jpeg2000", "jpeg"),
        "noise": ("whitenoise", "whitenoiseCC", "impulsenoise", "multnoise"),
        "brightness_change": ("brighten", "darken", "meanshift"),
        "spatial_distortion": ("jitter", "noneccpatch", "pixelate", "quantization", "colorblock"),
        "sharpness_contrast": ("highsharpen", "lincontrchange", "nonlincontrchange"),
    }
)

#: Type -> published strength of levels 1..5 (the unit is the type's own, see the module of its group).
LEVELS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "gaublur": (0.1, 0.5, 1, 2, 5),
        "lensblur": (1, 2, 4, 6, 8),
        "motionblur": (1, 2, 4, 6, 10),
        "colordiff": (1, 3, 6, 8, 12),
        "colorshift": (1, 3, 6, 8, 12),
        "colorsat1": (0.4, 0.2, 0.1, 0, -0.4),
        "colorsat2": (1, 2, 3, 6, 9),
        "jpeg2000": (16, 32, 45, 120, 170),
        "jpeg": (43, 36, 24, 7, 4),
        "whitenoise": (0.001, 0.002, 0.003, 0.005, 0.01),
        "whitenoiseCC": (0.0001, 0.0005, 0.001, 0.002, 0.003),
        "impulsenoise": (0.001, 0.005, 0.01, 0.02, 0.03),
        "multnoise": (0.001, 0.005, 0.01, 0.02, 0.05),
        "brighten": (0.1, 0.2, 0.4, 0.7, 1.1),
        "darken": (0.05, 0.1, 0.2, 0.4, 0.8),
        "meanshift": (0, 0.08, -0.08, 0.15, -0.15),
        "jitter": (0.05, 0.1, 0.2, 0.5, 1),
        "noneccpatch": (20, 40, 60, 80, 100),
        "pixelate": (0.01, 0.05, 0.1, 0.2, 0.5),
        "quantization": (20, 16, 13, 10, 7),
        "colorblock": (2, 4, 6, 8, 10),
        "highsharpen": (1, 2, 3, 6, 12),
        "lincontrchange": (0.0, 0.15, -0.4, 0.3, -0.6),
        "nonlincontrchange": (0.4, 0.3, 0.2, 0.1, 0.05),
    }
)

#: Types whose published levels do not rise, with levels that do; all others keep the published ones.
#: The values of `NEUTRAL`'s types are distances from the neutral strength.
MONOTONE: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        **LEVELS,
        "gaublur": (0.35, 0.5, 1, 2, 5),
        "motionblur": (1.5, 2, 4, 6, 10),
        "colorsat2": (1.5, 2, 3, 6, 9),
        "colorshift": (1, 2, 4, 8, 16),
        "pixelate": (0.001, 0.05, 0.1, 0.25, 0.5),
        "meanshift": (0.03, 0.06, 0.09, 0.12, 0.15),
        "lincontrchange": (0.1, 0.2, 0.3, 0.4, 0.5),
    }
)

#: Types that go either way (lighter or darker, more or less contrast), with the strength that changes
#: nothing. In the monotone order the seed draws the direction, one for a whole ladder.
NEUTRAL: Mapping[str, float] = MappingProxyType({"meanshift": 0.0, "lincontrchange": -0.2})

_GROUP_OF = {kind: group for group, kinds in GROUPS.items() for kind in kinds}


def group_of(kind: str) -> str:
    """Name the group of a type.

    Raises
    ------
    ValueError
        If there is no such type; the message names the nearest one.
    """
    if kind not in _GROUP_OF:
        asked = f"unknown degradation {kind!r}; {naming.meant(str(kind), _GROUP_OF)}".rstrip("; ")
        raise ValueError(f"{asked} (known: {', '.join(_GROUP_OF)})")
    return _GROUP_OF[kind]
