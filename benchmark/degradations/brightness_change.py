"""Group ``brightness_change``: curves and shifts of brightness."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from benchmark.degradations.color import from_lab, to_lab


def _bend(values: Tensor, amount: float) -> Tensor:
    """Parabola through (0, 0), (1/2, 1/2 + amount / 2) and (1, 1), clipped to [0, 1]."""
    return values.addcmul(values, 1 - values, value=2 * amount).clamp_(0, 1)


def brighten(images: Tensor) -> Callable[[float], Tensor]:
    """Curve through 1/2 + amount / 2: two thirds on RGB, one third on LAB L."""
    lab = to_lab(images)
    lightness = lab[:, :1] / 100

    def at(amount: float) -> Tensor:
        bent = lab.clone()
        bent[:, :1] = 100 * _bend(lightness, amount)
        return from_lab(bent).lerp_(_bend(images, amount), 2 / 3)

    return at


def darken(images: Tensor) -> Callable[[float], Tensor]:
    """Curve through 1/2 - amount / 2, on RGB."""
    return lambda amount: _bend(images, -amount)


def meanshift(images: Tensor) -> Callable[[float], Tensor]:
    """Add ``amount``."""
    return lambda amount: images + amount
