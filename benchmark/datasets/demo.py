"""Held-out photographs of the installed wheels x 24 degradations x 5 levels: the test set of the default."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmark.datasets._distorted import write_distorted
from benchmark.datasets._photographs import PHOTOGRAPHS, centre_square, read_photograph
from benchmark.datasets.prepared.record import Record

RECORD = Record(
    name="demo",
    title="Demo (degraded photographs, no human ratings)",
    citation="Made by this suite from photographs inside the scikit-image and scikit-learn packages",
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
        "Few photographs: intervals resample photographs (column reference), so they are wide.",
    ),
)


def prepare(target: Path, size: int = 192, levels: Sequence[int] = (1, 2, 3, 4, 5), seed: int = 0) -> None:
    """Write the data set into `target`.

    Parameters
    ----------
    target
        Folder to fill.
    size
        Pictures are scaled to this short side, and the middle square of `size` pixels is cut.
    levels
        Levels of every degradation, among 1 to 5.
    seed
        Seed of the degradations.
    """
    references = {
        photograph.name: centre_square(read_photograph(photograph, size))
        for photograph in PHOTOGRAPHS
        if photograph.split == "test"
    }
    write_distorted(target, RECORD, references, levels, seed)
