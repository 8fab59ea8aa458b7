"""Tidy results as tables to read: every number with its interval, its published figure and a verdict."""

from benchmark.tables.agreement import MAIN, comparison
from benchmark.tables.cells import LEARNT, Cell, Column, Table, verdict
from benchmark.tables.labels import PROXY, Labels
from benchmark.tables.marks import ALPHA, marks
from benchmark.tables.notes import STANDINGS, notes
from benchmark.tables.paired import differences
from benchmark.tables.pivots import ablation, cross_dataset, distortions, gradcam, order, overview, pivot
from benchmark.tables.results import mentioned, read_results
