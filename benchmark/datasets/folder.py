"""Your own pictures: any folder, with or without a table of scores, under any name."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path, PurePosixPath

import pandas as pd

from benchmark.datasets._existing import existing_folder, link_images, read_table
from benchmark.datasets.prepared.manifest import COLUMNS, write_dataset
from benchmark.datasets.prepared.record import Record
from benchmark.files.delimited import spelt
from benchmark.images import among, walk

RECORD = Record(
    name="folder",
    title="Pictures of one's own",
    citation="",
    licence="the user's own",
    score_name="",
    low=-math.inf,
    high=math.inf,
    higher_is_better=True,
    rated_by="none",
)


def prepare(
    target: Path,
    source: str | Path,
    scores: str | Path | None = None,
    image_column: str = "image",
    score_column: str = "mos",
    low: float = -math.inf,
    high: float = math.inf,
    higher_is_better: bool = True,
) -> None:
    """Link a folder of pictures and write a manifest; the folder's name in `target` names the data set.

    Parameters
    ----------
    target
        Folder to fill.
    source
        Folder of the pictures, with folders below it if there are any.
    scores
        Table with a row for each picture; without one every picture is taken (`benchmark.images.among`) and
        none has a score.
        Its columns ``mos_std``, ``reference``, ``distortion``, ``level``, ``split`` and ``ratings`` are taken
        too.
    image_column, score_column
        Columns of `scores` with the path below `source`, and with the score.
    low, high, higher_is_better
        Range and direction of the score.

    Raises
    ------
    ValueError
        If the table is at fault, or what is said of it is told without one.
    """
    folder = existing_folder(source)
    if scores is None:
        told = {"image_column": image_column != "image", "score_column": score_column != "mos"}
        told |= {"low": low > -math.inf, "high": high < math.inf, "higher_is_better": not higher_is_better}
        if idle := [setting for setting, given in told.items() if given]:
            raise ValueError(
                f"{target.name}: {idle[0]!r} is of a table of scores, and no 'scores' is told; name it, or "
                "leave this out"
            )
        names = sorted(among(walk(folder), folder), key=PurePosixPath)
        manifest = pd.DataFrame({"image": names})
        record = dataclasses.replace(RECORD, name=target.name, title=target.name, linked=".")
    else:
        named = (image_column, score_column)
        known = [name for name in (*COLUMNS, "ratings") if name not in ("image", "mos")]
        table = spelt(read_table(Path(scores), named), known, str(scores), named)
        names = table[image_column].tolist()
        others = [name for name in known if name in table.columns and name not in named]
        manifest = table[others].assign(image=names, mos=table[score_column])
        record = dataclasses.replace(
            RECORD,
            name=target.name,
            title=target.name,
            score_name=score_column,
            low=low,
            high=high,
            higher_is_better=higher_is_better,
            rated_by="people",
            linked=".",
        )
    names = link_images(target, folder, names, str(scores))
    write_dataset(target, record, manifest.assign(image=[f"images/{name}" for name in names]))
