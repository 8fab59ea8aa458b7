"""How results are read: zero-shot, in pairs, through linear probes, across data sets and seeds."""

from .compare import Comparison, compare
from .distortions import by_distortion, worst_distortion
from .paired import differences, wins
from .pairs_of_images import discrimination
from .probe import Features, cross_set, probe
from .runs import across_sets, seeds
from .signature import data_hash, sign
from .structure import structure
from .zero_shot import zero_shot

__all__ = [
    "Comparison",
    "Features",
    "across_sets",
    "by_distortion",
    "compare",
    "cross_set",
    "data_hash",
    "differences",
    "discrimination",
    "probe",
    "seeds",
    "sign",
    "structure",
    "wins",
    "worst_distortion",
    "zero_shot",
]
