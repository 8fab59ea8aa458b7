"""The user's own data set: guess what a table's columns are, and write a record of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import yaml

from benchmark import files, naming
from benchmark.datasets import _tables, catalogue
from benchmark.datasets._files import Pictures
from benchmark.datasets.prepared.manifest import numbers
from benchmark.files.delimited import read_table
from benchmark.images import EXTENSIONS

#: Names that score columns go by, the likeliest first.
SCORES = ("mos", "dmos", "mean_opinion_score", "quality_mos", "mos_quality", "score", "quality", "rating")
STD = ("mos_std", "std", "sd", "stddev", "mosstd")


@dataclass(frozen=True)
class Guess:
    """What each column of a table is taken for; `std` is empty where there is no deviation."""

    image: str
    score: str
    std: str
    low: float
    high: float
    higher_is_better: bool


def guess(scores: Path, image: str = "", score: str = "") -> tuple[pd.DataFrame, Guess]:
    """Read a table of scores and guess its columns.

    Parameters
    ----------
    scores
        Table as `benchmark.files.delimited.read_table` reads it, or a workbook.
    image, score
        Columns that the user names; they are not guessed.

    Raises
    ------
    ValueError
        If the file is no table, a named column is not there, or a column cannot be guessed.
    """
    if not scores.is_file():
        raise ValueError(f"{scores}: does not exist; it should hold a row for each picture")
    is_workbook = scores.suffix.lower() == ".xlsx"
    table = _tables.read_table(scores.parent, {"file": str(scores)})[0] if is_workbook else read_table(scores)
    columns = [str(name) for name in table.columns]
    for named in (image, score):
        if named and named not in columns:
            raise ValueError(f"{scores}: has no column {named!r}, only {', '.join(columns)}")
    image = image or _image_column(table, scores)
    numeric = [name for name in columns if name != image and _numeric(table[name]).notna().any()]
    score = score or _named(numeric, SCORES) or (numeric[0] if len(numeric) == 1 else "")
    if not score:
        raise ValueError(
            f"{scores}: which column is the score ({', '.join(numeric)})? name it with --score-column"
        )
    values = numbers(table[score], str(scores))
    lower = re.search("dmos|distort|difference", score.lower()) is not None
    std = _named([name for name in numeric if name != score], STD)
    return table, Guess(image, score, std, float(values.min()), float(values.max()), not lower)


def add(name: str, images: Path, table: pd.DataFrame, told: Guess, own: Path = catalogue.OWN) -> Path:
    """Write ``<own>/<name>.csv`` and ``<own>/<name>.yaml``, checked by reading the data set once.

    Raises
    ------
    ValueError
        If the name is taken or no plain name, a picture is missing, or a row is at fault.
    """
    from benchmark.datasets import layouts

    check_place(name, own)
    rename = {told.image: "image", told.score: "mos", told.std: "mos_std"}
    kept = [told.image, told.score, *([told.std] if told.std else [])]
    also = [c for c in ("reference", "distortion", "level", "split") if c in table.columns and c not in kept]
    own.mkdir(parents=True, exist_ok=True)
    scores, record = own / f"{name}.csv", own / f"{name}.yaml"
    fields: dict[str, Any] = {
        "title": name,
        "licence": "the user's own",
        "score": {
            "name": told.score,
            "low": told.low,
            "high": told.high,
            "higher_is_better": told.higher_is_better,
            "deviation": bool(told.std),
        },
        "counts": {"images": len(table)},
        "source": str(images.expanduser().resolve()),
        "layout": [
            {
                "reader": "table",
                "file": str(scores),
                "image": "{image}",
                "mos": "mos",
                "mos_std": "mos_std",
                "also": also,
            }
        ],
    }
    entry = catalogue.Entry.model_validate({"name": name, "own": True, **fields})
    with files.whole(scores) as aside:
        table[[*kept, *also]].rename(columns=rename).to_csv(aside, index=False, lineterminator="\n")
        checked = dict(fields["layout"][0], file=str(aside))
        layouts.read(entry.model_copy(update={"layout": (checked,)}), images.expanduser())
    files.write_text(record, yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
    return record


def check_place(name: str, own: Path = catalogue.OWN) -> None:
    """Make sure that `add` could write what it writes of a data set of this name.

    Raises
    ------
    ValueError
        If the name does not serve or is taken, or a file cannot be written.
    """
    from benchmark.datasets._known import MADE

    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r}: a data set's name has small letters, digits and underscores")
    if why := naming.fault(name):
        raise ValueError(f"{name!r} {why}")
    if name in MADE or (catalogue.HERE / f"{name}.yaml").exists():
        raise ValueError(f"{name!r}: the suite has a data set of this name; choose another")
    for kind in ("csv", "yaml"):
        files.check_file(own / f"{name}.{kind}")


def unlisted(images: Path, table: pd.DataFrame, told: Guess) -> list[str]:
    """Pictures of the folder that the table does not name."""
    held = Pictures(images.expanduser())
    named = {held.find(name) for name in table[told.image]}
    return [path for path in held.paths if path not in named]


def _image_column(table: pd.DataFrame, scores: Path) -> str:
    for name in map(str, table.columns):
        endings = table[name].map(lambda text: PurePosixPath(str(text).strip()).suffix.lower())
        if len(endings) and endings.isin(EXTENSIONS).all():
            return name
    raise ValueError(f"{scores}: no column holds names of pictures; name it with --image-column")


def _numeric(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.replace(",", "."), errors="coerce")


def _named(columns: Sequence[str], known: Sequence[str]) -> str:
    lower = {name.lower().strip().replace(" ", "_"): name for name in columns}
    return next((lower[name] for name in known if name in lower), "")
