"""QualiCLIP made small, its weights in this folder: scores without any download.

Not the paper's model: see ``CARD.md`` beside this file for how it was trained, and how far to trust it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.method import Exposure
from methods._shared.clip.method import AntonymMethod
from methods._shared.clip.weights import load_scorer
from methods.qualiclip import CARD as QUALICLIP

__all__ = ["CARD", "load"]

CARD = replace(
    QUALICLIP,
    title="QualiCLIP-small",
    licence="Apache-2.0",
    training_data="dead leaves and three photographs, synthetically degraded; no quality scores",
    weights="in this repository: methods/qualiclip_small",
    exposure=(Exposure("pictures", "pristine", "methods/qualiclip_small/CARD.md", "V"),),
)

WEIGHTS = Path(__file__).with_name("weights.safetensors")


def load() -> AntonymMethod:
    """Load QualiCLIP-small; its weights are kept in half precision and computed with in single."""
    return AntonymMethod("qualiclip_small", load_scorer(WEIGHTS), CARD)
