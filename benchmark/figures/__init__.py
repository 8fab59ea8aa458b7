"""Figures of tidy results: one look, one colour a method on every page, bytes that repeat."""

from benchmark.figures.attributions import Attribution, maps
from benchmark.figures.cost import against_cost
from benchmark.figures.drawing import Drawing, Mark, encode
from benchmark.figures.heatmaps import heatmap
from benchmark.figures.intervals import differences, forest
from benchmark.figures.lines import curves, sweep, validation
from benchmark.figures.opinions import histogram
from benchmark.figures.scatter import scatter
