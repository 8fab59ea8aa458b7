"""Held-out photographs of the installed wheels, degraded: the photographs that the default is tested on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmark.datasets._distorted import dealt, write_distorted
from benchmark.datasets._photographs import PHOTOGRAPHS, centre_square, read_photograph
from benchmark.datasets.prepared.record import Record
from benchmark.degradations import LEVELS

RECORD = Record(
    name="demo",
    title="Photographs (degraded, no human ratings)",
    citation="Made by this suite from photographs inside the scikit-image and Matplotlib packages",
    licence="; ".join(
        f"{p.name}: {p.author}, {p.licence} ({p.source})" for p in PHOTOGRAPHS if p.split == "test"
    ),
    score_name="full-reference proxy: mean z-score of VIFp, GMSD, MDSI and HaarPSI",
    low=-math.inf,
    high=math.inf,
    higher_is_better=True,
    rated_by="proxy",
    notes=(
        "No human rated these pictures.",
        "Ten photographs: intervals resample photographs (column reference), so they are wide.",
        "Five photographs are grey; what changes nothing but colours makes no picture of them. Levels that "
        "change nothing (the first of gaublur, meanshift, motionblur, colorsat2) make none either.",
    ),
)


def prepare(
    target: Path,
    size: int = 192,
    levels: Sequence[int] = (1, 2, 3, 4, 5),
    types: int | None = None,
    seed: int = 0,
) -> None:
    """Write the data set into `target`.

    Parameters
    ----------
    target
        Folder to fill.
    size
        Pictures are scaled to this short side, and the middle square of `size` pixels is cut.
    levels
        Levels of the degradations, among 1 to 5.
    types
        Types of degradation that a photograph gets, at every level; dealt evenly. Nothing: all 24.
    seed
        Seed of the degradations, and of what is dealt.
    """
    references = {
        photograph.name: centre_square(read_photograph(photograph, size))
        for photograph in PHOTOGRAPHS
        if photograph.split == "test"
    }
    hands = dealt(list(references), list(LEVELS), types, seed)
    labels = [(name, kind, level) for name, kind in hands for level in levels]
    write_distorted(target, RECORD, references, labels, seed)
