"""Records of others held against the same version of a method, where it is here: card and scores."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.datasets.prepared import Dataset
from benchmark.exchange import CARD, GIVEN, Check, Record, carded
from benchmark.method import TRAINED, Trained
from benchmark.scoring import score_files
from benchmark.tables import read_results
from experiments.runs import stage, unchanged
from experiments.runs.trained import as_it_is, load_trained

#: Difference of two scorings as a share of the scores' spread: processors and batches round differently.
CLOSE = 1e-3


def asked(checks: list[Check], record: Record, scores: bytes, data: Dataset, count: int) -> list[Check]:
    """Return checks with those in their places that need the method, where its version is here."""
    anew = {one.what: one for one in rescored(record, scores, data, count)}
    return [anew.get(one.what, one) for one in checks]


def rescored(record: Record, scores: bytes, data: Dataset, count: int) -> list[Check]:
    """Score ``count`` pictures, drawn from the record's own digest, by the same version of the method.

    What is loaded was trained here, and is found by its version; nothing that the record names is.
    """
    folders = [path.parent for path in sorted(stage.MODELS.glob(f"*/{TRAINED}"))]
    same = [folder for folder in folders if _gives(folder, record.method.version)]
    if not same:
        why = f"no method of version {record.method.version[:12]} is in models/"
        return [Check(what, "not checked", why) for what in (CARD, GIVEN)]
    return [_of_card(record, Trained.read(same[0])), _of_scores(record, scores, data, count, same[0].name)]


def _gives(folder: Path, version: str) -> bool:
    """Whether what training left in a folder is of a version, and so is the code that would score with it."""
    return all(one(folder).version == version for one in (Trained.read, as_it_is))


def _of_card(record: Record, here: Trained) -> Check:
    """Compare the card, and what is no part of the version, with that of the method here."""
    ours, theirs = carded(here), record.method.card.model_dump()
    other = [name for name in ours if ours[name] != theirs[name]]
    if here.rated != record.method.rated:
        other.append("rated")
    return (
        Check(CARD, "fails", f"other than that of this version here: {', '.join(other)}")
        if other
        else Check(CARD, "holds")
    )


def _of_scores(record: Record, scores: bytes, data: Dataset, count: int, name: str) -> Check:
    """Compare drawn scores with those given here, and look whether what has none has one here."""
    table = read_results(BytesIO(scores)).set_index("image")["score"].reindex(data.manifest["image"])
    draw = np.random.default_rng(int(record.scores.sha256[:16], 16))
    drawn = [_drawn(part, count, draw) for part in (table.dropna(), table[table.isna()])]
    try:
        unchanged.pictured(data.record.name)
    except ValueError as error:
        return Check(GIVEN, "not checked", str(error))
    names = [*drawn[0].index, *drawn[1].index]
    if gone := [image for image in names if not (data.root / image).is_file()]:
        return Check(GIVEN, "not checked", f"{data.root / gone[0]}: is not there")
    given = score_files(names, load_trained(name), root=data.root, short_side=data.record.short_side)
    found = given["score"].to_numpy(dtype=float)
    told, more = drawn[0].to_numpy(dtype=float), found[len(drawn[0]) :]
    gap = np.abs(found[: len(told)] - told)
    off = ~(gap <= CLOSE * max(float(table.std(ddof=0)), 1e-12))
    if off.any():
        worst = names[int(np.nan_to_num(gap, nan=np.inf).argmax())]
        return Check(GIVEN, "fails", f"{off.sum()} of {len(told)} pictures score otherwise here: {worst}")
    if (had := ~np.isnan(more)).any():
        first = drawn[1].index[int(had.argmax())]
        why = f"{had.sum()} of {len(more)} pictures without a score have one here: {first}"
        return Check(GIVEN, "fails", why)
    return Check(GIVEN, "holds")


def _drawn(part: pd.Series, count: int, draw: np.random.Generator) -> pd.Series:
    return part.sample(min(count, len(part)), random_state=draw).sort_index()
