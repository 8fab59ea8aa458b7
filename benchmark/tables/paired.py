"""Paired differences between methods or variants, with their tests and what these could show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.evidence import UNMARKED
from benchmark.tables.cells import Cell, Column, Table, estimate, name_cell
from benchmark.tables.labels import Labels
from benchmark.tables.marks import ALPHA, contender
from benchmark.tables.notes import notes
from benchmark.tables.results import mentioned
from benchmark.terms import number, p_value


def differences(frame: pd.DataFrame, labels: Labels, *, where: str = "on the same images") -> Table:
    """Return the paired differences between methods or variants: first minus second, interval and p."""
    what = contender(frame)
    keys = ["dataset", f"{what}_a", f"{what}_b", "statistic"]
    rows = []
    for record in frame.to_dict("records"):
        names = tuple(name_cell(column, record[column], labels) for column in keys)
        tests = tuple(
            Cell(p_value(record[p]), value=None if pd.isna(record[p]) else record[p]) for p in ("p", "p_holm")
        )
        clear = "–" if pd.isna(record["p_holm"]) else "yes" if record["p_holm"] < ALPHA else "no"
        shown = () if "resolvable" not in frame else _could_show(record)
        rows.append((*names, estimate(record), *tests, Cell(clear, value=clear), *shown))
    heads = [Column(name, words=True) for name in ("Data set", "First", "Second", "Statistic")]
    heads += [Column("First − second"), Column("p"), Column("p (Holm)"), Column("Clear at 5%", words=True)]
    if "resolvable" in frame:
        heads += [Column("Could show"), Column("As good", words=True)]
    caption = f"Differences between {what}s {where}."
    under = notes(frame, labels, marked=False)
    if "resolvable" in frame:
        under += (COULD_SHOW,)
    if frame["p_holm"].isna().any():
        under += (UNMARKED,)
    return Table(caption, tuple(heads), tuple(rows), under, **mentioned(frame))


#: Key to what stands beside a difference that is not clear.
COULD_SHOW = (
    "Could show: the least true difference that this test shows four times in five. No clear difference "
    "beside a large one says that the data are too few, not that the two are level. As good: yes where two "
    "one-sided tests at 5% put the difference within the margin that the protocol states, no where it is "
    "clear."
)


def _could_show(record: Mapping[str, Any]) -> tuple[Cell, Cell]:
    """Return the least difference that could have been shown, and whether two are as good as each other."""
    least, p = float(record["resolvable"]), float(record["p_equivalent"])
    apart = record["p_holm"] < ALPHA
    equal = "–" if pd.isna(p) else "yes" if p < ALPHA else "no" if apart else "not shown"
    return Cell(number(least), value=None if pd.isna(least) else least), Cell(equal, value=equal)
