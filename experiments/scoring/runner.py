"""One method over many pictures: device, precision, engine, progress, journal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from benchmark.datasets.prepared.contents import stamp_of
from benchmark.images import Reader, decoders, is_address, read, read_samples, unit
from benchmark.machine import cores
from benchmark.method import Method, check_scores
from benchmark.scoring import Row, frame_of, scored, stream, write_scores
from benchmark.scoring.journal import Journal

if TYPE_CHECKING:
    from experiments.scoring.inputs import Picture

Device = Literal["auto", "cpu", "cuda", "mps"]
Size = tuple[int, int]
#: Most processes that decode unless told otherwise, and fewest pictures that are worth their start (seconds).
MOST_DECODERS, MANY = 12, 2_000
#: What `How` says that scores do not depend on.
ASIDE = ("workers", "pixels")


@dataclass(frozen=True)
class How:
    """What scores may depend on besides the method, and what they do not: threads that decode, and memory.

    Parameters
    ----------
    device
        Where the method computes; ``auto`` takes the fastest that is there.
    precision
        ``fp32``, or ``bf16`` for faster and coarser matrix products. CUDA's convolutions would take ten bits
        of fp32's 23 (TF32) by torch's default; here they take all.
    batch
        Most pictures of one size scored at once. More than two or three no longer fit a CPU's cache.
    workers
        Threads that decode; for many pictures on a CUDA device each has a process that does it. `suited`
        knows what a CUDA device wants of both.
    short_side
        Scale pictures to this short side, in pixels; 0 leaves them.
    pixels
        Most pixels in memory at once, see `benchmark.scoring.stream`.
    engine
        ``local``, this process, or ``ray``, the workers of a cluster.
    """

    device: Device = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    batch: int = 2
    workers: int = 2
    short_side: int = 0
    pixels: int | None = None
    engine: Literal["local", "ray"] = "local"


def available() -> Device:
    """Return the fastest kind of device that torch finds here."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def suited(device: Device) -> tuple[int, int]:
    """Return how many pictures at once and how many threads that decode suit a device."""
    if available() != "cuda" or device not in ("auto", "cuda"):
        return How.batch, How.workers
    return 32, max(How.workers, min(MOST_DECODERS, cores() - 2))


def place(method: Method, device: Device) -> Device:
    """Move a method to a device and return where it is; one that cannot move stays on the CPU.

    Raises
    ------
    ValueError
        If the device is not there, or the method computes on the CPU alone and another one was asked for.
    """
    target = available() if device == "auto" else device
    if target != "cpu" and target != available():
        raise ValueError(f"--device {target}: torch finds none here; take --device {available()}")
    if target != "cpu" and not hasattr(method, "to"):
        if device != "auto":
            raise ValueError(f"--device {target}: {method.name} computes on the CPU only")
        return "cpu"
    if target != "cpu":
        method.to(target)  # type: ignore[attr-defined]
    return target


class Placed:
    """A method on the fastest device here that it can use, for pictures that lie anywhere.

    ``score`` is in float32 whatever surrounds it, ``score_bf16`` the same in bfloat16.
    """

    def __init__(self, method: Method) -> None:
        check_scores(method)
        self.name, self.higher_is_better = method.name, method.higher_is_better
        self.score = function_of(method, How())
        self.score_bf16 = function_of(method, How(precision="bf16"))


def function_of(method: Method, how: How) -> Callable[[Tensor], Tensor]:
    """Return the method's ``score`` on its device, in its precision; it takes bytes too."""
    device = place(method, how.device)
    coarse = how.precision == "bf16"

    def score(images: Tensor) -> Tensor:
        images = unit(images, torch.device(device))
        with _all_bits(coarse or device != "cuda"), torch.autocast(device, torch.bfloat16, enabled=coarse):
            return method.score(images)

    return score


@contextmanager
def _all_bits(as_it_is: bool) -> Iterator[None]:
    """Keep convolutions of float32 on CUDA from rounding to TF32, unless they are to stay as they are."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = before and as_it_is
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def local_rows(
    paths: Sequence[Picture], method: Method, how: How, done: Mapping[int, Size | None]
) -> Iterator[list[Row]]:
    """Score pictures in this process, a batch at a time; `done` as for `benchmark.scoring.stream`."""
    function = function_of(method, how)
    options: Any = {"batch": how.batch, "workers": how.workers, "short_side": how.short_side}
    options["pixels"] = how.pixels
    fast = place(method, how.device) == "cuda"
    with _reader(fast, how.workers if len(paths) - len(done) >= MANY else 0) as reader:
        for part in stream(paths, function, done=done, reader=reader, **options):
            yield scored(part, method)


@contextmanager
def _reader(fast: bool, processes: int) -> Iterator[Reader]:
    """What reads pictures: for a fast device as bytes, which division there turns into the same numbers.

    They are a quarter of what goes there, and so many processes decode them.
    """
    if fast and processes:
        with decoders(processes) as reader:
            yield reader
    else:
        yield read_samples if fast else read


@dataclass(frozen=True)
class Run:
    """One method over many pictures.

    Parameters
    ----------
    method
        What scores.
    name
        How `experiments.runs.trained.load_here` knows it, for other processes to load it.
    how
        How it scores.
    made
        What the scores depend on besides: versions of weights and code, by what they are called.
    told
        Settings that it was loaded with, which the version counts.
    """

    method: Method
    name: str
    how: How
    made: Mapping[str, str]
    told: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_scores(self.method)

    @property
    def about(self) -> dict[str, Any]:
        """What the scores depend on besides the pictures; a journal goes on where this is the same."""
        settings = {name: value for name, value in asdict(self.how).items() if name not in ASIDE}
        return {"method": self.method.name, **settings, **self.made}

    def rows(self, paths: Sequence[Picture], done: Mapping[int, Size | None]) -> Iterator[list[Row]]:
        """Score pictures, a batch at a time; `done` as for `benchmark.scoring.stream`."""
        if self.how.engine == "local":
            return local_rows(paths, self.method, self.how, done)
        from experiments.scoring.engine_ray import ray_rows

        return ray_rows(paths, self.name, self.how, done, told=self.told)

    def frame(
        self, paths: Sequence[Picture], journal: Path | None = None, resume: bool | None = None
    ) -> pd.DataFrame:
        """Score pictures with progress on the terminal.

        Parameters
        ----------
        paths
            Pictures, in the order of the result.
        journal
            File that takes every batch as it is done; it is left there, when the run is stopped too.
        resume
            See `Journal`: what it holds of pictures of the same name, size and time is taken. What could not
            be fetched from a store is tried again.

        Returns
        -------
        DataFrame
            ``image``, ``score``, ``error``, as `benchmark.scoring.score_files` gives it; the same to the last
            bit whether the run was stopped in between or not.

        Raises
        ------
        ValueError
            If the journal is of another run.
        """
        with Journal(journal, self.about, resume=resume) if journal else nullcontext() as book:
            keys = [key_of(path) for path in paths] if book else []
            rows = list(_taken(paths, keys, book.lines)) if book else []
            with tqdm(
                total=len(paths), initial=len(rows), unit="img", desc=self.method.name, disable=None
            ) as bar:
                for part in self.rows(paths, {row.index: row.size for row in rows}):
                    if book:
                        book.add(
                            [
                                (keys[r.index], r.size, None if isnan(r.score) else r.score, r.error)
                                for r in part
                            ]
                        )
                    rows += part
                    bar.update(len(part))
        return frame_of(paths, rows)

    def write(self, out: Path, journal: Path, files: Mapping[str, Path]) -> None:
        """Write the scores of all pictures of a data set; what was stopped goes on where it was.

        Parameters
        ----------
        out
            File of the scores.
        journal
            File that takes them as they come, and that an earlier run may have left; it is left there.
        files
            Pictures by their names.

        Raises
        ------
        ValueError
            If not one picture could be scored: a table of errors alone is no result.
        """
        frame = self.frame([*files.values()], journal)
        if frame["score"].isna().all():
            journal.unlink()
            first = next(iter(files))
            why = f"{self.method.name} could score none of the {len(frame)} pictures of {out.stem}"
            raise ValueError(f"{why}; {first}: {frame['error'].iloc[0]}")
        write_scores(frame.assign(image=[*files]), out)


def key_of(picture: Picture) -> str:
    """Key of a picture in a journal: its name, and size and time of its file where it is one of this machine.

    So one that was replaced is another one, and a list that has grown finds what it had before.
    """
    stamp = () if is_address(picture) else stamp_of(picture)
    return "\0".join((os.fspath(picture), *stamp))


def _taken(paths: Sequence[Picture], keys: Sequence[str], batches: Sequence[Any]) -> Iterator[Row]:
    """Results of a journal, at the places that their pictures have now."""
    known = {key: cells for batch in batches for key, *cells in batch}
    for index, (path, key) in enumerate(zip(paths, keys, strict=True)):
        if key in known:
            size, score, error = known[key]
            if not (error and is_address(path)):
                yield Row(index, tuple(size) if size else None, nan if score is None else score, error)
