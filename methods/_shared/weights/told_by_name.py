"""Published files that do not say what they learnt from, but for their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def check_name(path: Path, words: Mapping[str, str], dataset: str, setting: str) -> None:
    """Refuse a file whose name says another data set than a setting does, by default perhaps.

    Parameters
    ----------
    path
        The file, ``regressor_live.pth`` say.
    words
        Data sets by what files are called after them.
    dataset
        What the setting says.
    setting
        Its name.

    Raises
    ------
    ValueError
        If it does.
    """
    named = [words[word] for word in re.split("[^a-z0-9]+", path.stem.lower()) if word in words]
    if named and dataset not in named:
        raise ValueError(
            f"{path}: is of {named[0]} by its name, and {setting}={dataset!r}; set it to {named[0]!r}, or "
            "give the file a name without a data set"
        )
