"""The layout of a method's features: a map to look at, and retrieval by degradation as the number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from benchmark.arrays import Floats
from benchmark.statistics.estimates import bounded, mean_interval, tidy


def manifold(
    features: ArrayLike, frame: pd.DataFrame, *, method: str, dataset: str, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay features out in the plane, and ask whether neighbours share their degradation.

    Each degraded image looks for the nearest image (cosine) of *another* reference: content cannot help. The
    precision is the share of images whose neighbour has the same type, the same level, or both. Chance, the
    share a random image of another reference would reach, stands beside. Both are of the images that another
    reference has a match for: no features could find the others one.

    Parameters
    ----------
    features
        ``[N, D]``.
    frame
        ``image, reference, distortion, level``, one row an image; rows of level 0 are laid out and neither
        search nor are found.
    method, dataset
        Keys of the table.
    seed
        Of t-SNE (van der Maaten and Hinton 2008), on the first 50 principal components.

    Returns
    -------
    tuple of DataFrame
        ``image, distortion, level, x, y``; and the tidy table, keys ``method, dataset, distortion`` (a type,
        or ``all``), statistics ``retrieval_type``, ``retrieval_level``, ``retrieval_both`` and ``chance_`` of
        each: the mean over references, which ``n`` counts, of the share of their images, with Student's
        interval.

    Raises
    ------
    ValueError
        If shapes disagree, a feature is not finite, or there are fewer than two references.
    """
    vectors = np.asarray(features, dtype=float)
    if vectors.ndim != 2 or len(vectors) != len(frame):
        raise ValueError(f"features {vectors.shape} do not belong to {len(frame)} images")
    if not np.isfinite(vectors).all():
        raise ValueError("a feature is not finite")
    if frame["reference"].nunique() < 2:
        raise ValueError("retrieval needs images of at least two references")
    from sklearn.preprocessing import normalize  # a second to import, which few need

    unit = normalize(vectors)
    place = frame[["image", "distortion", "level"]].reset_index(drop=True).assign(**_plane(unit, seed))
    found = _retrieve(unit, frame.reset_index(drop=True))
    rows = []
    together = pd.concat([found, found.assign(distortion="all")])
    for kind, part in together.groupby("distortion", sort=False):
        keys: dict[str, object] = {"method": method, "dataset": dataset, "distortion": kind}
        for name in part.columns.drop(["reference", "distortion"]):
            protocol = "nearest image of another reference, cosine; n counts references"
            if lonely := int(part[name].isna().sum()):
                protocol += f"; {lonely} images that none of another reference matches left out"
            means = part.groupby("reference")[name].mean().dropna().to_numpy(dtype=float)
            rows.append(tidy(keys, name, bounded(mean_interval(means), 0, 1), protocol))
    return place, pd.DataFrame(rows)


def _plane(unit: Floats, seed: int) -> dict[str, Floats]:
    from sklearn.decomposition import PCA  # a second to import, which few need
    from sklearn.manifold import TSNE

    size = min(50, *unit.shape)
    compact = PCA(size, svd_solver="full").fit_transform(unit)
    perplexity = min(30.0, (len(unit) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(compact)
    return {"x": plane[:, 0], "y": plane[:, 1]}


def _retrieve(unit: Floats, frame: pd.DataFrame) -> pd.DataFrame:
    """One row a degraded image: whether the neighbour agrees, and how often a random one would."""
    reference = frame["reference"].to_numpy()
    kind, level = frame["distortion"].fillna("").to_numpy(), frame["level"].to_numpy()
    rows = []
    for i in np.flatnonzero(level > 0):
        # Row by row: a full similarity matrix of 100,000 images would need 80 GB.
        others = np.flatnonzero((reference != reference[i]) & (level > 0))
        nearest = others[np.argmax(unit[others] @ unit[i])]
        same = {"type": kind[others] == kind[i], "level": level[others] == level[i]}
        same["both"] = same["type"] & same["level"]
        at = int(np.flatnonzero(others == nearest)[0])
        row = {f"retrieval_{name}": hits[at] if hits.any() else np.nan for name, hits in same.items()}
        row |= {f"chance_{name}": hits.mean() if hits.any() else np.nan for name, hits in same.items()}
        rows.append({"reference": reference[i], "distortion": kind[i], **row})
    return pd.DataFrame(rows)
