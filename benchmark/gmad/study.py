"""A page on which people judge the pairs: one HTML file, offline, answers kept in the browser."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmark import files
from benchmark.images import ImageNotice, header, read

TEMPLATE = Path(__file__).with_name("study.html")
#: What every browser shows from its own bytes.
_SHOWN = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}


def questions(pairs: pd.DataFrame, limit: int | None = None) -> pd.DataFrame:
    """Distinct pairs of pictures to ask about.

    One pair of pictures often decides several contests, in either direction; it is asked once. Pairs without
    a difference to the attacker, and empty levels, are not asked.

    Parameters
    ----------
    pairs
        Frame of `select_pairs`.
    limit
        At most so many, those that weigh most in the competition; default all.

    Returns
    -------
    DataFrame
        ``pair, first, second, weight``: an identifier made from both names, the names in the order of the
        alphabet, and the summed weight of the contests it decides; heaviest first.

    Raises
    ------
    ValueError
        If no pair can be asked about, or ``limit`` is less than 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit}: ask about at least one pair")
    asked = pairs[pairs["low_image"].notna() & (pairs["low_image"] != pairs["high_image"])]
    if asked.empty:
        raise ValueError("no pair to ask about: every level is empty or without a difference")
    names = np.sort(asked[["low_image", "high_image"]].to_numpy(dtype=str), axis=1)
    table = pd.DataFrame({"first": names[:, 0], "second": names[:, 1], "weight": asked["weight"].to_numpy()})
    table = table.groupby(["first", "second"], as_index=False)["weight"].sum()
    table.insert(0, "pair", [pair_name(a, b) for a, b in zip(table["first"], table["second"], strict=True)])
    return table.sort_values(["weight", "pair"], ascending=[False, True], ignore_index=True).head(
        limit or len(table)
    )


def pair_name(one: str, other: str) -> str:
    """Identifier of a pair of pictures, whichever way round."""
    return hashlib.blake2b("\n".join(sorted([one, other])).encode(), digest_size=6).hexdigest()


def study_name(pairs: Sequence[str]) -> str:
    """Identifier of a study: the pairs it asks about."""
    return hashlib.blake2b("\n".join(sorted(pairs)).encode(), digest_size=4).hexdigest()


def write_study(asked: pd.DataFrame, root: Path, out: Path, short_side: int = 0) -> str:
    """Write the page; returns the identifier of the study.

    Pictures are embedded: the bytes of the files themselves where a browser shows them as methods see them,
    and a PNG of that where not, as of what is scaled, transparent or animated. The page shows neither names
    nor methods.

    Parameters
    ----------
    asked
        Frame of `questions`.
    root
        Folder that the names of the pictures are relative to.
    out
        HTML file to write.
    short_side
        Of the data set's record: what methods scored is scaled to it, and so is what people judge.

    Raises
    ------
    ValueError
        If a picture is missing or cannot be read, or its name leads out of `root`.
    """
    names = sorted({*asked["first"], *asked["second"]})
    place = {name: at for at, name in enumerate(names)}
    # The page shuffles them by study and subject: by weight, another order would follow where weights change.
    couples = asked.sort_values("pair")
    content = {
        "id": study_name(asked["pair"].tolist()),
        "pairs": [
            {"id": row.pair, "a": place[str(row.first)], "b": place[str(row.second)]}
            for row in couples.itertuples()
        ],
        "images": [{"name": name, "data": _embedded(root / files.plain(name), short_side)} for name in names],
    }
    # A script element ends at the first "</": names and data must not hold one.
    text = TEMPLATE.read_text(encoding="utf-8").replace(
        "__STUDY__", json.dumps(content).replace("<", "\\u003c")
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(out, text)
    return str(content["id"])


def _embedded(path: Path, short_side: int) -> str:
    with warnings.catch_warnings(record=True) as said:
        # Of transparency and further frames, which browsers show otherwise.
        warnings.simplefilter("always", ImageNotice)
        pixels = read(path, short_side)
    found = header(path)
    kind = _SHOWN.get(found.format)
    if kind is not None and not said and sorted(pixels.shape[1:]) == sorted(found[1:]):
        data = path.read_bytes()
    else:
        kind, stream = "image/png", io.BytesIO()
        Image.fromarray((pixels * 255).round().byte().permute(1, 2, 0).numpy()).save(stream, "PNG")
        data = stream.getvalue()
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
