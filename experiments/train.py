"""Stage ``train@method``: let a method learn from pristine pictures and write down what loads it again.

A method that learns nothing is written down too, so that every later stage can depend on one folder a method.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import methods
from benchmark.datasets.prepared import Dataset
from benchmark.files import check_folder, hidden
from experiments import results, stage
from experiments import settings as settings_of
from experiments.ablated import ablations_of
from experiments.settings import MethodSettings, Settings
from experiments.trained import code_files
from methods._loop import digests_of


def train(name: str) -> None:
    """Train method ``name`` into ``models/<name>/``."""
    settings = stage.start(deterministic=True)
    settings_of.declared(name, settings)
    own = settings.methods[name]
    together("experiments.train", name, own, settings.train.processes)
    train_on(settings, stage.MODELS / name, name, own, settings.seed, ablations_of(name, settings))


def together(module: str, name: str, own: MethodSettings, processes: int) -> None:
    """Become ``torchrun`` with several processes of this stage, where settings and method have it so.

    Does not return then. Each of the processes comes here again, and goes on.
    """
    if processes == 1 or not own.train or "WORLD_SIZE" in os.environ:
        return
    if not methods.shares_batches(own.module):
        print(f"{name}: its training takes one process", file=sys.stderr)
        return
    sys.stderr.flush()
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    os.execv(sys.executable, [sys.executable, *launch, "-m", module, name])


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
        if settings.train.rated and methods.learns_from_scores(own.module):
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
        learnt = methods.train(
            own.module, pictures, out, seed=seed, settings=own.train, rated=rated, held_out=held_out
        )
    if os.environ.get("RANK", "0") != "0":
        return  # under torchrun the first process writes
    arguments = {**own.load, **learnt}
    method = methods.load(own.module, **arguments)
    there = [path for path in out.iterdir() if path.is_file() and not hidden(path.name)]
    weights = [path for path in there if path.name != "method.json"]
    weights += [path for path in stage.named_files(arguments) if path.parent != out]
    stage.write_json(
        {
            "name": name,
            "method": own.module,
            "card": asdict(getattr(method, "card", methods.card(own.module))),
            "higher_is_better": method.higher_is_better,
            "train": own.train,
            "load": arguments,
            "ablation": ablation,
            "rated": rated.record.name if rated else "",
            "seed": seed,
            "pictures_sha256": learnt_from,
            "code_sha256": stage.sha256(code_files(own.module)),
            "weights_sha256": stage.sha256(weights) if weights else "",
        },
        out / "method.json",
    )


def digest_of(pictures: Sequence[Path]) -> str:
    """Hash of the names and digests of training pictures, wherever their folder lies; "" of none."""
    found = json.dumps(digests_of(pictures)).encode()
    return hashlib.sha256(found).hexdigest() if pictures else ""


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


if __name__ == "__main__":
    stage.run(train, *sys.argv[1:])
