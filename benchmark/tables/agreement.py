"""Methods down, statistics across: the published figure, ours and a verdict side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.tables.cells import Cell, Column, Table, name_cell, ours, published_cell, verdict
from benchmark.tables.labels import Labels
from benchmark.tables.marks import marks, tested
from benchmark.tables.notes import notes
from benchmark.tables.results import mentioned
from benchmark.terms import statistic

MAIN = ("srcc", "krcc", "plcc", "rmse")


def comparison(
    zero_shot: pd.DataFrame,
    differences: pd.DataFrame | None,
    labels: Labels,
    *,
    statistics: Sequence[str] = MAIN,
    caption: str = "every method against the scores of the data set.",
) -> list[Table]:
    """Return one table a data set: methods down, statistics across; published, ours and verdict of each."""
    chosen = zero_shot[zero_shot["statistic"].isin(statistics)]
    chosen = chosen.assign(mark=marks(chosen, ["dataset"], differences))
    return [
        _compared(f"{labels.dataset(str(dataset))}: {caption}", part, labels, tested(part, differences))
        for dataset, part in chosen.groupby("dataset", sort=False)
    ]


def _compared(caption: str, part: pd.DataFrame, labels: Labels, tested: bool) -> Table:
    columns = [Column("Method", words=True)]
    lines = {method: [name_cell("method", method, labels)] for method in part["method"]}
    for name, group in part.groupby("statistic", sort=False):
        rows = {row["method"]: row for row in group.to_dict("records")}
        known = bool(group["published"].notna().any())
        label = statistic(str(name)).label
        heads = ("Published", "Ours", "Verdict") if known else (label,)
        columns += [Column(head, label if known else "", head == "Verdict") for head in heads]
        for method, line in lines.items():
            line += _three(rows[method]) if known and method in rows else [ours(rows.get(method))]
            line += [Cell("–")] * (len(columns) - len(line))
    under = notes(part, labels, tested=tested)
    if part["published"].isna().all():
        under += ("No paper gives a figure for these images.",)
    return Table(caption, tuple(columns), tuple(map(tuple, lines.values())), under, **mentioned(part))


def _three(row: Mapping[str, Any]) -> list[Cell]:
    return [published_cell(row), ours(row), Cell(verdict(row) or "–", value=verdict(row))]
