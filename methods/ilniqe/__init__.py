"""IL-NIQE: NIQE with colour, gradient and log-Gabor statistics, and a distance of its own for every block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark import files
from benchmark import images as pictures_io
from benchmark.method import Card, Exposure, TrainingData
from methods._shared.exposure import HERE
from methods._shared.pristine import gaussian, nss
from methods._shared.weights.weight_cache import Source
from methods.ilniqe.statistics import FEATURES, describe

CARD = Card(
    title="IL-NIQE",
    paper="L. Zhang, L. Zhang, A. C. Bovik. A feature-enriched completely blind image quality evaluator. "
    "IEEE Transactions on Image Processing 24(8), 2015",
    licence="parameters: the authors' release, which states none",
    training_data="90 pristine pictures (recalled), unlabelled",
    exposure=(Exposure("pictures", "90 pristine pictures", "Zhang et al. 2015", "R"),),
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="published pristine parameters, fetched at first use; or fitted to your pristine pictures",
    input="whole image, made 524 x 524, in 36 blocks of 84 pixels",
    published_as="ilniqe",
    bibtex="""@article{zhang2015featureenriched,
  title = {A Feature-Enriched Completely Blind Image Quality Evaluator},
  author = {Zhang, Lin and Zhang, Lei and Bovik, Alan C.},
  journal = {IEEE Transactions on Image Processing},
  volume = {24}, number = {8}, pages = {2579--2591}, year = {2015}
}""",
)

FITTED = replace(
    CARD,
    title="IL-NIQE (fitted here)",
    licence="no weights; a file of parameters has its own",
    training_data="pristine pictures, unlabelled",
    exposure=(HERE,),
    published_as="",
)

SOURCES = (
    # The authors' file beside a port of their code, at one commit; the digest is that of this commit's file.
    Source(
        "ilniqe_templateModel.mat",
        "https://raw.githubusercontent.com/IceClear/IL-NIQE/57e9dfa2378a316e7e0eba3a9cfb5e91d1ece491/"
        "templateModel.mat",
        "14f4919a630498d732bbf11837d894d45a57f89c9ed84bea98851147290ce93c",
    ),
    # pyiqa's copy; its digest is kept at the first use.
    Source(
        "ILNIQE_templateModel.mat",
        "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/ILNIQE_templateModel.mat",
    ),
)
"""Where the published parameters can be had."""

_LARGEST = 10000.0
"""Larger numbers, such as the shape of a magnitude that hardly varies, are cut to this."""

_PARTS = ("mean", "covariance", "centre", "axes")


@dataclass(frozen=True)
class Pristine:
    """The pristine blocks' Gaussian in the space of their principal axes; all float64.

    Parameters
    ----------
    mean, covariance
        ``[K]`` and ``[K, K]``, of the projected blocks.
    centre, axes
        ``[468]`` and ``[468, K]``: a block ``x`` is projected to ``(x - centre) @ axes``.
    """

    mean: Tensor
    covariance: Tensor
    centre: Tensor
    axes: Tensor


class Ilniqe:
    """Mean over the blocks of their distance from the pristine Gaussian. Lower is better.

    Parameters
    ----------
    pristine
        The parameters.
    card
        What a reader must know about them.
    """

    name = "ilniqe"
    higher_is_better = False

    def __init__(self, pristine: Pristine, card: Card = FITTED) -> None:
        self.pristine = pristine
        self.card = card

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1], any size); returns ``[B]`` float32 on the CPU.

        A block that lacks a number, for want of texture, counts as the mean of those that have all; a picture
        of nothing else counts as the limit of vanishing texture, all numbers 0.
        """
        return torch.stack([self._distance(block_rows(image).cpu()) for image in images]).float()

    def features(self, images: Tensor) -> Tensor:
        """Return the mean of the blocks' numbers, ``[B, 468]`` float32 on the CPU."""
        return torch.stack([_filled(block_rows(image))[0].mean(0) for image in images]).float().cpu()

    def _distance(self, rows: Tensor) -> Tensor:
        p = self.pristine
        filled, complete = _filled(rows)
        projected = (filled - p.centre) @ p.axes
        _, covariance = nss.moments(projected[complete])
        return nss.distance(projected, covariance, p.mean, p.covariance).mean()


def block_rows(image: Tensor) -> Tensor:
    """Numbers ``[36, 468]`` of the blocks of ``image [3, H, W]``; NaN is a missing one."""
    return describe(image)[0].clamp(max=_LARGEST)


def _filled(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Replace rows with a missing number by the mean of the others; also tells which were complete."""
    complete = rows.isfinite().all(-1)
    if not complete.any():
        return rows.nan_to_num(0), complete
    return rows.where(complete[:, None], rows[complete].mean(0)), complete


def fit(
    pictures: Iterable[Path], sharpness: float = 0.78, kept: float = 0.92, *, partial: Path | None = None
) -> Ilniqe:
    """Fit the pristine model to picture files.

    Parameters
    ----------
    pictures
        Files of undistorted pictures.
    sharpness
        Share of a picture's sharpest block that a block must exceed to be learnt from, in [0, 1).
    kept
        Share of the principal axes that are kept, in (0, 1].
    partial
        Journal from which a fit that was stopped goes on, see :func:`methods._shared.pristine.gaussian.fit`.

    Raises
    ------
    ValueError
        If a picture cannot be read, or if there are no more blocks than one picture has.
    """
    if not (0 <= sharpness < 1 and 0 < kept <= 1):
        raise ValueError(
            f"ilniqe: sharpness must lie in [0, 1) and kept in (0, 1], got {sharpness} and {kept}"
        )
    found = gaussian.fit(
        sorted(pictures),
        lambda path: sharp_rows(path, sharpness),
        partial=partial,
        about={
            "method": "ilniqe",
            "sharpness": sharpness,
            "code": gaussian.code(__name__, describe.__module__),
        },
    )
    if found.rows <= 36:
        raise ValueError(
            f"ilniqe: {found.pictures} pristine pictures give {found.rows} sharp blocks, "
            "and more than 36 are needed; add pictures"
        )
    return Ilniqe(_principal(found, kept))


def sharp_rows(path: Path, sharpness: float) -> Tensor:
    """Numbers ``[N, 468]`` of the sharp blocks of a picture file, those that lack none."""
    features, sharp = describe(pictures_io.read(path))
    complete = features.isfinite().all(-1)
    sharp = sharp.where(complete, 0)
    return features[complete & (sharp > sharpness * sharp.max())]


def _principal(found: gaussian.Gaussian, kept: float) -> Pristine:
    """Express the blocks' Gaussian in its principal axes, the widest first, of which a share is kept."""
    variances, axes = torch.linalg.eigh(found.covariance)
    count = int(min(found.rows, FEATURES) * kept)
    variances, axes = variances.flip(0)[:count], axes.flip(1)[:, :count]
    nothing = torch.zeros(count, dtype=torch.float64)  # the blocks lie around their own mean
    return Pristine(nothing, torch.diag(variances), found.mean, axes)


def train(
    data: TrainingData,
    out: Path,
    *,
    sharpness: float = 0.78,
    kept: float = 0.92,
    count: int | None = None,
) -> dict[str, Any]:
    """Fit to pristine pictures, write ``ilniqe.npz`` below ``out`` and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them, and nothing is drawn. A fit that
    was stopped goes on where it was.
    """
    partial = gaussian.partial_of(out)
    pristine = fit(gaussian.drawn(data.pictures, count, data.seed), sharpness, kept, partial=partial).pristine
    path = Path(out) / "ilniqe.npz"
    files.write_arrays(path, **dict(zip(_PARTS, (part.numpy() for part in astuple(pristine)), strict=True)))
    partial.unlink(missing_ok=True)
    return {"parameters": str(path)}


def load(
    weights: str | Path = "official",
    pristine: str | Path | None = None,
    parameters: str | Path | None = None,
) -> Ilniqe:
    """Load pristine parameters, or fit them to a folder.

    Parameters
    ----------
    weights
        ``"official"`` for the published parameters, fetched at first use; or the path of the ``.npz`` of
        :func:`train`, or of the authors' ``templateModel.mat``.
    pristine
        Folder of undistorted pictures to fit to, searched with its subfolders, in place of ``weights``.
    parameters
        Another name of ``weights``, the literature's.

    Raises
    ------
    ValueError
        If more than one of the three is given, the published parameters cannot be had, or the file or folder
        does not serve.
    """
    path = gaussian.one_of("ilniqe", weights, parameters, pristine)
    if pristine is not None:
        return fit(gaussian.pictures_of(pristine))
    model = Ilniqe(_read(path or gaussian.published("ilniqe", SOURCES)))
    if path is None or gaussian.is_published(path, SOURCES):
        model.card = CARD
    return model


def _read(path: Path) -> Pristine:
    """Read a parameter file; nothing in it is executed."""
    entries = gaussian.read_arrays(path, "IL-NIQE")
    try:
        if path.suffix == ".mat":
            arrays = list(entries["templateModel"].ravel()[:4])
        else:
            arrays = [entries[name] for name in _PARTS]
        mean, covariance, centre, axes = (torch.from_numpy(np.asarray(a, np.float64)) for a in arrays)
    except KeyError as error:
        raise ValueError(f"{path}: holds no {error}, so it is not a file of IL-NIQE parameters") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as IL-NIQE parameters (.npz or .mat): {error}") from error
    k = mean.numel()
    if covariance.shape != (k, k) or centre.numel() != FEATURES or axes.shape != (FEATURES, k):
        raise ValueError(f"{path}: its parts do not belong together as IL-NIQE parameters")
    if not all(bool(part.isfinite().all()) for part in (mean, covariance, centre, axes)):
        raise ValueError(f"{path}: its numbers are not all finite")
    return Pristine(mean.ravel(), covariance, centre.ravel(), axes)
