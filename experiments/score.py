"""Stage ``score@method``: scores and features of every data set, each a file of its own.

A data set more is scored alone: what is there of the others is kept, see `experiments.cells`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.method import Method, has_features
from benchmark.scoring import Row, features_manifest
from experiments import present, results, scoring_run, stage
from experiments import settings as settings_of
from experiments.cells import Cells, code, digest
from experiments.settings import Score, Settings
from experiments.trained import load_trained, version_of

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
    settings = present.narrowed(settings, method)
    model = Model(stage.MODELS / method)
    scores, features = Cells(SCORES / method), Cells(FEATURES / method)
    works = [_scoring(scores, model, name, settings) for name in settings.score.datasets]
    works += [_describing(features, model, name, settings) for name in _described(method, settings)]
    faults = present.all_of(works)
    for cells in (scores, features):
        cells.close(also=_elsewhere(cells, settings))
    if faults:
        raise ValueError("\n".join(faults))


class Model:
    """What training left in a folder, loaded when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def method(self) -> Method:
        """The method."""
        return load_trained(self.folder.name, self.folder.parent)

    @property
    def version(self) -> str:
        """Digest of all that training wrote down."""
        return version_of(self.folder)


def _described(method: str, settings: Settings) -> list[str]:
    own = settings.cross_dataset
    return own.datasets if own.takes(method) else []


def _elsewhere(cells: Cells, settings: Settings) -> list[str]:
    """Cells of data sets that the settings name and that are not here now: they stay."""
    gone = [name for name in settings.prepare.datasets if not results.is_prepared(name)]
    return [name for name in cells.known if Path(name).stem in gone]


def _made_from(model: Model, data: results.Dataset, settings: Settings, **more: Any) -> dict[str, Any]:
    names = data.manifest["image"].tolist()
    return {
        "method": model.version,
        "code": code("experiments.score"),
        "pictures": digest([*names, *results.digests_now(data, names)]),
        "short_side": data.record.short_side,
        "batch": settings.score.batch,
        "threads": settings.threads,
        **more,
    }


def _scoring(cells: Cells, model: Model, name: str, settings: Settings) -> Callable[[], None]:
    file = f"{name}.csv"

    def work() -> None:
        about = _made_from(model, results.dataset(name), settings, engine=settings.score.engine)
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
    nothing = {"method": model.version, "code": code("experiments.score")}

    def work() -> None:
        about = _made_from(model, results.dataset(name), settings)
        named = settings.cross_dataset.methods is not None
        if cells.kept(file, about) or (not named and cells.kept(results.NO_FEATURES, nothing)):
            return
        if _can_describe(model, settings):
            data = results.pictured(name, settings.prepare)
            cells.file(file, about, lambda: _features(model, data, settings.score.batch))
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


def _features(model: Model, data: results.Dataset, batch: int) -> bytes:
    scoring_run.place(model.method, "auto")
    names, values, errors = features_manifest(data, model.method, batch=batch)  # type: ignore[arg-type]
    for image, reason in errors.items():
        print(f"no features of {image}: {reason}", file=sys.stderr)
    if not names:
        image, reason = next(iter(errors.items()))
        none = f"{model.folder.name} could describe none of the pictures of {data.record.name}"
        raise ValueError(f"{none}; {image}: {reason}")
    return stage.packed({"image": np.array(names, dtype=np.str_), "features": values})


def score_into(out: Path, journal: Path, model: Model, data: results.Dataset, settings: Score) -> None:
    """Score every picture of a data set with a trained method; what was stopped goes on where it was.

    Parameters
    ----------
    out
        File of the scores.
    journal
        File that takes them as they come, and that an earlier run may have left; it is left there.
    model
        What training left.
    data
        The data set.
    settings
        Batch and engine.

    Raises
    ------
    ValueError
        If not one picture could be scored: a table of errors alone is no result.
    """
    files = {name: data.root / name for name in data.manifest["image"]}
    method = model.method
    how = scoring_run.How(batch=settings.batch, short_side=data.record.short_side)

    def rows_of(done: Mapping[int, scoring_run.Size | None]) -> Iterator[list[Row]]:
        if settings.engine == "local":
            return scoring_run.local_rows([*files.values()], method, how, done)
        from experiments.engine_ray import ray_rows

        return ray_rows([*files.values()], str(model.folder), how, done)

    version = digest([model.version, code("experiments.score")])
    about = scoring_run.fingerprint(method, how, version=version, engine=settings.engine)
    scoring_run.table_into(out, journal, files, rows_of, about)


if __name__ == "__main__":
    stage.run(score, *sys.argv[1:])
