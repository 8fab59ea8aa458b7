"""Reading what earlier stages wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from benchmark.datasets import prepared
from benchmark.datasets.prepared import Dataset, Pictures, contents, linked
from benchmark.method import Trained
from experiments.runs import stage
from experiments.settings import BASE, Ablation, Prepare

#: Trained variants of the ablation, and their scores.
ABLATED, VARIANTS = stage.RESULTS / "ablation", stage.RESULTS / "variants"
#: File among a method's features that says that it has none.
NO_FEATURES = "none"


def trained(settings: Ablation) -> list[str]:
    """Names of the folders that `ablate` and `reseed` leave: the variants, then the base's further seeds."""
    seeds = [f"seed_{seed}" for seed in settings.seeds] if BASE in settings.variants else []
    return [*settings.variants, *seeds]


def is_prepared(name: str) -> bool:
    """Whether data set ``name`` has been prepared; its pictures need not be there."""
    return (stage.DATA / name / "manifest.csv").is_file()


def dataset(name: str) -> Dataset:
    """Return the prepared data set ``name``; its pictures need not be there."""
    return prepared.load(name, root=stage.DATA)


def pictured(name: str, prepare: Prepare, root: Path = stage.DATA) -> Dataset:
    """Return the prepared data set ``name`` once its pictures are there, and are those that were prepared.

    Raises
    ------
    ValueError
        If one is missing, or is another file.
    """
    data = prepared.load(name, root=root)
    source = linked.source_of(name, prepare.settings.get(name, {}))
    if source is not None:
        linked.relink(data.root, data.record, source)
        linked.check(data.root)
    return data


def stated_in(data: Dataset) -> list[Path]:
    """Files that say what a data set holds and who rated it."""
    return [data.root / name for name in ("manifest.csv", "record.json", contents.FILE)]


def split(data: Dataset, name: str = "train") -> list[str]:
    """Pictures of a split; where the data set names no splits, all of them are for training."""
    rows = data.manifest
    if rows["split"].notna().any():
        rows = rows[rows["split"] == name]
    elif name != "train":
        rows = rows[:0]
    return list(rows["image"])


def digests_now(data: Dataset, images: Sequence[str]) -> list[str]:
    """SHA-256 of pictures as they are now, in their order; as they were prepared where they are gone.

    A file is read only if its size or time is not what it was when its digest was last taken.
    """
    prepared_as = {row.image: row.sha256 for row in contents.read(data.root)}
    rows = contents.contents(data.root, images, linked.journal_of(data.root))
    return [row.sha256 or prepared_as.get(row.image, "") for row in rows]


def digests(data: Dataset, images: Sequence[str] | None = None) -> set[str]:
    """SHA-256 of the files of a data set's pictures, or of those named."""
    rows = contents.read(data.root)
    wanted = None if images is None else set(images)
    return {row.sha256 for row in rows if wanted is None or row.image in wanted}


def scores(path: Path) -> pd.DataFrame:
    """Scores of one method on one data set, image names as text.

    Raises
    ------
    ValueError
        If the file is missing or lacks a column.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing; `dvc repro` makes it")
    frame = pd.read_csv(
        path, dtype={"image": str, "error": str}, keep_default_na=False, na_values={"score": [""]}
    )
    missing = {"image", "score", "error"} - set(frame.columns)
    if missing:
        raise ValueError(f"{path} lacks the column {', '.join(sorted(missing))}")
    return frame


def scores_of(method: str, name: str) -> Path:
    """File of the scores of ``method`` on data set ``name``."""
    return stage.RESULTS / "scores" / method / f"{name}.csv"


def features_of(method: str, name: str) -> Path:
    """File of what ``method`` sees in the pictures of data set ``name``."""
    return stage.RESULTS / "features" / method / f"{name}.npz"


def method_scores(method: str, name: str) -> pd.DataFrame:
    """Scores of ``method`` on data set ``name``."""
    return scores(scores_of(method, name))


def methods(names: Iterable[str], models: Path = stage.MODELS) -> dict[str, Trained]:
    """What training left of several methods, by name.

    Raises
    ------
    ValueError
        If one is missing.
    """
    return {name: Trained.read(models / name) for name in names}


def higher_is_better(names: Iterable[str]) -> dict[str, bool]:
    """Direction of the scores of each method, as its training stage wrote it down."""
    return {name: one.higher_is_better for name, one in methods(names).items()}


def pristine(data: Dataset, count: int, *, drawn: int | None = None) -> Pictures:
    """``count`` pictures of a data set to start from: undistorted ones, spread over its references.

    Where there are none because nothing was distorted on purpose, the best rated ones; or, with a seed in
    ``drawn``, any, each as likely as another.

    Raises
    ------
    ValueError
        If the data set has no picture to start from.
    """
    rows = data.manifest
    authentic = rows["level"].isna().all() and rows["reference"].isna().all()
    clean = rows if authentic else rows[rows["level"] == 0]
    if clean.empty:
        raise ValueError(
            f"data set {data.record.name!r} has no undistorted pictures to start from; take another one"
        )
    if clean["reference"].notna().any():
        # Round robin over the references, so that few pictures still show many contents.
        clean = clean.assign(turn=clean.groupby("reference").cumcount()).sort_values("turn", kind="stable")
    elif authentic and drawn is not None:
        lots = [hashlib.sha256(f"{drawn} {image}".encode()).digest() for image in clean["image"]]
        clean = clean.assign(lot=lots).sort_values("lot", kind="stable")
    elif authentic and clean["mos"].notna().any():
        clean = clean.sort_values("mos", ascending=not data.record.higher_is_better, kind="stable")
    return Pictures(data, clean["image"].head(count).tolist())
