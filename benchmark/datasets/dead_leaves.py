"""Procedural pictures with the statistics of photographs: opaque leaves that hide each other ("dead leaves").

The model is that of Matheron, studied as a model of natural pictures by Lee, Mumford and Huang ("Occlusion
models for natural images", IJCV 41, 2001): shapes of random size, with a density of radii falling as
``r^-3``, thrown over each other. It gives sharp edges at all scales and a power spectrum close to ``1/f^2``.
Colours, texture and shading are added here, in linear light.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

Floats = NDArray[np.float32]

#: What to cite for the model.
BIBTEX = """@article{lee2001occlusion,
  title = {Occlusion Models for Natural Images: A Statistical Study of a Scale-Invariant Dead Leaves Model},
  author = {Lee, Ann B. and Mumford, David and Huang, Jinggang},
  journal = {International Journal of Computer Vision}, volume = {41}, pages = {35--59}, year = {2001},
  doi = {10.1023/A:1011109015675}
}"""

#: Every picture is drawn twice as large and averaged down: edges are anti-aliased.
_SCALE = 2
_VERTICES = 32
_FIELD = 512

_XYZ_TO_RGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.969266, 1.8760108, 0.041556],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)

# CIELAB of the photographs of BSDS500 (every second one, averaged down to 120 x 80): mean and standard
# deviation of the pictures' means; median, and deviation of the logarithm, of the spread inside a picture.
_MEAN, _MEAN_STD = (45.6, -1.9, 10.7), (11.5, 6.9, 11.8)
_SPREAD, _SPREAD_LOG = (18.5, 5.6, 9.8), (0.31, 0.6, 0.47)


def dead_leaves(
    size: int, seed: int | Sequence[int], radii: tuple[float, float] = (2.0, 0.4), coverage: float = 3.0
) -> Tensor:
    """Draw one picture.

    Parameters
    ----------
    size
        Height and width in pixels, at least 16.
    seed
        Seed of everything that is drawn; equal seeds give equal pictures.
    radii
        Smallest radius in pixels, and largest as a share of `size`.
    coverage
        Area of all leaves over the area of the canvas; a share ``exp(-coverage)`` shows the ground.

    Returns
    -------
    Tensor
        ``[3, size, size]`` float32, RGB in [0, 1].

    Raises
    ------
    ValueError
        If the picture is too small or the radii do not rise.
    """
    low, high = radii[0] * _SCALE, radii[1] * size * _SCALE
    if size < 16 or not 0 < low < high or coverage <= 0:
        raise ValueError(
            f"dead leaves need size >= 16, coverage > 0 and a smallest radius below the largest; "
            f"got size {size}, coverage {coverage}, radii {radii[0]} to {radii[1] * size}"
        )
    rng = np.random.default_rng(seed)
    # A picture of its own: from fine clutter to a few large things.
    low *= float(np.exp(rng.uniform(0, np.log(min(8.0, high / low / 2)))))
    radius = _radii(rng, low, high, (size * _SCALE + high) ** 2 * coverage)
    centre = rng.uniform(-high / 2, size * _SCALE + high / 2, (len(radius), 2)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi, len(radius)).astype(np.float32)
    labels = _labels(size * _SCALE, centre, _outlines(rng, radius, angle))
    light = _light(rng, labels, centre, radius, angle)
    colour = _colours(rng, len(radius))[labels] * light[..., None]
    # Faster by far than a mean over reshaped axes.
    corners = [colour[row::_SCALE, column::_SCALE] for row in range(_SCALE) for column in range(_SCALE)]
    return torch.from_numpy(_encode(np.mean(corners, axis=0))).permute(2, 0, 1).contiguous()


def _radii(rng: np.random.Generator, low: float, high: float, area: float) -> Floats:
    """Draw radii with density ``r^-3`` until their discs fill `area`; the first is the ground, under all."""
    mean_square = 2 * np.log(high / low) / (low**-2 - high**-2)
    count = max(8, int(area / (np.pi * mean_square)))
    share = rng.uniform(size=count)
    return (low**-2 - share * (low**-2 - high**-2)).astype(np.float32) ** np.float32(-0.5)


def _outlines(rng: np.random.Generator, radius: Floats, angle: Floats) -> Floats:
    """Outlines ``[N, V, 2]`` about the origin: a third each of ellipses, polygons and wavy blobs."""
    count = len(radius)
    turn = np.linspace(0, 2 * np.pi, _VERTICES, endpoint=False)
    kind = rng.integers(0, 3, count)[:, None]
    corners = rng.integers(3, 8, count)[:, None]
    # A polygon keeps the array's shape by standing still on each corner for several vertices.
    corner = np.floor(np.arange(_VERTICES) * corners / _VERTICES)
    around = np.where(
        kind == 1,
        (corner + rng.uniform(-0.3, 0.3, (count, 8))[np.arange(count)[:, None], corner.astype(int)])
        * 2
        * np.pi
        / corners,
        turn,
    )
    phase = rng.uniform(0, 2 * np.pi, (3, count, 1))
    waves = sum(np.sin((k + 2) * turn + phase[k]) * 0.25 / (k + 1) for k in range(3))
    reach = radius[:, None] * np.where(kind == 2, 1 + waves * rng.uniform(0, 1, (count, 1)), 1)
    flat = np.where(rng.uniform(size=count) < 0.3, 1, rng.uniform(0.15, 1, count))[:, None]
    x, y = reach * np.cos(around), reach * np.sin(around) * flat
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1).astype(np.float32)


def _labels(side: int, centre: Floats, outlines: Floats) -> NDArray[np.int32]:
    """Find the number of the leaf seen at each pixel ``[side, side]``; later leaves lie on top."""
    canvas = Image.new("I", (side, side), 0)
    fill = ImageDraw.Draw(canvas).polygon
    for leaf, outline in enumerate((outlines + centre[:, None]).reshape(len(centre), -1).tolist()):
        if leaf:
            fill(outline, leaf)
    return np.asarray(canvas)


def _colours(rng: np.random.Generator, count: int) -> Floats:
    """Draw linear RGB ``[N, 3]``: normal in CIELAB, with a mean and a spread of the picture's own."""
    mean = rng.normal(_MEAN, _MEAN_STD)
    spread = np.exp(np.log(_SPREAD) + _SPREAD_LOG * rng.normal(size=3).clip(-1.5, 1.5))
    drawn = rng.normal(size=(count, 3))
    drawn[:, 2] = 0.27 * drawn[:, 0] + np.sqrt(1 - 0.27**2) * drawn[:, 2]  # light things are yellower
    lab = mean + drawn * spread
    lab[:, 0] = lab[:, 0].clip(3, 97)
    lab[:, 1:] = lab[:, 1:].clip(-50, 60)  # beyond lies the chroma of lamps and paint
    return lab_to_linear(lab).clip(0, 1).astype(np.float32)


def lab_to_linear(lab: NDArray[np.floating]) -> NDArray[np.floating]:
    """CIELAB ``[..., 3]`` (D65) to linear RGB of the sRGB primaries, not clipped (CIE 15; IEC 61966-2-1)."""
    high = (lab[..., 0] + 16) / 116
    ratio = np.stack([high + lab[..., 1] / 500, high, high - lab[..., 2] / 200], axis=-1)
    xyz = np.where(ratio > 6 / 29, ratio**3, (ratio - 4 / 29) * 3 * (6 / 29) ** 2) * (0.95047, 1, 1.08883)
    linear: NDArray[np.floating] = xyz @ _XYZ_TO_RGB.T
    return linear


def _light(
    rng: np.random.Generator, labels: NDArray[np.int32], centre: Floats, radius: Floats, angle: Floats
) -> Floats:
    """Light on each pixel: a texture of its leaf, stretched along the leaf, and shading across it."""
    count, side = len(radius), labels.shape[0]
    grid = np.arange(side, dtype=np.float32)
    x, y = grid[None] - centre[:, 0][labels], grid[:, None] - centre[:, 1][labels]
    # Shading: light falls off linearly across the leaf in a random direction.
    slope = (rng.uniform(0, 0.6, count) / radius).astype(np.float32)
    toward = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    shade = (slope * np.cos(toward))[labels] * x + (slope * np.sin(toward))[labels] * y
    # Texture: a window of a noise field, scaled, stretched and turned with the leaf.
    pitch = np.exp(rng.uniform(np.log(0.5), np.log(2), count)).astype(np.float32)
    stretch = np.exp(rng.uniform(0, np.log(6), count) * (rng.uniform(size=count) < 0.4)).astype(np.float32)
    cos, sin = np.cos(angle) * pitch, np.sin(angle) * pitch
    along = (cos / stretch)[labels] * x + (sin / stretch)[labels] * y
    across = cos[labels] * y - sin[labels] * x
    start = rng.integers(0, _FIELD, (2, count)).astype(np.float32)
    u = (along + start[0][labels]).astype(np.int32) % _FIELD
    v = (across + start[1][labels]).astype(np.int32) % _FIELD
    fields = _fields()
    which = rng.integers(0, len(fields), count)
    strength = (rng.exponential(0.18, count)).clip(0, 0.7).astype(np.float32)
    texture = strength[labels] * fields[which[labels], v, u]
    return np.exp(np.clip(shade, -1.2, 0.8) + texture)


@cache
def _fields() -> Floats:
    """Make noise ``[3, F, F]`` that tiles, of unit variance, amplitudes falling as 1/f^.5, 1/f, 1/f^1.5."""
    noise = np.fft.rfft2(np.random.default_rng(0).normal(size=(3, _FIELD, _FIELD)))
    frequency = np.hypot(np.fft.fftfreq(_FIELD)[:, None], np.fft.rfftfreq(_FIELD)[None])
    frequency[0, 0] = np.inf
    # Below eight cycles a field the spectrum is flat: a leaf's mean is its colour, not its texture.
    shaped = noise * np.maximum(frequency, 8 / _FIELD) ** -np.array([0.5, 1.0, 1.5])[:, None, None]
    fields = np.fft.irfft2(shaped, s=(_FIELD, _FIELD))
    return (fields / fields.std((1, 2), keepdims=True)).astype(np.float32)


def _encode(linear: NDArray[np.floating]) -> Floats:
    """Linear light to sRGB, clipped to [0, 1]."""
    linear = linear.clip(0, 1)
    encoded: Floats = np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055
    ).astype(np.float32)
    return encoded
