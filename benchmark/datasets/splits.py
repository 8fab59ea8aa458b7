"""Splits of a data set, and what leaks through them.

A split table has a row an image and a column a split (``split_1``, ...), with ``train``, ``val``, ``test`` or
nothing for images that take no part.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.datasets._spelling import match
from benchmark.datasets.prepared.manifest import SPLITS
from benchmark.files.delimited import read_table
from benchmark.protocols.samples import split_by_reference

#: Bits of 128 by which two pictures of one look may differ; docs/datasets.md says how it was chosen.
NEAR = 12


def seeded(manifest: pd.DataFrame, splits: int = 10, seed: int = 0) -> pd.DataFrame:
    """Random splits of 70, 10 and 20 per cent of the references, or of the images where there are none."""
    table = pd.DataFrame({"image": manifest["image"]})
    for k, parts in enumerate(split_by_reference(manifest, splits=splits, seed=seed), 1):
        table[f"split_{k}"] = _column(len(table), dict(zip(SPLITS, parts, strict=True)))
    return table


def official(manifest: pd.DataFrame) -> pd.DataFrame:
    """The release's own split.

    Raises
    ------
    ValueError
        If it has none.
    """
    if manifest["split"].isna().all():
        raise ValueError("the data set has no official split; draw seeded ones")
    return pd.DataFrame({"image": manifest["image"], "split_1": manifest["split"]})


def published(folder: Path, manifest: pd.DataFrame) -> pd.DataFrame:
    """Splits as ARNIQA publishes them: ``train.npy``, ``val.npy``, ``test.npy`` of row numbers.

    Parameters
    ----------
    folder
        Folder of the three files, each ``[splits, rows]`` or ``[rows]``, padded with -1.
    manifest
        The data set in the order of its release.

    Raises
    ------
    ValueError
        If a file is missing or damaged, a number is not a row of the manifest, or an image is in two parts.
    """
    parts = {}
    for part in SPLITS:
        path = folder / f"{part}.npy"
        try:
            parts[part] = np.atleast_2d(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read as a NumPy file ({error})") from error
        numbers = parts[part]
        if numbers.dtype.kind not in "iu" or numbers.max(initial=-1) >= len(manifest) or numbers.min() < -1:
            raise ValueError(f"{path}: holds what is not a row of the {len(manifest)} of this data set")
    if len({len(rows) for rows in parts.values()}) != 1:
        raise ValueError(f"{folder}: its three files hold unlike numbers of splits")
    table = pd.DataFrame({"image": manifest["image"]})
    for k in range(len(parts["train"])):
        rows = {part: numbers[k][numbers[k] >= 0] for part, numbers in parts.items()}
        placed = np.concatenate(list(rows.values()))
        if len(np.unique(placed)) != len(placed):
            raise ValueError(f"{folder}: split {k + 1} puts an image in two parts")
        table[f"split_{k + 1}"] = _column(len(table), rows)
    return table


def read_splits(path: Path, manifest: pd.DataFrame) -> pd.DataFrame:
    """Read a split table of this data set.

    Images that the table spells otherwise (`benchmark.datasets._spelling.match`) take the manifest's name; a
    warning counts them.

    Raises
    ------
    ValueError
        If a column, an image or a part is unknown, or an image could be several; the row is named.
    """
    table = read_table(path)
    columns = [name for name in table.columns if str(name).startswith("split")]
    if "image" not in table or not columns:
        raise ValueError(f"{path}: needs the column 'image' and columns split_1, split_2 and so on")
    table["image"] = _known(table["image"], manifest["image"], path)
    for name in columns:
        wrong = ~table[name].isin([*SPLITS, ""])
        if wrong.any():
            row = table.index[wrong.argmax()]
            raise ValueError(f"{path}: row {row}, column {name!r}: {table[name][row]!r} is not a part")
        table[name] = table[name].mask(table[name] == "")
    return table.reset_index(drop=True)


def _known(images: pd.Series, known: pd.Series, path: Path) -> list[str]:
    """Names of a table's images as the manifest has them."""
    matched = match(images.tolist(), known.tolist())
    for row, name in images.items():
        if name not in matched.found:
            several = ", ".join(map(repr, matched.ambiguous.get(name, ())))
            fault = f"could be several: {several}" if several else "is not an image of this data set"
            raise ValueError(f"{path}: row {row}: {name!r} {fault}")
    if twice := sorted(images[images.duplicated()]):
        raise ValueError(f"{path}: lists {twice[0]!r} twice; keep one row")
    if matched.respelt:
        one, other = matched.respelt[0]
        warnings.warn(
            f"{path}: {len(matched.respelt)} images matched, such as {one!r} with {other!r}", stacklevel=2
        )
    return [matched.found[name] for name in images]


def leaks(train: pd.DataFrame, test: pd.DataFrame, near: int = NEAR) -> pd.DataFrame:
    """Pairs of a training and a test picture that show the same thing.

    Parameters
    ----------
    train, test
        Rows with ``image`` and, as far as known, ``reference``, ``sha256`` and ``looks`` (see
        `benchmark.datasets.fingerprints`).
    near
        Largest number of differing bits of the perceptual hash, of 128.

    Returns
    -------
    DataFrame
        ``kind`` (reference, identical, near, mirrored), ``train``, ``test``, ``bits``. One pair a reference,
        and one a test picture for the other kinds; a pair is listed under the first kind that holds.
    """
    rows = [*_shared(train, test, "reference"), *_shared(train, test, "identical", "sha256")]
    taken = {row[2] for row in rows if row[0] == "identical"}
    if "looks" in train and "looks" in test:
        rows += [row for row in _near(train, test, near) if row[2] not in taken]
    return pd.DataFrame(rows, columns=["kind", "train", "test", "bits"])


def check(
    manifest: pd.DataFrame, splits: pd.DataFrame, prints: Mapping[str, tuple[str, str]], near: int = NEAR
) -> pd.DataFrame:
    """Leaks of every split from its training and validation part into its test part.

    Parameters
    ----------
    manifest
        The data set.
    splits
        Its split table.
    prints
        Image -> (sha256, looks), for the images that are known.
    near
        As for `leaks`.
    """
    frame = with_prints(manifest, prints)
    tables = []
    for name in (column for column in splits.columns if column.startswith("split")):
        part = frame["image"].map(dict(zip(splits["image"], splits[name], strict=True)))
        leaked = leaks(frame[part.isin(["train", "val"])], frame[part == "test"], near)
        tables.append(leaked.assign(split=name))
    return pd.concat(tables, ignore_index=True)[["split", "kind", "train", "test", "bits"]]


def with_prints(manifest: pd.DataFrame, prints: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Image, reference, sha256 and looks of every row, "" where not known."""
    known = [prints.get(image, ("", "")) for image in manifest["image"]]
    return pd.DataFrame(
        {
            "image": manifest["image"],
            "reference": manifest["reference"],
            "sha256": [digest for digest, _ in known],
            "looks": [looks for _, looks in known],
        }
    )


def _column(count: int, parts: Mapping[str, NDArray[np.integer]]) -> NDArray[np.object_]:
    column = np.full(count, None, dtype=object)
    for part, rows in parts.items():
        column[rows] = part
    return column


def _shared(
    train: pd.DataFrame, test: pd.DataFrame, kind: str, column: str = ""
) -> Iterator[tuple[str, str, str, int]]:
    """One pair a value of `column` that both have."""
    column = column or kind
    if column not in train or column not in test:
        return
    first: dict[str, str] = {}
    for image, value in zip(train["image"], train[column], strict=True):
        if isinstance(value, str) and value:
            first.setdefault(value, image)
    done = set()
    for image, value in zip(test["image"], test[column], strict=True):
        if value in first and (kind != "reference" or value not in done):
            done.add(value)
            yield kind, first[value], image, 0


def _near(train: pd.DataFrame, test: pd.DataFrame, near: int) -> Iterator[tuple[str, str, str, int]]:
    """Nearest training picture of every test picture, where it is within `near` bits and another content.

    A test picture is looked for as it is and mirrored (left for right); the nearer of both counts.
    """
    left, right = (_Hashes(frame) for frame in (train, test))
    found = {
        "near": _nearest(left, right, near),
        "mirrored": _nearest(left.both_ways(), right.mirrored(), near),
    }
    for row in sorted({*found["near"], *found["mirrored"]}):
        kind = min(found, key=lambda kind: found[kind].get(row, (129, 0))[0])
        bits, other = found[kind][row]
        yield kind, left.images[other], right.images[row], bits


def _nearest(left: _Hashes, right: _Hashes, near: int) -> dict[int, tuple[int, int]]:
    """Row of `right` -> bits and row of the nearest of `left`, where it is within `near` bits.

    Two hashes that differ in at most k bits agree wholly in one of k + 1 bands, so only pictures that share a
    band are compared.
    """
    best: dict[int, tuple[int, int]] = {}
    for band in range(near + 1):
        places: dict[bytes, list[int]] = {}
        for row, key in enumerate(left.band(band, near + 1)):
            places.setdefault(key, []).append(row)
        for row, key in enumerate(right.band(band, near + 1)):
            if rows := places.get(key):
                bits = np.bitwise_count(left.words[rows] ^ right.words[row]).sum(1)
                bits[left.content[rows] == right.content[row]] = 129
                at = int(bits.argmin())
                if bits[at] <= near and (row not in best or bits[at] < best[row][0]):
                    best[row] = (int(bits[at]), rows[at])
    return best


class _Hashes:
    """Perceptual hashes of the pictures that have one: as two words of 64 bits, and as bits for the bands."""

    def __init__(self, frame: pd.DataFrame) -> None:
        frame = frame[frame["looks"] != ""]
        self.images = frame["image"].tolist()
        pieces = [bytes.fromhex(looks) for looks in frame["looks"]]
        raw = np.frombuffer(b"".join(pieces), dtype=np.uint8).reshape(-1, 16)
        # Pictures without a reference are each a content of their own.
        pairs = zip(frame["reference"], frame["image"], strict=True)
        self.content = np.array([r if isinstance(r, str) else f"\0{image}" for r, image in pairs])
        self._set(np.unpackbits(raw, axis=1))

    def _set(self, bits: NDArray[np.uint8]) -> _Hashes:
        self._bits, self.words = bits, np.packbits(bits, axis=1).view(np.uint64)
        return self

    def both_ways(self) -> _Hashes:
        """Without the eight bits that `mirrored` cannot know: of the fields in the first column."""
        across, down = self._grids()
        return self._with(across, np.where(np.arange(8) > 0, down, 0))

    def mirrored(self) -> _Hashes:
        """Hashes of the pictures mirrored, of the bits that can be known.

        A field that is brighter than its left neighbour is then less bright than its right one; what lay
        above it still does. The ninth column of fields, which becomes the first, has no such bits.
        """
        across, down = self._grids()
        turned = np.concatenate([np.zeros_like(down[..., :1]), down[..., :0:-1]], axis=2)
        return self._with(1 - across[..., ::-1], turned)

    def _grids(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        grids = self._bits.reshape(-1, 2, 8, 8)
        return grids[:, 0], grids[:, 1]

    def _with(self, across: NDArray[np.uint8], down: NDArray[np.uint8]) -> _Hashes:
        bits = np.stack([across, down], axis=1).reshape(-1, 128).astype(np.uint8)
        return copy.copy(self)._set(bits)

    def band(self, index: int, count: int) -> list[bytes]:
        """Bits of band `index` of `count`, one key a picture."""
        columns = np.array_split(np.arange(128), count)[index]
        return [bytes(row) for row in np.packbits(self._bits[:, columns], axis=1)]
