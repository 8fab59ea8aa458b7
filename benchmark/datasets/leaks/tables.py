"""Tables of leaks: of two data sets, and of the splits of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from benchmark.datasets.fingerprints import Fingerprint
from benchmark.datasets.leaks.looks import NEAR
from benchmark.datasets.leaks.placing import FEWEST
from benchmark.datasets.leaks.verdicts import Verdict, verdicts
from benchmark.datasets.points import unpacked

COLUMNS = ["kind", "train", "test", "bits", "standing", "correlation", "of_train", "of_test"]


def leaks(train: pd.DataFrame, test: pd.DataFrame, near: int = NEAR) -> pd.DataFrame:
    """Pairs of a training and a test picture that show the same thing.

    Parameters
    ----------
    train, test
        Rows with ``image``, ``reference`` and, as far as known, ``sha256``, ``looks``, ``points`` (see
        `benchmark.datasets.fingerprints`) and ``path``, where the picture is.
    near
        Largest number of differing bits of the perceptual hash, of 128.

    Returns
    -------
    DataFrame
        ``kind`` (reference, identical, near, mirrored, crop, mirrored crop), ``train``, ``test``, ``bits``
        (of the hash, where that found the pair), ``standing`` (confirmed, refuted, or unseen where the
        pictures cannot tell; empty for references and files), ``correlation`` of their details, and
        ``of_train`` and ``of_test``, the part of each picture that both show. One pair a reference, and one a
        test picture for the other kinds, listed under the first kind that holds; refuted ones come on top.
    """
    rows = [*_shared(train, test, "reference"), *_shared(train, test, "identical", "sha256")]
    taken = {row["test"] for row in rows if row["kind"] == "identical"}
    if "looks" in train and "looks" in test:
        rest = test[~test["image"].isin(taken)]
        rows += [_row(verdict, train, rest) for verdict in verdicts(train, rest, near)]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"bits": "Int64"})


def check(frame: pd.DataFrame, splits: pd.DataFrame, near: int = NEAR) -> pd.DataFrame:
    """Leaks of every split from its training and validation part into its test part.

    Parameters
    ----------
    frame
        The data set, with the columns that `leaks` takes.
    splits
        Its split table.
    near
        As for `leaks`.
    """
    tables = []
    for name in (column for column in splits.columns if column.startswith("split")):
        part = frame["image"].map(dict(zip(splits["image"], splits[name], strict=True)))
        leaked = leaks(frame[part.isin(["train", "val"])], frame[part == "test"], near)
        tables.append(leaked.assign(split=name))
    return pd.concat(tables, ignore_index=True)[["split", *COLUMNS]]


def with_prints(manifest: pd.DataFrame, prints: Mapping[str, Fingerprint], root: Path) -> pd.DataFrame:
    """Image, reference, path, sha256, looks and points of every row, "" where not known."""
    known = [prints.get(image) for image in manifest["image"]]
    columns = {
        name: [getattr(found, name) if found else "" for found in known]
        for name in ("sha256", "looks", "points")
    }
    paths = [root / image for image in manifest["image"]]
    return pd.DataFrame({**manifest[["image", "reference"]], "path": paths, **columns})


def bare(frame: pd.DataFrame) -> int:
    """Number of pictures in which there are too few points for a crop of them to be told."""
    return sum(len(unpacked(text)) < FEWEST for text in frame["points"])


def _shared(
    train: pd.DataFrame, test: pd.DataFrame, kind: str, column: str = ""
) -> Iterator[dict[str, object]]:
    """One pair a value of `column` that both have."""
    column = column or kind
    if column not in train or column not in test:
        return
    first: dict[str, str] = {}
    for image, value in zip(train["image"], train[column], strict=True):
        if isinstance(value, str) and value:
            first.setdefault(value, image)
    done = set()
    for image, value in zip(test["image"], test[column], strict=True):
        if value in first and (kind != "reference" or value not in done):
            done.add(value)
            yield {"kind": kind, "train": first[value], "test": image, "bits": 0, "standing": ""}


def _row(verdict: Verdict, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, object]:
    pair = verdict.candidate
    return {
        "kind": verdict.kind,
        "train": train["image"].iloc[pair.train],
        "test": test["image"].iloc[pair.test],
        "bits": pair.bits,
        "standing": verdict.standing,
        "correlation": verdict.seen.correlation,
        "of_train": verdict.seen.of_train,
        "of_test": verdict.seen.of_test,
    }
