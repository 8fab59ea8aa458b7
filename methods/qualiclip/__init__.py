"""QualiCLIP (Agnolucci, Galteri, Bertini, arXiv 2403.11176): CLIP taught to rank rising degradation.

``losses`` states what is learnt, ``crops`` what it sees, ``training`` how.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.method import Card
from methods._clip.method import AntonymMethod
from methods._clip.weights import load_scorer
from methods.qualiclip.training import train

__all__ = ["CARD", "load", "train"]

CARD = Card(
    title="QualiCLIP",
    paper="Agnolucci, Galteri, Bertini: Quality-Aware Image-Text Alignment for Opinion-Unaware Image Quality "
    "Assessment. arXiv 2403.11176",
    licence="as the backbone's; trained here",
    training_data="pristine pictures, synthetically degraded; no quality scores",
    opinion_aware=False,
    low=0.0,
    high=1.0,
    input="whole image, no resizing",
)


def load(weights: str) -> AntonymMethod:
    """Load a trained QualiCLIP.

    Parameters
    ----------
    weights
        Path of the safetensors file that :func:`train` wrote.
    """
    return AntonymMethod("qualiclip", load_scorer(Path(weights)), CARD)
