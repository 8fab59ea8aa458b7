"""A figure with its caption, and its bytes, which repeat."""

from __future__ import annotations

import io
from dataclasses import dataclass

from matplotlib.figure import Figure

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
