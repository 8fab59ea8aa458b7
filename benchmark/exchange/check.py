"""A record held against what can be had here: its scores, the data set, and every figure worked out anew."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from typing import Any, Literal

import pandas as pd

from benchmark.datasets.prepared import Dataset
from benchmark.exchange.making import described, figures, in_setting
from benchmark.exchange.record import DatasetOf, Record
from benchmark.method import version
from benchmark.tables import read_results

Outcome = Literal["holds", "fails", "not checked"]

#: Relative difference of two workings of one figure; processors and versions of SciPy round differently.
CLOSE = 1e-7
#: Columns that a file of scores may have, and lines a row: why a picture has no score may take several.
COLUMNS, LINES = 50, 20
#: What nobody can tell from a record alone.
GIVEN = "that the method gave these scores"
CARD = "card"
COST = "cost"
#: What of a data set must be as the record says, and what it means if it is not.
SAME = {
    "manifest_sha256": "opinions, references or splits are others than here: another release, or altered",
    "higher_is_better": "the direction of the opinions is another than here",
    "short_side": "pictures are scaled otherwise here",
    "rated_by": "who rated the pictures is another than here",
    "images": "so many pictures are not here",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    what
        In words.
    outcome
        ``"holds"``, ``"fails"``, or ``"not checked"`` where what it needs is not here.
    why
        Of a failure, what differs; of what was not checked, what it needs.
    """

    what: str
    outcome: Outcome
    why: str = ""


def check(record: Record, scores: bytes | None, data: Dataset | None, lacking: str = "") -> list[Check]:
    """Check a record.

    Parameters
    ----------
    record
        What somebody says.
    scores
        The file beside it, if there is one.
    data
        The data set as it is prepared here, if it is.
    lacking
        Why there is none, where there would be one.

    Returns
    -------
    list of Check
        That a method with these digests gave these scores (`GIVEN`), that its card is true of it (`CARD`) and
        that a picture costs it what was counted (`COST`) cannot be seen from a record, and are always among
        what was not checked.
    """
    found = [*_of_method(record), *_of_scores(record, scores), *_of_data(record, data, lacking)]
    sound = all(one.outcome == "holds" for one in found if one.what in ("scores", "data set"))
    if sound and scores is not None and data is not None:
        found += _of_figures(record, read_results(BytesIO(scores)), data)
    else:
        found.append(
            Check("figures", "not checked", "needs the scores and the data set as the record has them")
        )
    needs = f"needs {record.method.name} of version {record.method.version[:12]}: --rescore 20 asks it"
    found.append(
        Check(CARD, "not checked", f"what it learnt from and its licence are the sender's word; {needs}")
    )
    if record.cost is not None:
        found.append(Check(COST, "not checked", "counted by the sender; `iqa repro` here counts its own"))
    return [*found, Check(GIVEN, "not checked", needs)]


def _of_method(record: Record) -> Iterator[Check]:
    one = record.method
    told = version(one.code_sha256, one.weights_sha256, one.load)
    if told != one.version:
        yield Check(
            "method", "fails", f"its version is not that of its code, weights and settings: {told[:12]}"
        )
    elif one.higher_is_better != one.card.higher_is_better:
        yield Check("method", "fails", "its direction is not that of its card")
    else:
        yield Check("method", "holds")


def _of_scores(record: Record, scores: bytes | None) -> Iterator[Check]:
    if scores is None:
        yield Check("scores", "not checked", "no file of scores lies beside, or none of a bearable size")
        return
    digest = hashlib.sha256(scores).hexdigest()
    if digest != record.scores.sha256:
        yield Check("scores", "fails", f"SHA-256 {digest[:12]}, the record has {record.scores.sha256[:12]}")
        return
    yield from _of_rows(record, scores)


def _of_rows(record: Record, scores: bytes) -> Iterator[Check]:
    """Look at what the file of scores holds, and before that how much it would become in memory."""
    try:
        if scores.count(b"\n") > LINES * record.scores.rows or len(_head(scores)) > COLUMNS:
            yield Check("scores", "fails", "more lines or columns than the rows of the record could need")
            return
        table = read_results(BytesIO(scores))
        values = table["score"].astype(float)
        names = table["image"].astype(str)
    except (ValueError, KeyError, UnicodeError, csv.Error) as error:
        yield Check("scores", "fails", f"not a table of image and score: {error}")
        return
    if twice := names[names.duplicated()].tolist():
        yield Check("scores", "fails", f"{twice[0]!r} stands twice")
    elif values.map(math.isinf).any():
        yield Check("scores", "fails", "a score is infinite")
    elif (len(table), int(values.isna().sum())) != (record.scores.rows, record.scores.missing):
        yield Check("scores", "fails", "other numbers of rows or of missing scores than the record says")
    else:
        yield Check("scores", "holds")


def _head(scores: bytes) -> list[str]:
    return next(csv.reader(TextIOWrapper(BytesIO(scores), newline="")), [])


def differs(record: Record, data: Dataset) -> list[str]:
    """Say in what a data set is another than the record's, so that figures do not compare; pictures aside."""
    here, told = described(data), record.dataset.model_dump()
    return [f"{key}: {why}" for key, why in SAME.items() if here[key] != told[key]]


def _of_data(record: Record, data: Dataset | None, lacking: str) -> Iterator[Check]:
    if data is None:
        name = record.dataset.name
        why = lacking or f"{name} is not prepared here: `dvc repro prepare@{name}`"
        yield Check("data set", "not checked", why)
        return
    here, told = described(data), record.dataset.model_dump()
    wrong = differs(record, data)
    yield Check("data set", "fails", "; ".join(wrong)) if wrong else Check("data set", "holds")
    if not here["pictures_sha256"] or not told["pictures_sha256"]:
        yield Check("pictures", "not checked", "the digests of the pictures' files are not known")
    elif here["pictures_sha256"] != told["pictures_sha256"]:
        yield Check("pictures", "fails", "files of pictures are others than here, perhaps encoded anew")
    else:
        yield Check("pictures", "holds")


def _of_figures(record: Record, scores: pd.DataFrame, data: Dataset) -> Iterator[Check]:
    """Work every figure out anew."""
    known = set(data.manifest["image"])
    if strange := [name for name in scores["image"].astype(str) if name not in known]:
        yield Check(
            "figures", "fails", f"{len(strange)} scores are of no picture of the data set: {strange[0]!r}"
        )
        return
    try:
        anew = figures(scores, data, record.method, record.protocol)
    except (ArithmeticError, LookupError, ValueError) as error:
        yield Check("figures", "fails", f"cannot be worked out by its protocol: {error}")
        return
    here = DatasetOf.model_validate(described(data))
    told = [  # records of earlier versions say zero-shot of all
        value.model_dump() | {"protocol": in_setting(value.protocol, record.method, here)}
        for value in record.values
    ]
    ours, theirs = ({(row["statistic"], row["protocol"]): row for row in rows} for rows in (anew, told))
    faults = [f"{name} is left out" for name, _ in ours.keys() - theirs.keys()]
    faults += [f"{name} is not what this data set gives" for name, _ in theirs.keys() - ours.keys()]
    for key in ours.keys() & theirs.keys():
        faults += [
            f"{key[0]}: {field} is {_shown(ours[key][field])}, the record has {_shown(theirs[key][field])}"
            for field in ("value", "low", "high", "n", "units")
            if not _alike(ours[key][field], theirs[key][field])
        ]
    if len(theirs) != len(told):
        faults.append("a figure stands twice")
    yield Check("figures", "fails", "; ".join(sorted(faults))) if faults else Check("figures", "holds")


def _alike(ours: Any, theirs: Any) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return math.isclose(ours, theirs, rel_tol=CLOSE, abs_tol=1e-12)


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value:.6g}"
