"""Stage ``score@method``: scores and features of every data set, each a file of its own.

A data set more is scored alone: what is there of the others is kept, see `experiments.runs.cells`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmark.method import has_features
from experiments import process
from experiments import settings as settings_of
from experiments.runs import available, results, stage
from experiments.runs.cells import Cells, code
from experiments.scoring.dataset import CODE, Model, features, made_from, score_into
from experiments.settings import Settings

SCORES, FEATURES = stage.RESULTS / "scores", stage.RESULTS / "features"


def score(method: str) -> None:
    """Score every data set of the settings with ``method``, and describe those that probes are trained on.

    Raises
    ------
    ValueError
        If there is no such method, or data sets could not be scored: when all others have been.
    """
    settings = stage.start()
    settings_of.declared(method, settings)
    settings = available.narrowed(settings, method)
    model = Model(stage.MODELS / method)
    scores, features = Cells(SCORES / method), Cells(FEATURES / method)
    works = [_scoring(scores, model, name, settings) for name in settings.score.datasets]
    works += [_describing(features, model, name, settings) for name in _described(method, settings)]
    faults = available.all_of(works)
    for cells in (scores, features):
        cells.close(also=_elsewhere(cells, settings))
    if faults:
        raise ValueError("\n".join(dict.fromkeys(faults)))


def _described(method: str, settings: Settings) -> list[str]:
    asked = settings.cross_dataset
    return asked.datasets if asked.takes(method) else []


def _elsewhere(cells: Cells, settings: Settings) -> list[str]:
    """Cells of data sets that the settings name and that are not here now: they stay."""
    gone = [name for name in settings.prepare.datasets if not results.is_prepared(name)]
    return [name for name in cells.known if Path(name).stem in gone]


def _scoring(cells: Cells, model: Model, name: str, settings: Settings) -> Callable[[], None]:
    file = f"{name}.csv"

    def work() -> None:
        about = made_from(model, results.dataset(name), settings, engine=settings.score.engine)
        kept = cells.kept(file, about)
        data = results.pictured(name, settings.prepare)  # says so where they are gone: what is kept stays
        if not kept:
            journal = cells.folder / f"{file}.part"
            score_into(cells.folder / file, journal, model, data, settings.score)
            cells.note(file, about)
            journal.unlink()

    return work


def _describing(cells: Cells, model: Model, name: str, settings: Settings) -> Callable[[], None]:
    file = f"{name}.npz"
    nothing = {"method": model.version, "code": code(CODE)}

    def work() -> None:
        about = made_from(model, results.dataset(name), settings)
        named = settings.cross_dataset.methods is not None
        if cells.kept(file, about) or (not named and cells.kept(results.NO_FEATURES, nothing)):
            return
        if _can_describe(model, settings):
            data = results.pictured(name, settings.prepare)
            journal = cells.folder / f"{file}.part"
            cells.put(file, about, features(journal, model, data, settings.score.batch, about))
            journal.unlink()
        else:
            cells.file(results.NO_FEATURES, nothing, lambda: b"")

    return work


def _can_describe(model: Model, settings: Settings) -> bool:
    if has_features(model.method):
        return True
    if settings.cross_dataset.methods is not None:
        raise ValueError(
            f"cross_dataset.methods: {model.folder.name!r} has no features(); remove it from the list"
        )
    return False


if __name__ == "__main__":
    process.run(score, *sys.argv[1:])
