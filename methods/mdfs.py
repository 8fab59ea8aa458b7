"""MDFS (Ni et al., TMM 2024, arXiv 2405.18790): deep features' distance from those of good pictures.

Five stages of an EfficientNet-B7, the first four brought to the grid of the fourth by a Gaussian pyramid.
Under a Gaussian window their local means make a row for each place, their mean local deviation its weight.
From the authors' code (``eezkni/MDFS``: ``model.py``, ``train.py`` and ``test.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark import files
from benchmark import images as pictures_io
from benchmark.files import sha256_of
from benchmark.method import Card, Exposure, TrainingData
from methods._shared.exposure import HERE, IMAGENET
from methods._shared.frozen import Frozen, frozen
from methods._shared.papers import MDFS
from methods._shared.pristine import gaussian
from methods._shared.weights.tensor_files import read_tensors

#: Slices of torchvision's ``features`` whose outputs are taken, one after the other.
STAGES = (slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 5), slice(5, 6))

_THEIRS = Exposure("pictures", "the authors' pristine pictures (`div500`)", "eezkni/MDFS, train.py", "V")

CARD = Card(
    title="MDFS",
    paper="Ni, Liu, Ding, Yang, Wang, Wang: Opinion-Unaware Blind Image Quality Assessment using Multi-Scale "
    "Deep Feature Statistics. IEEE Transactions on Multimedia 26, 2024",
    licence="MIT (code); of the pristine features nothing else is stated",
    training_data="ImageNet (EfficientNet-B7), and pristine pictures; no quality scores",
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="EfficientNet-B7 of torchvision, fetched at first use; the authors' MDFS_weights.pth, a file, or "
    "fitted to your pristine pictures",
    input="whole image, no resizing",
    bibtex=MDFS,
    exposure=(IMAGENET,),
)


class Statistics:
    """Rows and weights of a picture's places.

    Parameters
    ----------
    network
        Of torchvision, with `features` in stages.
    """

    name = "mdfs"

    def __init__(self, network: Frozen) -> None:
        self.network = network

    @torch.inference_mode()
    def of(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows ``[N, D]`` and local deviations ``[N]``, float64 on the CPU, of ``image [3, H, W]``.

        Raises
        ------
        ValueError
            If the picture has fewer than two places.
        """
        there = self.network.mean
        x = (image[None].to(there.device, there.dtype) - self.network.mean) / self.network.std
        layers: Any = self.network.network
        stages = []
        for one in STAGES:
            x = layers.features[one](x)
            stages.append(x)
        if min(stages[3].shape[2:]) < 3 or stages[3].shape[2] * stages[3].shape[3] < 12:
            raise ValueError(
                f"mdfs: a picture of {image.shape[2]}x{image.shape[1]} pixels is too small: it has fewer "
                "than two places; leave it out"
            )
        return pooled(on_one_grid(stages), [stage.shape[1] for stage in stages])


class MultiScale:
    """Distance of a picture's places from pristine ones, weighted by how much detail they have.

    Of place i with row x, ``d_i = sqrt((x - p)' [(S + P) / 2]^-1 (x - p))`` with S the covariance of the
    picture's rows, and p, P mean and covariance of pristine rows (`test.py` of the authors).

    Parameters
    ----------
    statistics
        What gives rows.
    mean, covariance
        Of pristine rows, float64.
    card
        What a reader must know about these weights.
    """

    name = "mdfs"
    higher_is_better = False

    def __init__(self, statistics: Statistics, mean: Tensor, covariance: Tensor, card: Card) -> None:
        self.statistics = statistics
        self.mean = mean
        self.covariance = covariance
        self.card = card

    def to(self, device: str | torch.device) -> MultiScale:
        """Move the network to a device and return itself."""
        self.statistics.network.to(device)
        return self

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If a picture has fewer than two places.
        """
        return torch.stack([self._of(image) for image in images]).float()

    def _of(self, image: Tensor) -> Tensor:
        rows, deviations = self.statistics.of(image)
        away = rows - self.mean
        both = (torch.cov(rows.T) + self.covariance) / 2
        distances = (away * torch.linalg.solve(both, away.T).T).sum(1).abs().sqrt()
        weights = detail(deviations)
        return (weights * distances).sum() / weights.sum()


def on_one_grid(stages: Sequence[Tensor]) -> Tensor:
    """Bring the first four maps to the grid of the fourth and set the fifth beside: ``[B, D, H, W]``.

    From one grid to the next by a Gaussian of 3 x 3 and deviation 1, borders reflected, every second place,
    and bilinearly where sizes do not halve.
    """
    *first, last = stages
    brought = first[0]
    for below in first[1:]:
        window = bell(3).expand(brought.shape[1], 1, 3, 3).to(brought)
        brought = F.conv2d(F.pad(brought, (1, 1, 1, 1), "reflect"), window, stride=2, groups=brought.shape[1])
        if brought.shape[2:] != below.shape[2:]:
            brought = F.interpolate(brought, below.shape[2:], mode="bilinear", align_corners=True)
        brought = torch.cat([brought, below], dim=1)
    return torch.cat([brought, last], dim=1)


def pooled(maps: Tensor, widths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Pool maps ``[1, D, H, W]`` under a window that grows with them.

    Returns
    -------
    rows, deviations
        ``[N, D]``, the local means, those of each stage (``widths``) of unit length; and ``[N]``, the mean
        over channels of the local deviation; float64 on the CPU.
    """
    maps = maps.double().cpu()
    side = max(3, min(maps.shape[2:]) // 32 * 2 + 1)
    window = bell(side).expand(maps.shape[1], 1, side, side).double()

    def smooth(x: Tensor) -> Tensor:
        return F.conv2d(x, window, stride=side // 2, groups=x.shape[1])[0].flatten(1)

    mean = smooth(maps)
    deviations = (smooth(maps.square()) - mean.square()).clamp(min=0).sqrt().mean(0)
    parts = [part / (part.norm(dim=1, keepdim=True) + 1e-12) for part in mean.T.split(list(widths), dim=1)]
    return torch.cat(parts, dim=1), deviations


def bell(side: int) -> Tensor:
    """Gaussian window ``[side, side]`` of deviation ``side / 3``; sums to 1."""
    line = torch.exp(-((torch.arange(side).double() - side // 2) ** 2) / (2 * (side / 3) ** 2))
    line = line / line.sum()
    return line[:, None] * line


def detail(deviations: Tensor) -> Tensor:
    """Weights ``[N]`` of places in (0, 1): the sigmoid of their standardised deviations."""
    return torch.sigmoid((deviations - deviations.mean()) / (deviations.std() + 1e-12))


def _pristine_rows(statistics: Statistics, path: Path) -> Tensor:
    """Rows of a pristine picture's places that have more detail than its mean."""
    try:
        rows, deviations = statistics.of(pictures_io.read(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return rows[deviations > deviations.mean()].float()


def _fit(statistics: Statistics, pictures: Sequence[Path], **how: Any) -> tuple[Tensor, Tensor]:
    found = gaussian.fit(sorted(pictures), lambda path: _pristine_rows(statistics, path), **how)
    return _whole(found.mean, found.covariance, found.rows)


def _whole(mean: Tensor, covariance: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Refuse fewer rows than features, whose covariance has no inverse."""
    if rows <= len(mean) or not rows:
        raise ValueError(f"mdfs: the pristine pictures give {rows} rows of {len(mean)} features: add some")
    return mean, covariance


def train(
    data: TrainingData,
    out: Path,
    *,
    weights: str | None = "IMAGENET1K_V1",
    model: str = "efficientnet_b7",
    count: int | None = None,
) -> dict[str, Any]:
    """Fit to pristine pictures, write ``pristine.npz`` below ``out`` and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them. The network learns nothing. A fit
    that was stopped goes on where it was.
    """
    partial, chosen = gaussian.partial_of(out), {"weights": weights, "model": model}
    digest = sha256_of(Path(weights)) if weights and Path(weights).is_file() else ""
    about = {**chosen, "sha256": digest, "code": gaussian.code(__name__)}
    drawn = gaussian.drawn(data.pictures, count, data.seed)
    mean, covariance = _fit(_statistics(model, weights), drawn, partial=partial, about=about)
    out.mkdir(parents=True, exist_ok=True)
    files.write_arrays(out / "pristine.npz", mean=mean.numpy(), covariance=covariance.numpy())
    partial.unlink(missing_ok=True)
    return {**chosen, "pristine": str(out / "pristine.npz")}


def fetch(weights: str | None = "IMAGENET1K_V1", model: str = "efficientnet_b7", **others: Any) -> None:
    """Bring the weights of the network whose features are fitted."""
    _statistics(model, weights)


def load(
    pristine: str, weights: str | None = "IMAGENET1K_V1", model: str = "efficientnet_b7", seed: int = 0
) -> MultiScale:
    """Load MDFS.

    Parameters
    ----------
    pristine
        The authors' ``MDFS_weights.pth``, the ``.npz`` of :func:`train`, or a folder of undistorted pictures
        to fit to.
    weights
        Of torchvision by name, fetched at first use; the path of a file; or ``None`` for random ones.
    model
        EfficientNet of torchvision.
    seed
        Of random weights.

    Raises
    ------
    ValueError
        If a file is missing or does not fit, or there are too few pristine pictures.
    """
    statistics, path, seen = _statistics(model, weights, seed), Path(pristine), HERE
    if path.is_dir():
        mean, covariance = _fit(statistics, gaussian.pictures_of(pristine))
    elif path.suffix == ".npz":
        arrays = gaussian.read_arrays(path, "MDFS")
        if not {"mean", "covariance"} <= set(arrays):
            raise ValueError(f"{path} holds no pristine model of MDFS")
        mean, covariance = (torch.from_numpy(arrays[name]) for name in ("mean", "covariance"))
    else:
        rows, seen = read_tensors(path).get("", torch.empty(0)).double(), _THEIRS
        if rows.ndim != 2:
            raise ValueError(f"{path} holds no rows of features [N, D] of MDFS")
        mean, covariance = _whole(rows.mean(0), torch.cov(rows.T), len(rows))
    learnt = () if weights is None else (IMAGENET,)
    return MultiScale(statistics, mean, covariance, replace(CARD, exposure=(*learnt, seen)))


def _statistics(model: str, weights: str | None, seed: int = 0) -> Statistics:
    if not model.startswith("efficientnet"):
        raise ValueError(f"model: {model!r} is no EfficientNet of torchvision, such as 'efficientnet_b7'")
    network = frozen("torchvision", model, weights, seed)
    assert isinstance(network, Frozen)
    return Statistics(network)
