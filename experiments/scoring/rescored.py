"""Scores of others, seen anew: a few pictures scored by the same version of a method, where it is here."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from benchmark.datasets.prepared import Dataset
from benchmark.exchange import Check, Record
from benchmark.method import TRAINED, Trained
from benchmark.scoring import score_files
from benchmark.tables import read_results
from experiments.runs import stage
from experiments.runs.trained import load_trained

WHAT = "that the method gave these scores"
#: Difference of two scorings as a share of the scores' spread: processors and batches round differently.
CLOSE = 1e-3


def rescored(record: Record, scores: bytes, data: Dataset, count: int) -> Check:
    """Score ``count`` pictures, drawn from the record's own digest, by the same version of the method.

    What is loaded was trained here, and is found by its version; nothing that the record names is.
    """
    folders = [path.parent for path in sorted(stage.MODELS.glob(f"*/{TRAINED}"))]
    same = [folder for folder in folders if Trained.read(folder).version == record.method.version]
    if not same:
        return Check(WHAT, "not checked", f"no method of version {record.method.version[:12]} is in models/")
    table = read_results(BytesIO(scores)).dropna(subset="score")
    seed = int(record.scores.sha256[:16], 16)
    drawn = table.sample(min(count, len(table)), random_state=np.random.default_rng(seed)).sort_index()
    method = load_trained(same[0].name)
    found = score_files(drawn["image"], method, root=data.root, short_side=data.record.short_side)
    gap = np.abs(found["score"].to_numpy(dtype=float) - drawn["score"].to_numpy(dtype=float))
    off = ~(gap <= CLOSE * max(float(table["score"].std(ddof=0)), 1e-12))
    if off.any():
        worst = drawn["image"].iloc[int(np.nan_to_num(gap, nan=np.inf).argmax())]
        return Check(WHAT, "fails", f"{off.sum()} of {len(drawn)} pictures score otherwise here: {worst}")
    return Check(WHAT, "holds")
