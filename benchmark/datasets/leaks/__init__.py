"""What leaks from a training part into a test part: references, files, and pictures of the same content."""

from benchmark.datasets.leaks.looks import NEAR
from benchmark.datasets.leaks.tables import COLUMNS, bare, check, leaks, with_prints
