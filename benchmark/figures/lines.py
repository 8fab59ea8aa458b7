"""Curves: scores against rising intensity, and what was logged while a method learnt."""

from __future__ import annotations

import pandas as pd

from benchmark.figures.canvas import COLOURS, grid, only, panels, style
from benchmark.figures.drawing import Drawing, Mark, told
from benchmark.tables import Labels


def sweep(frame: pd.DataFrame, labels: Labels, *, what: str = "Mean score") -> Drawing:
    """Draw the mean score against rising intensity: a row a method (its own scale), a column a group."""
    part = only(frame, "mean_score")
    methods, groups = list(part["method"].unique()), list(part["group"].unique())
    figure, axes = grid(len(methods), len(groups), 0.5 + 1.35 * len(methods), sharex=True, sharey="row")
    marks = list[Mark]()
    for down, method in enumerate(methods):
        colour, _ = style(method, labels)
        for across, group in enumerate(groups):
            axis = axes[down, across]
            curves = part[part["method"].eq(method) & part["group"].eq(group)]
            for _, curve in curves.groupby("distortion", sort=False):
                axis.plot(curve["level"], curve["value"], color=colour, lw=0.7, alpha=0.45)
            marks += [
                Mark(
                    axis,
                    row["level"],
                    row["value"],
                    told(row, [f"{row['distortion']} level {row['level']:g}"]),
                )
                for row in curves.dropna(subset="value").to_dict("records")
            ]
            mean = curves.groupby("level")["value"].mean()
            axis.plot(mean.index, mean, color=colour, lw=2.2)
            axis.set_xticks(sorted(part["level"].unique()))
            axis.tick_params(length=2)
            if down == 0:
                axis.set_title(labels.of("group", group).replace(" ", "\n"), fontsize="small")
        axes[down, 0].set_ylabel(labels.of("method", method).replace(" ", "\n"))
    figure.supxlabel("intensity (level)", fontsize="medium")
    figure.supylabel("mean score", fontsize="medium")
    ends = [f"{part['n'].min():,.0f}", f"{part['n'].max():,.0f}"]
    caption = (
        f"{what} of {' to '.join(dict.fromkeys(ends))} pictures against rising intensity. "
        "Thick: the group; thin: each of its types. Each method keeps its own scale of scores."
    ) + labels.direction_note(methods)
    alt = f"Score curves of {len(methods)} methods over {len(groups)} groups of distortions."
    return Drawing(figure, caption, alt, marks=marks)


def curves(frame: pd.DataFrame, labels: Labels, *, method: str) -> Drawing:
    """Draw what was logged while a method learnt: one panel a column, against the step."""
    logged = frame.drop(columns="step")
    names = list(logged.columns[logged.notna().any() & logged.ne(0).any()])  # a term of weight 0 stays 0
    figure, axes = panels(len(names), 2.0, sharex=True)
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


def validation(frame: pd.DataFrame, labels: Labels, *, method: str, pictures: str) -> Drawing:
    """Draw the share of level pairs that a method orders, against the step; ``pictures`` says on which."""
    figure, axes = grid(1, 1, 2.6)
    axis = axes[0, 0]
    groups = [name for name in frame.columns if name not in ("step", "all", "unchanged")]
    for index, name in enumerate(groups):
        axis.plot(
            frame["step"], frame[name], color=COLOURS[index % len(COLOURS)], lw=0.9, marker="o", ms=2,
            label=labels.of("group", name),
        )  # fmt: skip
    axis.plot(frame["step"], frame["all"], color="black", lw=1.8, marker="o", ms=3, label="all types")
    axis.set(xlabel="step", ylabel="level pairs in order")
    figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    first, last = frame["all"].iloc[0], frame["all"].iloc[-1]
    title = labels.of("method", method)
    return Drawing(
        figure,
        f"{title}: share of level pairs in order, on {pictures}; .5 is chance.",
        f"{title}, all types, first to last validation: {first:.3g} to {last:.3g}.",
    )
