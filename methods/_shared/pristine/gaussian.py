"""Fitting a Gaussian to pristine pictures: a stated number of them, one at a time, going on where it was.

What a picture gives (the rows of its patches) goes into a journal as it comes, and running sums see it after
that. So a fit that was killed ends with the very numbers of one that was not, and memory does not grow with
the number of pictures.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import torch
from torch import Tensor

import benchmark.images
from benchmark.files import sha256_of
from methods._shared.pristine import nss
from methods._shared.training import loop
from methods._shared.weights.noted_files import used
from methods._shared.weights.weight_cache import Source, first_of

Describe = Callable[[Path], Tensor]

#: Rows that are taken into the sums at once.
BLOCK = 4096


@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance of rows, and of how many rows and pictures.

    Parameters
    ----------
    mean, covariance
        ``[D]`` and ``[D, D]`` float64; the covariance divides by ``rows - 1``.
    rows, pictures
        Counts.
    """

    mean: Tensor
    covariance: Tensor
    rows: int
    pictures: int


class Sums:
    """Running mean and sums of products of rows, in blocks of at least `BLOCK` rows.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque. Updating formulae and a pairwise algorithm for computing
       sample variances. COMPSTAT 1982.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.pictures = 0
        self._mean = self._products = torch.empty(0, dtype=torch.float64)
        self._waiting: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        """Take in the rows ``[N, D]`` of one more picture; ``N`` may be 0."""
        self.pictures += 1
        self._waiting.append(rows)
        if sum(map(len, self._waiting)) >= BLOCK:
            self._merge()

    def gaussian(self) -> Gaussian:
        """Return what all rows so far say; empty tensors where there is none."""
        self._merge()
        return Gaussian(self._mean, self._products / max(self.rows - 1, 1), self.rows, self.pictures)

    def _merge(self) -> None:
        """Take what waits into the sums, by the rule for two sets of which mean and products are known."""
        block = torch.cat(self._waiting).double() if self._waiting else torch.empty(0)
        self._waiting = []
        if not len(block):
            return
        mean = block.sum(0) / len(block)
        centred = block - mean
        if not self.rows:
            self._mean, self._products, self.rows = mean, centred.T @ centred, len(block)
            return
        total = self.rows + len(block)
        away = mean - self._mean
        self._products.addmm_(centred.T, centred)
        self._products.addr_(away, away, alpha=self.rows * len(block) / total)
        self._mean = self._mean + away * (len(block) / total)
        self.rows = total


def pictures_of(folder: str | Path) -> list[Path]:
    """Pictures of a folder that a model is fitted to as it is loaded; the folder is noted.

    Raises
    ------
    ValueError
        If there is none, or the folder is empty text: that would be the folder where one stands.
    """
    if not str(folder):
        raise ValueError("pristine is empty; set it to a folder of undistorted pictures")
    return benchmark.images.below(used(Path(folder)))


def drawn(pictures: Sequence[Path], count: int | None, seed: int) -> list[Path]:
    """Draw ``count`` of the pictures; all where it is none. Sorted, so that their order does not count.

    A picture's lot follows from the seed and its place below the folder that all share: another picture more
    or less does not change the others' lots.

    Raises
    ------
    ValueError
        If ``count`` is less than one, or more than there are.
    """
    if count is None:
        return sorted(pictures)
    if not 1 <= count <= len(pictures):
        raise ValueError(
            f"count={count}: there are {len(pictures)} pristine pictures; set `count` from 1 to that, or to "
            "null for all"
        )
    root = os.path.commonpath([str(path.parent) for path in pictures])

    def lot(path: Path) -> bytes:
        return hashlib.sha256(f"{seed} {path.relative_to(root).as_posix()}".encode()).digest()

    return sorted(sorted(pictures, key=lot)[:count])


def fit(
    pictures: Sequence[Path],
    describe: Describe,
    *,
    partial: Path | None = None,
    about: Mapping[str, Any] | None = None,
) -> Gaussian:
    """Fit a Gaussian to the rows of pictures, in their order.

    Parameters
    ----------
    pictures
        Files of undistorted pictures.
    describe
        Rows ``[N, D]`` of a picture; raises ``ValueError`` for one that cannot be described.
    partial
        Journal of what has been described, see :func:`partial_of`: an earlier run of this very fit goes on
        from there. It stays, for whoever writes the result to remove after that.
    about
        All that the rows depend on besides the pictures: settings, :func:`code`; JSON values.
    """
    sums = Sums()
    if partial is None:
        for path in pictures:
            sums.add(describe(path))
        return sums.gaussian()
    whole = json.dumps(loop.identity(pictures, 0, about or {}), sort_keys=True)
    run = hashlib.sha256(whole.encode()).hexdigest()
    with _Journal.opened(partial, run) as journal:
        for path in pictures:
            rows = journal.read()
            if rows is None:
                rows = describe(path)
                journal.write(rows)
            sums.add(rows)
    return sums.gaussian()


#: Place of the journal.
partial_of = loop.partial_of


def code(*modules: str) -> str:
    """Digest of the source of modules, of how pictures are read and of the statistics that all share."""
    return loop.code_of(benchmark.images.__name__, nss.__name__, *modules)


def one_of(
    name: str, weights: str | Path, parameters: str | Path | None, pristine: str | Path | None
) -> Path | None:
    """Return the file of parameters that is asked for; none for the published one and where it is fitted.

    Raises
    ------
    ValueError
        If more than one thing is asked for.
    """
    files = [Path(file) for file in (weights, parameters) if file not in (None, "official")]
    if len(files) + (pristine is not None) > 1:
        raise ValueError(
            f"{name}: give either `parameters`, a file, or `pristine`, a folder of undistorted pictures, or "
            "neither for the published parameters"
        )
    return files[0] if files else None


def published(name: str, sources: Sequence[Source]) -> Path:
    """Return the file of published parameters, fetched at first use.

    Raises
    ------
    ValueError
        In one line that names the cures, if it cannot be had.
    """
    try:
        return first_of(f"{name}: the published pristine parameters cannot be had", sources)
    except ValueError as error:
        raise ValueError(
            f"{error}. Without network, fit to pictures of your own: "
            f"`iqa train {name} --images FOLDER --out OUT`"
        ) from None


def is_published(path: Path, sources: Sequence[Source]) -> bool:
    """Whether a file is one of those that are published, by its digest."""
    return sha256_of(path) in {source.sha256 for source in sources}


def read_arrays(path: Path, what: str) -> dict[str, np.ndarray]:
    """Read the arrays of a parameter file, MATLAB's by its ending ``.mat``; nothing in it is executed.

    Raises
    ------
    ValueError
        If it is missing, damaged, or of another kind.
    """
    try:
        if path.suffix == ".mat":
            return dict(scipy.io.loadmat(used(path)))
        with used(path).open("rb") as file:
            return dict(np.load(file, allow_pickle=False))
    except Exception as error:  # a damaged file leads scipy's reader to errors of every kind
        raise ValueError(f"{path}: cannot be read as {what} parameters (.npz or .mat): {error}") from error


class _Journal:
    """Arrays one after the other in a file, after a line that names the run; what was cut off is dropped."""

    def __init__(self, file: io.BufferedRandom) -> None:
        self.file = file
        self.reading = True

    @classmethod
    @contextmanager
    def opened(cls, path: Path, run: str) -> Iterator[_Journal]:
        """Open the journal of a run; one of another run begins anew."""
        head = f"{run}\n".encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            if file.read(len(head)) != head:
                file.seek(0)
                file.truncate()
                file.write(head)
            yield cls(file)

    def read(self) -> Tensor | None:
        """Return the next array; none after the last whole one, and from then on."""
        if not self.reading:
            return None
        start = self.file.tell()
        try:
            return torch.from_numpy(np.load(self.file, allow_pickle=False))
        except (EOFError, ValueError):
            self.reading = False
            self.file.seek(start)
            self.file.truncate()
            return None

    def write(self, rows: Tensor) -> None:
        """Append an array."""
        np.save(self.file, rows.numpy(), allow_pickle=False)
        self.file.flush()
