"""NIQE: how far the natural scene statistics of a picture lie from those of pristine pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
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

CARD = Card(
    title="NIQE",
    paper='A. Mittal, R. Soundararajan, A. C. Bovik. Making a "completely blind" image quality analyzer. '
    "IEEE Signal Processing Letters 20(3), 2013",
    licence="parameters: free use with the notice of the University of Texas at Austin (LIVE)",
    training_data="125 pristine pictures, unlabelled",
    exposure=(Exposure("pictures", "125 pristine pictures", "Mittal et al. 2013", "R"),),
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="published pristine parameters, fetched at first use; or fitted to your pristine pictures",
    input="whole image in patches of 96 pixels, the remainder at the right and the bottom left out",
    published_as="niqe",
    bibtex="""@article{mittal2013making,
  title = {Making a ``Completely Blind'' Image Quality Analyzer},
  author = {Mittal, Anish and Soundararajan, Rajiv and Bovik, Alan C.},
  journal = {IEEE Signal Processing Letters},
  volume = {20}, number = {3}, pages = {209--212}, year = {2013}, doi = {10.1109/LSP.2012.2227726}
}""",
)

FITTED = replace(
    CARD,
    title="NIQE (fitted here)",
    licence="no weights; a file of parameters has its own",
    training_data="pristine pictures, unlabelled",
    exposure=(HERE,),
    published_as="",
)

SOURCES = (
    # The authors' laboratory, at one commit; the digest is that of this commit's file.
    Source(
        "niqe_modelparameters_live.mat",
        "https://raw.githubusercontent.com/utlive/niqe/d80aead297ff48b0254c39806f3a277b3ecbfc8d/"
        "modelparameters.mat",
        "fa2aa4d12dd9595c3fb6bf8b4e1a15c79d5d1469238d0901c88dead195be578d",
    ),
    # The same numbers as numpy arrays, in BasicSR.
    Source(
        "niqe_pris_params.npz",
        "https://raw.githubusercontent.com/XPixelGroup/BasicSR/8d56e3a045f9fb3e1d8872f92ee4a4f07f886b0a/"
        "basicsr/metrics/niqe_pris_params.npz",
        "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
    ),
    # pyiqa's copy; its digest is kept at the first use.
    Source(
        "niqe_modelparameters.mat",
        "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/niqe_modelparameters.mat",
    ),
)
"""Where the published parameters can be had."""

FEATURES = 36
"""Numbers that describe a patch: 18 at full scale, the same 18 at half scale."""

PATCH = 96
"""Side of a patch in the paper."""

NAMES, MATLAB_NAMES = ("mu_pris_param", "cov_pris_param"), ("mu_prisparam", "cov_prisparam")
"""Mean and covariance in an ``.npz`` of the ports, and in the authors' ``.mat``."""


class Niqe:
    """The distance between a picture's and the pristine pictures' multivariate Gaussian of patch features.

    Parameters
    ----------
    mean, covariance
        Of the pristine pictures' patches, ``[36]`` and ``[36, 36]`` float64.
    patch
        Side of a patch in pixels, even.
    card
        What a reader must know about these parameters.
    """

    name = "niqe"
    higher_is_better = False

    def __init__(self, mean: Tensor, covariance: Tensor, patch: int = PATCH, card: Card = FITTED) -> None:
        self.mean = mean
        self.covariance = covariance
        self.patch = patch
        self.card = card

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Lower is better. Patches without texture are left out; a picture of nothing else counts as the limit
        of vanishing texture (see :func:`methods._shared.pristine.nss.moments`) and scores far from nature.

        Raises
        ------
        ValueError
            If the pictures are smaller than a patch.
        """
        mean, covariance = self.mean.to(images.device), self.covariance.to(images.device)
        fits = (nss.moments(patch_features(image, self.patch)[0]) for image in images)
        return torch.stack([nss.distance(mean, covariance, *fit) for fit in fits]).float().cpu()

    def features(self, images: Tensor) -> Tensor:
        """Return the mean of the patches' features, ``[B, 36]`` float32 on the CPU."""
        means = [nss.moments(patch_features(image, self.patch)[0])[0] for image in images]
        return torch.stack(means).float().cpu()


def patch_features(image: Tensor, patch: int) -> tuple[Tensor, Tensor]:
    """Describe the patches of one picture, row by row.

    One picture at a time and not a batch: what passes from filter to filter then stays in the processor's
    cache, and a score cannot depend on the pictures beside it.

    Parameters
    ----------
    image
        ``[3, H, W]``, RGB in [0, 1].
    patch
        Side of a patch in pixels at full scale, even.

    Returns
    -------
    features, sharpness
        ``[N, 36]`` and ``[N]`` float64, for ``N = (H // patch) * (W // patch)``; sharpness is the mean local
        deviation of luma, on the scale 0 to 255.

    Raises
    ------
    ValueError
        If the picture is smaller than a patch.
    """
    height, width = image.shape[-2:]
    if min(height, width) < patch:
        raise ValueError(
            f"niqe: a picture of {width}x{height} pixels is smaller than a patch of {patch}; "
            "set a smaller `patch`, for fitting and for scoring alike, or leave the picture out"
        )
    full = nss.luma(image[None])[:, : height - height % patch, : width - width % patch]
    coefficients, deviation = nss.normalise(full)
    coefficients_half, _ = nss.normalise(nss.halve(full))
    scales = (nss.blocks(coefficients, patch), nss.blocks(coefficients_half, patch // 2))
    features = torch.cat([nss.block_features(blocks) for blocks in scales], dim=-1)
    return features[0], nss.blocks(deviation, patch)[0].mean((-2, -1))


def fit(
    pictures: Iterable[Path], patch: int = PATCH, sharpness: float = 0.75, *, partial: Path | None = None
) -> Niqe:
    """Fit the pristine model to picture files.

    Parameters
    ----------
    pictures
        Files of undistorted pictures.
    patch
        Side of a patch in pixels, even.
    sharpness
        Share of a picture's sharpest patch that a patch must exceed to be learnt from, in [0, 1).
    partial
        Journal from which a fit that was stopped goes on, see :func:`methods._shared.pristine.gaussian.fit`.

    Raises
    ------
    ValueError
        If a picture cannot be read or is smaller than a patch, or if too few patches remain for a covariance.
    """
    if patch < 16 or patch % 2:
        raise ValueError(f"niqe: patch must be an even number of at least 16 pixels, got {patch}")
    if not 0 <= sharpness < 1:
        raise ValueError(f"niqe: sharpness must lie in [0, 1), got {sharpness}")
    found = gaussian.fit(
        sorted(pictures),
        lambda path: sharp_rows(path, patch, sharpness),
        partial=partial,
        about={"method": "niqe", "patch": patch, "sharpness": sharpness, "code": gaussian.code(__name__)},
    )
    if found.rows <= FEATURES:
        raise ValueError(
            f"niqe: {found.pictures} pristine pictures give {found.rows} sharp patches of {patch} pixels, "
            f"and more than {FEATURES} are needed; add pictures or set a smaller `patch`"
        )
    return Niqe(found.mean, found.covariance, patch)


def sharp_rows(path: Path, patch: int, sharpness: float) -> Tensor:
    """Features ``[N, 36]`` of the sharp patches of a picture file, those that lack none."""
    image = pictures_io.read(path)
    try:
        features, sharp = patch_features(image, patch)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    rows = features[sharp > sharpness * sharp.max()]
    return rows[rows.isfinite().all(-1)]


def train(
    data: TrainingData,
    out: Path,
    *,
    patch: int = PATCH,
    sharpness: float = 0.75,
    count: int | None = None,
) -> dict[str, Any]:
    """Fit to pristine pictures, write ``niqe.npz`` below ``out`` and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them, and nothing is drawn. A fit that
    was stopped goes on where it was.
    """
    partial = gaussian.partial_of(out)
    model = fit(gaussian.drawn(data.pictures, count, data.seed), patch, sharpness, partial=partial)
    path = Path(out) / "niqe.npz"
    files.write_arrays(
        path,
        mu_pris_param=model.mean.numpy()[None],
        cov_pris_param=model.covariance.numpy(),
        gaussian_window=torch.outer(nss.window(), nss.window()).numpy(),
        patch=np.array(patch),
    )
    partial.unlink(missing_ok=True)
    return {"parameters": str(path)}


def load(
    weights: str | Path = "official",
    pristine: str | Path | None = None,
    patch: int | None = None,
    parameters: str | Path | None = None,
) -> Niqe:
    """Load pristine parameters, or fit them to a folder.

    Parameters
    ----------
    weights
        ``"official"`` for the published parameters, fetched at first use; or the path of the ``.npz`` of
        :func:`train` or of the well-known ports (``mu_pris_param``, ``cov_pris_param``), or of MATLAB's
        ``modelparameters.mat`` (``mu_prisparam``, ``cov_prisparam``).
    pristine
        Folder of undistorted pictures to fit to, searched with its subfolders, in place of ``weights``.
    patch
        Side of a patch in pixels, even; by default the one that the file names, else 96.
    parameters
        Another name of ``weights``, the literature's.

    Raises
    ------
    ValueError
        If more than one of the three is given, the published parameters cannot be had, or the file or folder
        does not serve.
    """
    path = gaussian.one_of("niqe", weights, parameters, pristine)
    if pristine is not None:
        return fit(gaussian.pictures_of(pristine), patch or PATCH)
    if path is None and patch not in (None, PATCH):
        raise ValueError(
            f"niqe: the published parameters are of patches of {PATCH} pixels; remove the setting "
            f"patch={patch}, or fit to pictures with it (`pristine`)"
        )
    model = _read(path or gaussian.published("niqe", SOURCES), patch)
    if path is None or gaussian.is_published(path, SOURCES):
        model.card = CARD
    return model


def _read(path: Path, patch: int | None) -> Niqe:
    """Read a parameter file; nothing in it is executed."""
    names = MATLAB_NAMES if path.suffix == ".mat" else NAMES
    entries = gaussian.read_arrays(path, "NIQE")
    try:
        mean, covariance = (np.asarray(entries[name], np.float64) for name in names)
    except KeyError as error:
        raise ValueError(f"{path}: holds no {error}, so it is not a file of NIQE parameters") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as NIQE parameters (.npz or .mat): {error}") from error
    if mean.size != FEATURES or covariance.shape != (FEATURES, FEATURES):
        raise ValueError(f"{path}: expected {FEATURES} means and a covariance of {FEATURES}x{FEATURES}")
    if not (np.isfinite(mean).all() and np.allclose(covariance, covariance.T, atol=1e-12)):
        raise ValueError(f"{path}: its means are not finite or its covariance is not symmetric")
    own = int(entries["patch"]) if "patch" in entries else None
    if patch and own and patch != own:
        raise ValueError(f"{path}: was fitted with patches of {own} pixels; remove the setting patch={patch}")
    return Niqe(torch.from_numpy(mean.ravel()), torch.from_numpy(covariance), own or patch or PATCH)
