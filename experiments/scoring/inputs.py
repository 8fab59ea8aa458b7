"""What pictures a command line names: files, folders, globs, lists, and addresses of stores."""

from __future__ import annotations

import glob
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

import pandas as pd

from benchmark.datasets._spelling import on_disk
from benchmark.files import hidden
from benchmark.files.delimited import read_table, spelt
from benchmark.files.web import within
from benchmark.images import EXTENSIONS, ImageNotice, among, endings, is_address, patience, visible, walk

#: Columns of a list of pictures that may hold their paths, the first one found.
COLUMNS = ("image", "path", "file", "filename", "name")

#: A file of this machine, or an address such as ``s3://bucket/photo.jpg``.
Picture = Path | str


def pictures(arguments: Sequence[str], stdin: TextIO | None = None) -> list[Picture]:
    """List the pictures that arguments name, each once, in the order of the arguments.

    Parameters
    ----------
    arguments
        Files as they are; folders, searched for pictures all the way down, in the order of their names, and
        glob patterns, both without what systems and programs put there (`benchmark.images.visible`); CSV
        (`benchmark.files.delimited.read_table`) or parquet files with a column of `COLUMNS`, whose paths
        start from the folder of the file; ``-`` for one path a line of standard input; or addresses of a
        store that fsspec knows, with folders and patterns alike. A name in another Unicode form than the
        disk's is taken as the disk spells it.
    stdin
        Standard input.

    Raises
    ------
    ValueError
        If an argument is empty, names nothing that exists, or a folder or list without a picture.
    """
    named = [picture for argument in arguments for picture in _named(argument, stdin)]
    return list(dict.fromkeys(named))


def check_outside(out: Path, arguments: Sequence[str], option: str) -> None:
    """Make sure that a folder of results lies in no folder of pictures, where the next run would read them.

    Raises
    ------
    ValueError
        If it does.
    """
    folders = [Path(argument) for argument in arguments if not is_address(argument)]
    for folder in filter(Path.is_dir, folders):
        if out.resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"{option} {out}: lies in {folder}, whose next run would read what is written there as "
                "pictures of its own; name a folder outside"
            )


def _named(argument: str, stdin: TextIO | None) -> Iterable[Picture]:
    if not argument:  # a path of nothing would be the folder where one stands
        raise ValueError("an argument is empty; name a file, a folder, a pattern or a list")
    path = on_disk(Path(argument))
    if argument == "-":
        lines = [line.rstrip("\n") for line in stdin or ()]
        read = [_below(Path(), line) for line in lines if line]
        _say_repeated("standard input", read)
        return _some(read, "standard input names no picture")
    if is_address(argument):
        return _stored(argument)
    if path.is_dir():
        # A broken link stays in the list: that it cannot be read is for its row to say.
        inside: list[Picture] = [path / name for name in among(walk(path), path)]
        return _some(sorted(inside), f"{path} holds no picture ({', '.join(sorted(EXTENSIONS))})")
    if path.suffix.lower() in {".csv", ".parquet"} and path.is_file():
        return _listed(path)
    if path.exists() or path.is_symlink():
        return [path]
    matched = visible(_matched(argument), argument, _unwritten(argument))
    matches: list[Picture] = sorted(map(Path, matched))
    return _some(matches, f"{argument} does not exist")


def _matched(pattern: str) -> list[str]:
    """Files and folders that a pattern matches, with ``**`` files alone; hidden ones as the shell has it.

    ``**`` goes through linked folders as `walk` does: glob's own follows a link that leads back forty times,
    and two of them for ever.
    """
    parts = Path(pattern).parts
    if "**" not in parts:
        return glob.glob(pattern)
    from fsspec.utils import glob_translate

    written = next(at for at, part in enumerate(parts) if glob.has_magic(part))
    above, wanted = Path(*parts[:written]), parts[written:]
    inner = [part if part == "**" else re.sub(r"\*+", "*", part) for part in wanted]
    matches = re.compile(glob_translate("/".join(inner))).match
    dotted = any(part.startswith(".") for part in wanted)
    names = [name for name in walk(above) if matches(name)] if above.is_dir() else []
    return [str(above / name) for name in names if dotted or not re.search(r"(^|/)\.", name)]


def _stored(address: str) -> Iterable[Picture]:
    """Pictures of a store: one by its ending, those that a pattern matches, or all below a folder."""
    import fsspec

    if Path(address).suffix.lower() in EXTENSIONS and not glob.has_magic(address):
        return [address]
    try:
        store, place = fsspec.url_to_fs(address)
        look = store.glob if glob.has_magic(address) else store.find
        found = within(patience(), lambda: look(place, detail=True))
    except Exception as error:  # every store raises errors of its own
        raise ValueError(f"{address} cannot be listed ({type(error).__name__}: {error})") from error
    names = [name for name, about in found.items() if about["type"] != "directory"]
    pictures = [name for name in names if Path(name).suffix.lower() in EXTENSIONS]
    rest = _unwritten(address) if glob.has_magic(address) else lambda name: name.removeprefix(place)
    taken = set(pictures)
    _say_others(address, [name for name in names if name not in taken and not hidden(rest(name))])
    kept = visible(pictures, address, rest)
    inside = [store.unstrip_protocol(name) for name in kept]
    return _some(sorted(inside), f"{address} holds no picture ({', '.join(sorted(EXTENSIONS))})")


def _say_others(address: str, names: Sequence[str]) -> None:
    """Count the files of a store that do not end as pictures do: none of them is fetched to be looked at."""
    if names:
        warnings.warn(
            f"{address}: files whose names do not end as pictures do are passed over ({endings(names)}), "
            f"such as {names[0]!r}; a CSV file with their addresses has them taken",
            ImageNotice,
            stacklevel=2,
        )


def _say_repeated(where: str, rows: Sequence[Picture]) -> None:
    """Count rows of a list that name a picture again: the table of scores has fewer rows than the list."""
    counts = Counter(rows)
    if again := len(rows) - len(counts):
        warnings.warn(
            f"{where}: {again} of its {len(rows)} rows name a picture that stands earlier too, such as "
            f"{str(counts.most_common(1)[0][0])!r}; each is scored once and has one row",
            ImageNotice,
            stacklevel=2,
        )


def _unwritten(pattern: str) -> Callable[[str], Path]:
    """Return what leaves of a path that a pattern found the parts that the pattern does not write out."""
    wanted = Path(pattern).parts
    dotted = any(part.startswith(".") and glob.has_magic(part) for part in wanted)

    def rest(found: str) -> Path:
        parts = [part for part in Path(found).parts if part not in wanted]
        return Path(*(part for part in parts if not (dotted and part.startswith("."))))

    return rest


def _listed(path: Path) -> list[Picture]:
    parquet = path.suffix.lower() == ".parquet"
    columns = _parquet(path) if parquet else spelt(read_table(path), COLUMNS, str(path)).to_dict("list")
    name = next((name for name in COLUMNS if name in columns), None)
    if name is None:
        raise ValueError(f"{path}: needs a column among {', '.join(COLUMNS)}, has {', '.join(columns)}")
    for row, cell in enumerate(columns[name], start=1):
        if not cell or not isinstance(cell, str):  # parquet may hold numbers
            raise ValueError(f"{path}: its row {row} names no picture, it holds {cell!r}")
    rows = [_below(path.parent, cell) for cell in columns[name]]
    _say_repeated(str(path), rows)
    return _some(rows, f"{path} lists no picture")


def _parquet(path: Path) -> dict[str, list[str]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ValueError(f"{path}: parquet needs pyarrow, which is not installed") from error
    file = parquet.ParquetFile(path)
    called = file.schema_arrow.names
    plain = dict(zip(spelt(pd.DataFrame(columns=called), COLUMNS, str(path)).columns, called, strict=True))
    name = next((name for name in COLUMNS if name in plain), None)
    if name is None:
        return {name: [] for name in called}
    return {name: file.read(columns=[plain[name]]).column(0).to_pylist()}


def _below(folder: Path, name: str) -> Picture:
    return name if is_address(name) else on_disk(folder / name)


def _some(found: list[Picture], otherwise: str) -> list[Picture]:
    if not found:
        raise ValueError(otherwise)
    return found
