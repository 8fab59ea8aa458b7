"""Scores of one method on one data set outside the pipeline: taken once, and kept."""

from __future__ import annotations

from pathlib import Path

from benchmark.datasets.prepared import Dataset
from benchmark.method import Method
from experiments.runs import results, stage
from experiments.runs.cells import Cells, code, digest
from experiments.scoring import runner
from experiments.scoring.local import How
from experiments.scoring.provenance import provenance

FOLDER = stage.RESULTS / "evaluated"


def score_once(name: str, method: Method, data: Dataset, *, batch: int, device: str) -> Path:
    """Score the pictures of a data set, unless that has been done; returns the file of the scores.

    Parameters
    ----------
    name
        How the method was asked for, see `experiments.runs.trained.load_here`.
    method
        What that gave.
    data
        The data set.
    batch, device
        See `experiments.scoring.local.How`.
    """
    how = How(batch=batch, device=device, short_side=data.record.short_side)  # type: ignore[arg-type]
    names = data.manifest["image"].tolist()
    made = {
        "version": digest(sorted(provenance(name, method, how.precision).items())),
        "code": code("experiments.scoring.kept_scores"),
        "pictures": digest([*names, *results.digests_now(data, names)]),
    }
    run = runner.Run(method, name, how, made)
    cells, file = Cells(FOLDER / digest([name])[:12]), f"{data.root.name}.csv"
    path = cells.folder / file
    if not cells.kept(file, run.about):
        journal = path.with_name(f"{file}.part")
        run.write(path, journal, {one: data.root / one for one in names})
        cells.note(file, run.about)
        journal.unlink()
    return path
