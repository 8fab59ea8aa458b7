"""Group maximum differentiation competition: methods attack one another on whole data sets.

The procedure is that of K. Ma, Q. Wu, Z. Wang et al., "Group MAD competition: a new methodology to
compare objective image quality models", CVPR 2016, and its extension in IEEE TPAMI 42(4), 2020. People judge
through `benchmark.gmad.study` (a page) and `benchmark.gmad.tally` (their answers).
"""

from benchmark.gmad.competition import Competition, competition, references_of, standings
from benchmark.gmad.judge import judge_by_scores
from benchmark.gmad.pairs import select_pairs
from benchmark.gmad.ranking import global_ranking, matrices
from benchmark.gmad.scale import common_scale
