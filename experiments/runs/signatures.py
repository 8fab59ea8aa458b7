"""Tidy tables with the signature of every row: what made the number, so that two can be told apart later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from benchmark import files
from benchmark.datasets.prepared import contents
from benchmark.method import Trained
from benchmark.provenance.signature import data_hash, sign
from benchmark.statistics.estimates import COLUMNS, UNPUBLISHED
from experiments.runs import results

TIDY = [*COLUMNS, *UNPUBLISHED]
WHO = ("method", "variant", "method_a", "method_b", "variant_a", "variant_b")
WHERE = ("dataset", "train", "test")


def write_tidy(
    frames: Sequence[pd.DataFrame],
    keys: Sequence[str],
    path: Path,
    *,
    methods: Mapping[str, Trained],
    dataset: str = "",
) -> None:
    """Write tidy rows in one table, each with its signature.

    Parameters
    ----------
    frames
        Rows; the columns `WHO` and `WHERE` say what made one.
    keys
        The columns that come first; then those that every table has (`TIDY`), then any others.
    path
        The file.
    methods
        What training left of each method or variant. What is none (a floor, an opinion) has no version.
    dataset
        The data set where no column names it.
    """
    rows = [signed(frame, methods, dataset) for frame in frames]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*keys, *TIDY])
    files.write_csv(table.reindex(columns=list(dict.fromkeys([*keys, *TIDY, *table.columns]))), path)


def signed(frame: pd.DataFrame, methods: Mapping[str, Trained], dataset: str = "") -> pd.DataFrame:
    """Add the column ``signature``; see `write_tidy`."""
    who = [column for column in WHO if column in frame]
    where = [column for column in WHERE if column in frame]
    versions, reads, hashes = [], [], []
    for record in frame[[*who, *where]].to_dict("records"):
        made = [str(record[column]).removesuffix("_shuffled") for column in who]
        data = [_facts(str(record[column])) for column in where] or [_facts(dataset)]
        known = {name: methods[name] for name in made if name in methods}
        versions.append(_joined("+", (known[name].version if name in known else "none" for name in made)))
        inputs = [method.card.input for method in known.values()]
        reads.append(_joined("; ", [*(rule for _, rule in data), *inputs]))
        hashes.append(_joined("+", (digest for digest, _ in data)))
    return sign(frame, method=versions, resolution=reads, data=hashes)


@lru_cache(maxsize=64)
def _facts(dataset: str) -> tuple[str, str]:
    """Hash of a prepared data set, and the rule by which its pictures are scaled."""
    data = results.dataset(dataset)
    return data_hash(data.manifest, contents.digest_of(data.root)), data.record.rule


def _joined(mark: str, parts: Iterable[str]) -> str:
    return mark.join(dict.fromkeys(part for part in parts if part))
