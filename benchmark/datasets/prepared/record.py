"""What is known of a data set as a whole: its record, kept beside its manifest as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark import files


@dataclass(frozen=True)
class Record:
    """A data set's card.

    Parameters
    ----------
    name
        Name of its folder and of its rows in every table.
    title
        Name as the literature prints it.
    citation
        Where it comes from, in one line.
    licence
        Licence and terms of the pictures, in one line.
    score_name
        What the column ``mos`` holds, in words; "" where there is no score.
    low, high
        Range of the score; infinite where it has no bound.
    higher_is_better
        Whether a larger score means a better picture.
    rated_by
        "people" for human ratings, "proxy" for a computed stand-in, "none" for pictures without scores.
    notes
        What a reader must know before using the numbers.
    short_side
        Pictures are scaled to this short side, in pixels, before anything looks at them; 0 leaves them.
    bibtex
        BibTeX entries of what to cite, or "".
    whole
        Pictures of the complete data set; 0 where that is not known.
    official_split
        What is learnt from it is tested on its own split alone, as in every paper.
    ratings
        Ratings behind each opinion, about; nothing where that is not known. ``mos_std`` is the deviation of
        those ratings, so that divided by their root it is the standard error of the opinion.
    table
        File of the release that the scores were read from.
    origin
        Which of the record's sources the release was fetched from; "" where it was placed by hand.
    linked
        Folder below the release that ``images`` is a link to; nothing where the pictures lie in the folder
        itself.
    ratings
        Ratings behind each opinion, where that is one number for all pictures; 0 where it is not known, or
        stands in the manifest picture by picture.
    ratings_from
        Where the number of ratings is known from.
    within
        Opinions can be compared among the pictures of one reference alone: the manifest calls them
        ``mos_within``, and no figure is made of all of them.
    """

    name: str
    title: str
    citation: str
    licence: str
    score_name: str
    low: float
    high: float
    higher_is_better: bool
    rated_by: Literal["people", "proxy", "none"]
    notes: tuple[str, ...] = ()
    short_side: int = 0
    bibtex: str = ""
    whole: int = 0
    official_split: bool = False
    linked: str | None = None
    ratings: float = 0.0
    ratings_from: str = ""
    table: str = ""
    origin: str = ""
    within: bool = False

    @property
    def rule(self) -> str:
        """The rule by which pictures are scaled, in words; "" where they are not."""
        return f"short side scaled to {self.short_side}" if self.short_side else ""


def write_record(record: Record, path: Path) -> None:
    """Write `record` as JSON; an infinite bound becomes ``null``, for JSON has no infinity."""
    fields = dataclasses.asdict(record)
    for bound in ("low", "high"):
        fields[bound] = fields[bound] if math.isfinite(fields[bound]) else None
    files.write_text(path, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")


def read_record(path: Path) -> Record:
    """Read what `write_record` wrote.

    Raises
    ------
    ValueError
        If the file is not a JSON object, or its keys are not those of `Record`.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON ({error}); prepare the data set again") from error
    expected = [field.name for field in dataclasses.fields(Record)]
    if not isinstance(fields, dict) or sorted(fields) != sorted(expected):
        raise ValueError(f"{path}: must be an object with the keys {', '.join(expected)}; prepare it again")
    for bound, infinite in (("low", -math.inf), ("high", math.inf)):
        fields[bound] = infinite if fields[bound] is None else float(fields[bound])
    return Record(**{**fields, "notes": tuple(fields["notes"])})
