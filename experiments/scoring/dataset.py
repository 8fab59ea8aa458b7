"""A data set scored and described by a method as a training left it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import files
from benchmark.method import Method
from benchmark.scoring import features_manifest
from benchmark.scoring.journal import Journal, of_features
from experiments.runs import results
from experiments.runs.cells import code, digest
from experiments.runs.trained import load_trained, version_of
from experiments.scoring import runner
from experiments.scoring.local import How, place
from experiments.settings import Score, Settings

#: What scores and features rest on besides the method.
CODE = __name__


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


def made_from(model: Model, data: results.Dataset, settings: Settings, **more: Any) -> dict[str, Any]:
    """Say what scores or features of a data set were made from, as `experiments.runs.cells` keeps it."""
    names = data.manifest["image"].tolist()
    return {
        "method": model.version,
        "code": code(CODE),
        "pictures": digest([*names, *results.digests_now(data, names)]),
        "short_side": data.record.short_side,
        "batch": settings.score.batch,
        "threads": settings.threads,
        **more,
    }


def score_into(out: Path, journal: Path, model: Model, data: results.Dataset, settings: Score) -> None:
    """Score every picture of a data set with what training left, see `experiments.scoring.runner.Run`."""
    how = How(batch=settings.batch, short_side=data.record.short_side, engine=settings.engine)
    made = {"version": digest([model.version, code(CODE)])}
    run = runner.Run(model.method, str(model.folder), how, made)
    run.write(out, journal, {name: data.root / name for name in data.manifest["image"]})


def features(
    journal: Path, model: Model, data: results.Dataset, batch: int, about: Mapping[str, Any]
) -> bytes:
    """Describe every picture of a data set; the file of NumPy's that probes are trained on.

    Parameters
    ----------
    journal
        File that takes every batch as it is done, for a run that is killed to go on from; it is left there.
    model, data, batch
        What is described, and how many pictures at once.
    about
        All that the result is made from, as `made_from` says it.

    Raises
    ------
    ValueError
        If not one picture could be described.
    """
    device = place(model.method, "auto")
    with Journal(journal, {**about, "device": device}) as book:
        names, values, errors = features_manifest(
            data,
            model.method,  # type: ignore[arg-type]
            batch=batch,
            **of_features(book),
        )
    for image, reason in errors.items():
        print(f"no features of {image}: {reason}", file=sys.stderr)
    if not names:
        journal.unlink()
        image, reason = next(iter(errors.items()))
        none = f"{model.folder.name} could describe none of the pictures of {data.record.name}"
        raise ValueError(f"{none}; {image}: {reason}")
    return files.packed({"image": np.array(names, dtype=np.str_), "features": values})
