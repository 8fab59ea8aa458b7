"""AGIQA-3K: 2,982 pictures of six generators, rated by people. Read where the user has it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark.datasets._existing import existing_folder, link_images, read_table
from benchmark.datasets._manifest import write_dataset
from benchmark.datasets._record import Record

RECORD = Record(
    name="agiqa3k",
    title="AGIQA-3K",
    citation="C. Li et al., AGIQA-3K: An Open Database for AI-Generated Image Quality Assessment, "
    "IEEE TCSVT, 2023, doi:10.1109/TCSVT.2023.3319020",
    licence="not verified; see https://github.com/lcysyzxdxc/AGIQA-3k-Database",
    score_name="MOS of perceptual quality (column mos_quality)",
    low=0.0,
    high=5.0,
    higher_is_better=True,
    rated_by="people",
    notes=(
        "Its second score, alignment with the prompt, is not used.",
        "Nine groups of pictures are identical byte by byte.",
    ),
)


def prepare(target: Path, source: str | Path) -> None:
    """Link the pictures and write the manifest into `target`.

    Parameters
    ----------
    target
        Folder to fill.
    source
        Folder with ``data.csv`` and the pictures, beside it or in ``images/``.
    """
    folder = existing_folder(source)
    table = read_table(folder / "data.csv", ("name", "mos_quality", "std_quality"))
    pictures = folder / "images" if (folder / "images").is_dir() else folder
    link_images(target, pictures, table["name"].tolist(), "data.csv")
    manifest = pd.DataFrame(
        {"image": "images/" + table["name"], "mos": table["mos_quality"], "mos_std": table["std_quality"]}
    )
    write_dataset(target, RECORD, manifest)
