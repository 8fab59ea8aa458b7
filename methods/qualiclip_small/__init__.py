"""QualiCLIP made small, its weights in this folder: scores without any download.

Not the paper's model: see ``CARD.md`` beside this file for how it was trained, and how far to trust it.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.method import Card, Exposure
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import load_scorer
from methods._shared.papers import QUALICLIP

__all__ = ["CARD", "load"]

CARD = Card(
    title="QualiCLIP-small",
    paper="Agnolucci, Galteri, Bertini: Quality-Aware Image-Text Alignment for Opinion-Unaware Image Quality "
    "Assessment. arXiv 2403.11176",
    licence="Apache-2.0",
    training_data="squares of 77 photographs and dead leaves, synthetically degraded; no quality scores",
    opinion_aware=False,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
    bibtex=QUALICLIP,
    weights="in this repository: methods/qualiclip_small",
    exposure=(
        Exposure("pictures", "pristine", "methods/qualiclip_small/CARD.md", "V"),
        Exposure("pictures", "74 wallpapers, photographs", "experiments/small_weights/photographs.csv", "V"),
    ),
)

WEIGHTS = Path(__file__).with_name("weights.safetensors")


def load() -> AntonymMethod:
    """Load QualiCLIP-small; its weights are kept in half precision and computed with in single."""
    return AntonymMethod("qualiclip_small", load_scorer(WEIGHTS), CARD)
