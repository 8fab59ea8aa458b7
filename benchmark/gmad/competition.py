"""The whole competition: pairs, their judgement, and the tables with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.evidence import clusters
from benchmark.gmad.judge import judge_by_scores
from benchmark.gmad.pairs import select_pairs
from benchmark.gmad.ranking import Floats, global_ranking, matrices
from benchmark.statistics.bootstrap import MIN_UNITS, interval
from benchmark.statistics.estimates import SAME, UNPUBLISHED, with_width


class Competition(NamedTuple):
    """What a competition leaves behind.

    Attributes
    ----------
    pairs
        ``dataset, judge, defender, attacker, level, low_image, high_image, gap, tied, weight,
        preference``.
    table
        Tidy, keys ``dataset, judge, method``: mean ``aggressiveness`` and ``resistance`` over the opponents
        (0 … 100) and ``rank_score``, the global strength.
    matrix
        Tidy, keys ``dataset, judge, method_a, method_b``: the same, a against b; ``rank_score`` is the
        difference.
    """

    pairs: pd.DataFrame
    table: pd.DataFrame
    matrix: pd.DataFrame


def competition(
    scores: pd.DataFrame,
    mos: pd.Series,
    mos_std: pd.Series | None = None,
    *,
    dataset: str,
    judge: str = "mos",
    levels: int = 6,
    half_width: float = 9.0,
    seed: int = 0,
    references: pd.Series | None = None,
) -> Competition:
    """Run a competition that existing scores adjudicate.

    Parameters
    ----------
    scores
        Image x method on the common scale, see `benchmark.gmad.common_scale`.
    mos, mos_std
        Human scores (or the proxy), larger is better, and the deviation of their ratings, which counts where
        it is known of every image; see `judge_by_scores`.
    dataset, judge
        Written into the frames: which data set, and who judged (``mos`` or ``proxy``).
    levels, half_width
        See `select_pairs`.
    seed
        Seed of the bootstrap.
    references
        What each image was made from, by image (`references_of`); default: each image is its own.
    """
    own = references_of(pd.DataFrame({"image": scores.index})) if references is None else references
    pairs = select_pairs(scores, levels, half_width)
    deviations, against = _deviations(mos, mos_std)
    pairs["preference"] = judge_by_scores(pairs, mos, deviations)
    protocol = f"gMAD, {levels} levels, half-width {half_width:g}; differences count against {against}"
    if tied := int(pairs["tied"].gt(0).sum()):
        protocol += (
            f"; in {tied} of {pairs['gap'].notna().sum()} pairs others tie, and the first by name was taken"
        )
    return standings(
        pairs,
        list(scores.columns),
        dataset=dataset,
        judge=judge,
        protocol=protocol,
        seed=seed,
        references=own.loc[scores.index],
    )


def _deviations(mos: pd.Series, mos_std: pd.Series | None) -> tuple[pd.Series | None, str]:
    """Return the deviations that differences of scores count against, and which they are, in words."""
    known = 0 if mos_std is None else int(mos_std.reindex(mos.index).notna().sum())
    if known == len(mos):
        return mos_std, "the deviations of both pictures' ratings"
    part = f" (those of ratings are known of {known} of {len(mos)} pictures alone)" if known else ""
    return None, f"the standard deviation of all pictures' scores{part}"


def standings(
    pairs: pd.DataFrame,
    methods: Sequence[str],
    *,
    dataset: str,
    judge: str,
    protocol: str = "gMAD",
    seed: int = 0,
    resamples: int = 1000,
    references: pd.Series | None = None,
) -> Competition:
    """Tables of judged pairs (``select_pairs`` plus ``preference``), with 95% bootstrap intervals.

    The global strength is the maximum likelihood one over everything a method won: its attacks
    (aggressiveness) and its defences (resistance). Each draw of the bootstrap weights its units exponentially
    (D. Rubin, "The Bayesian bootstrap", 1981), so no contest loses all its pairs.

    Units are the references where several images were made from one: pairs that share a reference err
    together, and a pair has the product of the weights of its two (A. B. Owen, "The pigeonhole bootstrap",
    2007), or the one weight where both images are of one. Percentiles are expanded as
    `benchmark.statistics.interval` does, and fewer than five references, or pairs, give no bounds. Where each
    image is its own reference, units are distinct pairs of images: one that decides several contests is drawn
    for all of them at once.

    ``references`` says what each image was made from, by image; default: each image that met another is its
    own. The column ``units`` counts those of the images in the judged pairs that ``n`` counts.
    """
    judged = pairs[pairs["preference"].notna()]
    met_images = pd.concat([judged["low_image"], judged["high_image"]]).unique()
    own = references_of(pd.DataFrame({"image": met_images})) if references is None else references
    reach, shared = own.loc[met_images].nunique(), not own.is_unique
    couple_of = judged.groupby(["low_image", "high_image"]).ngroup().to_numpy()
    rng = np.random.default_rng(seed)
    if shared:
        draws = _of_references(judged, couple_of, own, rng, resamples)
        protocol += f"; n counts pairs; bootstrap of references ({reach}) x{resamples}"
    else:
        couples = int(couple_of.max(initial=-1)) + 1
        draws = rng.exponential(size=(resamples, couples))
        protocol += f"; n counts pairs; bootstrap of pairs ({couples}) x{resamples}"
    points = _statistics(*matrices(judged, methods))
    clouds = _statistics(*matrices(judged, methods, draws, couple_of))
    names = pd.Index(methods)
    met = pd.crosstab(judged["attacker"], judged["defender"])
    attacks = met.reindex(index=names, columns=names).fillna(0).to_numpy(dtype=int)
    counts = {"aggressiveness": attacks, "resistance": attacks.T, "rank_score": attacks + attacks.T}
    of = _references_met(judged, names, own)
    seen = {"aggressiveness": of, "resistance": of.swapaxes(0, 1), "rank_score": of | of.swapaxes(0, 1)}

    i, j = np.nonzero(~np.eye(len(methods), dtype=bool))
    table, matrix = [], []
    for name, (single, couple) in points.items():
        n, units = counts[name].sum(1), seen[name].any(1).sum(1)
        low, high = _bounds(clouds[name][0], units if shared else None, n)
        head = {"dataset": dataset, "judge": judge, "method": names, "statistic": name}
        table.append(
            pd.DataFrame({**head, "value": single, "low": low, "high": high, "n": n, "units": units})
        )
        n, units = counts[name][i, j], seen[name][i, j].sum(1)
        low, high = _bounds(clouds[name][1][:, i, j], units if shared else None, n)
        head = {
            "dataset": dataset,
            "judge": judge,
            "method_a": names[i],
            "method_b": names[j],
            "statistic": name,
        }
        values = {"value": couple[i, j], "low": low, "high": high, "n": n, "units": units}
        matrix.append(pd.DataFrame({**head, **values}))
    order = ["dataset", "judge", "defender", "attacker", "level", "low_image", "high_image", "gap"]
    order += [name for name in ("tied", "weight") if name in pairs]
    told = [_described(pd.concat(rows), protocol, shared) for rows in (table, matrix)]
    return Competition(pairs.assign(dataset=dataset, judge=judge)[[*order, "preference"]], *told)


def references_of(manifest: pd.DataFrame) -> pd.Series:
    """Number of what each image of a manifest was made from, by image; itself where that is not said."""
    numbers = clusters(manifest)
    return pd.Series(np.arange(len(manifest)) if numbers is None else numbers, index=manifest["image"])


def _of_references(
    pairs: pd.DataFrame,
    couple_of: NDArray[np.intp],
    references: pd.Series,
    rng: np.random.Generator,
    resamples: int,
) -> Floats:
    """Weights ``[resamples, couples]`` of the pairs of images, from one weight a reference and draw."""
    first = np.unique(couple_of, return_index=True)[1]
    numbers, names = pd.factorize(references)
    number_of = pd.Series(numbers, index=references.index)
    low, high = (
        pairs[side].iloc[first].map(number_of).to_numpy(dtype=int) for side in ("low_image", "high_image")
    )
    weights = rng.exponential(size=(resamples, len(names)))
    return np.asarray(weights[:, low] * np.where(low == high, 1.0, weights[:, high]))


def _references_met(pairs: pd.DataFrame, methods: pd.Index, references: pd.Series) -> NDArray[np.bool_]:
    """Whether a reference is in a pair with which the first method attacked the second, ``[M, M, R]``."""
    numbers, names = pd.factorize(references)
    number_of = pd.Series(numbers, index=references.index)
    met = np.zeros((len(methods), len(methods), len(names)), dtype=bool)
    who = [methods.get_indexer(pairs[side]) for side in ("attacker", "defender")]
    for side in ("low_image", "high_image"):
        met[(*who, pairs[side].map(number_of).to_numpy(dtype=int))] = True
    return met


def _bounds(cloud: Floats, units: NDArray[np.intp] | None, pairs: NDArray[np.intp]) -> Floats:
    """Low and high of each column of draws ``[resamples, k]``, as ``[2, k]``; NaN of few ``pairs``.

    ``units`` are the references of each column, by which it is expanded; None: pairs were drawn.
    """
    each = [None] * len(pairs) if units is None else units.tolist()
    bounds = [interval(column, units=known) for column, known in zip(cloud.T, each, strict=True)]
    return np.where(pairs >= MIN_UNITS, with_width(*np.array(bounds).reshape(-1, 2).T), np.nan)


def _described(frame: pd.DataFrame, protocol: str, shared: bool) -> pd.DataFrame:
    """Add what is the same in all rows, and to those without an interval why they have none.

    ``shared``: several images were made from one reference, and references were drawn.
    """
    few = frame["n"].lt(MIN_UNITS) | (frame["units"].lt(MIN_UNITS) & shared)
    why = np.where(few, f"no interval: fewer than {MIN_UNITS} pairs or references", SAME)
    none = frame["low"].isna() & frame["value"].notna()
    words = np.where(none, protocol + "; " + why.astype(object), protocol)
    return frame.reset_index(drop=True).assign(protocol=words, **UNPUBLISHED)


def _statistics(aggressiveness: Floats, resistance: Floats) -> dict[str, tuple[Floats, Floats]]:
    """Every statistic as ``[..., M]``, a method against all, and ``[..., M, M]``, a against b."""
    opponents = ~np.eye(aggressiveness.shape[-1], dtype=bool)

    def mean(matrix: Floats) -> Floats:
        met = np.isfinite(matrix) & opponents
        with np.errstate(invalid="ignore"):  # a method that met nobody has no mean
            return np.asarray(np.where(met, matrix, 0).sum(-1) / met.sum(-1))

    # Where only one of two attacked, what was won there counts all the same.
    strength = global_ranking(np.nan_to_num(aggressiveness) + np.nan_to_num(resistance))
    return {
        "aggressiveness": (mean(aggressiveness), aggressiveness),
        "resistance": (mean(resistance), resistance),
        "rank_score": (strength, strength[..., :, None] - strength[..., None, :]),
    }
