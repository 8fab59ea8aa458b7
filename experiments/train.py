"""Stage ``train@method``: let a method learn from pristine pictures and write down what loads it again.

A method that learns nothing is written down too, so that every later stage can depend on one folder a method.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import benchmark.datasets
import methods
from benchmark.method import Method
from experiments import stage
from experiments.settings import MethodSettings, Train


def train(name: str) -> None:
    """Train method ``name`` into ``models/<name>/``."""
    settings = stage.start(deterministic=True)
    if name not in settings.methods:
        raise ValueError(
            f"methods: {name!r} is not declared in params.yaml; {methods.hint(name, list(settings.methods))}"
        )
    own = settings.methods[name]
    train_into(stage.MODELS / name, name, own, settings.train, settings.seed)


def train_into(out: Path, name: str, own: MethodSettings, data: Train, seed: int) -> None:
    """Train a method into ``out`` and write ``method.json`` beside its weights."""
    pictures = training_pictures(data.dataset)
    rated = None
    if own.train is not None and data.rated and methods.learns_from_scores(own.module):
        rated = benchmark.datasets.load(data.rated, root=stage.DATA)
    out.mkdir(parents=True, exist_ok=True)
    learnt: dict[str, Any] = {}
    if own.train is not None:
        learnt = methods.train(own.module, pictures, out, seed=seed, settings=own.train, rated=rated)
    arguments = {**own.load, **learnt}
    method = methods.load(own.module, **arguments)
    weights = [path for path in out.iterdir() if path.is_file()]
    stage.write_json(
        {
            "name": name,
            "method": own.module,
            "card": asdict(getattr(method, "card", methods.card(own.module))),
            "higher_is_better": method.higher_is_better,
            "train": own.train,
            "load": arguments,
            "rated": rated.record.name if rated else "",
            "seed": seed,
            "code_sha256": stage.sha256(code_files(own.module)),
            "weights_sha256": stage.sha256(weights) if weights else "",
        },
        out / "method.json",
    )


def training_pictures(dataset: str) -> list[Path]:
    """Pristine pictures of a data set's training split, or all where it names no splits."""
    data = benchmark.datasets.load(dataset, root=stage.DATA)
    rows = data.manifest
    if rows["split"].notna().any():
        rows = rows[rows["split"] == "train"]
    if rows.empty:
        raise ValueError(f"data set {dataset!r} has no rows of split 'train' in its manifest")
    return [data.root / image for image in rows["image"]]


def code_files(name: str) -> list[Path]:
    """Python files of a method, and the parts that methods share."""
    file = Path(methods.find(name).__file__ or "")
    shared = Path(methods.__file__).parent
    own = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    return own + sorted(shared.glob("_*.py")) + sorted(shared.glob("_*/*.py"))


def load_trained(name: str, models: Path = stage.MODELS) -> Method:
    """Load a method as its stage left it in ``models/<name>/``.

    Raises
    ------
    ValueError
        If it has not been trained.
    """
    path = models / name / "method.json"
    if not path.is_file():
        raise ValueError(f"{path} is missing; run `dvc repro train@{name}`")
    trained = json.loads(path.read_text())
    if "method" not in trained:
        raise ValueError(f"{path} is of another version of the suite; run `dvc repro -f train@{name}`")
    method = methods.load(trained["method"], **trained["load"])
    method.name = trained["name"]
    return method


def load_here(name: str, models: Path = stage.MODELS) -> Method:
    """Load a method as the pipeline trained it, or else as it comes.

    Raises
    ------
    ValueError
        If there is no such method, or it is neither trained nor usable without training.
    """
    return load_trained(name, models) if (models / name / "method.json").is_file() else methods.load(name)


if __name__ == "__main__":
    stage.run(train, *sys.argv[1:])
