"""Tidy tables with keys down and across, each cell value, interval and published figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.tables.agreement import MAIN
from benchmark.tables.cells import Cell, Column, Table, name_cell, ours, published_cell, verdict
from benchmark.tables.labels import Labels
from benchmark.tables.marks import marks, tested
from benchmark.tables.notes import notes
from benchmark.tables.results import mentioned
from benchmark.terms import label

HEADS = {"dataset": "Data set", "train": "Trained on", "test": "Tested on"}


def pivot(
    frame: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    labels: Labels,
    *,
    caption: str,
    among: Sequence[str] | None = None,
    differences: pd.DataFrame | None = None,
) -> Table:
    """Return a tidy table with ``rows`` down and ``columns`` across, each cell value and interval.

    Parameters
    ----------
    frame
        Tidy table.
    rows, columns
        Names of its key columns; one or two ``columns``, the first spans the second.
    labels
        Names as they are printed.
    caption
        What stands over the table.
    among
        Columns within whose equal values entries compete for the mark "best"; None for no marks.
    differences
        Paired tests, for the mark "not significantly worse".
    """
    mark = "" if among is None else marks(frame, among, differences)
    lines: dict[tuple[object, ...], dict[tuple[object, ...], Cell]] = {}
    heads: dict[tuple[object, ...], None] = {}
    for record in frame.assign(mark=mark).to_dict("records"):
        down, across = (tuple(record[name] for name in names) for names in (rows, columns))
        heads.setdefault(across)
        lines.setdefault(down, {})[across] = _stacked(record)
    firsts = list(dict.fromkeys(head[0] for head in heads))
    order = sorted(heads, key=lambda head: firsts.index(head[0]))
    shown = [[labels.of(c, v) for c, v in zip(columns, head, strict=True)] for head in order]
    table_columns = [Column(HEADS.get(name, name.capitalize()), words=True) for name in rows]
    table_columns += [Column(text[-1], text[0] if len(text) > 1 else "") for text in shown]
    body = tuple(
        tuple(name_cell(c, v, labels) for c, v in zip(rows, down, strict=True))
        + tuple(cells.get(head, Cell("–")) for head in order)
        for down, cells in lines.items()
    )
    under = notes(frame, labels, marked=among is not None, tested=tested(frame, differences))
    return Table(caption, tuple(table_columns), body, under, **mentioned(frame))


def _stacked(record: Mapping[str, Any]) -> Cell:
    """Return ours with its interval, what else is said of it, and the published figure with its verdict."""
    cell, known = ours(record), published_cell(record)
    beside = "\n".join(filter(None, (cell.small, record.get("said", ""))))
    if known.value is None:
        return Cell(cell.text, beside, cell.value, cell.mark)
    theirs = ": ".join(filter(None, (known.text, verdict(record))))
    small = "\n".join(filter(None, (beside, "published", theirs, known.small)))
    return Cell(cell.text, small, cell.value, cell.mark)


def overview(
    zero_shot: pd.DataFrame, differences: pd.DataFrame | None, labels: Labels, *, statistic: str = "srcc"
) -> Table:
    """Return one statistic of every method on every data set, the published figure in the small print."""
    part = zero_shot[zero_shot["statistic"].eq(statistic)]
    caption = f"{label(statistic)} of every method (down) on every data set (across)."
    options = {"among": ["dataset"], "differences": differences}
    return pivot(part, ["method"], ["dataset"], labels, caption=caption, **options)


def distortions(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc") -> Table:
    """Return one statistic distortion by distortion, methods across; the best method of each is bold."""
    part = frame[frame["statistic"].eq(statistic)]
    keys, caption = ["dataset", "distortion"], f"{label(statistic)} within each distortion."
    return pivot(part, keys, ["method"], labels, caption=caption, among=keys)


def cross_dataset(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc") -> Table:
    """Return probes trained on one data set and tested on another; bold: the best method of each pair."""
    part = frame[frame["statistic"].eq(statistic)]
    caption = f"{label(statistic)} of a linear probe: methods and training sets down, test sets across."
    return pivot(part, ["method", "train"], ["test"], labels, caption=caption, among=["train", "test"])


def ablation(frame: pd.DataFrame, differences: pd.DataFrame | None, labels: Labels) -> Table:
    """Return every variant on every data set."""
    part = frame[frame["statistic"].isin(MAIN)]
    caption = "Agreement with the scores, one variant a row."
    options = {"among": ["dataset"], "differences": differences}
    return pivot(part, ["variant"], ["dataset", "statistic"], labels, caption=caption, **options)


def gradcam(frame: pd.DataFrame, labels: Labels) -> list[Table]:
    """Return how well each method's maps find the degraded region: over all distortions, and in each.

    Floors (maps that never looked, shuffled weights) are never the best: they are what a method must beat.
    """
    names = frame["method"].astype(str)
    frame = frame.assign(floor=names.isin(["centre_prior", "random_map"]) | names.str.endswith("_shuffled"))
    whole = frame["distortion"].eq("all")
    keys, marked = ["method", "target"], ["target", "distortion"]
    single = frame[~whole].sort_values("distortion", kind="stable")
    parts = [
        (frame[whole], keys, "All distortions together."),
        (single, ["distortion", *keys], "Distortion by distortion."),
    ]
    return [
        pivot(part, rows, ["statistic"], labels, caption=caption, among=marked)
        for part, rows, caption in parts
        if len(part)
    ]


def order(frame: pd.DataFrame, labels: Labels, *, where: str = "type by type") -> list[Table]:
    """Return how well scores follow rising intensity, type by type, one table a statistic."""
    keys = ["group", "distortion"]
    return [
        pivot(part, keys, ["method"], labels, caption=f"{label(str(name))}, {where}.", among=keys)
        for name, part in frame.groupby("statistic", sort=False)
    ]
