"""Which rows are the best of their group, and which are not significantly worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.evidence import decided, whole
from benchmark.tables.cells import LEARNT
from benchmark.terms import statistic

ALPHA = 0.05


def marks(frame: pd.DataFrame, among: Sequence[str], differences: pd.DataFrame | None = None) -> pd.Series:
    """Mark the best row of each group and those not significantly worse than it.

    What rests on too few references or pictures, or on fewer pictures than another row
    (`benchmark.evidence`), takes no part; where what rests on too few is ahead, nothing is the best.

    Parameters
    ----------
    frame
        Tidy table.
    among
        Columns within whose equal values rows compete; ``statistic`` is always one of them.
    differences
        Paired tests between methods (``dataset, statistic, method_a, method_b, p_holm``) or variants
        (``variant_a, variant_b``); without them only the best is marked.

    Returns
    -------
    Series
        ``"best"``, ``"level"`` or ``""``, on the index of ``frame``.
    """
    out = pd.Series("", index=frame.index)
    for _, group in frame.groupby([*among, "statistic"], sort=False, dropna=False):
        direction = statistic(group["statistic"].iloc[0]).direction
        entered = [not (_overlaps(row) or row.get("floor", False)) for row in group.to_dict("records")]
        fair = group[entered].dropna(subset="value")
        enough = np.array([decided(row) for row in fair.to_dict("records")], dtype=bool)
        rivals, unsure = fair[enough], fair.loc[~enough, "value"] * direction
        worth = rivals.loc[whole(rivals.to_dict("records")), "value"] * direction
        if direction == 0 or len(worth) < 2 or unsure.max() > worth.max():
            continue
        best = worth.index[worth == worth.max()]
        out[best] = "best"
        if differences is not None:
            equals = _not_worse(differences, group.loc[best[0]])
            names = group[contender(differences)]
            out[[i for i in worth.index if i not in best and names[i] in equals]] = "level"
    return out


def _overlaps(row: Mapping[str, Any]) -> bool:
    """Whether the method has learnt from pictures that it is tested on, or may have."""
    return str(row.get("overlap", "")) in LEARNT


def contender(differences: pd.DataFrame) -> str:
    """Return what a table of differences compares: ``method`` or ``variant``."""
    return "method" if "method_a" in differences else "variant"


def _not_worse(differences: pd.DataFrame, best: pd.Series) -> set[str]:
    """Return who was tested against the best one and is not significantly worse.

    The tests are on the pictures that all have scored, where another may be ahead of it.
    """
    what = contender(differences)
    name = best[what]
    same = differences["dataset"].eq(best["dataset"]) & differences["statistic"].eq(best["statistic"])
    found = set()
    for row in differences[same].to_dict("records"):
        a, b = row[f"{what}_a"], row[f"{what}_b"]
        ahead = row["value"] if a == name else -row["value"]
        if name in (a, b) and (row["p_holm"] >= ALPHA or (row["p_holm"] < ALPHA and ahead < 0)):
            found.add(b if a == name else a)
    return found


def tested(part: pd.DataFrame, differences: pd.DataFrame | None) -> bool:
    """Whether paired tests exist for one of the statistics of a table."""
    return differences is not None and bool(differences["statistic"].isin(part["statistic"]).any())
