"""Stage ``studies``: join what `study` has found of each method, and test what it scored and saw."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark import files
from benchmark.method import Trained
from experiments import process
from experiments.analyses import gradcam, robustness
from experiments.analyses.subject import STUDIES
from experiments.runs import available, results, signatures, stage
from experiments.runs.cells import Cells
from experiments.settings import Settings

ORDER = ["method", "group", "distortion"]
#: File of tables -> cell, its table, keys, and the section that names the data set.
TABLES = {
    "sweep": ("sweep", "curves", [*ORDER, "level"], "sweep"),
    "sweep_order": ("sweep", "orders", ORDER, "sweep"),
    "sensitivity": ("sensitivity", "changes", ["method", "change"], "robustness"),
    "further": ("further", "curves", [*ORDER, "level"], "robustness"),
    "further_order": ("further", "orders", ORDER, "robustness"),
}


def studies() -> None:
    """Write every table of the studies (``dvc.yaml`` lists them)."""
    settings = available.narrowed(stage.start())
    methods = results.methods(settings.methods)
    cells = {name: Cells(STUDIES / name) for name in settings.methods}
    for table, (cell, part, keys, section) in TABLES.items():
        asked = getattr(settings, section)
        there = of({n: own for n, own in cells.items() if asked.methods is None or n in asked.methods}, cell)
        found = [tables[part] for own in there.values() if (tables := own.read(cell))]
        made = {"methods": methods, "dataset": asked.dataset}
        signatures.write_tidy(found, keys, stage.TABLES / f"{table}.csv", **made)
    costs(of(cells, "cost"), methods)
    shown = settings.gradcam.methods
    seen = of({n: own for n, own in cells.items() if shown is None or n in shown}, "gradcam")
    made = {"methods": methods, "dataset": settings.gradcam.dataset}
    keys = ["method", "target", "distortion"]
    maps = gradcam.joined(settings, seen) if results.is_prepared(settings.gradcam.dataset) else []
    signatures.write_tidy(maps, keys, stage.TABLES / "gradcam.csv", **made)
    tests(settings, methods)


def of(cells: Mapping[str, Cells], name: str) -> dict[str, Cells]:
    """Methods that have a cell of this name; the others are said on standard error."""
    return {method: own for method, own in cells.items() if available.studied(method, own.has(name), name)}


def costs(found: Mapping[str, Cells], methods: Mapping[str, Trained]) -> None:
    """Write ``cost.csv``: what a picture costs each method."""
    frames = [
        cells.read("cost")["cost"].assign(signature=f"method={methods[name].version[:12]}")
        for name, cells in found.items()
    ]
    files.write_csv(
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), stage.TABLES / "cost.csv"
    )


def tests(settings: Settings, methods: Mapping[str, Trained]) -> None:
    """Write ``waterloo.csv``, ``retrieval.csv`` and ``robustness/manifold.csv``."""
    asked, cells = settings.robustness, Cells(stage.RESULTS / "robustness")
    by_set = ["method", "dataset"]
    tables = robustness.waterloo(settings, cells) if results.is_prepared(asked.dataset) else []
    signatures.write_tidy(
        tables, by_set, stage.TABLES / "waterloo.csv", methods=methods, dataset=asked.dataset
    )
    layout, retrieved = robustness.layouts(settings, cells)
    files.write_csv(layout, cells.folder / "manifold.csv")
    keys = [*by_set, "distortion"]
    signatures.write_tidy(
        retrieved, keys, stage.TABLES / "retrieval.csv", methods=methods, dataset=asked.manifold
    )
    cells.close(also=["manifold.csv"])


if __name__ == "__main__":
    process.run(studies)
