"""One method over many pictures: engine, progress, journal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from tqdm import tqdm

from benchmark.datasets.prepared.contents import stamp_of
from benchmark.images import is_address
from benchmark.method import Method, check_scores
from benchmark.scoring import Row, frame_of, write_scores
from benchmark.scoring.journal import Journal
from experiments.scoring.engine_ray import ray_rows
from experiments.scoring.local import How, Size, local_rows

if TYPE_CHECKING:
    from experiments.scoring.inputs import Picture

#: What `How` says that scores do not depend on.
ASIDE = ("workers", "pixels")


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
