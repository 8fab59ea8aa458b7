"""Where releases lie on this machine, a network disk say; what is committed names no such folder.

``downloads/places.yaml``, which git does not keep, says it: ``root``, a folder that holds many, and a line
``NAME: FOLDER`` for a set that lies elsewhere. The environment variable ``IQA_DATASETS`` is a root too, and
goes before that of the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmark import files

FILE = Path("downloads/places.yaml")
ROOT = "root"
VARIABLE = "IQA_DATASETS"


def place_of(name: str, called: Sequence[str] = ()) -> Path | None:
    """Folder of a data set as this machine's places say; nothing where they do not.

    Below a root a set lies in the folder of its name, or of its name or what else it is `called` in any
    spelling (``KonIQ-10k``, ``KADID10K``).

    Raises
    ------
    ValueError
        If the file is at fault, the root is not a folder, or two folders could be meant.
    """
    told = _told()
    if name in told:
        return Path(told[name]).expanduser()
    where = VARIABLE if os.environ.get(VARIABLE) else f"{FILE}: {ROOT}"
    root = os.environ.get(VARIABLE) or told.get(ROOT)
    if not root:
        return None
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{where}: {folder} is not a folder; correct it, or take it out")
    if (folder / name).is_dir():
        return folder / name
    alike = {_spelt(one) for one in (name, *called)}
    found = sorted(each for each in folder.iterdir() if _spelt(each.name) in alike and each.is_dir())
    if len(found) > 1:
        raise ValueError(
            f"{where}: {name!r} could be {' or '.join(each.name for each in found)} in {folder}; "
            f"say which by a line '{name}: FOLDER' in {FILE}"
        )
    return found[0] if found else None


def put(name: str, folder: Path) -> None:
    """Write down where a data set lies; comments and other lines of the file stay."""
    line = f"{name}: {yaml.safe_dump(str(folder), width=10**6).splitlines()[0]}"
    kept = [old for old in _text().splitlines() if not old.startswith(f"{name}:")]
    files.write_text(FILE, "\n".join([*kept, line, ""]))


def _told() -> dict[str, str]:
    try:
        told = files.read_yaml(_text()) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{FILE}: is no YAML ({error})") from error
    if not isinstance(told, dict) or not all(isinstance(place, str) and place for place in told.values()):
        raise ValueError(f"{FILE}: must have a line 'NAME: FOLDER' for each data set, and 'root: FOLDER'")
    return told


def _text() -> str:
    return FILE.read_text(encoding="utf-8") if FILE.is_file() else ""


def _spelt(name: str) -> str:
    """Letters and digits of a name, small."""
    return re.sub("[^a-z0-9]", "", name.lower())
