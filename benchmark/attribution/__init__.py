"""Where a method looks: raw gradCAM maps, and what is measured on them."""

from benchmark.attribution.maps import HOW, Attributable, maps, upsample
from benchmark.attribution.measure import auc, energy_inside, pointing_game
from benchmark.attribution.shuffle import shuffled
from benchmark.attribution.study import Trial, floors, implant, localise, region, table
