"""Group ``sharpness_contrast``: over-sharpening and changes of contrast."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from benchmark.degradations.color import from_lab, to_lab
from benchmark.degradations.filters import Spectrum, gaussian_kernel


def highsharpen(images: Tensor) -> Callable[[float], Tensor]:
    """Unsharp masking of LAB L: L + amount (L - blurred L), Gaussian of sigma 6 on 13 x 13 pixels."""
    lab = to_lab(images)
    lightness = lab[:, :1]
    detail = lightness - Spectrum(lightness, radius=6).filter(gaussian_kernel(6.0, 13))

    def at(amount: float) -> Tensor:
        sharp = lab.clone()
        sharp[:, :1].add_(detail, alpha=amount)
        return from_lab(sharp)

    return at


def lincontrchange(images: Tensor) -> Callable[[float], Tensor]:
    """Cubic spline through (0, 0), (.3, .25 - amount / 4), (.5, .5), (.7, .75 + amount / 4), (1, 1).

    These five points are symmetric about (.5, .5) and the spline is not-a-knot, so it is the one odd
    cubic in u = x - 1/2 that meets them: x + g u (u^2 - 1/4), which is x itself at amount -0.2.
    """
    centred = images - 0.5
    bump = centred * (centred.square() - 0.25)

    def at(amount: float) -> Tensor:
        return images.add(bump, alpha=-(0.05 + amount / 4) / 0.042)

    return at


def nonlincontrchange(images: Tensor) -> Callable[[float], Tensor]:
    """Map [0, 1] to [1/2 - offset, 1/2 + offset]."""
    return lambda offset: images * (2 * offset) + (0.5 - offset)
