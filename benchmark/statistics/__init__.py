"""Statistics of quality assessment: correlation, mapping, intervals, significance, discrimination."""

from .across import MeanRanks, critical_difference, friedman_power, mean_ranks, signed_ranks
from .bootstrap import bootstrap, interval, resample
from .ceiling import Ceiling, ceiling, reliability, share
from .correlation import krcc, outlier_ratio, plcc, rmse, srcc
from .dependent import meng, steiger, williams
from .discrimination import Auc, Discrimination, Tallies, discriminate
from .hierarchical import Hierarchical, hierarchical
from .influence import (
    acceleration,
    difference_test,
    influence,
    influence_interval,
    jackknife_acceleration,
    jackknife_interval,
    plcc_left_out,
)
from .mapping import FORMS, Mapping, fit
from .pairs import Tally
from .power import equivalence, resolvable
from .ranks import Ranks, letters, ranks
from .significance import holm, win_tie_loss
from .structure import partial_srcc

__all__ = [
    "FORMS",
    "Auc",
    "Ceiling",
    "Discrimination",
    "Hierarchical",
    "Mapping",
    "MeanRanks",
    "Ranks",
    "Tallies",
    "Tally",
    "acceleration",
    "bootstrap",
    "ceiling",
    "critical_difference",
    "difference_test",
    "discriminate",
    "equivalence",
    "fit",
    "friedman_power",
    "hierarchical",
    "holm",
    "influence",
    "influence_interval",
    "interval",
    "jackknife_acceleration",
    "jackknife_interval",
    "krcc",
    "letters",
    "mean_ranks",
    "meng",
    "outlier_ratio",
    "partial_srcc",
    "plcc",
    "plcc_left_out",
    "ranks",
    "reliability",
    "resample",
    "resolvable",
    "rmse",
    "share",
    "signed_ranks",
    "srcc",
    "steiger",
    "williams",
    "win_tie_loss",
]
