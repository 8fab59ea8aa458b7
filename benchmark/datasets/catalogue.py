"""The catalogue: one YAML record a data set, here and, for the user's own, in ``experiments/datasets/``.

A record says what the data set is, where it comes from, what it must hold and how its files are laid out;
`benchmark.datasets.layouts` reads those files. Nothing else in the suite knows a data set by name.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmark import files, naming
from benchmark.datasets._known import HERE, MADE, OWN
from benchmark.datasets._known import recorded as names
from benchmark.datasets._layout_keys import check_layout
from benchmark.datasets.prepared.record import Record
from benchmark.files import web
from benchmark.provenance import bibtex


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Part):
    """A file to download; an archive is unpacked, anything else is kept as it is."""

    name: str
    urls: tuple[str, ...]
    sha256: str | None = Field(None, pattern="^[0-9a-fA-F]{64}$")
    size: int | None = Field(None, ge=0)

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if len(files.plain(name).parts) > 1:
            raise ValueError(f"{name!r} leads into another folder; give a name without a slash")
        return name

    @field_validator("urls")
    @classmethod
    def _web(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            web.check_address(url)
        return urls


class Source(_Part):
    """One place that has the whole data set."""

    origin: str
    files: tuple[File, ...]


class Archive(_Part):
    """How much the download is, in gigabytes of 10^9 bytes, and where that was read."""

    gb: float
    known_from: str


class Ratings(_Part):
    """How many ratings an opinion is the mean of, about, and how that is known; without a count: a column."""

    count: float | None = Field(None, ge=1)
    known_from: str


class Score(_Part):
    """What the opinion is; `low` and `high` bound what is accepted, `nominal` is what papers state.

    With `within` opinions can be compared among the pictures of one reference alone.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    nominal: str = ""
    higher_is_better: bool = True
    deviation: bool = False
    ratings: Ratings | None = None
    within: bool = False


class Entry(_Part):
    """A data set's record, as its YAML file states it; docs/adding-a-dataset.md explains each key."""

    name: str
    title: str
    bibtex: str = ""
    licence: str
    page: str = ""
    asks: bool = False
    steps: str = ""
    archive: Archive | None = None
    sources: tuple[Source, ...] = ()
    score: Score | None = None
    counts: dict[Literal["images", "references", "distortions"], int] = {}
    short: str = ""
    short_side: int = Field(0, ge=0)
    official_split: bool = False
    reference_images: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    folders: tuple[str, ...] = ()
    layout: tuple[dict[str, Any], ...]
    faults: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    source: str = ""
    own: bool = False

    @field_validator("name")
    @classmethod
    def _one_folder(cls, name: str) -> str:
        if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise ValueError(f"{name!r}: a data set's name has letters, digits and underscores")
        return name

    @field_validator("page")
    @classmethod
    def _page(cls, page: str) -> str:
        if page:
            web.check_address(page)
        return page

    @field_validator("layout")
    @classmethod
    def _below(cls, layouts: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for layout in layouts:
            check_layout(layout)
            for name in _named(layout):
                files.plain(name)
        return layouts

    @field_validator("bibtex")
    @classmethod
    def _readable(cls, text: str) -> str:
        bibtex.entries(text)
        return text

    def record(self) -> Record:
        """Card that lies beside the prepared manifest."""
        score = self.score or Score(name="")
        gone = [f"Left out: {name}, {why}." for name, why in self.left_out.items()]
        notes = [*self.faults, *gone, *(f"Not verified: {what}." for what in self.unverified)]
        return Record(
            name=self.name,
            title=self.title,
            citation="; ".join(map(bibtex.said, bibtex.entries(self.bibtex).values())) or self.page,
            licence=self.licence,
            score_name=score.name,
            low=score.low,
            high=score.high,
            higher_is_better=score.higher_is_better,
            rated_by="people" if self.score else "none",
            notes=tuple(notes),
            short_side=self.short_side,
            bibtex=self.bibtex.strip(),
            whole=self.counts.get("images", 0),
            official_split=self.official_split,
            ratings=score.ratings.count or 0.0 if score.ratings else 0.0,
            ratings_from=score.ratings.known_from if score.ratings else "",
            within=score.within,
        )


def _named(layout: Mapping[str, Any]) -> Iterator[str]:
    """Files that a layout looks for below the release's folder; ``file`` is a path of its own."""
    lists = [part for part in layout.get("official", {}).values() if isinstance(part, dict)]
    further = [file.get("file") for file in (*lists, *layout.get("beside", ()))]
    for value in (layout.get("scores"), layout.get("where"), *further):
        yield from [value] if isinstance(value, str) else value or ()
    for other in (*layout.get("other", {}).values(), *layout.get("parts", ())):
        yield from _named(other)


def entry(name: str, own: Path = OWN) -> Entry:
    """Read a record.

    Raises
    ------
    ValueError
        If there is none of this name, or it is at fault; the file and key are named.
    """
    for folder in (own, HERE):
        path = folder / f"{name}.yaml"
        if path.is_file() and "/" not in name:
            return _read(path.resolve(), path.stat().st_mtime_ns, folder == own)
    if name in MADE:
        raise ValueError(
            f"{name}: is made by the suite, from no release that could be described, downloaded or verified; "
            f"`dvc repro prepare@{name}` makes it"
        )
    raise ValueError(f"no record of a data set {name!r}; {naming.hint(name, names(own))}")


@functools.lru_cache(maxsize=256)
def _read(path: Path, changed: int, own: bool) -> Entry:
    try:
        fields = files.read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no YAML in UTF-8 ({error})") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{path}: holds no record; docs/adding-a-dataset.md shows one")
    for source in fields.get("sources", []):
        source["origin"] = source.pop("from", "")
    try:
        return Entry(name=path.stem, own=own, **fields)
    except (ValidationError, TypeError) as error:
        faults = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise ValueError(f"{path}: {faults}") from error
