"""Stage ``cross_dataset``: linear probes trained on one data set and tested on every other."""

from __future__ import annotations

import numpy as np

from benchmark.protocols import Features, cross_set
from experiments import results, stage


def cross_dataset() -> None:
    """Write ``cross_dataset.csv``."""
    settings = stage.start(torch=False)
    own = settings.cross_dataset
    data = {name: results.dataset(name) for name in own.datasets}
    tables = []
    for method in own.methods:
        features = {}
        for name in own.datasets:
            with np.load(stage.RESULTS / "features" / method / f"{name}.npz") as file:
                features[name] = Features.of(file["image"], file["features"])
        table = cross_set(
            features,
            {name: d.manifest for name, d in data.items()},
            mos_higher_is_better={name: d.record.higher_is_better for name, d in data.items()},
            resamples=settings.evaluate.resamples,
            seed=settings.seed,
        )
        tables.append(table.assign(method=method))
    stage.write_tidy(tables, ["method", "train", "test"], stage.TABLES / "cross_dataset.csv")


if __name__ == "__main__":
    stage.run(cross_dataset)
