"""How statistics and numbers are printed, on every page and in every file alike."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Statistic:
    """How one statistic is printed: its label, and which end is good (1 high, -1 low, 0 neither)."""

    label: str
    good: int = 1
    decimals: int = 3


STATISTICS = {
    "srcc": Statistic("SRCC"),
    "krcc": Statistic("KRCC"),
    "plcc": Statistic("PLCC"),
    "rmse": Statistic("RMSE", good=-1),
    "plcc_raw": Statistic("PLCC, no fit"),
    "srcc_splits": Statistic("SRCC, median of splits"),
    "plcc_raw_splits": Statistic("PLCC, no fit, median of splits"),
    "srcc_level": Statistic("SRCC with level"),
    "outlier_ratio": Statistic("Outlier ratio", good=-1),
    "auc_different_similar": Statistic("AUC, different or similar"),
    "auc_better_worse": Statistic("AUC, better or worse"),
    "correct_classification": Statistic("Rightly ordered pairs"),
    "srcc_pixels": Statistic("Score with pixels", good=0),
    "mos_pixels": Statistic("Opinion with pixels", good=0),
    "srcc_bytes": Statistic("Score with bytes", good=0),
    "mos_bytes": Statistic("Opinion with bytes", good=0),
    "srcc_bytes_per_pixel": Statistic("Score with bytes a pixel", good=0),
    "mos_bytes_per_pixel": Statistic("Opinion with bytes a pixel", good=0),
    "srcc_without_bytes_per_pixel": Statistic("Score with opinion, bytes a pixel held fixed", good=0),
    "srcc_test": Statistic("SRCC, test split"),
    "plcc_test": Statistic("PLCC, test split"),
    "plcc_raw_test": Statistic("PLCC, no fit, test split"),
    "srcc_lower_half": Statistic("SRCC, lower half"),
    "srcc_upper_half": Statistic("SRCC, upper half"),
    "srcc_of_ceiling": Statistic("Share of the ceiling"),
    "reliability": Statistic("Reliability", good=0),
    "ceiling_srcc": Statistic("Ceiling of SRCC", good=0),
    "ceiling_plcc": Statistic("Ceiling of PLCC", good=0),
    "ceiling_lower_half": Statistic("Ceiling, lower half", good=0),
    "ceiling_upper_half": Statistic("Ceiling, upper half", good=0),
    "calibration_rmse": Statistic("Error", good=-1),
    "calibration_bias": Statistic("Mean error", good=0),
    "pairs_right": Statistic("Pairs ordered rightly"),
    "rank": Statistic("Rank", good=0),
    "first": Statistic("First", good=0),
    "resolvable_least": Statistic("Smallest difference shown, surest pair", good=0),
    "resolvable_median": Statistic("Smallest difference shown, median pair", good=0),
    "resolvable_most": Statistic("Smallest difference shown, least sure pair", good=0),
    "mean_score": Statistic("Mean score", good=0),
    "monotone_share": Statistic("Share of monotone images"),
    "aggressiveness": Statistic("Aggressiveness", decimals=1),
    "resistance": Statistic("Resistance", decimals=1),
    "rank_score": Statistic("Rank score", decimals=2),
    "pointing_game": Statistic("Pointing game"),
    "energy_inside": Statistic("Energy inside"),
    "auc": Statistic("AUC"),
    "shift": Statistic("Shift", good=0),
    "abs_shift": Statistic("Size of shift", good=-1),
    "d_test": Statistic("D-test"),
    "l_test": Statistic("L-test"),
    "p_test": Statistic("P-test"),
    "retrieval_type": Statistic("Same type"),
    "retrieval_level": Statistic("Same level"),
    "retrieval_both": Statistic("Same type and level"),
    "chance_type": Statistic("Chance, type", good=0),
    "chance_level": Statistic("Chance, level", good=0),
    "chance_both": Statistic("Chance, both", good=0),
}


def words(name: object) -> str:
    """Return a key as words."""
    return str(name).replace("_", " ")


def statistic(name: str) -> Statistic:
    """Return how ``name`` is printed; one nobody described is printed under its own name, without a best."""
    return STATISTICS.get(name, Statistic(words(name), good=0))


def label(name: str) -> str:
    """Return what a statistic is called."""
    return statistic(name).label


def number(value: float, decimals: int = 3) -> str:
    """Return ``value`` with a true minus sign (never before a zero), or a dash where there is none."""
    if pd.isna(value):
        return "–"
    text = f"{value:,.{decimals}f}".replace("-", "−")
    return text if text.strip("−0.,") else text.lstrip("−")
