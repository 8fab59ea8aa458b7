"""Any picture file -> RGB tensor in [0, 1]: the one place of the suite that decodes and encodes pictures."""

from benchmark.images.files import EXTENSIONS, below, is_address
from benchmark.images.picture import MAX_PIXELS, ImageError, ImageNotice
from benchmark.images.reading import header, read
from benchmark.images.writing import write_png

__all__ = [
    "EXTENSIONS",
    "MAX_PIXELS",
    "ImageError",
    "ImageNotice",
    "below",
    "header",
    "is_address",
    "read",
    "write_png",
]
