"""BRISQUE: natural scene statistics of the whole picture, weighed by a regressor that learnt from people."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.svm import SVR
from torch import Tensor

from benchmark import files
from benchmark.method import Card, NoScores
from methods._shared.pristine import nss
from methods._shared.weights.noted_files import used

CARD = Card(
    title="BRISQUE",
    paper="A. Mittal, A. K. Moorthy, A. C. Bovik. No-reference image quality assessment in the spatial "
    "domain. IEEE Transactions on Image Processing 21(12), 2012",
    licence="no weights",
    training_data="rated pictures, through the regressor; the features learn nothing",
    opinion_aware=True,
    low=float("-inf"),
    high=float("inf"),
    higher_is_better=False,
    weights="none for the features; a regressor of your own for scores",
    input="whole image",
    bibtex="""@article{mittal2012noreference,
  title = {No-Reference Image Quality Assessment in the Spatial Domain},
  author = {Mittal, Anish and Moorthy, Anush Krishna and Bovik, Alan Conrad},
  journal = {IEEE Transactions on Image Processing},
  volume = {21}, number = {12}, pages = {4695--4708}, year = {2012}, doi = {10.1109/TIP.2012.2214050}
}""",
)

FEATURES = 36
"""Numbers that describe a picture: 18 at full scale, the same 18 at half scale."""

_PARTS = ("low", "high", "support", "dual", "intercept", "gamma", "higher_is_better")


class Brisque:
    """The 36 features of BRISQUE and, if there is one, a support vector regressor over them.

    Parameters
    ----------
    regressor
        Arrays that :func:`fit_regressor` writes; without it the method has features and no scores.
    """

    name = "brisque"

    def __init__(self, regressor: dict[str, np.ndarray] | None = None) -> None:
        self.regressor = regressor
        self.higher_is_better = bool(regressor["higher_is_better"]) if regressor else False
        self.card = replace(CARD, higher_is_better=self.higher_is_better)

    def features(self, images: Tensor) -> Tensor:
        """Return the features of ``images [B, 3, H, W]`` (RGB in [0, 1]), ``[B, 36]`` float32 on the CPU.

        At each of two scales: shape and variance of the MSCN coefficients; shape, mean, left and right
        variance of their products with each of four neighbours. A number that does not exist (no texture)
        is 0.
        """
        return torch.stack([picture_features(image) for image in images]).float().cpu()

    @property
    def no_scores(self) -> str:
        """What would give it scores; "" where it has a regressor."""
        if self.regressor is not None:
            return ""
        return (
            f"{self.name}: has features and no scores of its own; set `regressor` to a file of "
            "methods.brisque.fit_regressor, or use its features in a probe"
        )

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If the method was loaded without a regressor.
        """
        if self.regressor is None:
            raise NoScores(self.no_scores)
        r = self.regressor
        x = _scaled(self.features(images).double().numpy(), r["low"], r["high"])
        squares = ((x[:, None] - r["support"]) ** 2).sum(-1)
        return torch.from_numpy(np.exp(-r["gamma"] * squares) @ r["dual"] + r["intercept"]).float()


def picture_features(image: Tensor) -> Tensor:
    """Describe ``image [3, H, W]`` (RGB in [0, 1]) by 36 numbers, float64."""
    x = nss.luma(image[None])
    numbers: list[Tensor] = []
    for scale in (x, nss.halve(x)):
        coefficients = nss.normalise(scale)[0][0]
        numbers += nss.fit_ggd(coefficients)
        for products in nss.neighbours(coefficients):
            shape, mean, left, right = nss.fit_aggd(products)
            numbers += [shape, mean, nss.variance_of(shape, left), nss.variance_of(shape, right)]
    return torch.stack(numbers).nan_to_num(0)


def fit_regressor(
    features: ArrayLike,
    opinions: ArrayLike,
    path: str | Path,
    *,
    higher_is_better: bool,
    cost: float = 1024.0,
    gamma: float = 0.05,
) -> None:
    """Fit an epsilon support vector regressor to opinions and write it as ``.npz``.

    Features are scaled to [-1, 1] and opinions to [0, 100] by the training set; ``cost`` and ``gamma``
    default to the values used with those ranges in the authors' release (as recalled).

    Parameters
    ----------
    features
        ``[N, 36]``.
    opinions
        Mean opinion score of each picture, ``[N]``.
    path
        File to write.
    higher_is_better
        Direction of the opinions, and so of the scores.
    cost, gamma
        Of the regressor and its Gaussian kernel.

    Raises
    ------
    ValueError
        If the shapes do not belong together, or all opinions are equal.
    """
    x, y = np.asarray(features, np.float64), np.asarray(opinions, np.float64)
    if x.ndim != 2 or x.shape != (len(y), FEATURES):
        raise ValueError(f"brisque: features {x.shape} and opinions {y.shape} do not belong together")
    if not np.ptp(y) > 0:
        raise ValueError("brisque: a regressor needs opinions that differ")
    low, high = x.min(0), x.max(0)
    svr = SVR(C=cost, gamma=gamma).fit(_scaled(x, low, high), (y - y.min()) / np.ptp(y) * 100)
    files.write_arrays(
        Path(path),
        low=low,
        high=high,
        support=svr.support_vectors_,
        dual=svr.dual_coef_[0],
        intercept=svr.intercept_[0],
        gamma=gamma,
        higher_is_better=higher_is_better,
    )


def load(regressor: str | Path | None = None) -> Brisque:
    """Load the features, with a regressor if scores are wanted.

    Parameters
    ----------
    regressor
        ``.npz`` file of :func:`fit_regressor`.

    Raises
    ------
    ValueError
        If the file is not such a regressor.
    """
    return Brisque(None if regressor is None else _read(Path(regressor)))


def _read(path: Path) -> dict[str, Any]:
    try:
        with used(path).open("rb") as file:
            entries = dict(np.load(file, allow_pickle=False))
        parts = {name: entries[name] for name in _PARTS}
    except KeyError as error:
        raise ValueError(f"{path}: holds no {error}, so it is not a regressor of BRISQUE") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read as a regressor of BRISQUE (.npz): {error}") from error
    if parts["support"].shape != (len(parts["dual"]), FEATURES):
        raise ValueError(
            f"{path}: {parts['support'].shape} support vectors for {len(parts['dual'])} coefficients"
        )
    return parts


def _scaled(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return (x - low) / np.where(high > low, high - low, 1) * 2 - 1
