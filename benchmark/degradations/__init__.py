"""Synthetic degradation: 24 types in 7 groups, five levels each, batched and repeatable.

The types are those of ARNIQA (Agnolucci et al., WACV 2024), from which QualiCLIP learns too.
"""

from benchmark.degradations.engine import compose, degrade, ladder
from benchmark.degradations.levels import GROUPS, LEVELS, MONOTONE, group_of
from benchmark.degradations.sampler import level_probabilities, sample_sequence
from benchmark.degradations.sheet import contact_sheet, degrade_file, sheet_file
