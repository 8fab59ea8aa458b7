"""How statistics and numbers are printed, on every page and in every file alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

SHARE, PERCENT, ANY = (0.0, 1.0), (0.0, 100.0), (-math.inf, math.inf)


@dataclass(frozen=True)
class Statistic:
    """How one statistic is printed: its label, which end is good (1 high, -1 low, 0 neither), its range."""

    label: str
    direction: int = 1
    decimals: int = 3
    bounds: tuple[float, float] = (-1.0, 1.0)


STATISTICS = {
    "srcc": Statistic("SRCC"),
    "krcc": Statistic("KRCC"),
    "plcc": Statistic("PLCC"),
    "rmse": Statistic("RMSE", direction=-1, bounds=ANY),
    "plcc_raw": Statistic("PLCC, no fit"),
    "srcc_splits": Statistic("SRCC, median of splits"),
    "plcc_raw_splits": Statistic("PLCC, no fit, median of splits"),
    "srcc_within": Statistic("SRCC within references"),
    "krcc_within": Statistic("KRCC within references"),
    "plcc_raw_within": Statistic("PLCC, no fit, within references"),
    "srcc_level": Statistic("SRCC with level"),
    "outlier_ratio": Statistic("Outlier ratio", direction=-1, bounds=SHARE),
    "auc_different_similar": Statistic("AUC, different or similar", bounds=SHARE),
    "auc_better_worse": Statistic("AUC, better or worse", bounds=SHARE),
    "correct_classification": Statistic("Rightly ordered pairs", bounds=SHARE),
    "srcc_pixels": Statistic("Score with pixels", direction=0),
    "mos_pixels": Statistic("Opinion with pixels", direction=0),
    "srcc_bytes": Statistic("Score with bytes", direction=0),
    "mos_bytes": Statistic("Opinion with bytes", direction=0),
    "srcc_bytes_per_pixel": Statistic("Score with bytes a pixel", direction=0),
    "mos_bytes_per_pixel": Statistic("Opinion with bytes a pixel", direction=0),
    "srcc_without_bytes_per_pixel": Statistic("Score with opinion, bytes a pixel held fixed", direction=0),
    "srcc_test": Statistic("SRCC, test split"),
    "plcc_test": Statistic("PLCC, test split"),
    "plcc_raw_test": Statistic("PLCC, no fit, test split"),
    "srcc_lower_half": Statistic("SRCC, lower half"),
    "srcc_upper_half": Statistic("SRCC, upper half"),
    "srcc_of_ceiling": Statistic("Share of the ceiling", bounds=SHARE),
    "reliability": Statistic("Reliability", direction=0, bounds=SHARE),
    "ceiling_srcc": Statistic("Ceiling of SRCC", direction=0, bounds=SHARE),
    "ceiling_plcc": Statistic("Ceiling of PLCC", direction=0, bounds=SHARE),
    "ceiling_lower_half": Statistic("Ceiling, lower half", direction=0, bounds=SHARE),
    "ceiling_upper_half": Statistic("Ceiling, upper half", direction=0, bounds=SHARE),
    "calibration_rmse": Statistic("Error", direction=-1, bounds=ANY),
    "calibration_bias": Statistic("Mean error", direction=0, bounds=ANY),
    "pairs_right": Statistic("Pairs ordered rightly", bounds=SHARE),
    "rank": Statistic("Rank", direction=0, bounds=ANY),
    "first": Statistic("First", direction=0, bounds=SHARE),
    "resolvable_least": Statistic("Smallest difference shown, surest pair", direction=0, bounds=ANY),
    "resolvable_median": Statistic("Smallest difference shown, median pair", direction=0, bounds=ANY),
    "resolvable_most": Statistic("Smallest difference shown, least sure pair", direction=0, bounds=ANY),
    "mean_score": Statistic("Mean score", direction=0, bounds=ANY),
    "monotone_share": Statistic("Share of monotone images", bounds=SHARE),
    "aggressiveness": Statistic("Aggressiveness", decimals=1, bounds=PERCENT),
    "resistance": Statistic("Resistance", decimals=1, bounds=PERCENT),
    "rank_score": Statistic("Rank score", decimals=2, bounds=ANY),
    "pointing_game": Statistic("Pointing game", bounds=SHARE),
    "energy_inside": Statistic("Energy inside", bounds=SHARE),
    "auc": Statistic("AUC", bounds=SHARE),
    "shift": Statistic("Shift", direction=0, bounds=ANY),
    "abs_shift": Statistic("Size of shift", direction=-1, bounds=ANY),
    "d_test": Statistic("D-test", bounds=SHARE),
    "chance_d": Statistic("Chance, D", direction=0, bounds=SHARE),
    "l_test": Statistic("L-test"),
    "p_test": Statistic("P-test", bounds=SHARE),
    "retrieval_type": Statistic("Same type", bounds=SHARE),
    "retrieval_level": Statistic("Same level", bounds=SHARE),
    "retrieval_both": Statistic("Same type and level", bounds=SHARE),
    "chance_type": Statistic("Chance, type", direction=0, bounds=SHARE),
    "chance_level": Statistic("Chance, level", direction=0, bounds=SHARE),
    "chance_both": Statistic("Chance, both", direction=0, bounds=SHARE),
}


def words(name: object) -> str:
    """Return a key as words."""
    return str(name).replace("_", " ")


def statistic(name: str) -> Statistic:
    """Return how ``name`` is printed; one nobody described is printed under its own name, without a best."""
    return STATISTICS.get(name, Statistic(words(name), direction=0, bounds=ANY))


def label(name: str) -> str:
    """Return what a statistic is called."""
    return statistic(name).label


def number(value: float, decimals: int = 3) -> str:
    """Return ``value`` with a true minus sign, or a dash where there is none.

    What is not 0 is not shown as 0, for the end of an interval says on which side of it that lies: of what
    would be rounded to 0 stands the bound, ``"< 0.001"`` or ``"> −0.001"``.
    """
    if pd.isna(value):
        return "–"
    text = f"{value:,.{decimals}f}".replace("-", "−")
    if text.strip("−0.,"):
        return text
    least = f"{10**-decimals:.{decimals}f}"
    return f"< {least}" if value > 0 else f"> −{least}" if value < 0 else text.lstrip("−")


def p_value(p: float) -> str:
    """Return the p of a test; of one below 0.001, which arithmetic may have made 0, the bound."""
    return "< 0.001" if p < 0.001 else number(p)


def percent(share: float) -> str:
    """Return a share in whole per cent; one that is neither 0 nor 1 is not shown as either."""
    if pd.isna(share):
        return "–"
    text = f"{share:.0%}"
    return "< 1%" if text == "0%" and share > 0 else "> 99%" if text == "100%" and share < 1 else text


def amount(value: float) -> str:
    """Return an amount to three significant digits, whole from 100 on, however small it is."""
    return f"{value:,.0f}" if value >= 100 else np.format_float_positional(float(f"{value:.3g}"), trim="-")
