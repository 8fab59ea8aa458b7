"""A method over many pictures: decoded in threads, batched by size, one row a picture in the order given."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.datasets import Dataset
from benchmark.images import ImageError, read
from benchmark.method import HasFeatures, Method

#: Pixels held decoded and not yet scored; beyond it, batches are sent off before they are full.
PIXELS_HELD = 64_000_000

Path_ = str | os.PathLike[str]


def score_files(
    paths: Sequence[Path_], method: Method, *, root: Path_ | None = None, batch: int = 16, jobs: int = 2
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
        Largest number of pictures scored at once.
    jobs
        Threads that decode.

    Returns
    -------
    DataFrame
        ``image`` (as given), ``score`` (float64, NaN where there is none), ``error`` (the reason, else "").
    """
    scores, errors = _run(paths, method.score, root, batch, jobs)
    values = np.full(len(paths), np.nan)
    for index, score in scores.items():
        if score.numel() != 1:
            raise TypeError(
                f"method {method.name!r}: score must return one number a picture, got {score.shape}"
            )
        values[index] = float(score)
    for index in np.flatnonzero(~np.isfinite(values)).tolist():
        values[index] = np.nan
        errors.setdefault(index, "score is not finite")
    texts = [errors.get(index, "") for index in range(len(paths))]
    return pd.DataFrame({"image": [os.fspath(path) for path in paths], "score": values, "error": texts})


def score_manifest(dataset: Dataset, method: Method, *, batch: int = 16, jobs: int = 2) -> pd.DataFrame:
    """Score every picture of a data set; the rows are those of its manifest, see `score_files`."""
    return score_files(dataset.manifest["image"].tolist(), method, root=dataset.root, batch=batch, jobs=jobs)


def features_files(
    paths: Sequence[Path_], method: HasFeatures, *, root: Path_ | None = None, batch: int = 16, jobs: int = 2
) -> tuple[list[str], NDArray[np.float32], dict[str, str]]:
    """Compute the features of picture files.

    Parameters
    ----------
    paths, method, root, batch, jobs
        As in `score_files`.

    Returns
    -------
    names
        Pictures that have features, in the order given; each as often as the method has crops of it.
    features
        ``[N, D]`` float32, one row for each name.
    errors
        Every other picture with the reason.
    """
    vectors, errors = _run(paths, method.features, root, batch, jobs)
    for index in [index for index, vector in vectors.items() if not bool(torch.isfinite(vector).all())]:
        del vectors[index]
        errors[index] = "features are not finite"
    crops = {index: torch.atleast_2d(vectors[index]) for index in sorted(vectors)}
    features = torch.cat(list(crops.values())).float().numpy() if crops else np.empty((0, 0), np.float32)
    reasons = {os.fspath(paths[index]): errors[index] for index in sorted(errors)}
    return [os.fspath(paths[index]) for index, rows in crops.items() for _ in rows], features, reasons


def write_scores(frame: pd.DataFrame, path: Path_) -> None:
    """Write ``image,score,error`` as CSV with nine significant digits, aside and then renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".tmp")
    frame[["image", "score", "error"]].to_csv(aside, index=False, float_format="%.9g", lineterminator="\n")
    os.replace(aside, path)


def _run(
    paths: Sequence[Path_], function: Callable[[Tensor], Tensor], root: Path_ | None, batch: int, jobs: int
) -> tuple[dict[int, Tensor], dict[int, str]]:
    """Apply `function` to every readable picture; returns results and reasons by position in `paths`."""
    if batch < 1 or jobs < 1:
        raise ValueError(f"batch and jobs must be at least 1, got batch {batch} and jobs {jobs}")
    files = [Path(root or "", path) for path in paths]
    results: dict[int, Tensor] = {}
    errors: dict[int, str] = {}
    for pictures in _batches(_decoded(files, jobs), batch, errors):
        _apply(function, pictures, files, results, errors)
    return results, errors


def _decoded(files: Sequence[Path], jobs: int) -> Iterator[tuple[int, Tensor | ImageError]]:
    """Read files in threads, a few ahead of what is asked for; yields them in their order."""

    def attempt(file: Path) -> Tensor | ImageError:
        try:
            return read(file)
        except ImageError as error:
            return error

    pending: deque[Future[Tensor | ImageError]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        todo = iter(files)
        pending.extend(pool.submit(attempt, file) for file in islice(todo, 2 * jobs))
        for index in range(len(files)):
            result = pending.popleft().result()
            pending.extend(pool.submit(attempt, file) for file in islice(todo, 1))
            yield index, result


def _batches(
    decoded: Iterator[tuple[int, Tensor | ImageError]], batch: int, errors: dict[int, str]
) -> Iterator[list[tuple[int, Tensor]]]:
    """Gather pictures of equal size; what could not be read goes to `errors`."""
    waiting: dict[torch.Size, list[tuple[int, Tensor]]] = {}
    held = 0
    for index, image in decoded:
        if isinstance(image, ImageError):
            errors[index] = str(image)
            continue
        waiting.setdefault(image.shape, []).append((index, image))
        held += image.shape[1:].numel()
        if len(waiting[image.shape]) == batch:
            shape = image.shape
        elif held > PIXELS_HELD:
            shape = max(waiting, key=lambda shape: len(waiting[shape]) * shape[1:].numel())
        else:
            continue
        held -= len(waiting[shape]) * shape[1:].numel()
        yield waiting.pop(shape)
    yield from waiting.values()


def _apply(
    function: Callable[[Tensor], Tensor],
    pictures: list[tuple[int, Tensor]],
    files: Sequence[Path],
    results: dict[int, Tensor],
    errors: dict[int, str],
) -> None:
    """Apply `function` to one batch; if that is refused, to each picture alone, to find which is meant."""
    try:
        with torch.no_grad():
            rows = function(torch.stack([image for _, image in pictures])).detach().cpu()
    except ValueError as error:
        if len(pictures) == 1:
            errors[pictures[0][0]] = str(error)
            return
        for picture in pictures:
            _apply(function, [picture], files, results, errors)
        return
    except Exception as error:
        error.add_note(f"while scoring {', '.join(str(files[index]) for index, _ in pictures)}")
        raise
    if rows.ndim == 0 or len(rows) != len(pictures):
        raise TypeError(
            f"expected one row for each of {len(pictures)} pictures, got shape {list(rows.shape)}"
        )
    results.update(zip((index for index, _ in pictures), rows, strict=True))
