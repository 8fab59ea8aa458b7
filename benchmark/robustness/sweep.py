"""Scores against rising intensity of every degradation: Figure 1 of the QualiCLIP paper for any method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from torch import Tensor
from tqdm import tqdm

from benchmark import degradations
from benchmark.arrays import Floats
from benchmark.degradations import GROUPS
from benchmark.method import Method
from benchmark.statistics import rounding
from benchmark.statistics.estimates import bounded, of_contents, share_interval, tidy
from benchmark.study import SAME, WITHIN, batches, content_seeds, moved_by, scored

Ladder = Callable[[Tensor, str, Tensor, int], Tensor]
#: Scores ``[images, levels + 1]`` by method and kind; NaN where there is none yet, and where no level of the
#: kind changes the photograph.
Scores = dict[tuple[str, str], Floats]


class Journal(Protocol):
    """Where scores lie while a sweep lasts: the batches of an earlier run, and a place for further ones."""

    lines: list[Any]

    def add(self, batch: Any) -> None:
        """Take a batch: the places of its photographs, and the scores of each ladder."""


def sweep(
    method: Method | Sequence[Method],
    references: Sequence[Tensor],
    kinds: Mapping[str, Sequence[str]] | None = None,
    levels: int = 5,
    seed: int = 0,
    *,
    batch: int = 8,
    ladder: Ladder = degradations.ladder,
    journal: Journal | None = None,
    groups: ArrayLike | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score pristine photographs degraded at rising levels.

    Parameters
    ----------
    method
        What is measured; of several, all score the same pictures, degraded once.
    references
        Pristine photographs ``[3, H, W]``, RGB in [0, 1], of any sizes.
    kinds
        Kinds of degradation by group; default all of `benchmark.degradations`.
    levels
        Number of levels; level 0, the photograph itself, comes on top.
    seed
        Seed of the random kinds. Each image draws from it and its own pixels.
    batch
        Photographs degraded together; the result does not depend on it.
    ladder
        ``ladder(images, kind, seeds, levels) -> [levels, B, 3, H, W]``; default
        `benchmark.degradations.ladder`.
    journal
        Takes the scores of each batch, so that a run that is killed can go on from there.
    groups
        Reference of each photograph, where several may show one content: references are the units of the
        intervals then; default: each is its own.

    Returns
    -------
    tuple of DataFrame
        The sweep, keys ``method, group, distortion, level``: statistic ``mean_score``, with Student's
        interval over the images. And the order, keys ``method, group, distortion``: ``srcc_level``, the mean
        over images of the SRCC between level and loss of quality (1: every step is seen; 0 where all scores
        are equal), and ``monotone_share``, the share of images whose quality falls at every step (Wilson's
        interval; Student's over references where some have several). A photograph that no level of a kind
        changes (colours of a grey one) does not count for that kind, in either table: n is without it, and
        the protocol says so. Scores that differ by no more than `benchmark.statistics.rounding` are equal.

    Raises
    ------
    ValueError
        If there is no reference, one is out of range, there is less than one level, a score is not finite, or
        two methods have one name.
    """
    if levels < 1:
        raise ValueError(f"levels={levels}: at least one level is needed beside the pristine one")
    kinds = GROUPS if kinds is None else kinds
    methods = list(method) if isinstance(method, Sequence) else [method]
    names = [judged.name for judged in methods]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several methods are called {twice[0]!r}: set another `name` on all but one")
    contents = len(references) if groups is None else len(np.unique(np.asarray(groups)))
    among = f" of {contents} references" if contents < len(references) else ""
    scores = _score_ladders(methods, references, kinds, (levels, seed, batch), ladder, journal)
    curves, orders = [], []
    for judged in methods:
        least = rounding(np.concatenate([scores[judged.name, kind].ravel() for _, kind in _flat(kinds)]))
        for group, kind in _flat(kinds):
            keys: dict[str, object] = {"method": judged.name, "group": group, "distortion": kind}
            table = scores[judged.name, kind]
            there = ~np.isnan(table).any(axis=1)
            table, own = table[there], None if groups is None else np.asarray(groups)[there]
            protocol = f"{len(references)} photographs{among}, level 0 pristine"
            left = len(references) - len(table)
            protocol += f"; {kind}: without {left} that no level of it changes" if left else ""
            for level in range(levels + 1):
                estimate, units = of_contents(table[:, level], own)
                row = {**keys, "level": level}
                curves.append(tidy(row, "mean_score", estimate, protocol, units=units))
            loss = -table if judged.higher_is_better else table
            order = np.array([level_srcc(row, least) for row in loss])
            kept = np.all(np.diff(loss, axis=1) > least, axis=1)
            estimate, units = of_contents(order, own)
            orders.append(tidy(keys, "srcc_level", bounded(estimate, -1, 1), protocol, units=units))
            estimate, units = of_contents(kept.astype(np.float64), own, share_interval)
            orders.append(tidy(keys, "monotone_share", bounded(estimate, 0, 1), protocol, units=units))
    return pd.DataFrame(curves), pd.DataFrame(orders)


def level_srcc(loss: Floats, least: float = 0.0) -> float:
    """SRCC between ``loss [L]`` and its place; 0 where all are equal (within ``least``): no order."""
    return 0.0 if np.ptp(loss) <= least else float(stats.spearmanr(np.arange(len(loss)), loss).statistic)


def _flat(kinds: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(group, kind) for group, members in kinds.items() for kind in members]


def _score_ladders(
    methods: Sequence[Method],
    references: Sequence[Tensor],
    kinds: Mapping[str, Sequence[str]],
    settings: tuple[int, int, int],
    ladder: Ladder,
    journal: Journal | None,
) -> Scores:
    levels, seed, batch = settings
    names = [kind for _, kind in _flat(kinds)]
    scores = {
        (m.name, kind): np.full((len(references), levels + 1), np.nan) for m in methods for kind in names
    }
    done: set[int] = set()
    for places, ladders in journal.lines if journal else ():
        done.update(places)
        for table, rows in zip(scores.values(), ladders, strict=True):
            table[places] = rows
    bar = tqdm(total=len(references), initial=len(done), unit="img", desc="degraded and scored", disable=None)
    for places, images in batches(references, batch, done):
        for method in methods:
            pristine = scored(method, images, "a pristine photograph")
            for kind in names:
                scores[method.name, kind][places, 0] = pristine
        for kind in names:
            degraded = ladder(images, kind, content_seeds(images, seed, kind), levels).flatten(0, 1)
            moved = moved_by(images, degraded.unflatten(0, (levels, -1))).T
            for method in methods:
                by_level = scored(method, degraded, f"{kind!r}").reshape(levels, -1).T
                table = scores[method.name, kind]
                # One picture has one score: in another batch its last bits may be others.
                table[places, 1:] = np.where(moved < SAME, table[places, :1], by_level)
                table[np.asarray(places)[(moved < WITHIN).all(axis=1)]] = np.nan
        if journal:
            journal.add([places, [table[places].tolist() for table in scores.values()]])
        bar.update(len(places))
    bar.close()
    return scores
