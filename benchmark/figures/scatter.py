"""Score against opinion, the plot of every paper in this field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from benchmark.figures.canvas import COLOURS, FAINT, INK, panels, style
from benchmark.figures.drawing import Drawing, Mark
from benchmark.tables import Labels
from benchmark.terms import number

#: Points above which SVG and PDF hold them as pixels: as lines a file would pass some megabytes.
RASTER = 1500


def scatter(
    points: pd.DataFrame, curves: pd.DataFrame, labels: Labels, *, dataset: str, opinion: str,
    pictures: Mapping[str, str] | None = None, total: int = 0, drawn: bool = False,
) -> Drawing:  # fmt: skip
    """Draw the opinions of a data set against each method's scores, with the fitted mapping and its band.

    Parameters
    ----------
    points
        ``method, image, score, fitted, residual``, and ``mos, mos_std, distortion, level, split`` of the
        manifest.
    curves
        ``method, score, fitted, low, high``.
    labels
        Names.
    dataset, opinion
        Name of the data set, and what its opinions are.
    pictures
        File of each picture, which the page shows beside the point.
    total, drawn
        Pictures of the whole set, and whether ``points`` are a draw of them.
    """
    known = points.dropna(subset=["mos", "score"])
    known = known[np.isfinite(known["score"])]
    methods = list(known["method"].unique())
    figure, axes = panels(len(methods), 2.9, sharey=True)
    column, colours = _grouped(known)
    files, marks, word = pictures or {}, list[Mark](), "proxy" if dataset in labels.proxies else "opinion"
    for axis, method in zip(axes, methods, strict=True):
        own = known[known["method"].eq(method)]
        colour = style(method, labels)[0]
        shades = [colours.get(value, FAINT) for value in own[column]] if column else [colour] * len(own)
        _deviations(axis, own)
        axis.scatter(
            own["score"], own["mos"], s=9, c=shades, alpha=0.75, lw=0, rasterized=len(known) > RASTER
        )
        line = curves[curves["method"].eq(method)]
        axis.fill_between(line["score"], line["low"], line["high"], color=INK, alpha=0.18, lw=0)
        axis.plot(line["score"], line["fitted"], color=INK, lw=1.4)
        axis.set(title=labels.method(method), xlabel="score")
        spread = own["mos"].max() - own["mos"].min()
        axis.set_ylim(own["mos"].min() - 0.06 * spread, own["mos"].max() + 0.06 * spread)
        marks += [
            Mark(axis, row.score, row.mos, _said(row, word), files.get(str(row.image), ""))
            for row in own.itertuples()
        ]
    for axis in axes[::3]:
        axis.set_ylabel(word)
    if column:
        handles = [
            axes[0].plot([], [], "o", ms=4, color=colour, label=_named(value))[0]
            for value, colour in colours.items()
        ]
        small = {"fontsize": "small", "title_fontsize": "small", "frameon": False}
        figure.legend(handles=handles, loc="outside upper center", ncols=8, title=column, **small)
    without = [name for name in methods if curves.loc[curves["method"].eq(name), "low"].isna().any()]
    caption, alt = _words(known, methods, labels, dataset, opinion)
    if total > (shown := known["image"].nunique()):
        why = "a seeded draw, and all extremes" if drawn else "the others have no opinion, or no score"
        caption += f" {shown:,} of {total:,} pictures: {why}."
    if without:
        caption += (
            f" No band of {', '.join(map(labels.method, without))}: fewer than five references or pictures."
        )
    return Drawing(figure, caption, alt, marks=marks)


def _grouped(points: pd.DataFrame) -> tuple[str, dict[Any, str]]:
    """Return the first column that has some values and not too many, and a colour for each: levels rise."""
    for column in ("distortion", "level", "split"):
        found = sorted(points[column].dropna().unique()) if column in points else []
        if 1 < len(found) <= len(COLOURS):
            shades = matplotlib.colormaps["viridis_r"]
            steps = [matplotlib.colors.to_hex(shades(at)) for at in np.linspace(0.1, 1, len(found))]
            return column, dict(zip(found, steps if column == "level" else COLOURS, strict=False))
    return "", {}


def _named(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _deviations(axis: Axes, own: pd.DataFrame) -> None:
    """Draw one deviation of the ratings on both sides of each opinion, where it is known."""
    part = own.dropna(subset=["mos_std"])
    low, high = part["mos"] - part["mos_std"], part["mos"] + part["mos_std"]
    ends = [[(x, y), (x, z)] for x, y, z in zip(part["score"], low, high, strict=True)]
    look = {"colors": FAINT, "linewidths": 0.5, "alpha": 0.5 * min(1.0, (100 / max(len(ends), 1)) ** 0.5)}
    lines = LineCollection(ends, rasterized=len(ends) > RASTER // 3, zorder=0.8, **look)
    axis.add_collection(lines, autolim=False)


def _said(row: Any, word: str) -> str:
    """Return what a point says: the picture, its score, its opinion and what the curve leaves of it."""
    kind = "" if pd.isna(row.distortion) else str(row.distortion)
    kind += "" if pd.isna(row.level) else f" level {row.level:g}"
    spread = "" if pd.isna(row.mos_std) else f" ± {number(row.mos_std, 2)}"
    left = "" if pd.isna(row.residual) else f", residual {number(row.residual, 2)}"
    values = f"score {row.score:.4g}, {word} {number(row.mos, 2)}{spread}{left}"
    return "\n".join(part for part in (str(row.image).removeprefix("images/"), kind, values) if part)


def _words(
    known: pd.DataFrame, methods: list[str], labels: Labels, dataset: str, opinion: str
) -> tuple[str, str]:
    """Return caption and alternative text."""
    shown = known["image"].nunique()
    title = labels.dataset(dataset)
    caption = f"{title}: {opinion} against each method's score. Line: the fitted mapping with its 95% band."
    caption += labels.direction_note(methods)
    if known["mos_std"].notna().any():
        caption += " Whiskers: one deviation of the ratings."
    if known["score"].nunique() and known.groupby("method")["score"].agg(np.ptp).eq(0).any():
        caption += " A method whose scores are all the same has no mapping."
    error = known.groupby("method", sort=False)["residual"].agg(lambda r: float(np.sqrt((r**2).mean())))
    said = ", ".join(f"{labels.method(m)} {number(error[m], 2)}" for m in methods)
    return caption, f"Scatter of {shown:,} pictures of {title}; root mean square residual: {said}."
