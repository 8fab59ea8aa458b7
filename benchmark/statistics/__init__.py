"""Statistics of quality assessment: correlation, mapping, intervals, significance, discrimination."""

from .across import MeanRanks, critical_difference, friedman_power, mean_ranks, signed_ranks
from .bootstrap import bootstrap, interval, resample
from .ceiling import Ceiling, ceiling, reliability, share
from .correlation import krcc, outlier_ratio, plcc, rmse, rounding, srcc
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
