"""Re-IQA (Saha, Mishra, Bovik, CVPR 2023): two ResNet-50, one for quality and one for content.

Its features are the pooled activations of both, quality before content, of the picture and then of its half
scale. They are not brought to unit length. The authors' code (``avinabsaha/ReIQA``, its two
``demo_*_feats.py``) halves with Pillow's bicubic filter, and takes ImageNet's mean and deviation off the
pictures for the content encoder alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.files import sha256_of
from benchmark.method import Card, Exposure, TrainingData
from methods._shared.arniqa.encoder import MEAN, STD
from methods._shared.papers import REIQA
from methods._shared.pristine import encoders, ou
from methods._shared.resnets import AS_THEY_ARE, part, pooled, trunk
from methods._shared.weights.tensor_files import read_tensors

_SOURCE = "the authors' README, avinabsaha/ReIQA"
_QUALITY = tuple(
    Exposure("pictures", what, _SOURCE, "V") for what in ("kadis700k", "AVA", "COCO", "VOC2012", "CERTH-Blur")
)
_CONTENT = (Exposure("corpus", "ImageNet-1k, without labels (MoCo v2)", _SOURCE, "V"),)

CARD = Card(
    title="Re-IQA",
    paper="Saha, Mishra, Bovik: Re-IQA: Unsupervised Learning for Image Quality Assessment in the Wild. "
    "CVPR 2023",
    licence="MIT (code); of the weights nothing is stated",
    training_data="pristine pictures of KADIS-700k and photographs of AVA, COCO, VOC and CERTH-Blur, "
    "synthetically degraded, and ImageNet (content encoder); no quality scores",
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="the authors' quality_aware_r50.pth and content_aware_r50.pth, files; the distance is fitted to "
    "your pristine pictures",
    input="features: whole image at full and half scale; score: patches of 96 pixels, every 48",
    bibtex=REIQA,
    exposure=(*_QUALITY, *_CONTENT),
)


class SideBySide(nn.Module):
    """Networks whose features stand side by side."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``[B, D]`` of ``images [B, 3, H, W]``."""
        return torch.cat([network(images) for network in self.networks], dim=1)


def train(
    data: TrainingData,
    out: Path,
    *,
    quality: str | None = None,
    content: str | None = None,
    patch: int = 96,
    stride: int = 48,
    count: int | None = None,
) -> dict[str, Any]:
    """Fit the -OU distance to pristine pictures and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them. The networks learn nothing.
    """
    given = {name: path for name, path in (("quality", quality), ("content", content)) if path is not None}
    settings = ou.Settings(patch=patch, stride=stride)
    about = {name: sha256_of(Path(path)) for name, path in given.items()}
    encoder = _encoder(quality, content)
    made = encoders.train(encoder, data, out, settings, count=count, about=about)
    return {**given, "pristine": made}


def load(
    quality: str | None = None, content: str | None = None, pristine: str | None = None
) -> encoders.Encoder | encoders.Distance:
    """Load Re-IQA: both encoders, which the paper's regressor sees, or one of them.

    Parameters
    ----------
    quality, content
        Paths of the authors' checkpoints.
    pristine
        The ``.npz`` of :func:`train`, or a folder of undistorted pictures to fit to: scores are then the -OU
        distance of `methods._shared.pristine.ou`. Without it there are features and no scores.

    Raises
    ------
    ValueError
        If neither encoder is given, or a file is missing or does not fit.
    """
    return encoders.method(_encoder(quality, content), pristine)


def _encoder(quality: str | None, content: str | None) -> encoders.Encoder:
    networks = [
        _network(Path(path), pictures)
        for path, pictures in ((quality, AS_THEY_ARE), (content, (MEAN, STD)))
        if path is not None
    ]
    if not networks:
        raise ValueError("reiqa: give `quality`, `content` or both, the authors' checkpoints")
    titles = {(False, True): "Re-IQA (content)", (True, False): "Re-IQA (quality)", (True, True): "Re-IQA"}
    seen = (*_QUALITY * (quality is not None), *_CONTENT * (content is not None))
    card = replace(CARD, title=titles[quality is not None, content is not None], exposure=seen)
    return encoders.Encoder(SideBySide(networks), "both", card, "reiqa", "bicubic")


def _network(path: Path, pictures: tuple[tuple[float, ...], tuple[float, ...]]) -> nn.Module:
    """Read ``module.encoder.*`` with torchvision's names; the head and the momentum encoder are left out."""
    state = {key.removeprefix("module."): value for key, value in read_tensors(path).items()}
    return pooled(trunk(part(state, "encoder."), f"{path} is no checkpoint of Re-IQA"), pictures, unit=False)
