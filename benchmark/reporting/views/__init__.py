"""What pages show beyond tables and plots: pictures, cards, settings, origin."""

from benchmark.reporting.views.cards import cite, datasets, methods
from benchmark.reporting.views.course import published
from benchmark.reporting.views.exposure import exposure
from benchmark.reporting.views.galleries import attributions, duels, examples, ladders, layout, training
from benchmark.reporting.views.lacking import absent, apart, unstudied
from benchmark.reporting.views.learnt import learnt
from benchmark.reporting.views.origin import caution, digests, facts, flat, pictures, settings, versions
from benchmark.reporting.views.plain import listing, made_here, measured_on
