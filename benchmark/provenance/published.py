"""Published figures with their standing, and what they say about ours.

`published.csv` holds one figure a line. ``setting`` is ``zero_shot`` (no opinion of that data set learnt;
where a source adapted to its pictures, ``source`` says so), ``same_set`` (trained and tested on parts of it)
or ``cross_set`` (trained on ``train``). ``plcc`` is what a source calls PLCC without saying how it maps,
``plcc_raw`` where it is known that it does not. ``standing`` is V (read in a primary source), S (a second
hand's transcription) or R (recalled, unconfirmed: never a claim). Where several sources give a figure, the
first line is the default and the others are reached by ``version``. ``scaled`` says to which size the
pictures were brought, where that is known not to be the size at which this suite scores them: such a figure
is listed and stands beside none of ours. ``part`` says of which part of the data set it is, where that is
known; ``n`` of how many pictures, and ``splits`` that it is the median of so many random parts of that size.

Which row of a run a figure may stand beside is no matter of names: a method's card says it
(``published_as``), by the weights, prompts and settings that were loaded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import naming

SETTINGS = ("zero_shot", "same_set", "cross_set")

#: Names of the methods in the file, as their papers print them.
TITLES = {
    **{"arniqa": "ARNIQA", "arniqa_ou": "ARNIQA-OU", "brisque": "BRISQUE", "clipiqa": "CLIP-IQA"},
    **{"clipiqa_plus": "CLIP-IQA+", "clipiqa_pyiqa": "CLIP-IQA (pyiqa)", "contrique": "CONTRIQUE"},
    **{"grepq": "GRepQ", "hyperiqa": "HyperIQA", "ilniqe": "IL-NIQE", "maniqa": "MANIQA", "niqe": "NIQE"},
    **{"qalign": "Q-Align", "qualiclip": "QualiCLIP", "qualiclip_plus": "QualiCLIP+", "reiqa": "Re-IQA"},
    **{"maclip": "MA-CLIP", "mdfs": "MDFS", "dubma": "DUBMA", "fgclip_iqa": "FGCLIP-IQA"},
    **{"topiq_nr": "TOPIQ-NR"},
}


#: What the part is called that a data set names as its test set; statistics of it end in `OF_TEST`.
TEST_SPLIT, OF_TEST = "official test split", "_test"


@dataclass(frozen=True)
class Published:
    """One figure.

    Parameters
    ----------
    value, version, source, standing
        The figure, the version and source it stands in, and V, S or R.
    part
        Part of the data set that it is of; "" for all of it, or where that is not known.
    n, splits
        Pictures, and random splits of that size whose median it is; 0 where not known.
    low, high
        Least and greatest value that any source gives for the same cell, whatever its protocol.
    """

    value: float
    version: str
    source: str
    standing: str
    part: str = ""
    n: int = 0
    splits: int = 0
    low: float = np.nan
    high: float = np.nan


@lru_cache(maxsize=1)
def figures() -> pd.DataFrame:
    """Return every figure, with the columns of ``published.csv``."""
    return pd.read_csv(Path(__file__).with_suffix(".csv"), keep_default_na=False, dtype={"value": float})


def of(datasets: Collection[str]) -> pd.DataFrame:
    """Return the figures of some data sets; those learnt from another only where that is one of them too."""
    table = figures()
    learnt = table["setting"].ne("cross_set") | table["train"].isin(datasets)
    return table[table["dataset"].isin(datasets) & learnt]


def lookup(
    method: str,
    dataset: str,
    statistic: str,
    *,
    setting: str = "zero_shot",
    train: str = "",
    version: str | None = None,
) -> Published | None:
    """Find the published figure for one cell of a table; one of pictures of another size only by its version.

    Parameters
    ----------
    method, dataset, statistic
        Keys as in the result files; a statistic that ends in `OF_TEST` is of the official test split, and
        only figures of that part are found for it.
    setting
        One of `SETTINGS`.
    train
        Training set; only ``cross_set`` needs it.
    version
        Version of the source, or None for the default one.

    Returns
    -------
    Published or None
        None where no figure is known.

    Raises
    ------
    ValueError
        If ``setting`` is none of the three, or a cross-set figure is asked for without its training set.
    """
    if setting not in SETTINGS:
        raise ValueError(f"unknown setting {setting!r}: {naming.hint(setting, SETTINGS)}")
    if setting == "cross_set" and not train:
        raise ValueError("a cross_set figure has a training set: pass train=")
    cell = _cells().get((method, dataset, statistic.removesuffix(OF_TEST), setting))
    if cell is None:
        return None
    if setting == "cross_set":
        cell = cell[cell["train"].eq(train)]
    found = cell[cell["part"].eq(TEST_SPLIT)] if statistic.endswith(OF_TEST) else cell
    found = found[found["scaled"].eq("") if version is None else found["version"].eq(version)]
    if found.empty:
        return None
    row = found.iloc[0]
    return Published(
        value=float(row["value"]),
        version=str(row["version"]),
        source=str(row["source"]),
        standing=str(row["standing"]),
        part=str(row["part"]),
        n=int(row["n"] or 0),
        splits=int(row["splits"] or 0),
        low=float(cell["value"].min()),
        high=float(cell["value"].max()),
    )


@lru_cache(maxsize=1)
def _cells() -> dict[Any, pd.DataFrame]:
    """Return the figures of each method, data set, statistic and setting."""
    return dict(list(figures().groupby(["method", "dataset", "statistic", "setting"])))


def attach(
    table: pd.DataFrame, *, setting: str = "zero_shot", method: str | None = None, opinions_of: str = ""
) -> pd.DataFrame:
    """Add what is published to a tidy table: the figure, its standing, version and protocol.

    The columns are ``published``, ``standing``, ``version``, ``published_part``, ``published_n``,
    ``published_splits`` and, over all sources of the cell, ``published_low`` and ``published_high``.

    Parameters
    ----------
    table
        Has ``method`` and ``statistic``, and ``dataset`` (``train`` and ``test`` for ``cross_set``). In a
        matrix of training and test sets the diagonal is read as ``same_set``.
    setting
        One of `SETTINGS`.
    method
        Whose figures the rows take, ``""`` for nobody's; without it, those of the name that each has.
    opinions_of
        Data set whose opinions the method learnt before it came to the table: its figures of the setting
        ``zero_shot`` are then those published for this training set, on every other data set. On this one
        there are none, since a published same-set figure is of a part that was held out.
    """
    found = []
    for row in table.to_dict("records"):
        name = str(row["method"]) if method is None else method
        where = {"setting": setting}
        if setting == "zero_shot" and opinions_of:
            where = {"setting": "cross_set", "train": opinions_of}
        if setting == "cross_set":
            same = row["train"] == row["test"]
            where = {"setting": "same_set"} if same else {"setting": setting, "train": str(row["train"])}
        dataset = row["test"] if setting == "cross_set" else row["dataset"]
        found.append(lookup(name, str(dataset), str(row["statistic"]), **where))
    return table.assign(
        published=[np.nan if f is None else f.value for f in found],
        standing=["" if f is None else f.standing for f in found],
        version=["" if f is None else f.version for f in found],
        published_part=["" if f is None else f.part for f in found],
        published_n=[np.nan if f is None or not f.n else f.n for f in found],
        published_splits=[np.nan if f is None or not f.splits else f.splits for f in found],
        published_low=[np.nan if f is None else f.low for f in found],
        published_high=[np.nan if f is None else f.high for f in found],
    )


def same_protocol(statistic: str, part: str) -> bool:
    """Whether a figure of a part of a data set may judge a statistic: of all of it, or of the test split."""
    return part == (TEST_SPLIT if statistic.endswith(OF_TEST) else "")


def allowed(
    value: float, low: float, high: float, n: float, published_n: float, splits: float
) -> tuple[float, float]:
    """Widen the interval of a correlation of ours by the error that a published one has of its own.

    A figure of fewer of the same pictures scatters about that of all: on Fisher's z its variance is theirs
    times ``n / published_n``, the dependence of pictures being that which our interval shows. Of a median of
    random splits the excess is that of a median of so many independent ones, pi / 2 over their number.

    Parameters
    ----------
    value, low, high
        Ours, with its interval.
    n, published_n
        Pictures of ours and of the published figure; NaN, where not known, widens nothing.
    splits
        Random splits of ``published_n`` pictures whose median it is; NaN for one part.
    """
    ratio = n / published_n if published_n > 0 else 1.0
    if not ratio > 1 or not max(abs(low), abs(high), abs(value)) < 1:
        return low, high
    excess = (ratio - 1) * (np.pi / 2 / splits if splits > 1 else 1.0)
    z = np.arctanh([value, low, high])
    ends = np.tanh(z[0] + (z[1:] - z[0]) * np.sqrt(1 + excess))
    return float(ends[0]), float(ends[1])


def verdict(published: float, low: float, high: float) -> str:
    """Say where a published figure leaves ours: ``agrees``, ``higher``, ``lower``, or "" for no answer.

    ``agrees`` means that it lies within the interval (`allowed`); ``higher`` that ours lies above it.
    """
    if np.isnan(published) or np.isnan(low) or np.isnan(high):
        return ""
    return "agrees" if low <= published <= high else "higher" if low > published else "lower"
