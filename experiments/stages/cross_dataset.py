"""Stage ``cross_dataset``: linear probes trained on one data set and tested on every other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.protocols import RELATED, Features, Resampling, cross_set
from benchmark.provenance import published
from experiments import process
from experiments.analyses.leaks import Digests, pictures_learnt
from experiments.runs import available, results, signatures, stage
from experiments.runs.cells import Cells, code
from experiments.settings import Settings


def cross_dataset() -> None:
    """Write ``cross_dataset.csv``; what is kept of each method is made anew only where it has to be."""
    settings = available.narrowed(stage.start(torch=False))
    asked = settings.cross_dataset
    names = [name for name in settings.methods if asked.takes(name)]
    methods = results.methods(names)
    cells, digests = Cells(stage.RESULTS / "cross_dataset"), Digests()
    tables = []
    for method in names:
        table = probes(method, settings, cells).assign(method=method)
        seen = [
            name
            for name in table["test"].unique()
            if pictures_learnt(methods[method], results.dataset(name), settings.train.dataset, digests)
        ]
        table["overlap"] |= table["test"].isin(seen)
        name = methods[method].published_as
        tables.append(published.attach(table, setting="cross_set", method=name))
    cells.close()
    keys = ["method", "train", "test"]
    signatures.write_tidy(tables, keys, stage.TABLES / "cross_dataset.csv", methods=methods)


def probes(method: str, settings: Settings, cells: Cells) -> pd.DataFrame:
    """Matrix of the probes of one method: trained on one data set, tested on another."""
    described = available.described_by(method, settings.cross_dataset.datasets)
    data = {name: results.dataset(name) for name in available.with_official_split(described)}
    paths = {name: results.features_of(method, name) for name in data}
    how = Resampling(settings.evaluate.resamples, settings.seed, settings.evaluate.interval)
    about = {
        "code": code("benchmark.protocols.probe", "experiments.stages.cross_dataset"),
        "how": repr(how),
        "of": {name: stage.sha256([path, *results.stated_in(data[name])]) for name, path in paths.items()},
    }

    def make() -> dict[str, pd.DataFrame]:
        features = {}
        for name, path in paths.items():
            with np.load(path) as file:
                features[name] = Features.of(file["image"], file["features"])
        return {
            "probes": cross_set(
                features,
                {name: one.manifest for name, one in data.items()},
                related=RELATED,
                mos_higher_is_better={n: one.record.higher_is_better for n, one in data.items()},
                official={name for name, one in data.items() if one.record.official_split},
                how=how,
            )
        }

    return cells.tables(method, about, make)["probes"]


if __name__ == "__main__":
    process.run(cross_dataset)
