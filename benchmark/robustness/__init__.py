"""How scores behave when the picture gets worse, and when it does not."""

from benchmark.robustness.beyond import FURTHER, UNSEEN, long_ladder, unseen_ladder
from benchmark.robustness.manifold import manifold
from benchmark.robustness.sensitivity import CHANGES, sensitivity
from benchmark.robustness.sweep import Scores, level_srcc, sweep
from benchmark.robustness.waterloo import d_test, l_test, p_test, waterloo
