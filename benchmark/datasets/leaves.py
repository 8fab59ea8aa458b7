"""Procedural dead leaves, degraded: as many references as wanted, which the default's tests stand on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmark.datasets._distorted import dealt, write_distorted
from benchmark.datasets._seeds import item_seed
from benchmark.datasets.dead_leaves import BIBTEX, dead_leaves
from benchmark.datasets.prepared.record import Record
from benchmark.degradations import LEVELS

RECORD = Record(
    name="leaves",
    title="Dead leaves (degraded procedural pictures, no human ratings)",
    citation="Made by this suite; the model is that of Lee, Mumford and Huang, IJCV 41, 2001",
    licence="CC0",
    score_name="full-reference proxy: mean z-score of VIFp, GMSD, MDSI and HaarPSI",
    low=-math.inf,
    high=math.inf,
    higher_is_better=True,
    rated_by="proxy",
    notes=(
        "No human rated these pictures.",
        "The references share no seed with the training pictures.",
        "Levels that change nothing (the first of gaublur, meanshift, motionblur, colorsat2) "
        "make no picture.",
    ),
    bibtex=BIBTEX,
)


def prepare(
    target: Path,
    size: int = 160,
    count: int = 6,
    levels: Sequence[int] = (1, 3, 5),
    each: int | None = None,
    seed: int = 0,
) -> None:
    """Write the data set into `target`.

    Parameters
    ----------
    target
        Folder to fill.
    size
        Height and width in pixels.
    count
        Number of references.
    levels
        Levels of the degradations, among 1 to 5.
    each
        Degradations that a reference gets, dealt evenly from all types at all levels; nothing: all of them.
    seed
        Seed of leaves and degradations.
    """
    names = [f"leaves_{index:03d}" for index in range(count)]
    references = {name: dead_leaves(size, item_seed(seed, "leaves", name)) for name in names}
    deck = [(kind, level) for level in levels for kind in LEVELS]
    labels = [(name, *card) for name, card in dealt(names, deck, each, seed)]
    write_distorted(target, RECORD, references, labels, seed)
