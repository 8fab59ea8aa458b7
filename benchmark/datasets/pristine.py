"""Training pictures of the default, without degradation: photographs of the wheels, and dead leaves."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from benchmark.datasets._photographs import PHOTOGRAPHS, read_photograph, tiles
from benchmark.datasets._seeds import item_seed
from benchmark.datasets.dead_leaves import BIBTEX, dead_leaves
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.datasets.prepared.record import Record
from benchmark.images import write_png

RECORD = Record(
    name="pristine",
    title="Pristine (training pictures of the default)",
    citation="Photographs inside the scikit-image and scikit-learn packages, and procedural dead leaves",
    licence="; ".join(
        f"{p.name}: {p.author}, {p.licence} ({p.source})" for p in PHOTOGRAPHS if p.split == "train"
    ),
    score_name="",
    low=-math.inf,
    high=math.inf,
    higher_is_better=True,
    rated_by="none",
    notes=("Of other content than the test sets demo and leaves.",),
    bibtex=BIBTEX,
)


def prepare(target: Path, size: int = 256, leaves: int = 100, seed: int = 0) -> None:
    """Write the data set into `target`.

    Parameters
    ----------
    target
        Folder to fill.
    size
        Height and width of every picture in pixels. Photographs are cut into overlapping squares at a short
        side of ``5/3`` and of once the size.
    leaves
        Number of dead leaves; every tenth is for validation. The photographs are too few to spare one.
    seed
        Seed of the dead leaves.
    """
    (target / "images").mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, str]] = []
    with ThreadPoolExecutor(2) as pool:
        for photograph in (photograph for photograph in PHOTOGRAPHS if photograph.split == "train"):
            scales = [read_photograph(photograph, side) for side in (5 * size // 3, size)]
            for index, tile in enumerate(tile for image in scales for tile in tiles(image, size)):
                file = f"images/{photograph.name}_{index:02d}.png"
                write_png(target / file, tile)
                rows.append((file, photograph.name, photograph.split))
        names = [f"leaves_{index:03d}" for index in range(leaves)]

        def draw(name: str) -> None:
            write_png(target / f"images/{name}.png", dead_leaves(size, item_seed(seed, "pristine", name)))

        list(pool.map(draw, names))
    rows += [
        (f"images/{name}.png", name, "train" if index % 10 else "val") for index, name in enumerate(names)
    ]
    frame = pd.DataFrame(rows, columns=["image", "reference", "split"])
    write_dataset(target, RECORD, frame.assign(distortion="pristine", level=0))
