"""What each picture file is: whether it decodes, its size, bytes, looks and points. Slow, so it is kept.

The journal of a data set is a CSV that grows by a row a picture: a killed run goes on where it was, and a
file that is unchanged (place, size and time) is not read twice, whether it is looked at in its release or
through the link of the prepared folder, unless it could not be read or this code is another by now. Pictures
are streamed, never held together.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from benchmark import files, images
from benchmark.datasets._spelling import absent
from benchmark.datasets.points import packed, points_of
from benchmark.datasets.prepared.contents import JOURNALS, placer, stamp_of
from benchmark.files import sha256_of


def journal_of(name: str, journals: Path | None = None) -> Path:
    """Journal of a data set."""
    return (journals or JOURNALS) / f"{name}.csv"


class Fingerprint(NamedTuple):
    """What a picture is; `reason` says why it does not decode, the others are then empty.

    `image` is its name, and in the journal its place: an absolute path without links. `code` is the digest of
    what has computed looks and points.
    """

    image: str
    size: str
    changed: str
    width: str
    height: str
    sha256: str
    looks: str
    reason: str
    points: str = ""
    code: str = ""


def fingerprints(
    root: Path, names: Sequence[str], journal: Path, *, workers: int = 2
) -> Iterator[Fingerprint]:
    """Fingerprint of every picture, in the order of `names`; those in the journal are not read again.

    Parameters
    ----------
    root
        Folder that `names` start from.
    names
        Paths of the pictures.
    journal
        CSV file to go on with.
    workers
        Threads; a decoder lets go of the interpreter's lock.
    """
    from tqdm import tqdm

    journal.parent.mkdir(parents=True, exist_ok=True)
    busy = f"{journal}: another process is looking at these pictures"
    with (
        files.alone(journal, busy, sign=lambda: journal.stat().st_size),
        ThreadPoolExecutor(workers) as pool,
        journal.open("a", newline="", encoding="utf-8") as file,
    ):
        look = _looker(root, read_journal(journal))
        writer = csv.writer(file, lineterminator="\n")
        with tqdm(total=len(names), desc="pictures", disable=not sys.stderr.isatty()) as bar:
            for chunk in _chunks(names, 64):
                for name, (found, fresh) in zip(chunk, pool.map(look, chunk), strict=True):
                    bar.update()
                    if fresh:
                        writer.writerow(found)
                    yield found._replace(image=name)
                file.flush()


def read_journal(journal: Path) -> dict[str, Fingerprint]:
    """Rows of a journal by place; a last line that a kill left by half is cut off.

    Left out, and so read once more, are pictures that could not be read, which the decoders of now may read,
    and rows that other code has computed.
    """
    if not journal.is_file():
        return {}
    content = journal.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        journal.write_bytes(whole)
    rows = csv.reader(whole.decode("utf-8").split("\n"))
    every = (Fingerprint(*row) for row in rows if len(row) == len(Fingerprint._fields))
    return {one.image: one for one in every if one.code == _code() and not one.reason}


def looks_of(image: Tensor) -> str:
    """Perceptual hash of ``image [3, H, W]``: 128 bits as hexadecimal digits, "" without structure.

    The difference hash (N. Krawetz, "Kind of like that", 2013) in both directions: the grey picture is
    averaged to 9 x 9 fields, and a bit says whether a field is brighter than its left, or upper, neighbour.
    """
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=image.dtype)
    grey = (image * weights[:, None, None]).sum(0)
    fields = adaptive_avg_pool2d(grey[None], 9)[0]
    if float(fields.std()) < 2 / 255:
        return ""
    across = fields[:8, 1:] > fields[:8, :-1]
    down = fields[1:, :8] > fields[:-1, :8]
    bits = torch.cat([across.flatten(), down.flatten()]).tolist()
    return f"{int(''.join('01'[bit] for bit in bits), 2):032x}"


@functools.cache
def _code() -> str:
    """Digest of this module, of that of the points, and of OpenCV's version, which finds them."""
    import cv2

    sources = (Path(__file__), Path(points_of.__code__.co_filename))
    return hashlib.sha256(b"".join([cv2.__version__.encode(), *map(Path.read_bytes, sources)])).hexdigest()[
        :12
    ]


def _looker(root: Path, known: dict[str, Fingerprint]) -> Callable[[str], tuple[Fingerprint, bool]]:
    place_of = placer()

    def look(name: str) -> tuple[Fingerprint, bool]:
        path = root / name
        size, changed = stamp_of(path)
        place = place_of(path)
        if not size:
            return Fingerprint(place, "", "", "", "", "", "", f"{path}: {absent(path)}"), False
        kept = known.get(place)
        if kept is not None and (kept.size, kept.changed) == (size, changed):
            return kept, False
        try:
            image = images.read(path)
        except images.ImageError as error:
            return Fingerprint(place, size, changed, "", "", "", "", str(error), "", _code()), True
        _, height, width = image.shape
        digest, looks, points = sha256_of(path), looks_of(image), packed(points_of(image))
        told = (str(width), str(height), digest, looks, "", points, _code())
        return Fingerprint(place, size, changed, *told), True

    return look


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))
