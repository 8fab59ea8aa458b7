"""Records of one data set ranked on the same pictures: how certain it is, and who is not told apart."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import pandas as pd

from benchmark.datasets.prepared import Dataset
from benchmark.exchange.making import learnt_there
from benchmark.exchange.record import Record
from benchmark.protocols import Resampling
from benchmark.protocols.paired import differences_of, joint
from benchmark.protocols.ranking import rank_table
from benchmark.tables import read_results

HOW = Resampling(500, 0, "percentile")


def learnt(record: Record) -> bool | str:
    """Whether the method of a record has learnt from its data set, by its card: yes, no or ``"unknown"``."""
    return learnt_there(record.method, record.dataset)


def ranked(records: Mapping[str, tuple[Record, bytes]], data: Dataset) -> pd.DataFrame:
    """Rank records by SRCC on the data set that all of them scored.

    Those that have learnt from it, or may have, take no part: they are no evidence. Nor do those that lack
    the score of a rated picture: all others would be judged on fewer.

    Parameters
    ----------
    records
        By any key, a record whose checks hold, and its scores.
    data
        The data set, as it is prepared here.

    Returns
    -------
    DataFrame
        `rank_table`, its ``method`` the key.
    """
    rated = set(data.manifest.loc[data.manifest["mos"].notna(), "image"])
    tables = {key: read_results(BytesIO(scores)) for key, (_, scores) in records.items()}
    fair = {
        key: table
        for key, table in tables.items()
        if learnt(records[key][0]) is False and rated <= set(table.dropna(subset="score")["image"])
    }
    found = joint(
        fair,
        data.manifest,
        higher_is_better={key: records[key][0].method.higher_is_better for key in fair},
        mos_higher_is_better=data.record.higher_is_better,
        how=HOW,
    ) if fair else None  # fmt: skip
    if found is None:
        return rank_table(pd.Series(dtype=float), pd.DataFrame(), units=0, n=0, protocol="")
    return rank_table(
        pd.Series(found.value, index=found.names),
        pd.DataFrame(found.draws.T, columns=found.names),
        units=found.samples.units,
        n=len(found.samples.frame),
        protocol="whole set, all methods resampled together",
        p=differences_of(found),
    )
