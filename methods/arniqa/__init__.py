"""ARNIQA (Agnolucci et al., WACV 2024, arXiv 2310.14918): a manifold of distortions, and a line through it.

``training`` states what is learnt without people, ``regressor`` how people's opinions weigh it; the encoder
is in ``methods._shared.arniqa``, because its opinion-unaware form ``arniqa_ou`` shares it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from benchmark import images, scoring
from benchmark.datasets.prepared import Dataset
from benchmark.files import sha256_of
from benchmark.method import Card, NoScores, TrainingData
from benchmark.protocols import Features
from benchmark.scoring import features_manifest
from benchmark.scoring.journal import Journal, of_features
from methods._shared import arniqa as shared
from methods._shared.arniqa.encoder import Encoder, build, save_encoder, start
from methods._shared.arniqa.features import RELEASE, TwoScales, load_features
from methods._shared.arniqa.scales import five_crops, half
from methods._shared.exposure import IMAGENET, KADIS, opinions
from methods._shared.papers import ARNIQA
from methods._shared.training.loop import check_pictures, code_of, finished, identity, partial_of
from methods._shared.weights.weight_cache import weights_file
from methods.arniqa.module import ArniqaModule
from methods.arniqa.regressor import Opinions, Regressor, fit_regressor, load_regressor, opinions_of
from methods.arniqa.training import Training, snapshots, train_encoder

CARD = Card(
    title="ARNIQA",
    paper="Agnolucci, Galteri, Bertini, Del Bimbo: ARNIQA: Learning Distortion Manifold for Image Quality "
    "Assessment. WACV 2024, arXiv 2310.14918",
    licence="Apache-2.0 (code and weights)",
    training_data="pristine pictures of KADIS-700k, synthetically degraded; opinions of one data set, "
    "through the regressor",
    opinion_aware=True,
    low=float("-inf"),
    high=float("inf"),
    weights="published encoder and eight regressors, fetched at first use; or trained here",
    input="whole image and its half scale; 0 to 1 is the range of the regressor's opinions, and scores may "
    "leave it",
    bibtex=ARNIQA,
)

Protocol = Literal["hub", "five-crops"]


class Arniqa:
    """Features of a picture at full and half scale, and a linear regressor over them.

    Parameters
    ----------
    scales
        Pictures to features.
    regressor
        Features to scores; without one the method has features and no scores.
    protocol
        ``"hub"``: the whole picture. ``"five-crops"``: centre and corners of 224 pixels, scores averaged.
    card
        What a reader must know about these weights.
    """

    name = "arniqa"
    higher_is_better = True

    def __init__(
        self, scales: TwoScales, regressor: Regressor | None, protocol: Protocol = "hub", card: Card = CARD
    ) -> None:
        self.scales = scales
        self.regressor = regressor
        self.protocol = protocol
        self.card = card

    def to(self, device: str | torch.device) -> Arniqa:
        """Move the encoder to a device and return itself."""
        self.scales.to(device)
        return self

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU.

        Raises
        ------
        ValueError
            If there is no regressor, or a side is a single pixel.
        """
        regressor = self.line()
        if self.protocol == "hub":
            return regressor(self.scales.features(images))
        return regressor(self._crops(images, half(images))).mean(1)

    @property
    def no_scores(self) -> str:
        """What would give it scores; "" where it has a regressor."""
        if self.regressor is not None:
            return ""
        return (
            f"{self.name}: this encoder has features and no scores of its own; set `regressor` to a file of "
            "methods.arniqa.regressor.fit_regressor, use its features in a probe, or take arniqa_ou"
        )

    def line(self) -> Regressor:
        """Return the regressor; raises NoScores if there is none."""
        if self.regressor is None:
            raise NoScores(self.no_scores)
        return self.regressor

    def as_module(self) -> ArniqaModule:
        """Return the networks as a module whose gradients reach the picture; the encoder is shared."""
        return ArniqaModule(self)

    def features(self, images: Tensor) -> Tensor:
        """Return features of ``images [B, 3, H, W]``, full scale beside half scale, float32 on the CPU.

        ``[B, 2 D]`` of the whole pictures, or ``[B, 5, 2 D]`` of their crops. As the official code does,
        probes see crops of a half scale made by a bicubic filter, where scores take a bilinear one.
        """
        if self.protocol == "hub":
            return self.scales.features(images)
        return self._crops(images, half(images, "bicubic"))

    def _crops(self, full: Tensor, halved: Tensor) -> Tensor:
        count = len(full)
        rows = self.scales.describe(five_crops(full).flatten(0, 1), five_crops(halved).flatten(0, 1))
        return rows.unflatten(0, (count, 5))


#: Where `train.rated` names a data set, its opinions are learnt.
LEARNS_FROM_SCORES = True


def train(data: TrainingData, out: Path, *, settings: Training) -> dict[str, Any]:
    """Train the encoder and, where there is a rated data set, fit a regressor to five crops of its pictures.

    Writes ``encoder.safetensors``, ``curve.csv`` and ``regressor.safetensors`` below ``out``, and the encoder
    as it was at the end of each cycle of the learning rate, ``encoder_epoch_<n>.safetensors``. One that was
    stopped goes on where it was, in the training as in the features that the regressor is fitted to.

    Returns
    -------
    dict
        Keyword arguments of :func:`load`.

    Raises
    ------
    ValueError
        If the training fails, or a rated picture cannot be read.
    """
    if data.rated is not None:
        _check_rated(data.rated)
    encoder, curve = train_encoder(data.pictures, out, seed=data.seed, settings=settings)
    out.mkdir(parents=True, exist_ok=True)
    save_encoder(encoder, out / "encoder.safetensors")
    for epochs, path in snapshots(out, settings).items():
        path.replace(out / f"encoder_epoch_{epochs}.safetensors")
    curve.to_csv(out / "curve.csv", index=False, float_format="%.6g", lineterminator="\n")
    learnt = {"encoder": str(out / "encoder.safetensors")}
    if data.rated is not None:
        learnt |= _regressor(encoder, data.rated, out, data.seed)
    finished(out)
    return learnt


def _regressor(encoder: Encoder, rated: Dataset, out: Path, seed: int) -> dict[str, str]:
    """Fit and write the regressor below ``out``; returns what `load` takes for it.

    Features go into a journal beside ``out`` as they come, so that a fit that was killed goes on from there.
    """
    method, path = Arniqa(TwoScales(encoder), None, "five-crops"), out / "regressor.safetensors"
    partial = partial_of(out.with_name(f"{out.name}.regressor"))
    with Journal(partial, _about(rated, out / "encoder.safetensors")) as book:
        names, rows, errors = features_manifest(rated, method, **of_features(book))
    if errors:
        raise ValueError(
            f"arniqa: {len(errors)} rated pictures cannot be used; {next(iter(errors.values()))}"
        )
    record = rated.record
    scale = Opinions(record.low, record.high, record.higher_is_better)
    fit_regressor(Features.of(names, rows), rated.manifest, path, scale=scale, seed=seed)
    partial.unlink()
    return {"regressor": str(path), "protocol": "five-crops"}


def _about(rated: Dataset, encoder: Path) -> dict[str, Any]:
    """Return all that the features of rated pictures rest on: pictures, weights, code, and how it is run."""
    settings = {
        "short_side": rated.record.short_side,
        "encoder": sha256_of(encoder),
        "code": code_of(images.__name__, scoring.__name__, shared.__name__, __name__),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return identity([rated.root / image for image in rated.manifest["image"]], 0, settings)


def _check_rated(rated: Dataset) -> None:
    """Check a rated data set before the encoder is trained for hours."""
    record = rated.record
    if not (math.isfinite(record.low) and math.isfinite(record.high)):
        raise ValueError(f"arniqa: the record of {record.name!r} states no range of its scores")
    check_pictures([rated.root / image for image in rated.manifest["image"]])


def fetch(settings: Training) -> None:
    """Bring the weights that training starts from."""
    if settings.pretrained is not None:
        start(build(settings.backbone, 0), settings.backbone, settings.pretrained)


def load(
    encoder: str | Path = "official",
    regressor: str | Path | None = None,
    regressor_dataset: str = "kadid10k",
    protocol: Protocol = "hub",
) -> Arniqa:
    """Load ARNIQA.

    Parameters
    ----------
    encoder
        ``"official"`` for the published encoder, fetched at first use; or the path of such a file, or of what
        :func:`train` wrote.
    regressor
        Path of a published ``regressor_<dataset>.pth`` or of a file of
        ``methods.arniqa.regressor.fit_regressor``. Without it the published encoder takes the published
        regressor, fetched at first use, and any other encoder has features and no scores.
    regressor_dataset
        Data set of the regressor: live, csiq, tid2013, kadid10k, flive, spaq, clive or koniq10k.
    protocol
        ``"hub"``: the whole picture, as the official hub code. ``"five-crops"``: the paper's.

    Raises
    ------
    ValueError
        If a file is missing or does not fit, or the data set is unknown.
    """
    scales = load_features(encoder)
    path = Path(regressor) if regressor else None
    if path is None and encoder == "official":
        opinions_of(regressor_dataset)
        name = f"regressor_{regressor_dataset}.pth"
        path = weights_file(f"arniqa_{name}", [f"{RELEASE}/{name}"])
    seen = (IMAGENET, KADIS) if encoder == "official" else None
    card = replace(CARD, published_as=_published_as(scales, protocol), exposure=seen)
    if path is None:
        unaware = "pristine pictures, synthetically degraded; no quality scores"
        card = replace(card, title="ARNIQA (encoder alone)", training_data=unaware, opinion_aware=False)
        return Arniqa(scales, None, protocol, card)
    published = replace(card, opinions_of="" if regressor else regressor_dataset)
    if not regressor and seen:
        told = opinions(regressor_dataset, "the name of the published regressor")
        published = replace(published, exposure=(*seen, *told))
    line = load_regressor(path, 2 * scales.encoder.width, regressor_dataset)
    return Arniqa(scales, line, protocol, published)


def _published_as(scales: TwoScales, protocol: Protocol) -> str:
    """Name of the published figures: those of ARNIQA are of a ResNet-50 and of five crops."""
    return "arniqa" if protocol == "five-crops" and scales.encoder.width == 2048 else ""
