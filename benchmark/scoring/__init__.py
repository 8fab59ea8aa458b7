"""A method over many pictures: decoded in threads, batched by size, results as they come or in order."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark import files
from benchmark.datasets.prepared import Dataset
from benchmark.images import Flight, ImageError, Reader, most, read, unit
from benchmark.method import HasFeatures, Method, NoScores, check_scores
from benchmark.scoring.guard import as_alone, rows_of

#: Pixels held decoded and not yet scored; beyond it, batches are sent off before they are full.
PIXELS_HELD = 64_000_000

#: Pixels scored at once: eight pictures of 1024 x 768. More fill the memory and are no faster.
PIXELS_AT_ONCE = 8 * 1024 * 768

#: Fewest pictures of which one is scored alone too, to see that its batch does not matter.
LOOKED_AT = 8

#: Reason of a picture that a method refuses by a ValueError without a message: "" would say that it has none.
_UNSAID = "the method refuses it by a ValueError without a message"

Path_ = str | os.PathLike[str]


def score_files(
    paths: Sequence[Path_],
    method: Method,
    *,
    root: Path_ | None = None,
    batch: int = 16,
    workers: int = 2,
    short_side: int = 0,
) -> pd.DataFrame:
    """Score picture files.

    Pictures of equal size share a batch. Which ones do depends on the order of `paths` and on `batch` alone,
    never on the timing of the threads; a method that treats pictures one by one gives the same scores for any
    batch.

    Parameters
    ----------
    paths
        Files, in the order of the result.
    method
        What scores them. A ValueError of its ``score`` means that it refuses a picture, and becomes that
        picture's error; any other exception is a fault of the method and passes on.
    root
        Folder that `paths` start from.
    batch
        Largest number of pictures scored at once; fewer where they are large, see `PIXELS_AT_ONCE`.
    workers
        Threads that decode.
    short_side
        Scale pictures to this short side, in pixels, as `benchmark.images.read` does; 0 leaves them.

    Returns
    -------
    DataFrame
        ``image`` (as given), ``score`` (float64, NaN where there is none), ``error`` (the reason, else "").

    Raises
    ------
    NoScores
        If the method has features alone; before a picture is read, where it has ``no_scores``.
    RuntimeError
        If a score depends on the batch, where there are `LOOKED_AT` pictures or more.
    """
    check_scores(method)
    score = as_alone(method.score, method.name) if len(paths) >= LOOKED_AT else method.score
    rows = [
        row
        for part in stream(paths, score, root=root, batch=batch, workers=workers, short_side=short_side)
        for row in scored(part, method)
    ]
    return frame_of(paths, rows)


def features_manifest(
    dataset: Dataset, method: HasFeatures, **how: Any
) -> tuple[list[str], NDArray[np.float32], dict[str, str]]:
    """Compute the features of every picture of a data set; `how` as `features_files` takes it."""
    names = dataset.manifest["image"].tolist()
    return features_files(names, method, root=dataset.root, short_side=dataset.record.short_side, **how)


def features_files(
    paths: Sequence[Path_],
    method: HasFeatures,
    *,
    root: Path_ | None = None,
    batch: int = 16,
    workers: int = 2,
    short_side: int = 0,
    known: Sequence[Result] = (),
    keep: Callable[[Sequence[Result]], None] | None = None,
) -> tuple[list[str], NDArray[np.float32], dict[str, str]]:
    """Compute the features of picture files.

    Parameters
    ----------
    paths, method, root, batch, workers, short_side
        As in `score_files`.
    known
        What an earlier run with the same arguments gave to `keep`: it is not computed again.
    keep
        Takes the results of each batch as it is done, in float32.

    Returns
    -------
    names
        Pictures that have features, in the order given; each as often as the method has crops of it.
    features
        ``[N, D]`` float32, one row for each name.
    errors
        Every other picture with the reason.

    Raises
    ------
    TypeError
        If features are no such rows, or their length differs from picture to picture.
    """
    how: Any = {"root": root, "batch": batch, "workers": workers, "short_side": short_side}
    found = list(known)
    for part in stream(paths, method.features, done={r.index: r.size for r in known}, **how):
        single = [replace(r, value=None if r.value is None else r.value.float()) for r in part]
        if keep:
            keep(single)
        found += single
    vectors: dict[int, Tensor] = {}
    errors: dict[int, str] = {}
    for result in found:
        if result.value is None:
            errors[result.index] = result.error
        elif not bool(torch.isfinite(result.value).all()):
            errors[result.index] = "features are not finite"
        else:
            vectors[result.index] = result.value
    crops = {index: torch.atleast_2d(vectors[index]) for index in sorted(vectors)}
    first = next(iter(crops), 0)
    for index, rows in crops.items():
        if rows.ndim != 2 or rows.shape[1] != crops[first].shape[1]:
            raise TypeError(
                "features must be [B, D], or [B, C, D] for C crops, of one D for pictures of any size: "
                f"{os.fspath(paths[index])} has {list(rows.shape)}, {os.fspath(paths[first])} "
                f"{list(crops[first].shape)}"
            )
    features = torch.cat(list(crops.values())).numpy() if crops else np.empty((0, 0), np.float32)
    reasons = {os.fspath(paths[index]): errors[index] for index in sorted(errors)}
    return [os.fspath(paths[index]) for index, rows in crops.items() for _ in rows], features, reasons


def write_scores(frame: pd.DataFrame, path: Path_) -> None:
    """Write ``image,score,error`` as CSV with nine significant digits, aside and then renamed."""
    columns = frame[["image", "score", "error"]]
    files.write_text(Path(path), columns.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


@dataclass(frozen=True)
class Result:
    """What became of one picture.

    Parameters
    ----------
    index
        Its place in the list.
    size
        Height and width in pixels, or nothing where it could not be read.
    value
        What the method made of it, or nothing.
    error
        Why there is no value, else "".
    """

    index: int
    size: tuple[int, int] | None
    value: Tensor | None
    error: str = ""


@dataclass(frozen=True)
class Row:
    """Score of one picture: NaN and the reason where there is none; its place and its size as in `Result`."""

    index: int
    size: tuple[int, int] | None
    score: float
    error: str = ""


def scored(results: Sequence[Result], method: Method) -> list[Row]:
    """Turn the results of a batch into scores; raises TypeError unless the method gives one number each."""
    rows = []
    for result in results:
        score, error = math.nan, result.error
        if result.value is not None:
            if result.value.numel() != 1:
                raise TypeError(
                    f"method {method.name!r}: score must return one number a picture, "
                    f"got {list(result.value.shape)}"
                )
            score = float(result.value)
            if not math.isfinite(score):
                score, error = math.nan, "score is not finite"
        rows.append(Row(result.index, result.size, score, error))
    return rows


def frame_of(paths: Sequence[Path_], rows: Sequence[Row]) -> pd.DataFrame:
    """Lay out one row a picture, in the order of `paths`: ``image``, ``score``, ``error``."""
    ordered = sorted(rows, key=lambda row: row.index)
    # As Python's own strings: pandas' cannot hold the name of a file that is no UTF-8.
    return pd.DataFrame(
        {
            "image": pd.Series([os.fspath(path) for path in paths], dtype=object),
            "score": np.array([row.score for row in ordered], dtype=np.float64),
            "error": pd.Series([row.error for row in ordered], dtype=object),
        }
    )


def stream(
    paths: Sequence[Path_],
    function: Callable[[Tensor], Tensor],
    *,
    root: Path_ | None = None,
    batch: int = 16,
    workers: int = 2,
    done: Mapping[int, tuple[int, int] | None] | None = None,
    short_side: int = 0,
    pixels: int | None = None,
    reader: Reader = read,
) -> Iterator[list[Result]]:
    """Apply a function to every readable picture, a batch at a time.

    Parameters
    ----------
    paths, root, batch, workers, short_side
        As in `score_files`.
    function
        ``[B, 3, H, W]`` to one row a picture. A ValueError of it refuses a picture.
    done
        Pictures that an earlier run has dealt with, with their sizes (nothing where they could not be read).
        They are not read again, and count where batches are gathered: what is left shares a batch with the
        pictures that it would have shared one with before, and so gets the same numbers to the last bit.
    pixels
        Most pixels in memory at once: being decoded, decoded, waiting for their batch and with `function`
        together; default `benchmark.images.most`. A picture with more is there alone. Results do not depend
        on it: where pictures that wait for their batch would exceed it, they are read a second time.
    reader
        What reads a file: `benchmark.images.read`, or `read_samples`, or the processes of `decoders`. The
        latter give pictures of 8 bits as uint8, which are for `function` to scale to [0, 1]; a batch that
        holds others too is given as float32.

    Yields
    ------
    list of Result
        A batch as soon as it is through; a picture that cannot be read, by itself. Each picture comes once.
    """
    if batch < 1 or workers < 1:
        raise ValueError(f"batch and workers must be at least 1, got batch {batch} and workers {workers}")
    done = done or {}
    files = [os.path.join(root or "", path) for path in paths]  # a Path would change s3:// to s3:/
    flight, waiting = Flight(pixels or most()), _Waiting(batch)

    def decode(file: str, admit: Callable[[int], None] = lambda _: None) -> Tensor:
        return reader(file, short_side, admit)

    for part in _batches(_decoded(files, workers, done, decode, flight, waiting.give_up), waiting):
        if isinstance(part, Result):
            if part.index not in done:
                yield [part]
        elif any(index not in done for index, _ in part):
            pixels = part[0][1].shape[1:].numel()
            flight.add(pixels * sum(image.is_meta for _, image in part))
            whole = [(index, decode(files[index]) if image.is_meta else image) for index, image in part]
            part.clear()  # a name left on a picture would keep it while the next one is decoded
            results = _apply(function, whole, files)
            flight.add(-pixels * len(whole))
            del whole
            yield [result for result in results if result.index not in done]


def _decoded(
    files: Sequence[str],
    workers: int,
    done: Mapping[int, tuple[int, int] | None],
    decode: Callable[..., Tensor],
    flight: Flight,
    spare: Callable[[], int],
) -> Iterator[tuple[int, Tensor | str]]:
    """Read files in threads, a few ahead of what is asked for; yields pictures or reasons in their order.

    A picture is in `flight` from before it is decoded; `spare` gives up pixels when the next one lacks room.
    """

    def attempt(index: int) -> Tensor | str:
        taken = 0

        def admit(pixels: int) -> None:
            nonlocal taken
            flight.enter(index, pixels)
            taken = pixels

        try:
            if index in done:
                size = done[index]
                shape_alone = None if size is None else torch.empty((3, *size), device="meta")
                return "" if shape_alone is None else shape_alone
            image = decode(files[index], admit)
            taken -= image.shape[1:].numel()
            return image
        except ImageError as error:
            return str(error)
        finally:
            flight.passed(index)
            flight.add(-taken)  # what was scaled down, or came to nothing

    pending: deque[Future[Tensor | str]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        todo = iter(range(len(files)))
        pending.extend(pool.submit(attempt, index) for index in islice(todo, 2 * workers))
        for index in range(len(files)):
            flight.reach(index, spare)
            pending[0].exception()  # waits, and keeps nothing of the picture
            pending.extend(pool.submit(attempt, later) for later in islice(todo, 1))
            yield index, pending.popleft().result()
    finally:
        flight.close()
        pool.shutdown(cancel_futures=True)


class _Waiting:
    """Pictures that wait for others of their size."""

    def __init__(self, batch: int) -> None:
        self.batch, self.held = batch, 0
        self.groups: dict[torch.Size, list[tuple[int, Tensor]]] = {}

    def add(self, index: int, image: Tensor) -> list[tuple[int, Tensor]] | None:
        """Take a picture; returns a batch that is to be sent off now, by sizes and order alone."""
        shape, pixels = image.shape, image.shape[1:].numel()
        self.groups.setdefault(shape, []).append((index, image))
        self.held += pixels
        if len(self.groups[shape]) < min(self.batch, max(1, PIXELS_AT_ONCE // pixels)):
            if self.held <= PIXELS_HELD:
                return None
            shape = max(self.groups, key=lambda shape: len(self.groups[shape]) * shape[1:].numel())
        self.held -= len(self.groups[shape]) * shape[1:].numel()
        return self.groups.pop(shape)

    def give_up(self) -> int:
        """Let go of the pixels of the largest group, for it to be read again; returns how many they were."""
        here = {
            shape: shape[1:].numel() * sum(not image.is_meta for _, image in group)
            for shape, group in self.groups.items()
        }
        if not any(here.values()):
            return 0
        shape = max(here, key=lambda shape: here[shape])
        self.groups[shape] = [(index, image.to("meta")) for index, image in self.groups[shape]]
        return here[shape]


def _batches(
    decoded: Iterator[tuple[int, Tensor | str]], waiting: _Waiting
) -> Iterator[list[tuple[int, Tensor]] | Result]:
    """Gather pictures of equal size; what could not be read comes at once, by itself."""
    for index, image in decoded:
        if isinstance(image, str):
            yield Result(index, None, None, image)
            continue
        part = waiting.add(index, image)
        image = ""  # else it would be held while the batch is scored, and after
        if part is not None:
            yield part
    while waiting.groups:
        yield waiting.groups.pop(next(iter(waiting.groups)))


def _apply(
    function: Callable[[Tensor], Tensor], pictures: list[tuple[int, Tensor]], files: Sequence[str]
) -> list[Result]:
    """Apply `function` to one batch; if that is refused, to each picture alone, to find which is meant."""
    size = (pictures[0][1].shape[1], pictures[0][1].shape[2])
    try:
        with torch.no_grad():
            images = [image for _, image in pictures]
            # One picture is not copied: it may fill half of the memory.
            found = function(images[0][None] if len(images) == 1 else _stacked(images))
            rows = rows_of(found, len(images), "a method").detach().cpu()
    except NoScores:  # whatever the picture
        raise
    except ValueError as error:
        if len(pictures) == 1:
            return [Result(pictures[0][0], size, None, str(error) or _UNSAID)]
        return [result for picture in pictures for result in _apply(function, [picture], files)]
    except Exception as error:
        error.add_note(f"while scoring {', '.join(files[index] for index, _ in pictures)}")
        raise
    return [Result(index, size, row) for (index, _), row in zip(pictures, rows, strict=True)]


def _stacked(images: list[Tensor]) -> Tensor:
    alike = len({image.dtype for image in images}) == 1
    return torch.stack(images if alike else [unit(image) for image in images])
