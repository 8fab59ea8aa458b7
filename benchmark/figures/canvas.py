"""One look: colours, one a method on every page, and empty figures to draw in."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.tables import Labels

# Okabe and Ito's colour-blind safe colours without yellow (too faint on paper), then Tol's muted ones.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#882255",
    "#332288",
    "#999933",
    "#555555",
)
MARKERS = "osD^vPXph*"
INK, FAINT = "#222222", "#9a9a9a"
WIDTH = 9.0  # inches: at 96 CSS pixels an inch the width of the text column, so type is shown at its size
LOOK = {
    "axes.edgecolor": FAINT,
    "axes.titlelocation": "left",
    "figure.dpi": 96,
    "grid.color": "#e4e4e4",
    "pdf.fonttype": 42,  # TrueType: publishers refuse the default, Type 3
    "svg.fonttype": "path",
    "svg.hashsalt": "benchmark",
    "text.color": INK,
    "xtick.bottom": True,
}


def look() -> None:
    """Set the look of every figure (seaborn's white grid, small type), whatever a matplotlibrc says."""
    matplotlib.rcdefaults()
    sns.set_theme("paper", "whitegrid", font="DejaVu Sans", font_scale=1.05, rc=LOOK)


def style(name: str, labels: Labels) -> tuple[str, str]:
    """Return colour and marker of a method: by its place among all methods, so the same on every page.

    Where colours come round again, markers do not.
    """
    order = list(labels.methods)
    place = order.index(name) if name in order else len(order)
    return COLOURS[place % len(COLOURS)], MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]


def grid(
    rows: int, columns: int, height: float, width: float = WIDTH, **options: object
) -> tuple[Figure, np.ndarray]:
    """Return an empty figure; Figure itself, not pyplot, which would keep it."""
    look()
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)  # type: ignore[call-overload]
    return figure, axes


def panels(count: int, height: float, **options: object) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of ``count`` axes, three in a line of this height.

    Those above a place that is left over name the ticks that they share with it.
    """
    columns = min(3, count)
    lines = -(-count // columns)
    figure, axes = grid(lines, columns, lines * height, **options)  # type: ignore[arg-type]
    for place in range(count, axes.size):
        axes.flat[place].set_visible(False)
        axes.flat[place - columns].tick_params(labelbottom=True)
    return figure, list(axes.flat[:count])


def only(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of one statistic; a ValueError says which others there are."""
    part = frame[frame["statistic"].eq(name)]
    if part.empty:
        known = ", ".join(sorted(frame["statistic"].unique()))
        raise ValueError(f"no rows of statistic {name!r} in the table; it has: {known}")
    return part
