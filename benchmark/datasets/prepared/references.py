"""One name for each content, however the rows of a table spell it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import PurePosixPath

import pandas as pd


def one_name(references: pd.Series, images: pd.Series) -> pd.Series:
    """Give rows of one content one reference: else splits part them, and intervals count them as several.

    References that are alike but for blanks around them, case and Unicode form take the spelling of the
    first. A picture without one is the reference itself where others name its file, with or without ending,
    and no other picture without one is called so.

    Parameters
    ----------
    references
        Reference of each row; missing or blank where it has none.
    images
        Path of each row's picture.

    Returns
    -------
    Series
        The names, "" where there is none.
    """
    told = references.astype(object).where(references.notna(), "").astype(str).str.strip()
    first: dict[str, str] = {}
    for name in told[told != ""]:
        first.setdefault(_key(name), name)
    files = {_key(name.replace("\\", "/").rsplit("/", 1)[-1]): name for name in first.values()}
    bare = told == ""
    called = [{_key(path.name), _key(path.stem)} for path in map(PurePosixPath, images[bare])]
    held = Counter(name for names in called for name in names)
    own = [sorted(name for name in names if name in files and held[name] == 1) for names in called]
    result = told.map(lambda name: first.get(_key(name), ""))
    result[bare] = [files[names[-1]] if names else "" for names in own]
    return result


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
