"""Scores against the opinions of one data set, with the published figures beside: no settings needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import pandas as pd

from benchmark import naming
from benchmark.datasets import making
from benchmark.datasets._known import check_opinions
from benchmark.datasets.prepared import Dataset, load
from benchmark.files.delimited import spelt
from benchmark.method import setting
from benchmark.protocols import Resampling, ceilings, learnt_from, zero_shot
from benchmark.protocols.zero_shot import as_setting
from benchmark.provenance import published
from benchmark.statistics.mapping import FORMS

if TYPE_CHECKING:
    from os import PathLike


def evaluate(
    scores: pd.DataFrame | pd.Series | Mapping[str, float],
    dataset: Dataset | str,
    *,
    higher_is_better: bool = True,
    published_as: str = "",
    opinions_of: str = "",
    transductive: bool = False,
    learnt: bool | Literal["unknown"] | None = None,
    how: Resampling | None = None,
    mapping: str = "logistic4",
    ratings: float | None = None,
    root: str | PathLike[str] = "data",
) -> pd.DataFrame:
    """Agreement of scores with the opinions of a data set, each figure with its interval.

    Parameters
    ----------
    scores
        A score for each picture, by its name in the data set's manifest: a mapping, a series with names as
        its index, or a table ``image, score``, in any case.
    dataset
        A prepared data set (`benchmark.datasets.load`), or its name below `root`.
    higher_is_better
        Direction of the scores; that of the opinions is known from the data set's record. A table that states
        another in its column ``direction``, as those of ``iqa score`` do, is refused.
    published_as
        Whose published figures stand beside (`benchmark.provenance.published.TITLES`); nobody's without it.
    opinions_of, transductive
        Data sets whose opinions the method has learnt, if any, and whether the score of a picture depends on
        others, as its card says it (`benchmark.method.Card`): a protocol says zero-shot where neither is so.
    learnt
        Whether it has learnt from this data set, its pictures too, where that is known better than by
        ``opinions_of``.
    how
        How intervals are made; default: 1,000 resamples of references where there are any, else of pictures,
        bias-corrected and accelerated.
    mapping
        Curve fitted before ``plcc`` and ``rmse``.
    ratings
        Ratings behind each opinion, where they are known better than by the data set's record.
    root
        Folder of prepared data sets.

    Returns
    -------
    DataFrame
        The rows of `benchmark.protocols.zero_shot` and, where the ratings are known, those of
        `benchmark.protocols.ceilings`, with ``dataset, published, standing, version``.

    Raises
    ------
    ValueError
        If the data set is not prepared or has changed since it was, no picture of it has a score and an
        opinion, a name stands twice, no curve, no published method or no data set is called so, or the table
        states another direction.
    """
    for said, name, known in (
        ("mapping", mapping, FORMS),
        ("published_as", published_as, ["", *published.TITLES]),
    ):
        if name not in known:
            raise ValueError(f"{said}={name!r} is unknown; {naming.hint(name, filter(None, known))}")
    check_opinions(opinions_of, "opinions_of")
    if isinstance(dataset, str):
        making.check_current(dataset, root)
    data = load(dataset, root) if isinstance(dataset, str) else dataset
    table = _table(scores)
    _check_direction(table, higher_is_better)
    if not table["image"].isin(data.manifest["image"]).any():
        ours, theirs = data.manifest["image"].iloc[0], table["image"].iloc[0] if len(table) else ""
        raise ValueError(
            f"no score is of a picture of {data.record.name!r}: {theirs!r} is none, {ours!r} would be"
        )
    manifest = data.rated(ratings)
    found = zero_shot(
        table,
        manifest,
        higher_is_better=higher_is_better,
        mos_higher_is_better=data.record.higher_is_better,
        how=how or Resampling(),
        mapping=mapping,
    )
    if learnt is None:
        about, by_people = data.record, data.record.rated_by == "people"
        learnt = learnt_from(
            opinions_of, False, "", dataset=about.name, title=about.title, by_people=by_people
        )
    found = as_setting(found, setting(learnt, transductive))
    top = ceilings(manifest, mos_higher_is_better=data.record.higher_is_better)
    found = pd.concat([found, top], ignore_index=True) if len(top) else found
    found = found.assign(method=published_as, dataset=data.record.name)
    return published.attach(found, method=published_as, opinions_of=opinions_of).drop(columns="method")


def _table(scores: pd.DataFrame | pd.Series | Mapping[str, float]) -> pd.DataFrame:
    if isinstance(scores, pd.DataFrame):
        scores = spelt(scores, ("image", "score", "direction"), "the scores")
        if "image" not in scores:
            have = ", ".join(map(str, scores.columns)) or "none"
            raise ValueError(
                f"the scores lack the column 'image': they have {have}; a series may have names as its index"
            )
        return scores.assign(image=scores["image"].astype(str))
    series = pd.Series(scores, dtype=float)
    return pd.DataFrame({"image": series.index.astype(str), "score": series.to_numpy()})


def _check_direction(table: pd.DataFrame, higher_is_better: bool) -> None:
    word = "higher" if higher_is_better else "lower"
    stated = table["direction"].dropna().astype(str) if "direction" in table else pd.Series(dtype=str)
    if (others := stated[stated != word].unique()).size:
        raise ValueError(
            f"higher_is_better={higher_is_better}, and the scores' column 'direction' says {others[0]!r}: "
            "correct the one that is wrong"
        )
