"""Statistics of quality assessment: correlation, mapping, intervals, significance, discrimination."""

from .across import MeanRanks, critical_difference, friedman_power, mean_ranks, signed_ranks
from .bootstrap import bootstrap, interval, resample
from .correlation import krcc, outlier_ratio, plcc, rmse, srcc
from .dependent import closed_form_interval, meng, steiger, williams
from .discrimination import Auc, Discrimination, Tallies, discriminate
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
from .significance import holm, win_tie_loss
from .structure import partial_srcc

__all__ = [
    "FORMS",
    "Auc",
    "Discrimination",
    "Mapping",
    "MeanRanks",
    "Tallies",
    "Tally",
    "acceleration",
    "bootstrap",
    "closed_form_interval",
    "critical_difference",
    "difference_test",
    "discriminate",
    "fit",
    "friedman_power",
    "holm",
    "influence",
    "influence_interval",
    "interval",
    "jackknife_acceleration",
    "jackknife_interval",
    "krcc",
    "mean_ranks",
    "meng",
    "outlier_ratio",
    "partial_srcc",
    "plcc",
    "plcc_left_out",
    "resample",
    "rmse",
    "signed_ranks",
    "srcc",
    "steiger",
    "williams",
    "win_tie_loss",
]
