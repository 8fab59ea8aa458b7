"""CONTRIQUE (Madhusudana et al., TIP 2022): a ResNet-50 that tells distortions and their strength apart.

Its features are the pooled activations of the picture and of its half scale, each of unit length. The
authors' code (``pavancm/CONTRIQUE``, ``modules/CONTRIQUE_model.py`` and ``demo_feat.py``) halves with Pillow,
whose default filter was bicubic in the version that it asks for, and takes no mean off the pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from benchmark.files import sha256_of
from benchmark.method import Card, Exposure, TrainingData
from methods._shared.papers import CONTRIQUE
from methods._shared.pristine import encoders, ou
from methods._shared.resnets import AS_THEY_ARE, by_name, part, pooled, trunk
from methods._shared.weights.tensor_files import read_tensors

_SOURCE = "the authors' README, pavancm/CONTRIQUE"

CARD = Card(
    title="CONTRIQUE",
    paper="Madhusudana, Birkbeck, Wang, Adsumilli, Bovik: Image Quality Assessment Using Contrastive "
    "Learning. IEEE Transactions on Image Processing 31, 2022",
    licence="not stated by the authors (code and weights)",
    training_data="KADIS-700k with its distortions, and photographs of AVA, COCO, VOC and CERTH-Blur; no "
    "quality scores",
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="the authors' CONTRIQUE_checkpoint25.tar, a file; the distance is fitted to your pristine "
    "pictures",
    input="features: whole image at full and half scale; score: patches of 96 pixels, every 48",
    bibtex=CONTRIQUE,
    exposure=tuple(
        Exposure("pictures", what, _SOURCE, "V")
        for what in ("kadis700k", "AVA", "COCO", "VOC2012", "CERTH-Blur")
    ),
)


def train(
    data: TrainingData,
    out: Path,
    *,
    weights: str,
    patch: int = 96,
    stride: int = 48,
    count: int | None = None,
) -> dict[str, Any]:
    """Fit the -OU distance to pristine pictures and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them. The network learns nothing.
    """
    settings, about = ou.Settings(patch=patch, stride=stride), {"weights": sha256_of(Path(weights))}
    made = encoders.train(_encoder(weights), data, out, settings, count=count, about=about)
    return {"weights": weights, "pristine": made}


def load(weights: str, pristine: str | None = None) -> encoders.Encoder | encoders.Distance:
    """Load CONTRIQUE.

    Parameters
    ----------
    weights
        Path of the authors' checkpoint.
    pristine
        The ``.npz`` of :func:`train`, or a folder of undistorted pictures to fit to: scores are then the -OU
        distance of `methods._shared.pristine.ou`. Without it there are features and no scores.

    Raises
    ------
    ValueError
        If a file is missing or does not fit.
    """
    return encoders.method(_encoder(weights), pristine)


def _encoder(weights: str) -> encoders.Encoder:
    return encoders.Encoder(_network(Path(weights)), "both", CARD, "contrique", "bicubic")


def _network(path: Path) -> nn.Module:
    """Read ``encoder.<n>``, numbered as torchvision's layers follow each other; the projector is left out."""
    state = part(read_tensors(path), "encoder.")
    return pooled(trunk(by_name(state), f"{path} is no checkpoint of CONTRIQUE"), AS_THEY_ARE, unit=True)
