"""A figure with its caption, and its bytes, which repeat."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from benchmark.terms import number, p_value, statistic

#: What matplotlib would write into a file of each kind, left out.
METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class Mark(NamedTuple):
    """A place in the data of an axis that answers to the mouse: what it says, and a picture's file."""

    axis: Axes
    x: float
    y: float
    text: str
    picture: str = ""


def told(row: Mapping[Any, Any], names: Sequence[str]) -> str:
    """Return what a row of a tidy table says at its mark: names, the value, its interval and n."""
    shown = statistic(str(row["statistic"]))
    lines = [*names, f"{shown.label} {number(row['value'], shown.decimals)}"]
    if not pd.isna(row.get("low")):
        low, high = (number(row[end], shown.decimals) for end in ("low", "high"))
        lines.append(f"95% interval {low} to {high}")
    if not pd.isna(row.get("p_holm")):
        lines.append(f"p {p_value(row['p_holm'])} (Holm)")
    if not pd.isna(row.get("n")):
        lines.append(f"n {row['n']:,.0f}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Drawing:
    """A figure, the caption over it, and words for who cannot see it; ``photo`` where it holds pictures.

    On a page the figure is its PNG, and ``marks`` say what a reader's mouse or keys find in it.
    """

    figure: Figure
    caption: str
    alt: str
    photo: bool = False
    marks: Sequence[Mark] = ()

    @property
    def dpi(self) -> int:
        """Pixels an inch: twice a screen's for lines and type, less for photographs, which fill a page."""
        return 100 if self.photo else 168


def encode(drawing: Drawing, note: str = "") -> dict[str, bytes]:
    """Return the PNG, SVG and PDF of a figure (and empty it), ``note`` written under the picture.

    Also ``marks``, JSON: of every mark its place, in per cent from the left and from the top, its text and
    its picture. None holds a date, a version or a random id, so equal figures give equal bytes.
    """
    figure = drawing.figure
    if note:
        figure.text(0.01, -0.01, note, ha="left", va="top", fontsize="medium", color="#7a3b00")
    # Laid out and measured once: each file would do both again.
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # not "none", for which savefig would draw twice
    box = figure.get_tightbbox().padded(0.08)
    out = {}
    for kind, metadata in METADATA.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches=box, dpi=drawing.dpi)
        out[kind] = buffer.getvalue()
    places = [_place(mark, box, figure.dpi) for mark in drawing.marks]
    out["marks"] = json.dumps(places, ensure_ascii=False, separators=(",", ":")).encode()
    figure.clear()
    return out


def _place(mark: Mark, box: Bbox, dpi: float) -> list[Any]:
    """Where a mark lies in the picture, per cent, and what it says."""
    x, y = mark.axis.transData.transform((mark.x, mark.y)) / dpi
    left, top = (x - box.x0) / box.width, (box.y1 - y) / box.height
    place = [round(100 * float(left), 2), round(100 * float(top), 2), mark.text]
    return [*place, mark.picture] if mark.picture else place
