"""Sharpness: the variance of the Laplacian of luma. The floor that every method must beat."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.method import Card
from methods._shared.pristine.nss import luma

CARD = Card(
    title="Sharpness",
    paper="J. L. Pech-Pacheco et al. Diatom autofocusing in brightfield microscopy. ICPR 2000",
    licence="no weights",
    training_data="none",
    exposure=(),
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    input="whole image",
    bibtex="""@inproceedings{pechpacheco2000diatom,
  title = {Diatom autofocusing in brightfield microscopy: a comparative study},
  author = {Pech-Pacheco, J. L. and Crist{\\'o}bal, G. and Chamorro-Mart{\\'i}nez, J. and
            Fern{\\'a}ndez-Valdivia, J.},
  booktitle = {Proceedings of the 15th International Conference on Pattern Recognition},
  pages = {314--317}, year = {2000}
}""",
)


class Sharpness:
    """Variance of the four-neighbour Laplacian of luma on the scale 0 to 255, borders mirrored."""

    name = "sharpness"
    higher_is_better = True

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If a side is a single pixel, which has no neighbour.
        """
        if min(images.shape[-2:]) < 2:
            raise ValueError(
                f"sharpness: a picture of {images.shape[3]}x{images.shape[2]} pixels has no Laplacian"
            )
        response = laplacian(luma(images).float()).flatten(1)
        # Whole numbers below 2**24: their squares are exact in float32, and only the sums need float64.
        mean = response.mean(1, dtype=torch.float64)
        return (response.square().mean(1, dtype=torch.float64) - mean.square()).float().cpu()


def laplacian(x: Tensor) -> Tensor:
    """Sum of the four neighbours less four times the pixel, for ``x [B, H, W]``; borders are mirrored."""
    sums = x * -4
    for axis in (1, 2):
        last = x.shape[axis] - 1
        sums.narrow(axis, 1, last).add_(x.narrow(axis, 0, last))
        sums.narrow(axis, 0, last).add_(x.narrow(axis, 1, last))
        sums.narrow(axis, 0, 1).add_(x.narrow(axis, 1, 1))
        sums.narrow(axis, last, 1).add_(x.narrow(axis, last - 1, 1))
    return sums


def load() -> Sharpness:
    """Make the method; it has no settings."""
    return Sharpness()
