"""Official layouts -> rows of a manifest: four readers, told by a record what its files are called."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets._files import Pictures, files_of, find_root, matches
from benchmark.datasets._tables import pick, read_table
from benchmark.datasets.catalogue import Entry
from benchmark.datasets.prepared.manifest import has_parts, numbers

#: What releases call the parts of their official split.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


#: Column of a standard error of the opinions, until it is turned into the deviation of their ratings.
ERROR = "standard_error"


@dataclass(frozen=True)
class Rows:
    """What a reader returns.

    Parameters
    ----------
    root
        Folder that the paths start from.
    frame
        ``image`` and those of the manifest's other columns that the release has, in its own order.
    extra
        Pictures of the folder that the release's lists do not name.
    low, high
        Range of the opinion in the file that was read.
    table
        That file, from `root`; a pattern where the scores lie in many.
    lacks
        What this copy of the release should have and has not, in sentences; nothing where it is whole.
    notes
        What is worth knowing of this copy, and no fault.
    """

    root: Path
    frame: pd.DataFrame
    extra: tuple[str, ...]
    low: float
    high: float
    table: str = ""
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(entry: Entry, folder: Path, score: str | None = None) -> Rows:
    """Read a release.

    Parameters
    ----------
    entry
        The data set's record.
    folder
        Where the release was unpacked; the files may lie some folders deeper.
    score
        Name of another score of the same release, for records that have one.

    Raises
    ------
    ValueError
        If no score file is there, a picture is missing, or a row is at fault: file, row and column named.
    """
    layout, root = locate(entry, folder)
    if score is not None and score not in ("", *layout.get("other", {})):
        raise ValueError(
            f"{entry.name}: has no score {score!r}, only {', '.join(layout.get('other', {})) or 'one'}"
        )
    layout = {**layout, **(layout.get("other", {})[score] if score else {})}
    frame, listed_in = READERS[layout["reader"]](root, layout)
    frame = _of_ratings(frame, entry)
    held, told = Pictures(root), frame["image"].tolist()
    left_out = frame["image"].map(lambda name: _ends_in(name, entry.left_out))
    frame = frame[~left_out].reset_index(drop=True)
    frame["image"] = held.find_all(frame["image"].tolist(), listed_in)
    if (twice := frame["image"].duplicated()).any():
        row = int(np.argmax(twice.to_numpy()))
        raise ValueError(
            f"{root / listed_in}: entry {row + 1}: {frame['image'].iloc[row]!r} stands earlier too"
        )
    known = set(frame["image"])
    also = (*entry.reference_images, *entry.ignore)
    extra = tuple(
        path
        for path in held.paths
        if not (path in known or matches(path, also) or _ends_in(path, entry.left_out))
    )
    default = (entry.score.low, entry.score.high) if entry.score else (-np.inf, np.inf)
    low, high = layout.get("range", default)
    lacks = tuple(_lacks(entry, layout, root, frame, listed_in))
    notes = tuple(_elsewhere(told, frame["image"]))
    return Rows(root, frame, extra, float(low), float(high), listed_in, lacks, notes)


def _elsewhere(told: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    """Say where pictures were found, if none lies where the release has it; copies of other sizes do so."""
    released, here = ({os.path.dirname(path) or "." for path in paths} for paths in (told, found))
    if released != {"."} and not {path.lower() for path in released} & {path.lower() for path in here}:
        yield f"pictures are those in {_few(here)}; the release has them in {_few(released)}"


def _few(names: Iterable[str]) -> str:
    """Join the first three names, and count the others."""
    first = sorted(names)
    return ", ".join(first[:3]) + (f" and {len(first) - 3} more" if len(first) > 3 else "")


def _lacks(
    entry: Entry, layout: Mapping[str, Any], root: Path, frame: pd.DataFrame, table: str
) -> Iterator[str]:
    """Say what a layout is known to lack, and which file would tell an official split that is not told."""
    if "lacks" in layout:
        yield layout["lacks"]
    splitting = [one for one in entry.layout if "split" in one or "official" in one]
    if not splitting or ("split" in frame and has_parts(frame["split"])):
        return
    if "official" in layout:
        files = [part["file"] for part in layout["official"].values() if isinstance(part, dict)]
        wanted = [" or ".join(names) for names in files if not any(files_of(root, name) for name in names)]
    else:
        wanted = [] if "split" in layout else [splitting[0]["scores"]]
    cure = f"get {', '.join(wanted)}" if wanted else "train, val or test has no picture, complete the release"
    yield f"no official split beside {table}: {cure}"


def wanted_files(entry: Entry) -> list[str]:
    """Files by which a release is recognised, one per known layout."""
    files: list[str] = []
    for layout in entry.layout:
        if layout["reader"] == "clive":
            files.append("Data/AllMOS_release.mat")
        elif "file" in layout:
            files.append(layout["file"])
        elif layout["reader"] == "listing":
            files += [pattern.rsplit("/", 1)[0] for pattern in layout["where"][:1]]
        else:
            names = layout["scores"]
            files += [names] if isinstance(names, str) else names
    return files


def locate(entry: Entry, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return the layout that a release has and the folder where it begins; a ValueError if it has none."""
    for layout in entry.layout:
        if "file" in layout and folder.is_dir():
            return dict(layout), folder
        single = entry.model_copy(update={"layout": (layout,)})
        root = find_root(folder, wanted_files(single)) if folder.is_dir() else None
        if root is not None:
            return dict(layout), root
    raise ValueError(
        f"{folder}: holds no {entry.title} (looked for {', '.join(wanted_files(entry))}); {how_to_get(entry)}"
    )


def how_to_get(entry: Entry) -> str:
    """One sentence on how the data set is brought here."""
    if entry.own:
        return f"correct its record, experiments/datasets/{entry.name}.yaml"
    if entry.sources:
        terms = " --accept-terms" if entry.asks else ""
        return f"run `iqa download {entry.name}{terms}`, or see `iqa datasets {entry.name}`"
    return f"{entry.steps} Unpack into downloads/{entry.name} ({entry.page})"


def _table(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """A table of names and scores: .csv, .txt or .xlsx, columns as the layout says."""
    table, path = read_table(root, layout)
    where = str(path)
    frame = pd.DataFrame({"image": _filled(table, layout["image"], where)}, index=table.index)
    if strip := layout.get("strip", 0):
        frame["image"] = [name.split("/", strip)[-1] for name in frame["image"]]
    columns = {key: layout[key] for key in ("mos", "mos_std", ERROR, "ratings") if key in layout}
    for key, column in columns.items():
        if column in table or key == "mos":
            frame[key] = numbers(pick(table, column, where), where)
    if "mos" in frame and frame["mos"].isna().any():
        row = int(np.argmax(frame["mos"].isna().to_numpy()))
        raise ValueError(
            f"{where}: row {table.index[row]}, column {layout['mos']!r}: is empty; every row has a score"
        )
    if "mos_std" in frame:
        frame["mos_std"] *= layout.get("std_scale", 1.0)
    for name in layout.get("also", ()):
        if name in table:
            frame[name] = table[name].to_numpy()
    for key in ("reference", "distortion"):
        if key in layout:
            frame[key] = [Path(text).stem for text in _filled(table, layout[key], where)]
    if "split" in layout:
        frame["split"] = _splits(pick(table, layout["split"], where), where)
    if "beside" in layout:
        frame[_column_of(layout["beside"])] = _beside(root, layout["beside"], len(frame))
    _by_pattern(frame, layout, where)
    if "official" in layout:
        frame["split"] = _listed_split(root, layout, table, frame["image"])
    many = isinstance(layout.get("scores"), str) and "*" in layout["scores"]
    return frame, layout["scores"] if many else _below(path, root)


def _below(path: Path, root: Path) -> str:
    """Path of a file from the release's folder; its name where it lies outside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _listing(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """Pictures known by their names alone."""
    found = [path for path in Pictures(root).paths if matches(path, layout["where"])]
    if not found:
        raise ValueError(f"{root}: holds no picture at {', '.join(layout['where'])}; complete the folder")
    frame = pd.DataFrame({"image": found})
    _by_pattern(frame, layout, str(root))
    pristine = frame["distortion"].isna() if "distortion" in frame else pd.Series(True, frame.index)
    if "level" not in frame:
        frame["level"] = np.nan
    frame["level"] = pd.to_numeric(frame["level"]).mask(pristine, 0)
    frame["distortion"] = (
        frame["distortion"].mask(pristine, "pristine") if "distortion" in frame else "pristine"
    )
    return frame, "the folder"


def _live(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """LIVE release 2: scores of 982 entries in five runs, of which the references are left out."""
    scores = _mat(root / layout["scores"], layout["mos"], "orgs", *layout.get(ERROR, "").split())
    references = _mat(root / "refnames_all.mat", "refnames_all")["refnames_all"]
    runs = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
    images = [f"{kind}/img{i}.bmp" for kind, count in runs.items() for i in range(1, count + 1)]
    for what, values in (*scores.items(), ("refnames_all", references)):
        if len(values) != len(images):
            raise ValueError(
                f"{root}: {what} has {len(values)} entries instead of {len(images)}; get the release again"
            )
    frame = pd.DataFrame(
        {
            "image": images,
            "mos": scores[layout["mos"]].astype(float),
            "reference": [Path(name).stem for name in references],
            "distortion": [image.split("/")[0] for image in images],
        }
    )
    if ERROR in layout:
        frame[ERROR] = scores[layout[ERROR]].astype(float)
    return frame[scores["orgs"].astype(int) == 0], layout["scores"]


def _clive(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """CLIVE: three .mat files of 1,169 entries, of which the first seven trained the raters."""
    names = _mat(root / "Data/AllImages_release.mat", "AllImages_release")["AllImages_release"]
    mos = _mat(root / "Data/AllMOS_release.mat", "AllMOS_release")["AllMOS_release"]
    std = _mat(root / "Data/AllStdDev_release.mat", "AllStdDev_release")["AllStdDev_release"]
    if not len(names) == len(mos) == len(std):
        raise ValueError(
            f"{root}/Data: lists of {len(names)}, {len(mos)} and {len(std)} entries do not belong together"
        )
    frame = pd.DataFrame(
        {
            "image": [f"Images/{name}" for name in names],
            "mos": mos.astype(float),
            "mos_std": std.astype(float),
        }
    )
    return frame.iloc[7:], "Data/AllImages_release.mat"


READERS: dict[str, Callable[[Path, Mapping[str, Any]], tuple[pd.DataFrame, str]]] = {
    "table": _table,
    "listing": _listing,
    "live": _live,
    "clive": _clive,
}


def _mat(path: Path, *wanted: str) -> dict[str, np.ndarray]:
    """Flat vectors of a MATLAB file; cells of text become strings."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise ValueError(f"{path}: is missing; complete the folder")
    try:
        held = loadmat(path)
    except (MatReadError, ValueError, NotImplementedError, TypeError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as a MATLAB file ({error}); get it again") from error
    found = {}
    for name in wanted:
        if name not in held:
            have = ", ".join(key for key in held if not key.startswith("__"))
            raise ValueError(f"{path}: has no variable {name!r}, only {have}; get the file again")
        values = held[name].ravel()
        found[name] = (
            np.array([str(cell.ravel()[0]) for cell in values]) if values.dtype == object else values
        )
    return found


def _filled(table: pd.DataFrame, template: str, where: str) -> list[str]:
    """Fill ``{column}`` of a template from each row."""
    names = re.findall(r"\{([^{}]+)\}", template)
    columns = [pick(table, name, where).astype(str).str.strip().str.replace("\\", "/") for name in names]
    pattern = re.sub(r"\{[^{}]+\}", "{}", template)
    return [pattern.format(*values) for values in zip(*columns, strict=True)]


def _of_ratings(frame: pd.DataFrame, entry: Entry) -> pd.DataFrame:
    """Turn a standard error of the opinions into the deviation of the ratings that ``mos_std`` is."""
    if ERROR not in frame:
        return frame
    if entry.score is None or entry.score.ratings is None or entry.score.ratings.count is None:
        raise ValueError(
            f"{entry.name}: its record reads a standard error and does not say how many ratings stand "
            "behind an opinion; add score.ratings"
        )
    return frame.assign(mos_std=frame[ERROR] * entry.score.ratings.count**0.5).drop(columns=ERROR)


def _ends_in(path: str, names: Iterable[str]) -> bool:
    """Whether a path is one of the names, or one of them below further folders."""
    return any(f"/{path}".endswith(f"/{name}") for name in names)


def _by_pattern(frame: pd.DataFrame, layout: Mapping[str, Any], where: str) -> None:
    """Take reference, distortion and level out of the names, by the first of the patterns that fits."""
    if "pattern" not in layout:
        return
    patterns = [layout["pattern"]] if isinstance(layout["pattern"], str) else layout["pattern"]
    found = [frame["image"].str.extract(re.compile(pattern, re.IGNORECASE)) for pattern in patterns]
    parts = functools.reduce(pd.DataFrame.combine_first, found)
    unknown = parts.isna().all(axis=1)
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise ValueError(f"{where}: entry {row + 1}: {frame['image'].iloc[row]!r} is named unlike all others")
    for name in parts.columns:
        frame[name] = parts[name].str.lower() if name in layout.get("lower", ()) else parts[name]
    if "distortions" in layout:
        kinds = dict(enumerate(layout["distortions"], 1))
        frame["distortion"] = frame["distortion"].astype(int).map(kinds)
    if "level" in frame:
        frame["level"] = pd.to_numeric(frame["level"])


def _splits(column: pd.Series, where: str) -> list[str]:
    words = column.astype(str).str.strip().str.lower()
    unknown = ~words.isin(list(SPLITS))
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise ValueError(
            f"{where}: row {column.index[row]}, column {column.name!r}: {column.iloc[row]!r} is no split"
        )
    return [SPLITS[word] for word in words]


def _listed_split(
    root: Path, layout: Mapping[str, Any], table: pd.DataFrame, images: Sequence[str]
) -> list[str] | float:
    """Official split that is told by further files, each listing the pictures of a part; NaN without them."""
    parts = {name: part for name, part in layout["official"].items() if name != "default"}
    split = dict.fromkeys(_filled(table, "{name}", str(root)), layout["official"]["default"])
    for name, part in parts.items():
        try:
            listed, path = read_table(root, {"scores": part["file"]})
        except FileNotFoundError:
            return np.nan
        chosen = pick(listed, part["column"], str(path)).str.strip()
        if where := part.get("where"):
            chosen = chosen[pick(listed, where, str(path)).str.strip().str.lower().isin(["true", "1"])]
        if unknown := sorted(set(chosen) - set(split)):
            raise ValueError(f"{path}: lists {unknown[0]!r}, which the scores do not have")
        split.update(dict.fromkeys(chosen, name))
    return list(split.values())


def _beside(root: Path, beside: Mapping[str, Any], rows: int) -> np.ndarray | float:
    """Column of a file whose lines go with those of the scores; NaN where the release lacks it."""
    path = root / beside["file"]
    if not path.is_file():
        return np.nan
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    column = _column_of(beside)
    values = [line.split()[beside[column]] for line in lines if line.strip()]
    if len(values) != rows:
        raise ValueError(f"{path}: has {len(values)} lines for {rows} pictures; get the release again")
    return numbers(pd.Series(values, name=column, dtype=str), str(path)).to_numpy()


def _column_of(beside: Mapping[str, Any]) -> str:
    """What a file beside the scores holds: ``mos_std`` or ``standard_error``."""
    return next(key for key in beside if key != "file")
