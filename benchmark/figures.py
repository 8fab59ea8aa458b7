"""Figures of tidy results: one look, one colour a method on every page, bytes that repeat."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.tables import ALPHA, Labels
from benchmark.terms import number, statistic

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
#: Columns of a heat map, or of several side by side, in which two decimals can be read.
CELLS = 14
#: Pairs whose intervals can be read one below the other: those of eight methods.
MOST_PAIRS = 28
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


#: What matplotlib would write into a file of each kind, left out.
METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Drawing:
    """A figure, the caption over it, and words for who cannot see it; ``photo`` where it holds pictures."""

    figure: Figure
    caption: str
    alt: str
    photo: bool = False

    @property
    def dpi(self) -> int:
        """Pixels an inch: twice a screen's for lines and type, less for photographs, which fill a page."""
        return 100 if self.photo else 168


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


def encode(drawing: Drawing, note: str = "") -> dict[str, bytes]:
    """Return the PNG, SVG and PDF of a figure (and empty it), ``note`` written under the picture.

    None holds a date, a version or a random id, so equal figures give equal bytes.
    """
    figure = drawing.figure
    if note:
        figure.text(0.01, -0.01, note, ha="left", va="top", fontsize="medium", color="#7a3b00")
    # Laid out and measured once: each file would do both again.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    box = figure.get_tightbbox().padded(0.08)
    out = {}
    for kind, metadata in METADATA.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches=box, dpi=drawing.dpi)
        out[kind] = buffer.getvalue()
    figure.clear()
    return out


def _grid(
    rows: int, columns: int, height: float, width: float = WIDTH, **options: object
) -> tuple[Figure, np.ndarray]:
    """Return an empty figure; Figure itself, not pyplot, which would keep it."""
    look()
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)  # type: ignore[call-overload]
    return figure, axes


def _panels(count: int, height: float, **options: object) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of ``count`` axes, three in a line of this height.

    Those above a place that is left over name the ticks that they share with it.
    """
    columns = min(3, count)
    lines = -(-count // columns)
    figure, axes = _grid(lines, columns, lines * height, **options)  # type: ignore[arg-type]
    for place in range(count, axes.size):
        axes.flat[place].set_visible(False)
        axes.flat[place - columns].tick_params(labelbottom=True)
    return figure, list(axes.flat[:count])


def _only(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    part = frame[frame["statistic"].eq(name)]
    if part.empty:
        known = ", ".join(sorted(frame["statistic"].unique()))
        raise ValueError(f"no rows of statistic {name!r} in the table; it has: {known}")
    return part


def forest(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc", rows: str = "method") -> Drawing:
    """Draw one statistic with its 95% intervals, a panel a data set; hollow diamonds: published figures."""
    part, name = _only(frame, statistic), _label(statistic)
    datasets, entries = list(part["dataset"].unique()), list(part[rows].unique())
    figure, axes = _panels(len(datasets), 0.9 + 0.3 * len(entries), sharex=True, sharey=True)
    for axis, dataset in zip(axes, datasets, strict=True):
        for place, entry in enumerate(entries):
            row = part[part["dataset"].eq(dataset) & part[rows].eq(entry)]
            colour, marker = style(entry, labels) if rows == "method" else (COLOURS[0], "o")
            _interval(axis, row, place, colour, marker)
            axis.plot(row["published"], [place] * len(row), "D", mfc="none", mec=INK, ms=8, zorder=4)
        axis.set(title=labels.dataset(dataset), xlabel=name, ylim=(len(entries) - 0.5, -0.5))
        axis.set_yticks(range(len(entries)), [labels.of(rows, e) for e in entries])
        _rows_only(axis)
    said = [f"{labels.dataset(d)}: {_ranked(part[part['dataset'].eq(d)], rows, labels)}" for d in datasets]
    hollow = " Hollow diamond: published." if part["published"].notna().any() else ""
    return Drawing(
        figure, f"{name} with 95% intervals.{hollow}", f"{name} with intervals. {'; '.join(said)}."
    )


def _label(name: str) -> str:
    return statistic(name).label


def _interval(
    axis: Axes, row: pd.DataFrame, place: float, colour: str, marker: str = "o", **more: object
) -> None:
    axis.hlines([place] * len(row), row["low"], row["high"], color=colour, lw=2)
    axis.plot(row["value"], [place] * len(row), marker, color=colour, ms=6, zorder=3, **more)  # type: ignore[arg-type]


def _rows_only(axis: Axes) -> None:
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
    part = _only(frame, statistic)
    what = "method" if "method_a" in part else "variant"
    datasets, first, second = list(part["dataset"].unique()), f"{what}_a", f"{what}_b"
    pairs = list(part[[first, second]].drop_duplicates().itertuples(index=False, name=None))
    count, untested = int((part["p_holm"] < ALPHA).sum()), int(part["p_holm"].isna().sum())
    if len(pairs) > MOST_PAIRS:
        figure, caption = _matrices(part.rename(columns={first: "a", second: "b"}), what, labels)
    else:
        figure, axes = _panels(len(datasets), 0.9 + 0.26 * len(pairs), sharex=True, sharey=True)
        for axis, dataset in zip(axes, datasets, strict=True):
            for place, (a, b) in enumerate(pairs):
                row = part[part["dataset"].eq(dataset) & part[first].eq(a) & part[second].eq(b)]
                clear = bool((row["p_holm"] < ALPHA).all())
                _interval(axis, row, place, INK if clear else FAINT, mfc=INK if clear else "white")
            axis.axvline(0, color=COLOURS[1], lw=1)
            axis.set(title=labels.dataset(dataset), xlabel=f"difference in {_label(statistic)}")
            named = [" − ".join(labels.of(what, name) for name in pair) for pair in pairs]
            axis.set_yticks(range(len(pairs)), named)
            axis.set_ylim(len(pairs) - 0.5, -0.5)
            _rows_only(axis)
        caption = "with 95% intervals. Filled: significant (Holm, 5%)"
    caption = f"Differences between {what}s on the same images, {caption}"
    caption += f"; {untested} of {len(part)} could not be tested, too few data." if untested else "."
    alt = (
        f"{count} of {len(part)} differences in {_label(statistic)} are significant after Holm's adjustment."
    )
    return Drawing(figure, caption, alt)


def _matrices(part: pd.DataFrame, what: str, labels: Labels) -> tuple[Figure, str]:
    """Draw differences as colour, a matrix a data set: row minus column, a dot where significant."""
    names, datasets = list(dict.fromkeys([*part["a"], *part["b"]])), list(part["dataset"].unique())
    count, most = len(names), float(part["value"].abs().max())
    figure, axes = _panels(len(datasets), 0.6 + 0.19 * count, sharex=True, sharey=True)
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


def heatmap(
    frame: pd.DataFrame,
    labels: Labels,
    *,
    rows: str,
    columns: str,
    panel: str,
    statistic: str = "srcc",
    limits: tuple[float, float] = (-1.0, 1.0),
    caption: str = "",
) -> Drawing:
    """Draw one statistic as numbers on colour: ``rows`` down, ``columns`` across, a map a ``panel``.

    As many maps stand side by side as can be read; each line of maps has the rows that one of them needs.
    """
    part = _only(frame, statistic)
    panels, across = list(part[panel].unique()), list(part[columns].unique())
    across = list(part[rows].unique()) if set(across) == set(part[rows]) else across
    beside = min(len(panels), max(1, CELLS // len(across)))
    lines = [panels[first : first + beside] for first in range(0, len(panels), beside)]
    orders = [list(part.loc[part[panel].isin(line), rows].unique()) for line in lines]
    figure, axes = _grid(
        len(lines), beside, sum(1.4 + 0.26 * len(order) for order in orders),
        min(WIDTH, 1.6 + 1.1 * beside * len(across)),
        sharey="row", height_ratios=[3 + len(order) for order in orders],
    )  # fmt: skip
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
            _cells(axis, table, limits)
            axis.set(title=labels.of(panel, key), xlabel="", ylabel="")
    best = part.loc[part["value"].idxmax()]
    keys = ", ".join(labels.of(c, best[c]) for c in dict.fromkeys((panel, rows, columns)))
    caption = f"{caption or _label(statistic) + '.'} Colour from {limits[0]:g} to {limits[1]:g}."
    return Drawing(
        figure, caption, f"Heat map of {_label(statistic)}; the highest, {number(best['value'])}, is {keys}."
    )


def sweep(frame: pd.DataFrame, labels: Labels, *, what: str = "Mean score") -> Drawing:
    """Draw the mean score against rising intensity: a row a method (its own scale), a column a group."""
    part = _only(frame, "mean_score")
    methods, groups = list(part["method"].unique()), list(part["group"].unique())
    figure, axes = _grid(len(methods), len(groups), 0.5 + 1.35 * len(methods), sharex=True, sharey="row")
    for down, method in enumerate(methods):
        colour, _ = style(method, labels)
        for across, group in enumerate(groups):
            axis = axes[down, across]
            curves = part[part["method"].eq(method) & part["group"].eq(group)]
            for _, curve in curves.groupby("distortion", sort=False):
                axis.plot(curve["level"], curve["value"], color=colour, lw=0.7, alpha=0.45)
            mean = curves.groupby("level")["value"].mean()
            axis.plot(mean.index, mean, color=colour, lw=2.2)
            axis.set_xticks(sorted(part["level"].unique()))
            axis.tick_params(length=2)
            if down == 0:
                axis.set_title(labels.of("group", group).replace(" ", "\n"), fontsize="small")
        axes[down, 0].set_ylabel(labels.of("method", method).replace(" ", "\n"))
    figure.supxlabel("intensity (level)", fontsize="medium")
    caption = (
        f"{what} against rising intensity. Thick: the group; thin: each of its types. "
        "Each method keeps its own scale of scores."
    )
    return Drawing(
        figure, caption, f"Score curves of {len(methods)} methods over {len(groups)} groups of distortions."
    )


def curves(frame: pd.DataFrame, labels: Labels, *, method: str) -> Drawing:
    """Draw what was logged while a method learnt: one panel a column, against the step."""
    logged = frame.drop(columns="step")
    names = list(logged.columns[logged.notna().any() & logged.ne(0).any()])  # a term of weight 0 stays 0
    figure, axes = _panels(len(names), 2.0, sharex=True)
    colour, _ = style(method, labels)
    for axis, name in zip(axes, names, strict=True):
        axis.plot(frame["step"], frame[name], color=colour, lw=1.4, marker="o" if len(frame) == 1 else "")
        axis.set_title(name.replace("_", " "))
        axis.set_xlabel("step")
    ends = ", ".join(f"{n} {frame[n].iloc[0]:.3g} to {frame[n].iloc[-1]:.3g}" for n in names)
    title = labels.of("method", method)
    return Drawing(
        figure, f"{title}: training, logged steps: {len(frame)}.", f"{title}, first to last step: {ends}."
    )


def validation(frame: pd.DataFrame, labels: Labels, *, method: str) -> Drawing:
    """Draw the share of level pairs that a method orders on held-out pictures, against the step."""
    figure, axes = _grid(1, 1, 2.6)
    axis = axes[0, 0]
    groups = [name for name in frame.columns if name not in ("step", "all")]
    for index, name in enumerate(groups):
        axis.plot(
            frame["step"], frame[name], color=COLOURS[index % len(COLOURS)], lw=0.9, marker="o", ms=2,
            label=labels.of("group", name),
        )  # fmt: skip
    axis.plot(frame["step"], frame["all"], color="black", lw=1.8, marker="o", ms=3, label="all types")
    axis.set(xlabel="step", ylabel="level pairs in order")
    axis.legend(fontsize=6, ncols=2)
    first, last = frame["all"].iloc[0], frame["all"].iloc[-1]
    title = labels.of("method", method)
    return Drawing(
        figure,
        f"{title}: share of level pairs in order on held-out pristine pictures; .5 is chance.",
        f"{title}, all types, first to last validation: {first:.3g} to {last:.3g}.",
    )


def histogram(manifest: pd.DataFrame, labels: Labels, *, dataset: str, score: str) -> Drawing:
    """Draw how the scores of a data set are spread, split by split; ``score`` names their unit."""
    figure, axes = _grid(1, 1, 2.4)
    splits = manifest["split"].fillna("").replace("", "whole set")
    names = list(splits.unique())
    sns.histplot(
        x=manifest["mos"], hue=splits, multiple="stack", bins=30, palette=list(COLOURS[: len(names)]),
        edgecolor="white", linewidth=0.4, ax=axes[0, 0],
    )  # fmt: skip
    axes[0, 0].set(xlabel=score, ylabel="images")
    if len(names) == 1:
        axes[0, 0].get_legend().remove()
    sns.despine(ax=axes[0, 0])
    mos = manifest["mos"]
    alt = f"Histogram of {mos.count():,} scores from {number(mos.min(), 2)} to {number(mos.max(), 2)}."
    return Drawing(figure, f"{labels.dataset(dataset)}: distribution of the scores.", alt)


@dataclass(frozen=True)
class Attribution:
    """A picture ``[H, W, 3]``, its degraded region ``[H, W]``, and its raw maps by (method, target)."""

    title: str
    picture: np.ndarray
    region: np.ndarray | None
    maps: Mapping[tuple[str, str], np.ndarray]


def maps(rows: Sequence[Attribution], labels: Labels) -> Drawing:
    """Draw raw, signed maps over their pictures, one colour scale a row so that methods can be compared."""
    columns = list(dict.fromkeys(key for row in rows for key in row.maps))
    side = WIDTH / (len(columns) + 1.6)
    figure, axes = _grid(len(rows), len(columns) + 1, 0.4 + len(rows) * side)
    for line, row in zip(axes, rows, strict=True):
        peak = max([float(np.abs(raw).max()) for raw in row.maps.values()], default=0.0) or 1.0
        high, wide = row.picture.shape[:2]
        line[0].imshow(row.picture)
        line[0].set_ylabel(row.title, fontsize="small")
        for axis, column in zip(line[1:], columns, strict=True):
            axis.imshow(row.picture.mean(axis=2), cmap="gray", vmin=-120, vmax=375)
            if column in row.maps:
                shown = axis.imshow(
                    row.maps[column], cmap="RdBu_r", vmin=-peak, vmax=peak, alpha=0.65,
                    extent=(-0.5, wide - 0.5, high - 0.5, -0.5), interpolation="bilinear",
                )  # fmt: skip
        for axis in line:
            if row.region is not None:
                axis.contour(row.region, [0.5], colors=INK, linewidths=1, linestyles="--")
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
        if row.maps:
            figure.colorbar(shown, ax=list(line), shrink=0.85, pad=0.01)
    axes[0, 0].set_title("picture", fontsize="small")
    for axis, (method, target) in zip(axes[0, 1:], columns, strict=True):
        name = labels.of("method", method).replace(" ", "\n")
        axis.set_title(f"{name}\n{target}", fontsize="small")
    caption = (
        "Raw gradCAM maps: red raises the similarity to the prompt, blue lowers it; dashed: the degraded "
        "region. One colour scale a row, so methods can be compared."
    )
    return Drawing(
        figure, caption, f"gradCAM maps of {len(columns)} prompts over {len(rows)} pictures.", True
    )
