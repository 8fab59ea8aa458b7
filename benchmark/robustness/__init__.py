"""How scores behave when the picture gets worse, and when it does not."""

from benchmark.robustness.beyond import FURTHER, UNSEEN, long_ladder, unseen_ladder
from benchmark.robustness.manifold import manifold
from benchmark.robustness.sensitivity import CHANGES, sensitivity
from benchmark.robustness.sweep import Scores, level_srcc, sweep
from benchmark.robustness.waterloo import d_test, l_test, p_test, waterloo

__all__ = [
    "CHANGES",
    "FURTHER",
    "UNSEEN",
    "Scores",
    "d_test",
    "l_test",
    "level_srcc",
    "long_ladder",
    "manifold",
    "p_test",
    "sensitivity",
    "sweep",
    "unseen_ladder",
    "waterloo",
]
