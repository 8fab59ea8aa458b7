"""Opinion-unaware scores from any features: how far a picture's patches lie from those of pristine pictures.

NIQE's distance over the features of a learnt encoder, as in GRepQ and ARNIQA-OU.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark import files
from benchmark import images as pictures_io
from benchmark.method import Card, HasFeatures
from methods._shared.pristine import gaussian, nss
from methods._shared.weights.noted_files import used


@dataclass(frozen=True)
class Settings:
    """How patches are taken.

    Parameters
    ----------
    patch
        Side of a patch in pixels.
    stride
        Distance between the patches of a picture that is scored; pristine patches do not overlap.
    sharpness
        Share of the sum of local deviations of a pristine picture's sharpest patch that a patch must exceed.
    colourfulness
        The same for colourfulness, among the patches that are sharp enough.
    ridge
        Added to the diagonal of the mean covariance.
    batch
        Patches that the encoder sees at once.
    """

    patch: int = 96
    stride: int = 48
    sharpness: float = 0.75
    colourfulness: float = 0.80
    ridge: float = 1e-3
    batch: int = 64

    def __post_init__(self) -> None:
        if self.patch < 8 or not 1 <= self.stride <= self.patch or self.batch < 1:
            raise ValueError(f"patch must be at least 8, stride in 1 to patch, batch at least 1, got {self}")
        if not (0 <= self.sharpness < 1 and 0 <= self.colourfulness < 1 and self.ridge > 0):
            raise ValueError(f"sharpness and colourfulness must lie in [0, 1) and ridge above 0, got {self}")


class OpinionUnaware:
    """Distance between the Gaussian of a picture's patch features and that of pristine patches.

    ``d = sqrt((m - p)' [(S + P) / 2 + ridge I]^-1 (m - p))`` with ``m, S`` mean and covariance of the
    picture's patches and ``p, P`` those of the pristine patches. Lower is better.

    Parameters
    ----------
    encoder
        Any method with features.
    mean, covariance
        Of the pristine patches, ``[D]`` and ``[D, D]`` float64.
    settings
        How patches are taken.
    """

    higher_is_better = False
    #: Of the method that this is the distance of, where it says one.
    card: Card

    def __init__(
        self, encoder: HasFeatures, mean: Tensor, covariance: Tensor, settings: Settings | None = None
    ) -> None:
        self.name = f"{encoder_name(encoder)}-ou"
        self.encoder = encoder
        self.mean = mean
        self.covariance = covariance
        self.settings = settings or Settings()
        # What does not depend on the picture is factorised once: a picture then costs D^2 a patch, not D^3.
        steady = covariance / 2 + self.settings.ridge * torch.eye(len(mean), dtype=torch.float64)
        self._factor = torch.linalg.cholesky(steady)

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If the pictures are smaller than a patch.
        """
        return torch.stack([self._distance(self.features_of_patches(image)) for image in images]).float()

    def features(self, images: Tensor) -> Tensor:
        """Return the mean of the patches' features, ``[B, D]`` float32 on the CPU."""
        return torch.stack([self.features_of_patches(image).mean(0) for image in images]).float()

    def features_of_patches(self, image: Tensor) -> Tensor:
        """Features ``[N, D]`` float64 of the patches of ``image [3, H, W]``, row by row."""
        patches = cut(image, self.settings.patch, self.settings.stride)
        return encode(self.encoder, patches, self.settings.batch)

    def _distance(self, rows: Tensor) -> Tensor:
        # With the picture's covariance as U U', [A + U U']^-1 is the Woodbury identity over the factor of A.
        mean = rows.mean(0)
        u = (rows - mean).T / (2 * max(len(rows) - 1, 1)) ** 0.5
        solved = torch.linalg.solve_triangular(
            self._factor, torch.cat([(mean - self.mean)[:, None], u], 1), upper=False
        )
        away, u = solved[:, 0], solved[:, 1:]
        inner = torch.eye(u.shape[1], dtype=torch.float64) + u.T @ u
        return (away @ away - u.T @ away @ torch.linalg.solve(inner, u.T @ away)).clamp(min=0).sqrt()


def encoder_name(encoder: HasFeatures) -> str:
    """Name of a method with features."""
    return str(getattr(encoder, "name", "features"))


def cut(image: Tensor, patch: int, stride: int) -> Tensor:
    """Cut ``image [3, H, W]`` into ``[N, 3, patch, patch]``, row by row; a remainder is left out.

    Raises
    ------
    ValueError
        If the picture is smaller than a patch.
    """
    height, width = image.shape[-2:]
    if min(height, width) < patch:
        raise ValueError(
            f"a picture of {width}x{height} pixels is smaller than a patch of {patch}; "
            "set a smaller `patch` or leave the picture out"
        )
    tiles = image.unfold(1, patch, stride).unfold(2, patch, stride)
    return tiles.permute(1, 2, 0, 3, 4).reshape(-1, 3, patch, patch)


def encode(encoder: HasFeatures, patches: Tensor, batch: int) -> Tensor:
    """Features ``[N, D]`` float64 on the CPU of ``patches [N, 3, P, P]``."""
    return torch.cat([encoder.features(part).double().cpu() for part in patches.split(batch)])


def pristine_patches(image: Tensor, settings: Settings) -> Tensor:
    """Sharp and, among them, colourful patches ``[N, 3, P, P]`` of a pristine picture ``[3, H, W]``.

    References
    ----------
    .. [1] S. Srinath, S. Mitra, S. Rao, R. Soundararajan. Learning generalizable perceptual representations
       for data-efficient no-reference image quality assessment. WACV 2024.
    """
    patches = cut(image, settings.patch, settings.patch)
    deviation = nss.normalise(nss.luma(image[None]))[1]
    sharp = nss.blocks(deviation, settings.patch)[0].sum((-2, -1))
    patches = patches[sharp > settings.sharpness * sharp.max()]
    colour = colourfulness(patches)
    # Not below and not above, as for sharpness: a grey picture keeps its sharp patches.
    return patches[colour >= settings.colourfulness * colour.max()] if len(patches) else patches


def colourfulness(patches: Tensor) -> Tensor:
    """Colourfulness ``[N]`` of ``patches [N, 3, P, P]``: spread plus mean of opponent colours' magnitudes."""
    red, green, blue = patches.double().flatten(2).unbind(1)
    opponents = torch.stack([(red - green).abs(), ((red + green) / 2 - blue).abs()])
    return opponents.std(-1).square().sum(0).sqrt() + opponents.mean(-1).square().sum(0).sqrt()


def fit(
    encoder: HasFeatures,
    pictures: Iterable[Path],
    settings: Settings | None = None,
    *,
    partial: Path | None = None,
    about: Mapping[str, Any] | None = None,
) -> OpinionUnaware:
    """Fit the pristine model of an encoder to picture files.

    Parameters
    ----------
    encoder
        Any method with features.
    pictures
        Files of undistorted pictures.
    settings
        How patches are taken.
    partial
        Journal from which a fit that was stopped goes on, see :func:`methods._shared.pristine.gaussian.fit`.
    about
        With a journal, what tells this encoder from others; JSON values.

    Raises
    ------
    ValueError
        If a picture cannot be read or is smaller than a patch, or if fewer than two patches remain.
    """
    settings = settings or Settings()

    def rows_of(path: Path) -> Tensor:
        image = pictures_io.read(path)
        try:
            patches = pristine_patches(image, settings)
            return encode(encoder, patches, settings.batch).float()  # as the encoder gives them
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    own = {"method": encoder_name(encoder), **asdict(settings), "code": gaussian.code(__name__)}
    found = gaussian.fit(sorted(pictures), rows_of, partial=partial, about={**own, **(about or {})})
    if found.rows < 2:
        raise ValueError(
            f"{found.pictures} pristine pictures give {found.rows} sharp and colourful patches: add some"
        )
    return OpinionUnaware(encoder, found.mean, found.covariance, settings)


def of_rows(rows: Tensor, encoder: HasFeatures, settings: Settings | None = None) -> OpinionUnaware:
    """Fit to features ``[N, D]`` of patches that were chosen elsewhere."""
    rows = rows.double()
    return OpinionUnaware(encoder, rows.mean(0), torch.cov(rows.T), settings)


def write(method: OpinionUnaware, path: Path) -> None:
    """Write the pristine model and its settings, not the encoder, as ``.npz``: aside and then renamed."""
    settings: dict[str, Any] = asdict(method.settings)
    files.write_arrays(path, mean=method.mean.numpy(), covariance=method.covariance.numpy(), **settings)


def read(encoder: HasFeatures, path: Path) -> OpinionUnaware:
    """Read what :func:`write` wrote; the encoder must be the one it was fitted to.

    Raises
    ------
    ValueError
        If the file is not such a model.
    """
    try:
        with used(path).open("rb") as file:
            entries = dict(np.load(file, allow_pickle=False))
        mean, covariance = (torch.from_numpy(entries.pop(name)) for name in ("mean", "covariance"))
        return OpinionUnaware(
            encoder, mean, covariance, Settings(**{k: v.item() for k, v in entries.items()})
        )
    except (KeyError, TypeError, OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read as a model of pristine features (.npz): {error}") from error
