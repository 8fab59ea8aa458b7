"""The user's own data set: guess what a table's columns are, and write a record of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import yaml

from benchmark import files, naming
from benchmark.datasets import catalogue, layouts
from benchmark.datasets._files import Pictures
from benchmark.datasets.layouts import SPLITS, score_files
from benchmark.datasets.prepared import places
from benchmark.datasets.prepared.manifest import LEAST, check_parts, numbers
from benchmark.files.delimited import read_table, spelt
from benchmark.images import EXTENSIONS

#: Names that score columns go by, the likeliest first.
SCORES = ("mos", "dmos", "mean_opinion_score", "quality_mos", "mos_quality", "score", "quality", "rating")
STD = ("mos_std", "std", "sd", "stddev", "mosstd")
#: Further columns that are taken where a table has them.
ALSO = ("reference", "distortion", "level", "split", "ratings")
#: Words of a score column's name that its deviation's has not: ``mos_quality`` and ``std_quality``.
_MEAN = re.compile("^(mos|mean)_|_(mos|mean)$")

#: Scales that people rate on, the first that holds all scores is proposed.
SCALES = ((0, 1), (1, 5), (0, 5), (1, 7), (0, 9), (1, 10), (0, 10), (1, 100), (0, 100))


@dataclass(frozen=True)
class Guess:
    """What each column of a table is taken for; `std` is empty where there is no deviation.

    `low` and `high` are the range of the scale; as guessed, of the scores that are there.
    """

    image: str
    score: str
    std: str
    low: float
    high: float
    higher_is_better: bool


@dataclass(frozen=True)
class Gaps:
    """What does not fit together of a table and a folder.

    Parameters
    ----------
    no_picture, no_score
        Names in the table without a picture in the folder, and without a score.
    unlisted
        Pictures of the folder that the table does not name.
    thin
        Column -> number of rows that are empty, of the columns that are taken and filled elsewhere.
    """

    no_picture: list[str]
    no_score: list[str]
    unlisted: list[str]
    thin: dict[str, int]


def parted(tables: Sequence[str]) -> list[tuple[str, Path]]:
    """Part of the split (train, val, test, or "") and file of each table.

    The part is told (``train=FILE``) or, where there are several tables, stands in the file's name.

    Raises
    ------
    ValueError
        If one of several tables does not say which part it is.
    """
    found = []
    for told in tables:
        word, equals, file = told.partition("=")
        part = SPLITS.get(word.lower(), "") if equals else ""
        path = Path(file if part else told).expanduser()
        if not part and len(tables) > 1:
            words = {SPLITS[w] for w in re.split("[^a-z]+", path.stem.lower()) if w in SPLITS}
            if len(words) != 1:
                raise ValueError(
                    f"{path}: which part is it? Several tables are the parts of a split: write "
                    f"--scores train={path}, val= or test="
                )
            part = words.pop()
        found.append((part, path))
    return found


def guess(
    tables: Sequence[tuple[str, Path]], image: str = "", score: str = "", std: str = ""
) -> tuple[pd.DataFrame, Guess]:
    """Read one table of scores, or several of the same columns, and guess their columns.

    Parameters
    ----------
    tables
        Part of the split and file of each (`parted`); read by `benchmark.files.delimited.read_table`, or
        workbooks.
    image, score, std
        Columns that the user names; they are not guessed.

    Returns
    -------
    DataFrame, Guess
        All rows, by file and row, with a column ``split`` where the tables are parts.

    Raises
    ------
    ValueError
        If a file is not a table, a named column is not there, a column cannot be guessed, or a cell is at
        fault.
    """
    named = (image, score, std)
    frames = [spelt(_table(path), ALSO, str(path), named) for _, path in tables]
    first, scores = frames[0], tables[0][1]
    columns = [str(name) for name in first.columns]
    for name in filter(None, named):
        if name not in columns:
            raise ValueError(f"{scores}: has no column {name!r}, only {', '.join(columns)}")
    image = image or _image_column(first, scores)
    if _is_picture(image):
        raise ValueError(
            f"{scores}: has no header, its first row names a picture ({image!r}); write one above, such as "
            "image,mos"
        )
    numeric = [name for name in columns if name != image and _numeric(first[name]).notna().any()]
    numeric = [name for name in numeric if name not in ALSO] or numeric
    score = score or _named(numeric, SCORES) or (numeric[0] if len(numeric) == 1 else "")
    if not score and not numeric:
        raise ValueError(
            f"{scores}: no column holds numbers ({', '.join(columns)}); write the scores as such"
        )
    if not score:
        raise ValueError(
            f"{scores}: which column is the score ({', '.join(numeric)})? name it with --score-column"
        )
    std = std or _named([name for name in numeric if name != score], _deviations(score))
    if len({image, score, std}) < 3:
        raise ValueError(
            f"{scores}: pictures ({image!r}), score ({score!r}) and deviation ({std!r}) are columns of their "
            "own; name others with --image-column, --score-column and --std-column"
        )
    values = []
    for (part, path), frame in zip(tables, frames, strict=True):
        for column in (image, score, *([std] if std else [])):
            score_files.pick(frame, column, str(path))
        values.append(numbers(frame[score], str(path)))
        for column, kind in ((std, "mos_std"), ("level", "level"), ("ratings", "ratings")):
            if column in frame and column not in (image, score):
                numbers(frame[column], str(path), LEAST[kind])
        if "split" in frame:
            check_parts(frame["split"], str(path))
        if part and "split" not in frame:
            frame["split"] = part
    lower = re.search("dmos|distort|difference", score.lower()) is not None
    low, high = float(min(v.min() for v in values)), float(max(v.max() for v in values))
    table = pd.concat(frames, keys=[str(path) for _, path in tables], names=["file"]).fillna("")
    return table, Guess(image, score, std, low, high, not lower)


def scale(low: float, high: float) -> tuple[float, float] | None:
    """Scale that people rate on which holds scores from `low` to `high`; nothing where none does."""
    return next(((a, b) for a, b in SCALES if a <= low and high <= b), None)


def beside(table: pd.DataFrame, told: Guess) -> tuple[list[str], list[str]]:
    """Further columns of a table: those that are taken (`ALSO`), and those that are not."""
    rest = [str(name) for name in table.columns if name not in (told.image, told.score, told.std)]
    return [name for name in rest if name in ALSO], [name for name in rest if name not in ALSO]


def below(images: Path, table: pd.DataFrame, column: str) -> pd.DataFrame:
    r"""Return a table whose full paths in ``column`` start from the folder of the pictures, as others do.

    ``\`` between folders becomes ``/``.

    Raises
    ------
    ValueError
        If a path leads to elsewhere.
    """
    folder = images.expanduser().resolve()

    def shorter(name: str) -> str:
        name = name.replace("\\", "/")
        path = Path(name.strip())
        if not path.is_absolute():
            return name
        if not path.resolve().is_relative_to(folder):
            raise ValueError(
                f"{name}: is not below {images}; --images names a folder that holds all pictures"
            )
        return path.resolve().relative_to(folder).as_posix()

    return table.assign(**{column: table[column].astype(str).map(shorter)})


def gaps(images: Path, table: pd.DataFrame, told: Guess) -> Gaps:
    """Find what does not fit together of a table and the folder of its pictures."""
    held = Pictures(images.expanduser())
    names = [str(name).strip() for name in table[told.image]]
    named = {held.find(name) for name in names}
    taken = [told.std, *beside(table, told)[0]]
    empty = {name: int((table[name].str.strip() == "").sum()) for name in taken if name}
    return Gaps(
        no_picture=[name for name in names if held.absent(name)],
        no_score=[name for name, score in zip(names, table[told.score], strict=True) if not score.strip()],
        unlisted=[path for path in held.paths if path not in named],
        thin={name: count for name, count in empty.items() if 0 < count < len(table)},
    )


def fitting(table: pd.DataFrame, told: Guess, found: Gaps) -> pd.DataFrame:
    """Rows of a table that have a picture and a score."""
    pictured = ~table[told.image].str.strip().isin(found.no_picture)
    return table[pictured & (table[told.score].str.strip() != "")]


def add(
    name: str,
    images: Path,
    table: pd.DataFrame,
    told: Guess,
    own: Path = catalogue.OWN,
    *,
    title: str = "",
    replace: bool = False,
) -> Path:
    """Write ``<own>/<name>.csv`` and ``<own>/<name>.yaml``, checked by reading the data set once.

    Where its pictures lie is written into this machine's places, for the record may be committed.

    Raises
    ------
    ValueError
        If the name is taken or no plain name, a picture is missing, or a row is at fault.
    """
    check_place(name, own, replace=replace)
    _check_once(images, table, told.image)
    rename = {told.image: "image", told.score: "mos", told.std: "mos_std"}
    kept = [told.image, told.score, *([told.std] if told.std else [])]
    also = [name for name in ALSO if name in beside(table, told)[0]]
    own.mkdir(parents=True, exist_ok=True)
    scores, record = own / f"{name}.csv", own / f"{name}.yaml"
    fields: dict[str, Any] = {
        "title": title or name,
        "licence": "the user's own",
        "score": {
            "name": told.score,
            "low": told.low,
            "high": told.high,
            "higher_is_better": told.higher_is_better,
            "deviation": bool(told.std),
        },
        "counts": {"images": len(table)},
        "layout": [
            {
                "reader": "table",
                "file": str(scores),
                "image": "{image}",
                "mos": "mos",
                **({"mos_std": "mos_std"} if told.std else {}),
                "also": also,
            }
        ],
    }
    entry = catalogue.Entry.model_validate({"name": name, "own": True, **fields})
    with files.whole(scores) as aside:
        table[[*kept, *also]].rename(columns=rename).to_csv(aside, index=False, lineterminator="\n")
        checked = dict(fields["layout"][0], file=str(aside))
        layouts.read(entry.model_copy(update={"layout": (checked,)}), images.expanduser())
    files.write_text(record, yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
    places.put(name, images.expanduser().resolve())
    return record


def _check_once(images: Path, table: pd.DataFrame, column: str) -> None:
    """Make sure that every row means one picture, and none that another row means; file and row are named."""
    held = Pictures(images.expanduser())
    first: dict[str, str] = {}
    for (file, row), name in table[column].items():
        path = held.find(str(name).strip())
        if path is None and not held.absent(str(name).strip()):
            raise ValueError(
                f"{file}: row {row}, column {column!r}: {name!r} could be several pictures of {images}; "
                "write its path from there"
            )
        if path is None:
            continue
        if path in first:
            raise ValueError(
                f"{file}: row {row}, column {column!r}: {name!r} stands earlier too, in {first[path]}; "
                "keep one of them"
            )
        first[path] = f"row {row} of {file}"


def plain_name(title: str) -> str:
    """Return what a data set called `title` is called in folders and tables: "My lab" becomes my_lab."""
    return re.sub(r"[\s-]+", "_", title.strip().lower())


def check_place(name: str, own: Path = catalogue.OWN, *, replace: bool = False) -> None:
    """Make sure that `add` could write what it writes of a data set of this name.

    Raises
    ------
    ValueError
        If the name does not serve or is taken (by one of the user's own unless it is to `replace` that), or a
        file cannot be written.
    """
    from benchmark.datasets._known import MADE

    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r}: a data set's name has small letters, digits and underscores")
    if why := naming.fault(name):
        raise ValueError(f"{name!r} {why}")
    if name in MADE or (catalogue.HERE / f"{name}.yaml").exists():
        raise ValueError(f"{name!r}: the suite has a data set of this name; choose another")
    if (own / f"{name}.yaml").exists() and not replace:
        raise ValueError(f"{own / name}.yaml: is there already; choose another name, or --replace it")
    for path in (own / f"{name}.csv", own / f"{name}.yaml", places.FILE):
        files.check_file(path)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; it should hold a row for each picture")
    if path.suffix.lower() == ".xlsx":
        table = score_files.read_table(path.parent, {"file": str(path)})[0]
        if (twice := table.columns.duplicated()).any():
            raise ValueError(f"{path}: has the column {table.columns[twice][0]!r} twice; rename one of them")
        return table
    return read_table(path)


def _image_column(table: pd.DataFrame, scores: Path) -> str:
    for name in sorted(map(str, table.columns), key=ALSO.__contains__):  # references may be pictures too
        if len(table) and table[name].map(_is_picture).all():
            return name
    raise ValueError(f"{scores}: no column holds names of pictures; name it with --image-column")


def _is_picture(text: object) -> bool:
    """Whether a cell names a picture, by what it ends in."""
    return PurePosixPath(str(text).strip()).suffix.lower() in EXTENSIONS


def _numeric(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.replace(",", "."), errors="coerce")


def _deviations(score: str) -> list[str]:
    """Names that the deviation of a score goes by, those with the name of the score first."""
    whole = score.lower().strip().replace(" ", "_")
    stems = dict.fromkeys([whole, _MEAN.sub("", whole)])
    own = [name for stem in stems for word in STD for name in (f"{word}_{stem}", f"{stem}_{word}")]
    return [*own, *STD]


def _named(columns: Sequence[str], known: Sequence[str]) -> str:
    lower = {name.lower().strip().replace(" ", "_"): name for name in columns}
    return next((lower[name] for name in known if name in lower), "")
