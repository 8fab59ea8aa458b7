"""Whether a method measures quality or merely the size of the picture or of its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.statistics import weighted
from benchmark.statistics.estimates import COLUMNS
from benchmark.statistics.structure import partial_srcc

from .rows import DEFAULT, Floats, Resampling, cells, number, resampled, undefined
from .samples import Samples, join


def facts(root: Path, images: Sequence[str]) -> pd.DataFrame:
    """Return ``image, width, height, bytes`` of picture files, from their headers alone.

    A file whose header says no size has no row; no method scores it either.

    Raises
    ------
    ValueError
        If a file is missing.
    """
    from benchmark.images import ImageError, header  # only here is torch needed

    rows = []
    for name in images:
        if not (root / name).is_file():
            raise ValueError(f"{root / name}: is missing; prepare its data set again")
        try:
            head = header(root / name)
        except ImageError:
            continue
        rows.append((name, head.width, head.height, (root / name).stat().st_size))
    return pd.DataFrame(rows, columns=["image", "width", "height", "bytes"])


def structure(
    scores: pd.DataFrame,
    manifest: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    higher_is_better: bool,
    mos_higher_is_better: bool,
    how: Resampling = DEFAULT,
) -> pd.DataFrame:
    """Correlate scores with facts about the files, and with opinions once the facts are taken out.

    Parameters
    ----------
    scores, manifest, higher_is_better, mos_higher_is_better, how
        As in `zero_shot`.
    facts
        ``image, width, height`` in pixels and ``bytes`` of the file.

    Returns
    -------
    DataFrame
        Tidy columns with ``srcc_pixels`` (score against number of pixels), ``srcc_bytes`` (against bytes),
        ``srcc_bytes_per_pixel`` (against bytes a pixel, which is what compression changes), the same three
        of the opinions (``mos_pixels`` ...) and ``srcc_without_bytes_per_pixel``: score against opinion,
        bytes a pixel held fixed. NaN where all pictures have one size.

    Raises
    ------
    ValueError
        If a column is missing or a scored image has no facts.
    """
    samples = join({"method": scores}, manifest, {"method": higher_is_better}, mos_higher_is_better).rated()
    known = _facts(samples, facts)
    rows = []
    for name, fact in known.items():
        subject = samples.scores, samples.mos[None]
        for label, values in zip(("srcc", "mos"), subject, strict=True):
            pair = Samples(samples.frame, values, fact, samples.notes)
            words = f"Spearman of {'score' if label == 'srcc' else 'opinion'} and {name.replace('_', ' ')}"
            rows.append(resampled(f"{label}_{name}", weighted.prepare_srcc, pair, how, words))
    rows.append(_partial(samples, known["bytes_per_pixel"]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _facts(samples: Samples, facts: pd.DataFrame) -> dict[str, Floats]:
    missing = [c for c in ("image", "width", "height", "bytes") if c not in facts]
    if missing:
        raise ValueError(f"facts lack the column {missing[0]!r}")
    table = facts.set_index(facts["image"].astype(str)).reindex(samples.frame["image"].astype(str))
    pixels, size = number(table, "width") * number(table, "height"), number(table, "bytes")
    unknown = np.isnan(pixels) | np.isnan(size)
    if unknown.any():
        raise ValueError(f"facts say nothing of {table.index[unknown][0]!r}")
    return {"pixels": pixels, "bytes": size, "bytes_per_pixel": size / pixels}


def _partial(samples: Samples, fact: Floats) -> dict[str, object]:
    name, words = "srcc_without_bytes_per_pixel", "Spearman of score and opinion, bytes per pixel held fixed"
    value = partial_srcc(samples.scores[0], samples.mos, fact)
    if np.isnan(value):
        return undefined(name, samples, f"{words}; undefined")
    protocol = "; ".join([words, "no interval", *samples.notes])
    return cells(name, value, (np.nan, np.nan), samples, protocol)
