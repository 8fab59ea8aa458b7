"""Methods compared over the data sets of a run, from what `evaluate` found on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark import files
from benchmark.evidence import decides
from benchmark.protocols import across_sets, wins
from benchmark.protocols.new_sets import CHANCES, over_new_sets
from benchmark.protocols.ranking import of_fair, over_sets, pair_tests, rank_table
from experiments.runs import stage

TESTS = ["method_a", "method_b", "median_difference", "n", "p", "p_holm", "smallest_p", "p_nemenyi"]
RANKS = ["method", "mean_rank", "n", "p", "critical_difference", "power", "left_out"]
OVERALL = ["method", "statistic", "value", "low", "high", "n", "protocol", "letters"]
PAIR = ["method_a", "method_b"]


@dataclass(frozen=True)
class OneSet:
    """SRCC of the methods that are compared on a data set, with their joint bootstrap.

    Parameters
    ----------
    value
        By method.
    draws
        A column a method, a row a resample.
    n, units
        Images, and references or images that were resampled.
    protocol
        How, in words.
    fair
        Methods that have learnt nothing from this data set: the others are compared with nobody here.
    """

    value: pd.Series
    draws: pd.DataFrame
    n: int
    units: int
    protocol: str
    fair: tuple[str, ...]

    def ranks(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Ranks on this data set; ``pairs`` are its paired differences."""
        fair = [name for name in self.value.index if name in self.fair]
        about = {"units": self.units, "n": self.n, "protocol": self.protocol}
        return rank_table(self.value[fair], self.draws, **about, p=of_fair(pairs, fair))  # type: ignore[arg-type]


def write(whole: pd.DataFrame, pairs: pd.DataFrame | None, sets: dict[str, OneSet], seed: int) -> None:
    """Write ``wins``, ``across_sets``, ``mean_ranks`` and ``overall``.

    A method is compared on no data set that it has learnt from, or may have: what is unknown is not fair. Nor
    does a data set count that is too small to decide anything (`benchmark.evidence`).
    """
    learnt_there = whole["overlap"].astype(str).ne("False")
    counted = pd.DataFrame(columns=[*PAIR, "wins", "ties", "losses"])
    if pairs is not None:
        learnt = set(zip(whole["method"][learnt_there], whole["dataset"][learnt_there], strict=True))
        kept = [
            not {(row["method_a"], row["dataset"]), (row["method_b"], row["dataset"])} & learnt
            for row in pairs.to_dict("records")
        ]
        counted = wins(pairs[kept])
    files.write_csv(counted, stage.TABLES / "wins.csv")
    used = {name: one for name, one in sets.items() if decides(one.units)}
    values = {name: one.value[[m for m in one.value.index if m in one.fair]] for name, one in used.items()}
    draws = {name: one.draws for name, one in used.items()}
    methods, chances = over_new_sets(values, draws)
    _tests(values, chances)
    overall = [methods.assign(protocol="data sets as a random effect on Fisher's z; Hartung and Knapp")]
    if len(values) > 1:
        overall.append(_ranks(values, draws, used, seed))
    files.write_csv(
        pd.concat(overall, ignore_index=True).reindex(columns=OVERALL), stage.TABLES / "overall.csv"
    )


def _tests(values: Mapping[str, pd.Series], chances: pd.DataFrame) -> None:
    """Write Wilcoxon's tests beside the chances on a new data set, and Friedman's ranks.

    ``values`` are those on the pictures of each data set that all methods have scored: of its own pictures a
    method that lacks some might have the easy ones.
    """
    found = [(method, name, v) for name, one in values.items() for method, v in one.dropna().items()]
    rated = pd.DataFrame(found, columns=["method", "dataset", "value"]).assign(statistic="srcc")
    tests, ranks = pd.DataFrame(columns=TESTS), pd.DataFrame(columns=RANKS)
    if min(len(rated["dataset"].unique()), len(rated["method"].unique())) > 1:
        tests, mean = across_sets(rated)
        pairs_of = zip(tests["method_a"], tests["method_b"], strict=True)
        tests["p_nemenyi"] = [mean.nemenyi.loc[a, b] for a, b in pairs_of]
        ranks = mean.ranks.rename("mean_rank").rename_axis("method").reset_index()
        ranks = ranks.assign(n=mean.n, p=mean.p, critical_difference=mean.critical_difference)
        ranks = ranks.assign(power=mean.power, left_out=" ".join(mean.left_out))
    both = _turned(chances, tests)
    files.write_csv(tests[TESTS].merge(both, on=PAIR, how="left"), stage.TABLES / "across_sets.csv")
    files.write_csv(ranks[RANKS], stage.TABLES / "mean_ranks.csv")


def _turned(chances: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """Name the two of a pair in the order in which the tests name them."""
    order = set(zip(tests["method_a"], tests["method_b"], strict=True))
    rows = []
    for row in chances.to_dict("records"):
        if (row["method_a"], row["method_b"]) not in order:
            names = {"method_a": row["method_b"], "method_b": row["method_a"]}
            low, high = -row["difference_high"], -row["difference_low"]
            row |= {**names, "difference": -row["difference"], "chance": 1 - row["chance"]}
            row |= {"difference_low": low, "difference_high": high}
        rows.append(row)
    return pd.DataFrame(rows, columns=[*PAIR, *CHANCES])


def _ranks(
    values: dict[str, pd.Series], draws: dict[str, pd.DataFrame], sets: dict[str, OneSet], seed: int
) -> pd.DataFrame:
    """Rank methods by their mean over these data sets, the pictures being what is uncertain."""
    value, drawn, names = over_sets(values, draws, seed=seed)
    units = int(np.sum([sets[name].units for name in names]))
    words = f"rank by the mean of Fisher's z of SRCC over {len(names)} data sets: {' '.join(names)}"
    p = pair_tests(value, drawn, units=units)
    table = rank_table(value, drawn, units=units, n=len(names), protocol=words, p=p)
    return table.drop(columns="units")
