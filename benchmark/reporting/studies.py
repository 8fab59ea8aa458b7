"""Tables and figures of the studies: gMAD by judge, robustness, the layout of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import pandas as pd

from benchmark import figures
from benchmark.figures import Drawing, Mark
from benchmark.figures.canvas import COLOURS, FAINT, grid
from benchmark.tables import Cell, Column, Labels, Table, mentioned, pivot
from benchmark.tables.cells import COUNTED, billions
from benchmark.terms import amount, number, statistic

JUDGES = {
    "mos": "opinion scores of the data set",
    "proxy": "a full-reference proxy, no human",
    "people": "people, who answered the study page",
}
#: The same in a word, beside one preference.
JUDGE = {"mos": "opinion scores", "proxy": "proxy", "people": "people"}


def gmad(frame: pd.DataFrame, labels: Labels) -> list[Table]:
    """Return what each method won in the competition, one table a judge."""
    tables = []
    for judge, part in frame.groupby("judge", sort=False):
        caption = f"Attacks won, attacks withstood, strength over all contests. Judge: {_judge(judge)}."
        columns = ["dataset", "statistic"]
        tables.append(pivot(part, ["method"], columns, labels, caption=caption, among=["dataset"]))
    return tables


def gmad_matrix(frame: pd.DataFrame, labels: Labels, *, name: str = "aggressiveness") -> Drawing:
    """Draw one statistic of every method against every other, a map a data set and judge."""
    judged = frame.assign(
        contest=[
            f"{labels.dataset(d)}, judge: {j}" for d, j in zip(frame["dataset"], frame["judge"], strict=True)
        ]
    )
    caption = f"{statistic(name).label} of the method of the row against that of the column."
    places = {"rows": "method_a", "columns": "method_b", "panel": "contest"}
    return figures.heatmap(judged, labels, **places, statistic=name, caption=caption)


def _judge(name: object) -> str:
    return JUDGES.get(str(name), str(name))


def sensitivity(frame: pd.DataFrame, labels: Labels) -> list[Table]:
    """Return how far scores move though the picture has not become worse, one table a statistic."""
    captions = {
        "abs_shift": "Mean size of the change, in standard deviations of the scores.",
        "shift": "Mean change towards better quality, in standard deviations of the scores.",
        "srcc": "SRCC of the scores before and after: 1, no picture changes its rank.",
    }
    return [
        pivot(
            frame[frame["statistic"].eq(name)],
            ["method"],
            ["change"],
            labels,
            caption=caption,
            among=["change"],
        )
        for name, caption in captions.items()
        if frame["statistic"].eq(name).any()
    ]


def waterloo(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return the D, L and P tests."""
    caption = "Pristine told from degraded (D), levels ranked (L), pairs told apart by opinion ranked (P)."
    return pivot(frame, ["method"], ["dataset", "statistic"], labels, caption=caption, among=["dataset"])


def retrieval(frame: pd.DataFrame, labels: Labels) -> list[Table]:
    """Return how often the nearest picture of another content has the same degradation, beside chance."""
    whole = frame["distortion"].eq("all")
    across = ["dataset", "statistic"]
    made = [
        pivot(frame[whole], ["method"], across, labels, caption="All degraded pictures.", among=["dataset"])
    ]
    keys = ["dataset", "distortion", "method"]
    chance = frame[frame["statistic"].eq("chance_type")].set_index(keys)["value"].map(number)
    found = frame[~whole & frame["statistic"].eq("retrieval_type")].join(
        "chance " + chance.rename("said"), on=keys
    )
    if len(found):
        caption, rows = "How often the nearest has the same type, type by type.", keys[:2]
        made.append(pivot(found, rows, keys[2:], labels, caption=caption, among=rows))
    return made


def cost(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return what one picture costs each method: counts, so without intervals."""
    heads = {
        "Parameters, millions": ("parameters", 1e6),
        "Weights, MiB": ("weight_bytes", 2**20),
        "On the way, MiB": ("peak_bytes", 2**20),
    }
    columns = (Column("Method", words=True), *map(Column, heads), Column("Multiply-adds, billions"))
    rows = []
    for row in frame.to_dict("records"):
        name = labels.method(row["method"])
        counts = (row[key] / unit for key, unit in heads.values())
        cells = (
            Cell("–") if pd.isna(value) else Cell(amount(value) if value else "none", value=value)
            for value in counts
        )
        adds = row["multiply_adds"]
        done = Cell("–") if pd.isna(adds) else billions(adds, row["parameters"])
        rows.append((Cell(name, value=name), *cells, done))
    sizes = " and ".join(
        f"{w} x {h}" for w, h in sorted(set(zip(frame["width"], frame["height"], strict=True)))
    )
    notes = [
        f"One picture of {sizes} pixels.",
        "Parameters and weights (with buffers, as they lie in memory) are those of the network that the "
        "picture passes through; a text encoder that is done before is not among them.",
        "On the way: the most that tensors hold at one time while the picture is scored, beside the weights "
        "and the picture. What an operation needs inside itself and arrays outside torch are not counted.",
        COUNTED,
    ]
    if frame["parameters"].isna().any():
        notes.append("A dash: the work is done elsewhere, and nothing of it can be counted here.")
    caption = "What one picture costs each method."
    return Table(caption, columns, tuple(rows), tuple(notes), **mentioned(frame))


def _named(row: Mapping[Any, Any]) -> str:
    return f"{row['image'].removeprefix('images/')}\n{row['distortion']} level {row['level']:g}"


def layout(frame: pd.DataFrame, labels: Labels, *, pictures: Mapping[str, str] | None = None) -> Drawing:
    """Draw the features of each method in the plane: left by group of distortions, right by level.

    ``pictures`` is the file of each picture, which a page shows beside its point.
    """
    methods, groups = list(frame["method"].unique()), list(frame["group"].unique())
    figure, axes = grid(len(methods), 2, 3.6 * len(methods))
    colours = dict(zip(groups, COLOURS, strict=False))
    shades = matplotlib.colormaps["viridis_r"]
    top = max(float(frame["level"].max()), 1.0)
    marks = list[Mark]()
    for line, method in zip(axes, methods, strict=True):
        part = frame[frame["method"].eq(method)]
        marks += [
            Mark(axis, row["x"], row["y"], _named(row), (pictures or {}).get(row["image"], ""))
            for axis in line
            for row in part.to_dict("records")
        ]
        for group in groups:
            own = part[part["group"].eq(group)]
            colour = colours.get(group, FAINT)
            line[0].scatter(own["x"], own["y"], s=9, color=colour, label=labels.of("group", group), lw=0)
        line[1].scatter(part["x"], part["y"], s=9, c=part["level"] / top, cmap=shades, vmin=0, vmax=1, lw=0)
        line[0].set_ylabel(labels.method(method))
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
    axes[0, 0].set_title("by group", fontsize="small")
    axes[0, 1].set_title(f"by level (dark: {number(top, 0)})", fontsize="small")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False, fontsize="small")
    caption = (
        "Features in the plane (t-SNE). Distances between clusters mean nothing; the tables are the measure."
    )
    alt = f"Scatter of the features of {len(methods)} methods in {len(groups)} groups."
    return Drawing(figure, caption, alt, marks=marks)
