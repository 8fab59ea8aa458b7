"""How the opinions of a data set are spread."""

from __future__ import annotations

import pandas as pd
import seaborn as sns

from benchmark.figures.canvas import COLOURS, grid
from benchmark.figures.drawing import Drawing
from benchmark.tables import Labels
from benchmark.terms import number


def histogram(manifest: pd.DataFrame, labels: Labels, *, dataset: str, score: str) -> Drawing:
    """Draw how the scores of a data set are spread, split by split; ``score`` names their unit."""
    figure, axes = grid(1, 1, 2.4)
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
    count = f"{mos.count():,} scores"
    alt = f"Histogram of {count} from {number(mos.min(), 2)} to {number(mos.max(), 2)}."
    return Drawing(figure, f"{labels.dataset(dataset)}: distribution of {count}.", alt)
