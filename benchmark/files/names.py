"""Names of files that came from elsewhere: kept inside their folder, and told from what systems put there."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PurePosixPath

#: Folders and files that systems put beside those of people: macOS, Synology, QNAP, Windows, Linux.
SYSTEM = frozenset(
    {"__macosx", "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "system volume information"}
    | {"lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini"}
)


def plain(name: str) -> PurePosixPath:
    """Return a name that came from elsewhere as a path that stays below any folder it is joined to.

    Names come from records, archives, tables, answers and servers. A backslash counts as a slash, for those
    who unpacked or wrote it may have meant one.

    Raises
    ------
    ValueError
        If it is empty or absolute, climbs with ``..``, names a drive or a home, or holds a control character.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    drive = re.match("[A-Za-z]:", name) is not None
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or drive
        or re.search(r"[\0-\x1f\x7f]", name)
    ):
        raise ValueError(f"{name!r} leads out of the folder; give a path below it")
    return path


def hidden(path: str | PurePath) -> str:
    """What a path goes through that nobody put there to be listed, as in ``__MACOSX``; "" for any other path.

    Names with a point before them (`._*` of macOS, ``.ipynb_checkpoints``, ``.DS_Store``), and those of
    `SYSTEM`. Ask of paths below the folder that is listed: that one, people have named.
    """
    for part in PurePath(path).parts:
        if part.startswith("._"):
            return "._*"
        if part.lower() in SYSTEM or (part.startswith(".") and part not in (".", "..")):
            return part
    return ""


def inside(folder: Path, name: str) -> Path:
    """Return ``folder/name`` for a file to be written, whose name came from elsewhere.

    Raises
    ------
    ValueError
        As in :func:`plain`, or if a link on the way leads out of `folder`.
    """
    path = folder / plain(name)
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} would follow a link out of {folder}; remove the link")
    return path
