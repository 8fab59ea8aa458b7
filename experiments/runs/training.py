"""A method trained on a prepared data set or on any pictures, and what is written down of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import methods
from benchmark.datasets.prepared import Dataset
from benchmark.files import alone, check_file, check_folder, hidden
from benchmark.method import COURSE, TRAINED, Trained
from experiments.runs import results, stage
from experiments.runs.trained import code_sha256
from experiments.settings import MethodSettings, Settings
from methods._shared.training.loop import digests_of
from methods._shared.training.ranks import writes_files

#: Seconds to wait for another process that trains into the same folder.
PATIENCE = 3.0


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Keep a folder to this training; under ``torchrun`` the first process does.

    Raises
    ------
    ValueError
        If another process trains into it, or nothing can be written beside it.
    """
    lock = out.with_name(f".{out.name}.lock")
    if not writes_files():
        yield
        return
    check_file(lock)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with alone(lock, f"{out}: another process is training into it", patience=PATIENCE):
        yield


def train_on(
    settings: Settings, out: Path, name: str, own: MethodSettings, seed: int, ablation: str = ""
) -> None:
    """Train a method into ``out`` on the data sets that the settings name, or the ablation of it named."""
    rated: Dataset | None = None
    pictures: list[Path] = []
    held_out: list[Path] = []
    if own.train is not None:
        data = results.pictured(settings.train.dataset, settings.prepare)
        pictures = training_pictures(data)
        held_out = [data.root / name for name in results.split(data, "val")]
        if methods.learns_from_scores(own.module):
            rated = results.pictured(settings.train.rated, settings.prepare)
    train_into(out, name, own, pictures, seed, rated, held_out, ablation)


def train_into(
    out: Path,
    name: str,
    own: MethodSettings,
    pictures: list[Path],
    seed: int,
    rated: Dataset | None = None,
    held_out: Sequence[Path] = (),
    ablation: str = "",
) -> None:
    """Train a method into ``out`` and write ``method.json`` beside its weights."""
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    learnt: dict[str, Any] = {}
    learnt_from = digest_of(pictures)  # as they are now: they may be gone by the end
    if own.train is not None:
        with _taken_away(out / TRAINED) if writes_files() else nullcontext():
            learnt = methods.train(
                own.module, pictures, out, seed=seed, settings=own.train, rated=rated, held_out=held_out
            )
    if not writes_files():
        return  # under torchrun the first process writes
    arguments = {**own.load, **learnt}
    method = methods.load(own.module, **arguments)
    left = [path for path in out.iterdir() if path.is_file() and not hidden(path.name)]
    weights = [path for path in left if path.name not in (TRAINED, COURSE)]
    weights += [path for path in stage.named_files(arguments) if path.parent != out]
    Trained(
        name=name,
        method=own.module,
        card=getattr(method, "card", methods.card(own.module)),
        higher_is_better=method.higher_is_better,
        train=own.train,
        load=arguments,
        ablation=ablation,
        rated=rated.record.name if rated else "",
        seed=seed,
        pictures_sha256=learnt_from,
        code_sha256=code_sha256(own.module),
        weights_sha256=stage.sha256(weights) if weights else "",
    ).write(out)


@contextmanager
def _taken_away(described: Path) -> Iterator[None]:
    """Take away what describes weights while others may be written in their place.

    A run that is killed leaves no description of weights that are gone. It comes back after an error that
    left the files beside it as they were.
    """
    kept = described.with_name(f".{described.name}.before")
    if described.is_file():
        described.replace(kept)
    beside = _stamps(described.parent)
    try:
        yield
    except BaseException:
        if kept.is_file() and _stamps(described.parent) == beside:
            kept.replace(described)
        raise
    finally:
        kept.unlink(missing_ok=True)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path.name: path.stat() for path in folder.iterdir()}
    return {name: (about.st_size, about.st_mtime_ns) for name, about in found.items()}


def digest_of(pictures: Sequence[Path]) -> str:
    """Hash of the names and digests of training pictures, wherever their folder lies; "" of none."""
    text = json.dumps(digests_of(pictures)).encode()
    return hashlib.sha256(text).hexdigest() if pictures else ""


def training_pictures(data: Dataset) -> list[Path]:
    """Pristine pictures of a data set that are for training.

    Raises
    ------
    ValueError
        If it has none.
    """
    names = results.split(data)
    if not names:
        raise ValueError(f"data set {data.record.name!r} has no rows of split 'train' in its manifest")
    return [data.root / name for name in names]
