"""Official layouts -> rows of a manifest: three readers, told by a record what its files are called."""

from benchmark.datasets.layouts.locating import how_to_get, locate, wanted_files
from benchmark.datasets.layouts.official import SPLITS
from benchmark.datasets.layouts.reading import Rows, read
