"""ARNIQA-OU: how far ARNIQA's features of a picture's patches lie from those of pristine pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.files import sha256_of
from benchmark.method import Card, TrainingData
from methods._shared.arniqa.features import encoder_file, load_features
from methods._shared.exposure import HERE, IMAGENET, KADIS
from methods._shared.papers import ARNIQA, QUALICLIP
from methods._shared.pristine import encoders, ou

CARD = Card(
    title="ARNIQA-OU",
    paper="Agnolucci, Galteri, Bertini: Quality-Aware Image-Text Alignment for Opinion-Unaware Image Quality "
    "Assessment. arXiv 2403.11176 (its baseline, over the encoder of ARNIQA, WACV 2024)",
    licence="Apache-2.0 (code and weights)",
    training_data="pristine pictures, synthetically degraded; no quality scores",
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="published encoder, fetched at first use, or one trained here; fitted to your pristine pictures",
    input="patches of 96 pixels, every 48, each at full and half scale",
    bibtex=f"{QUALICLIP}\n\n{ARNIQA}",
)


def train(
    data: TrainingData,
    out: Path,
    *,
    encoder: str = "official",
    patch: int = 96,
    stride: int = 48,
    count: int | None = None,
) -> dict[str, Any]:
    """Fit to pristine pictures, write ``pristine.npz`` below ``out`` and return what :func:`load` needs.

    ``count`` of the pictures, drawn from the seed; without it all of them, and nothing is drawn. A fit that
    was stopped goes on where it was.
    """
    settings, about = ou.Settings(patch=patch, stride=stride), {"encoder": sha256_of(encoder_file(encoder))}
    features = load_features(encoder)
    made = encoders.train(features, data, out, settings, count=count, about=about)
    return {"encoder": encoder, "pristine": made}


def fetch(encoder: str = "official", **others: Any) -> None:
    """Bring the encoder whose features are fitted."""
    load_features(encoder)


def load(pristine: str | Path, encoder: str | Path = "official") -> ou.OpinionUnaware:
    """Load ARNIQA-OU.

    Parameters
    ----------
    pristine
        The ``.npz`` of :func:`train`, or a folder of undistorted pictures to fit to.
    encoder
        ``"official"`` for the published encoder of ARNIQA, fetched at first use; or the path of such a file,
        or of one trained here. It must be the one that was fitted.

    Raises
    ------
    ValueError
        If a file is missing, or the two do not belong together.
    """
    made = encoders.fitted(load_features(encoder), pristine)
    seen = (IMAGENET, KADIS, HERE) if encoder == "official" else None
    made.card = replace(CARD, exposure=seen)
    return made
