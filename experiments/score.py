"""Stage ``score@method-dataset``: one score an image."""

from __future__ import annotations

import sys

import benchmark.datasets
from benchmark.scoring import score_manifest, write_scores
from experiments import stage
from experiments.scoring_run import place
from experiments.train import load_trained


def score(method: str, dataset: str) -> None:
    """Score data set ``dataset`` with ``method``."""
    settings = stage.start()
    data = benchmark.datasets.load(dataset, root=stage.DATA)
    loaded = load_trained(method)
    place(loaded, "auto")
    frame = score_manifest(data, loaded, batch=settings.score.batch)
    write_scores(frame, stage.RESULTS / "scores" / method / f"{dataset}.csv")


if __name__ == "__main__":
    stage.run(score, *sys.argv[1:])
