"""What a number was made of, in one line, so that two of them can be told apart years later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pandas as pd

HASHED = (
    *("image", "mos", "mos_std", "reference", "distortion", "level", "split"),
    *("mos_within", "ratings"),
)


def data_hash(manifest: pd.DataFrame, pictures: str = "") -> str:
    """Hash a manifest's content (SHA-256): one value for any order of its rows or columns.

    Any other value in it gives another hash, and so does another digest of its `pictures`.
    """
    columns = [c for c in HASHED if c in manifest]
    rows = sorted(
        "\x1f".join("" if pd.isna(v) else str(v) for v in row) for row in manifest[columns].to_numpy(object)
    )
    return hashlib.sha256("\x1e".join([",".join(columns), *rows, pictures]).encode()).hexdigest()


def sign(
    table: pd.DataFrame,
    *,
    method: str | Sequence[str],
    resolution: str | Sequence[str],
    data: str | Sequence[str],
) -> pd.DataFrame:
    """Add the column ``signature`` to a tidy table.

    Each of the following is one text for all rows, or one a row; where several methods or data sets made a
    number, their texts stand side by side with ``+`` between.

    Parameters
    ----------
    table
        Tidy; its ``n`` and ``protocol`` (fit, splits, resampling, what was left out) become part of the
        signature.
    method
        Version of the method: hash of its code and weights; twelve digits are shown.
    resolution
        Its input protocol in words (whole image, short side 512, crops ...).
    data
        Hash of the data (`data_hash`); twelve digits are shown.
    """
    columns = [_each(texts, len(table)) for texts in (resolution, method, data)]
    signed = [
        f"n={_count(n)}|{protocol}|input={read}|method={_short(version)}|data={_short(digest)}"
        for n, protocol, read, version, digest in zip(table["n"], table["protocol"], *columns, strict=True)
    ]
    return table.assign(signature=signed)


def _each(texts: str | Sequence[str], count: int) -> Sequence[str]:
    return [texts] * count if isinstance(texts, str) else texts


def _count(n: float) -> str:
    return "" if pd.isna(n) else f"{n:.0f}"


def _short(digests: str) -> str:
    return "+".join(digest[:12] for digest in digests.split("+"))
