"""Stage ``cross_dataset``: linear probes trained on one data set and tested on every other."""

from __future__ import annotations

import numpy as np

from benchmark import published
from benchmark.protocols import RELATED, Features, Resampling, cross_set
from experiments import present, results, signing, stage


def cross_dataset() -> None:
    """Write ``cross_dataset.csv``."""
    settings = present.narrowed(stage.start(torch=False))
    own = settings.cross_dataset
    data = {name: results.dataset(name) for name in own.datasets}
    about = results.abouts(own.methods)
    tables = []
    for method in own.methods:
        features = {}
        for name in present.described_by(method, own.datasets):
            with np.load(stage.RESULTS / "features" / method / f"{name}.npz") as file:
                features[name] = Features.of(file["image"], file["features"])
        table = cross_set(
            features,
            {name: data[name].manifest for name in features},
            related=RELATED,
            mos_higher_is_better={name: data[name].record.higher_is_better for name in features},
            official={name for name in features if data[name].record.official_split},
            how=Resampling(settings.evaluate.resamples, settings.seed, settings.evaluate.interval),
        )
        table = table.assign(method=method)
        name = results.published_as(about[method])
        tables.append(published.attach(table, setting="cross_set", method=name))
    keys = ["method", "train", "test"]
    signing.write_tidy(tables, keys, stage.TABLES / "cross_dataset.csv", about=about)


if __name__ == "__main__":
    stage.run(cross_dataset)
