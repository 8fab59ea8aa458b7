"""Raw gradCAM maps over their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.figures.canvas import INK, WIDTH, grid
from benchmark.figures.drawing import Drawing
from benchmark.tables import Labels


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
    figure, axes = grid(len(rows), len(columns) + 1, 0.4 + len(rows) * side)
    for line, row in zip(axes, rows, strict=True):
        peak = max([float(np.abs(raw).max()) for raw in row.maps.values()], default=0.0) or 1.0
        high, wide = row.picture.shape[:2]
        line[0].imshow(row.picture)
        title = row.title.replace(", ", "\n")
        line[0].set_ylabel(title, fontsize="small", rotation=0, ha="right", va="center")
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
            figure.colorbar(shown, ax=list(line), shrink=0.85, pad=0.01).set_label("map", fontsize="small")
    axes[0, 0].set_title("picture", fontsize="small")
    for axis, (method, target) in zip(axes[0, 1:], columns, strict=True):
        name = labels.of("method", method).replace(" ", "\n").replace("-", "-\n")
        axis.set_title(f"{name}\n{target}", fontsize="small")
    caption = (
        "Raw gradCAM maps: red raises the similarity to the prompt, or the score, blue lowers it; dashed: "
        "the degraded region. One colour scale a row, so methods can be compared."
    )
    return Drawing(
        figure, caption, f"gradCAM maps of {len(columns)} prompts over {len(rows)} pictures.", True
    )
