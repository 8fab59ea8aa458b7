"""Agreement against what a picture costs."""

from __future__ import annotations

import pandas as pd

from benchmark.figures.canvas import COLOURS, FAINT, INK, grid
from benchmark.figures.drawing import Drawing, Mark
from benchmark.terms import amount, label, number

#: Entries that are named in the picture; of more, those that none beats at their cost.
NAMED = 12


def against_cost(frame: pd.DataFrame, *, dataset: str, statistic: str = "srcc") -> Drawing:
    """Draw one statistic with its 95% interval against the multiply-adds of a picture.

    Parameters
    ----------
    frame
        ``title, multiply_adds, parameters, value, low, high``, a row an entry. Entries of which
        none were counted (0) stand at the left edge.
    dataset, statistic
        Of which the values are.
    """
    known = frame.dropna(subset=["value", "multiply_adds"]).sort_values(
        ["multiply_adds", "value"], ascending=[True, False]
    )
    counted = known["multiply_adds"].where(known["multiply_adds"] > 0)
    edge = 1.0 if counted.isna().all() else float(counted.min()) / 10
    front = known["value"].gt(known["value"].shift().cummax().fillna(float("-inf")))
    figure, ((axis,),) = grid(1, 1, 3.6)
    x = counted.fillna(edge)
    axis.vlines(x, known["low"], known["high"], color=FAINT, lw=1.2)
    axis.scatter(x, known["value"], s=28, c=[COLOURS[0] if one else FAINT for one in front], zorder=3)
    axis.step(x[front], known["value"][front], where="post", color=COLOURS[0], lw=0.9, zorder=2)
    axis.set(xscale="log", xlabel="multiply-adds of a picture", ylabel=label(statistic))
    if counted.isna().any():
        axis.axvline(edge * 3, color=FAINT, lw=0.8, ls=":")
        axis.text(
            edge, 1.01, "not counted", transform=axis.get_xaxis_transform(), ha="center", fontsize="small"
        )
    marks, right = list[Mark](), float(x.max())
    for at, row, best in zip(x, known.to_dict("records"), front, strict=True):
        said = f"{label(statistic)} {number(row['value'])}"
        if pd.notna(row["low"]):
            said += f"\n95% interval {number(row['low'])} to {number(row['high'])}"
        adds = row["multiply_adds"]
        counts = f"{amount(adds / 1e9)} billion multiply-adds" if adds else "multiply-adds not counted"
        counts += f"\n{row['parameters']:,.0f} parameters"
        marks.append(Mark(axis, at, row["value"], f"{row['title']}\n{said}\n{counts}"))
        if best or len(known) <= NAMED:
            left = at > right / 10  # within the last decade a name would leave the picture
            place = {"xytext": (-6 if left else 6, 4), "ha": "right" if left else "left"}
            place |= {"textcoords": "offset points", "fontsize": "small", "color": INK}
            axis.annotate(row["title"], (at, row["value"]), **place)
    named = "" if len(known) <= NAMED else " Named are those that nothing cheaper beats."
    caption = (
        f"{label(statistic)} on {dataset} against cost, with 95% intervals; the line joins "
        f"what nothing cheaper beats.{named}"
    )
    best = ", ".join(f"{row['title']} {number(row['value'])}" for row in known[front].to_dict("records"))
    return Drawing(figure, caption, f"{label(statistic)} against multiply-adds. Front: {best}.", marks=marks)
