"""Stage ``features@method-dataset``: what a method sees in each picture, for probes."""

from __future__ import annotations

import io
import sys

import numpy as np

from benchmark.method import has_features
from benchmark.scoring import features_manifest
from experiments import results, stage
from experiments.scoring_run import place
from experiments.trained import load_trained


def features(method: str, dataset: str) -> None:
    """Write the features of ``method`` on data set ``dataset``."""
    settings = stage.start()
    loaded = load_trained(method)
    place(loaded, "auto")
    if not has_features(loaded):
        raise ValueError(f"cross_dataset.methods: {method!r} has no features(); remove it from the list")
    data = results.pictured(dataset, settings.prepare)
    names, values, errors = features_manifest(data, loaded, batch=settings.score.batch)
    for image, reason in errors.items():
        print(f"no features of {image}: {reason}", file=sys.stderr)
    if not names:
        image, reason = next(iter(errors.items()))
        raise ValueError(f"{method} could describe none of the pictures of {dataset}; {image}: {reason}")
    buffer = io.BytesIO()
    np.savez(buffer, image=np.array(names, dtype=np.str_), features=values)
    stage.write_bytes(stage.RESULTS / "features" / method / f"{dataset}.npz", buffer.getvalue())


if __name__ == "__main__":
    stage.run(features, *sys.argv[1:])
