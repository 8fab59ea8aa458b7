"""Values with their intervals: of every method, and of the differences between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.canvas import COLOURS, FAINT, INK, only, panels, style
from benchmark.figures.drawing import Drawing, Mark, told
from benchmark.tables import ALPHA, Labels
from benchmark.terms import label, number

#: Pairs whose intervals can be read one below the other: those of eight methods.
MOST_PAIRS = 28


def forest(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc", rows: str = "method") -> Drawing:
    """Draw one statistic with its 95% intervals, a panel a data set; hollow diamonds: published figures."""
    part, name = only(frame, statistic), label(statistic)
    datasets, entries = list(part["dataset"].unique()), list(part[rows].unique())
    figure, axes = panels(len(datasets), 0.9 + 0.3 * len(entries), sharex=True, sharey=True)
    for axis, dataset in zip(axes, datasets, strict=True):
        for place, entry in enumerate(entries):
            row = part[part["dataset"].eq(dataset) & part[rows].eq(entry)]
            colour, marker = style(entry, labels) if rows == "method" else (COLOURS[0], "o")
            interval(axis, row, place, colour, marker)
            axis.plot(row["published"], [place] * len(row), "D", mfc="none", mec=INK, ms=8, zorder=4)
        axis.set(title=labels.dataset(dataset), xlabel=name, ylim=(len(entries) - 0.5, -0.5))
        axis.set_yticks(range(len(entries)), [labels.of(rows, e) for e in entries])
        rows_only(axis)
    marks = [
        Mark(axis, row["value"], entries.index(row[rows]), told(row, [labels.of(rows, row[rows])]))
        for axis, dataset in zip(axes, datasets, strict=True)
        for row in part[part["dataset"].eq(dataset)].dropna(subset="value").to_dict("records")
    ]
    said = [f"{labels.dataset(d)}: {_ranked(part[part['dataset'].eq(d)], rows, labels)}" for d in datasets]
    hollow = " Hollow diamond: published." if part["published"].notna().any() else ""
    return Drawing(
        figure,
        f"{name} with 95% intervals.{hollow}",
        f"{name} with intervals. {'; '.join(said)}.",
        marks=marks,
    )


def interval(
    axis: Axes, row: pd.DataFrame, place: float, colour: str, marker: str = "o", **more: object
) -> None:
    """Draw the values and intervals of rows of a tidy table at one height."""
    axis.hlines([place] * len(row), row["low"], row["high"], color=colour, lw=2)
    axis.plot(row["value"], [place] * len(row), marker, color=colour, ms=6, zorder=3, **more)  # type: ignore[arg-type]


def rows_only(axis: Axes) -> None:
    """Leave only what helps reading along a row: vertical grid, bottom line."""
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    sns.despine(ax=axis, left=True)


def _ranked(part: pd.DataFrame, column: str, labels: Labels) -> str:
    order = part.sort_values("value", ascending=False)
    return ", ".join(
        f"{labels.of(column, k)} {number(v)}" for k, v in zip(order[column], order["value"], strict=True)
    )


def differences(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc") -> Drawing:
    """Draw the paired differences between methods or variants: against zero, or of very many a matrix."""
    part = only(frame, statistic)
    what = "method" if "method_a" in part else "variant"
    datasets, first, second = list(part["dataset"].unique()), f"{what}_a", f"{what}_b"
    pairs = list(part[[first, second]].drop_duplicates().itertuples(index=False, name=None))
    marks = list[Mark]()
    count, untested = int((part["p_holm"] < ALPHA).sum()), int(part["p_holm"].isna().sum())
    if len(pairs) > MOST_PAIRS:
        figure, caption = _matrices(part.rename(columns={first: "a", second: "b"}), what, labels)
    else:
        figure, axes = panels(len(datasets), 0.9 + 0.26 * len(pairs), sharex=True, sharey=True)
        for axis, dataset in zip(axes, datasets, strict=True):
            for place, (a, b) in enumerate(pairs):
                row = part[part["dataset"].eq(dataset) & part[first].eq(a) & part[second].eq(b)]
                clear = bool((row["p_holm"] < ALPHA).all())
                interval(axis, row, place, INK if clear else FAINT, mfc=INK if clear else "white")
                marks += [
                    Mark(axis, one["value"], place, told(one, [labels.of(what, name) for name in (a, b)]))
                    for one in row.dropna(subset="value").to_dict("records")
                ]
            axis.axvline(0, color=COLOURS[1], lw=1)
            axis.set(title=labels.dataset(dataset), xlabel=f"difference in {label(statistic)}")
            named = [" − ".join(labels.of(what, name) for name in pair) for pair in pairs]
            axis.set_yticks(range(len(pairs)), named)
            axis.set_ylim(len(pairs) - 0.5, -0.5)
            rows_only(axis)
        caption = "with 95% intervals. Filled: significant (Holm, 5%)"
    caption = f"Differences between {what}s on the same images, {caption}"
    caption += f"; {untested} of {len(part)} could not be tested, too few data." if untested else "."
    alt = f"{count} of {len(part)} differences in {label(statistic)} are significant after Holm's adjustment."
    return Drawing(figure, caption, alt, marks=marks)


def _matrices(part: pd.DataFrame, what: str, labels: Labels) -> tuple[Figure, str]:
    """Draw differences as colour, a matrix a data set: row minus column, a dot where significant."""
    names, datasets = list(dict.fromkeys([*part["a"], *part["b"]])), list(part["dataset"].unique())
    count, most = len(names), float(part["value"].abs().max())
    figure, axes = panels(len(datasets), 0.6 + 0.19 * count, sharex=True, sharey=True)
    for axis, dataset in zip(axes, datasets, strict=True):
        table = np.full((count, count), np.nan)
        for row in part[part["dataset"].eq(dataset)].to_dict("records"):
            a, b = names.index(row["a"]), names.index(row["b"])
            table[a, b], table[b, a] = row["value"], -row["value"]
            if row["p_holm"] < ALPHA:
                axis.plot([b, a], [a, b], "o", ms=3, color=INK, mec="white", mew=0.4)
        axis.imshow(table, cmap=sns.color_palette("vlag_r", as_cmap=True), vmin=-most, vmax=most)
        axis.set_title(labels.dataset(dataset))
        axis.set_xticks(range(count), [str(place) for place in range(1, count + 1)], fontsize="x-small")
        axis.set_yticks(range(count), [f"{labels.of(what, n)}  {k}" for k, n in enumerate(names, 1)])
        axis.tick_params(length=0)
        axis.grid(visible=False)
    caption = f"row minus column, colour from {number(-most)} (red) to {number(most)} (blue)"
    return figure, f"{caption}. Dot: significant (Holm, 5%)"
