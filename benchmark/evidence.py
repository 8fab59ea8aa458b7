"""Whether data decide anything: the one number that every test, mark and sentence asks.

What counts are clusters: references where pictures are made from references, pictures where they are not.
The tests and intervals of this suite lean on the central limit theorem over clusters, and so few of them do
not reach it (docs/protocols.md, "Few clusters"). Below the number a table holds values, and no p, no bold and
no underline; a sentence says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Clusters below which nothing is decided.
ENOUGH = 10


def clusters(frame: pd.DataFrame) -> NDArray[np.intp] | None:
    """Number the reference of each row, its own image where it has none; None where no row has one."""
    if "reference" not in frame:
        return None
    # By lists: of the few rows of one distortion or level, strings of pandas take five times as long.
    known = frame["reference"].notna().tolist()
    names = [
        str(name) if there else "" for name, there in zip(frame["reference"].tolist(), known, strict=True)
    ]
    if not any(name.strip() for name in names):
        return None
    images = frame["image"].tolist()
    own = [name if name.strip() else f"image {image}" for name, image in zip(names, images, strict=True)]
    return np.asarray(np.unique(np.array(own), return_inverse=True)[1].reshape(-1))


def contents(frame: pd.DataFrame) -> int:
    """Number of references behind some rows of a manifest, or of pictures where there are none."""
    groups = clusters(frame)
    return len(frame) if groups is None else int(np.unique(groups).size)


def decides(clusters: float) -> bool:
    """Whether so many references (or pictures) can decide anything; an unknown number, NaN, cannot."""
    return bool(clusters >= ENOUGH)


def decided(row: Mapping[str, Any]) -> bool:
    """Whether a row of a tidy table rests on enough clusters: its ``units``, or ``n`` where it has none."""
    return decides(behind(row))


def behind(row: Mapping[str, Any]) -> float:
    """Return the references or pictures behind a row of a tidy table; NaN where it does not say."""
    units = row.get("units", np.nan)
    return float(row.get("n", np.nan) if pd.isna(units) else units)


def whole(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether each of some rows that compete is of as many pictures as any of them.

    One of fewer, since a method gave no score for the others, was judged on other pictures: perhaps on the
    easy ones. It is better than none of the others, and worse than none.
    """
    counts = [float(row.get("n", np.nan)) for row in rows]
    most = max((n for n in counts if not np.isnan(n)), default=np.nan)
    return [np.isnan(n) or n == most for n in counts]


def too_few(clusters: float) -> str:
    """Say of a number of clusters that they decide nothing, and how many would."""
    known = "an unknown number of" if np.isnan(clusters) else f"{clusters:,.0f}"
    return f"{known} references or pictures decide nothing, {ENOUGH} would be needed"


#: What stands under a table whose numbers are not marked for that reason.
UNMARKED = (
    f"Nothing is bold, underlined or tested where fewer than {ENOUGH} references (or pictures, where there "
    "are no references) stand behind a number: so few decide nothing."
)
#: What stands under a table where that is so of a row.
LACKING = "What was judged on fewer pictures than others, since scores are missing, is not marked."
