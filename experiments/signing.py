"""Tidy tables with the signature of every row: what made the number, so that two can be told apart later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.datasets import contents
from benchmark.signature import data_hash, sign
from experiments import results, stage

WHO = ("method", "variant", "method_a", "method_b", "variant_a", "variant_b")
WHERE = ("dataset", "train", "test")


def write_tidy(
    frames: Sequence[pd.DataFrame],
    keys: Sequence[str],
    path: Path,
    *,
    about: Mapping[str, Mapping[str, Any]],
    dataset: str = "",
) -> None:
    """Write tidy rows as `stage.write_tidy` does, each with its signature.

    Parameters
    ----------
    frames, keys, path
        As there. The columns `WHO` and `WHERE` say what made a row.
    about
        ``method.json`` of each method or variant. What is none (a floor, an opinion) has no version.
    dataset
        The data set where no column names it.
    """
    stage.write_tidy([signed(frame, about, dataset) for frame in frames], keys, path)


def signed(frame: pd.DataFrame, about: Mapping[str, Mapping[str, Any]], dataset: str = "") -> pd.DataFrame:
    """Add the column ``signature``; see `write_tidy`."""
    versions = {name: results.version(one) for name, one in about.items()}
    who = [column for column in WHO if column in frame]
    where = [column for column in WHERE if column in frame]
    methods, reads, hashes = [], [], []
    for record in frame[[*who, *where]].to_dict("records"):
        made = [str(record[column]).removesuffix("_shuffled") for column in who]
        data = [_facts(str(record[column])) for column in where] or [_facts(dataset)]
        methods.append(_joined("+", (versions.get(name, "none") for name in made)))
        inputs = [about[name]["card"]["input"] for name in made if name in about]
        reads.append(_joined("; ", [*(rule for _, rule in data), *inputs]))
        hashes.append(_joined("+", (digest for digest, _ in data)))
    return sign(frame, method=methods, resolution=reads, data=hashes)


@lru_cache(maxsize=64)
def _facts(dataset: str) -> tuple[str, str]:
    """Hash of a prepared data set, and the rule by which its pictures are scaled."""
    data = results.dataset(dataset)
    return data_hash(data.manifest, contents.digest_of(data.root)), data.record.rule


def _joined(mark: str, parts: Iterable[str]) -> str:
    return mark.join(dict.fromkeys(part for part in parts if part))
