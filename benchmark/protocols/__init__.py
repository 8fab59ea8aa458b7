"""How results are read: zero-shot, in pairs, through linear probes, across data sets and seeds."""

from benchmark.provenance.signature import data_hash, sign

from .ceiling import ceilings
from .compare import Comparison, compare
from .distortions import by_distortion
from .overlap import RELATED, learnt_from, learnt_opinions, named_in, shared
from .paired import differences, wins
from .pairs_of_images import discrimination
from .probe import cross_set, probe
from .ridge import Features, fit_probe
from .rows import Resampling
from .runs import across_sets, against_seeds, seeds
from .structure import facts, structure
from .zero_shot import zero_shot
