"""Methods compared on one data set: paired differences, and how far scores tell pictures apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd

from benchmark import files
from benchmark.protocols import discrimination
from benchmark.protocols.paired import differences_of, joint
from benchmark.protocols.rows import describe
from benchmark.statistics import Tally
from experiments.analyses.agreement import directions, made_from, rated, resampling_of
from experiments.runs import results
from experiments.runs.cells import Cells, Tables, code
from experiments.settings import Settings


def pairs_of(
    direction: Mapping[str, bool], data: results.Dataset, settings: Settings, cells: Cells
) -> Tables:
    """What compares methods on one data set: paired differences, and how far scores tell pictures apart."""
    name = data.root.name
    about = made_from(direction, data, settings)
    about |= {"code": code(__name__), "margin": settings.evaluate.margin}
    counts = Counts(cells, name)

    def make() -> Tables:
        manifest = rated(data, settings)
        found_tables: Tables = {}
        frames = {method: results.method_scores(method, name) for method in direction}
        # A method that scored nothing would leave no image that all have scored.
        frames = {method: frame for method, frame in frames.items() if frame["score"].notna().any()}
        each: dict[str, Any] = {"higher_is_better": {m: direction[m] for m in frames}, **directions(data)}
        if len(frames) > 1:
            found_tables |= _paired(frames, manifest, each, settings)
        if frames and manifest["mos_std"].notna().any():
            with counts.kept() as tallies:
                tables = discrimination(frames, manifest, **each, ratings=None, tallies=tallies)
            found_tables["areas"], found_tables["tested"] = tables
        return found_tables

    return cells.tables(f"{name}.pairs", about, make)


def _paired(
    frames: Mapping[str, pd.DataFrame], manifest: pd.DataFrame, each: dict[str, Any], settings: Settings
) -> Tables:
    """Paired differences, and what they rest on: the SRCC of each method in every resample of all."""
    together = joint(frames, manifest, **each, how=resampling_of(settings))
    tables = {"differences": differences_of(together, margin=settings.evaluate.margin)}
    if together is not None:
        tables["values"] = pd.DataFrame({"method": together.names, "value": together.value})
        tables["draws"] = pd.DataFrame(together.draws.T, columns=together.names)
        words = describe(together.samples, together.how, "rank by SRCC on the images that all methods scored")
        facts = {"n": len(together.samples.frame), "units": together.samples.units, "protocol": words}
        tables["joint"] = pd.DataFrame([facts])
    return tables


class Counts:
    """Counts of pairs of a data set's images: sorting the pairs of a method is what takes long.

    So a further method sorts its own pairs and no others.
    """

    def __init__(self, cells: Cells, dataset: str) -> None:
        self._cells, self._name = cells, f"{dataset}.counts.npz"
        self._about = {"code": code("benchmark.statistics.pairs")}
        self._here = cells.kept(self._name, self._about)  # stays, needed or not

    @contextmanager
    def kept(self) -> Iterator[dict[str, Tally]]:
        """What there is, to be added to."""
        arrays = self._cells.arrays(self._name) if self._here else {}
        tallies = {name: Tally.unpacked(array) for name, array in arrays.items()}
        yield tallies
        packed = {name: tally.packed() for name, tally in tallies.items()}
        self._cells.put(self._name, self._about, files.packed(packed, compressed=True))
