"""What a number was made of, in one line, so that two of them can be told apart years later."""

from __future__ import annotations

import hashlib

import pandas as pd

HASHED = ("image", "mos", "mos_std", "reference", "distortion", "level", "split")


def data_hash(manifest: pd.DataFrame) -> str:
    """Hash a manifest's content (SHA-256): one value for any order of its rows or columns.

    Any other value in it gives another hash.
    """
    columns = [c for c in HASHED if c in manifest]
    rows = sorted(
        "\x1f".join("" if pd.isna(v) else str(v) for v in row) for row in manifest[columns].to_numpy(object)
    )
    return hashlib.sha256("\x1e".join([",".join(columns), *rows]).encode()).hexdigest()


def sign(table: pd.DataFrame, *, method: str, resolution: str, data: str) -> pd.DataFrame:
    """Add the column ``signature`` to a tidy table.

    Parameters
    ----------
    table
        Tidy; its ``n`` and ``protocol`` (fit, splits, resampling, what was left out) become part of the
        signature.
    method
        Version of the method: hash of its code and weights.
    resolution
        Its input protocol in words (whole image, short side 512, crops ...).
    data
        Hash of the data (`data_hash`).
    """
    tail = f"input={resolution}|method={method[:12]}|data={data[:12]}"
    signed = [f"n={n}|{protocol}|{tail}" for n, protocol in zip(table["n"], table["protocol"], strict=True)]
    return table.assign(signature=signed)
