"""The form of a record, which is JSON: version 1. ``iqa records schema`` prints it as a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from benchmark import files

#: Bytes that a record may have, and a file of scores.
LARGEST = {".json": 2_000_000, ".csv": 200_000_000}
#: Rows that a file of scores may have; the largest data set of this suite has 700,000 pictures.
LARGEST_TABLE = 5_000_000

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$")]
Text = Annotated[str, Field(max_length=50_000)]
Short = Annotated[str, Field(max_length=500)]
Real = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExposureOf(_Part):
    """One thing that the weights have learnt from, see `benchmark.method.Exposure`."""

    kind: Literal["corpus", "teacher", "opinions", "pictures"]
    what: Annotated[str, Field(min_length=1, max_length=2000)]
    source: Annotated[str, Field(min_length=1, max_length=2000)]
    standing: Literal["V", "S", "R"]


class CardOf(_Part):
    """What a reader must know of the method, see `benchmark.method.Card`; no bound is null."""

    title: Short
    paper: Text
    licence: Text
    training_data: Text
    opinion_aware: bool
    low: Real | None
    high: Real | None
    input: Short
    higher_is_better: bool
    weights: Text
    opinions_of: Short
    bibtex: Text
    published_as: Short
    exposure: Annotated[tuple[ExposureOf, ...], Field(max_length=100)] | None
    transductive: bool


class MethodOf(_Part):
    """The method: what made it, as digests and settings."""

    name: Name
    module: Name
    version: Sha = Field(description="of code, weights and the settings that load it")
    code_sha256: Sha | Literal[""]
    weights_sha256: Sha | Literal[""]
    load: dict[str, JsonValue]
    train: dict[str, JsonValue] | None
    ablation: Short
    rated: Short
    seed: int
    pictures_sha256: Sha | Literal[""]
    higher_is_better: bool
    card: CardOf


class DatasetOf(_Part):
    """The data set: what was scored, and against what."""

    name: Name
    title: Short
    rated_by: Literal["people", "proxy"]
    score_name: Short
    higher_is_better: bool
    short_side: int
    manifest_sha256: Sha = Field(description="of images, opinions, references, distortions and splits")
    pictures_sha256: Sha | Literal[""] = Field(description="of the digests of the pictures' files")
    images: int = Field(ge=1)


class ScoresOf(_Part):
    """The file of scores beside the record."""

    sha256: Sha
    rows: int = Field(ge=1, le=LARGEST_TABLE)
    missing: int = Field(ge=0)


class ProtocolOf(_Part):
    """How intervals and fits were made."""

    resamples: int = Field(ge=1, le=100_000)
    seed: int = Field(ge=0, lt=2**63)
    interval: Short
    mapping: Short
    ratings: Real | None


class CostOf(_Part):
    """What one picture of a stated size takes, as the sender counted it."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    parameters: int = Field(ge=0)
    multiply_adds: int = Field(ge=0, description="of convolutions, products of matrices and attention")


class Value(_Part):
    """One figure with its 95% interval; null where there is none."""

    statistic: Short
    value: Real | None
    low: Real | None
    high: Real | None
    n: int
    units: int | None
    protocol: Text


class Record(_Part):
    """One method on one data set. The same run gives the same bytes: the machine stands in another file."""

    format: Literal[1]
    method: MethodOf
    dataset: DatasetOf
    scores: ScoresOf
    protocol: ProtocolOf
    packages: dict[Name, Short]
    cost: CostOf | None = None
    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=1000)]


#: JSON Schema of a record.
SCHEMA: dict[str, Any] = Record.model_json_schema()


def write(record: Record, path: Path) -> None:
    """Write a record; equal records give equal bytes."""
    files.write_json(record.model_dump(mode="json"), path)


def read(path: Path) -> Record:
    """Read a record that anybody may have written.

    Raises
    ------
    ValueError
        If the file is too large, no JSON, or not of the form; every place at fault is named.
    """
    if not path.is_file():
        raise ValueError(f"{printable(str(path))}: is not a file")
    if path.stat().st_size > LARGEST[".json"]:
        raise ValueError(
            f"{printable(str(path))}: larger than {LARGEST['.json']:,} bytes, which no record is"
        )
    return parsed(path.read_bytes(), str(path))


def parsed(content: bytes, where: str) -> Record:
    """Read a record from its bytes; ``where`` it was names it in errors, which are those of `read`."""
    try:
        return Record.model_validate_json(content, strict=True)
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors()]
        raise ValueError(
            printable(f"{where}: is not a record of version 1: {'; '.join(places[:5])}")
        ) from None


def printable(text: str) -> str:
    """Return a text of others with escapes in the place of all that would steer a terminal or end a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def paths(source: Path) -> list[Path]:
    """Return the records of a folder, or the one that a file is, unread; links are not followed.

    Raises
    ------
    ValueError
        If nothing is there, or a link is.
    """
    if source.is_symlink():
        raise ValueError(f"{source}: is a link; name what it leads to")
    if not source.exists():
        raise ValueError(f"{source}: is not there")
    found = [source] if source.is_file() else sorted(source.rglob("*.json"))
    return [path for path in found if not path.name.endswith(".machine.json") and not path.is_symlink()]


def records(source: Path) -> Iterator[tuple[Path, Record]]:
    """Read each record of `paths`.

    Raises
    ------
    ValueError
        As `paths`, and if a file is no record (`read`).
    """
    for path in paths(source):
        yield path, read(path)


def beside(path: Path) -> bytes | None:
    """Return the scores beside a record, if there is a plain file of them that is not too large."""
    scores = path.with_suffix(".csv")
    plain = scores.is_file() and not scores.is_symlink() and scores.stat().st_size <= LARGEST[".csv"]
    return scores.read_bytes() if plain else None


def described() -> str:
    """Return the JSON Schema as text."""
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA}, indent=2)
