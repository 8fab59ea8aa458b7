"""What the engine accepts: checks that name the fault and the cure, and one value for every image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from benchmark.degradations.levels import group_of


def check_images(images: Tensor) -> None:
    """Raise ValueError unless images are ``[B, 3, H, W]``, floating point, 32 pixels or more, in [0, 1]."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must have the shape [B, 3, H, W], not {list(images.shape)}")
    if min(images.shape[2:]) < 32:
        raise ValueError(f"images must be at least 32 x 32 pixels, not {list(images.shape[2:])}")
    if not images.is_floating_point():
        raise ValueError(f"images must be floating point in [0, 1], not {images.dtype}: divide bytes by 255")
    if len(images):
        low, high = (float(value) for value in images.detach().aminmax())
        if not (low >= 0 and high <= 1):  # NaN fails both comparisons
            raise ValueError(f"images must lie in [0, 1], without NaN; these reach from {low:g} to {high:g}")


def each_kind(kind: str | Sequence[str], count: int) -> list[str]:
    """One type for each image."""
    kinds = [kind] * count if isinstance(kind, str) else list(kind)
    _check_count(kinds, count, "types")
    for name in {kind} if isinstance(kind, str) else set(kinds):
        group_of(name)
    return kinds


def each_level(level: int | Tensor | Sequence[int], count: int) -> list[int]:
    """One level for each image."""
    given = level.tolist() if isinstance(level, Tensor) else level
    for value in given if isinstance(given, Sequence) else [given]:
        check_level(value, "level")
    levels = list(given) if isinstance(given, Sequence) else [given] * count
    _check_count(levels, count, "levels")
    return levels


def check_level(value: int, name: str) -> None:
    """Raise ValueError unless the value is a whole number from 1 to 5."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 5:
        raise ValueError(f"{name} must be a whole number from 1 to 5, not {value!r}")


def each_seed(seeds: Tensor | Sequence[int], count: int) -> list[int]:
    """One whole number for each image."""
    if isinstance(seeds, Tensor):
        if seeds.is_floating_point():
            raise ValueError(f"seeds must be whole numbers, not {seeds.dtype}")
        seeds = seeds.tolist()
    _check_count(seeds, count, "seeds")
    return [int(seed) for seed in seeds]


def _check_count(values: Sequence[object], count: int, what: str) -> None:
    if len(values) != count:
        raise ValueError(f"{len(values)} {what} for {count} images: give one for each")
