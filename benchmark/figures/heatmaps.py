"""One statistic as numbers on colour."""

from __future__ import annotations

import itertools

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from benchmark import terms
from benchmark.figures.canvas import WIDTH, grid, only
from benchmark.figures.drawing import Drawing, Mark, told
from benchmark.tables import Labels
from benchmark.terms import label, number

#: Columns of a heat map, or of several side by side, in which two decimals can be read.
CELLS = 14


def heatmap(
    frame: pd.DataFrame,
    labels: Labels,
    *,
    rows: str,
    columns: str,
    panel: str,
    statistic: str = "srcc",
    caption: str = "",
) -> Drawing:
    """Draw one statistic as numbers on colour: ``rows`` down, ``columns`` across, a map a ``panel``.

    Colour goes over the range of the statistic. As many maps stand side by side as can be read; each line of
    maps has the rows that one of them needs.
    """
    part, (low, high) = only(frame, statistic), terms.statistic(statistic).bounds
    panels, across = list(part[panel].unique()), list(part[columns].unique())
    across = list(part[rows].unique()) if set(across) == set(part[rows]) else across
    beside = min(len(panels), max(1, CELLS // len(across)))
    lines = [panels[first : first + beside] for first in range(0, len(panels), beside)]
    orders = [list(part.loc[part[panel].isin(line), rows].unique()) for line in lines]
    figure, axes = grid(
        len(lines), beside, sum(1.4 + 0.26 * len(order) for order in orders),
        min(WIDTH, 1.6 + 1.1 * beside * len(across)),
        sharey="row", height_ratios=[3 + len(order) for order in orders],
    )  # fmt: skip
    marks = list[Mark]()
    for line, order, maps_of_line in zip(lines, orders, axes, strict=True):
        for key, axis in itertools.zip_longest(line, maps_of_line):
            if key is None:
                axis.set_visible(False)
                continue
            of_key = part[part[panel].eq(key)]
            table = of_key.pivot_table(index=rows, columns=columns, values="value", sort=False)
            table = table.reindex(index=order, columns=across)
            table.index = [labels.of(rows, name) for name in order]
            table.columns = [labels.of(columns, name) for name in across]
            _cells(axis, table, (low, high))
            axis.set(title=labels.of(panel, key), xlabel="", ylabel="")
            for row in of_key.dropna(subset="value").to_dict("records"):
                names = [labels.of(rows, row[rows]), labels.of(columns, row[columns])]
                x, y = across.index(row[columns]) + 0.5, order.index(row[rows]) + 0.5  # middle of the cell
                marks.append(Mark(axis, x, y, told(row, names)))
    best = part.sort_values("value", ascending=False, kind="stable").iloc[0]  # NaN last
    keys = ", ".join(labels.of(c, best[c]) for c in dict.fromkeys((panel, rows, columns)))
    scale = " to ".join(number(end, 0) for end in (low, high))
    caption = f"{caption or label(statistic) + '.'} Colour from {scale}."
    highest = (
        "none has a value" if pd.isna(best["value"]) else f"the highest, {number(best['value'])}, is {keys}"
    )
    alt = f"Heat map of {label(statistic)}; {highest}."
    return Drawing(figure, caption, alt, marks=marks)


def _cells(axis: Axes, table: pd.DataFrame, limits: tuple[float, float]) -> None:
    """Draw a table as numbers on colour, every row and column named."""
    low, high = limits
    sns.heatmap(
        table, vmin=low, vmax=high, cmap="vlag_r" if low < 0 else "crest", cbar=False, annot=True,
        fmt=".2f" if high <= 1 else ".0f", annot_kws={"size": "small"}, linewidths=0.5, ax=axis,
        xticklabels=True, yticklabels=True,
    )  # fmt: skip
    axis.set_xticks(axis.get_xticks(), list(table.columns), rotation=30, ha="right", rotation_mode="anchor")
    axis.tick_params(axis="y", labelrotation=0)
    axis.tick_params(length=0)
    axis.grid(visible=False)
