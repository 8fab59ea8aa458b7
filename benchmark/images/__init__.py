"""Any picture file -> RGB tensor in [0, 1]: the one place of the suite that decodes and encodes pictures."""

from benchmark.images.addresses import SECONDS, is_address, patience
from benchmark.images.files import EXTENSIONS, among, below, endings, visible, walk
from benchmark.images.picture import MAX_PIXELS, ImageError, ImageNotice
from benchmark.images.processes import Reader, decoders
from benchmark.images.reading import header, read, read_samples, unit
from benchmark.images.room import Flight, Room, most
from benchmark.images.writing import write_png
