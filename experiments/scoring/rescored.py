"""Records of others held against the same version of a method, where it is here: card and scores."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from benchmark.datasets.prepared import Dataset
from benchmark.exchange import CARD, GIVEN, Check, Record, carded
from benchmark.method import TRAINED, Trained
from benchmark.scoring import score_files
from benchmark.tables import read_results
from experiments.runs import stage
from experiments.runs.trained import load_trained

#: Difference of two scorings as a share of the scores' spread: processors and batches round differently.
CLOSE = 1e-3


def asked(checks: list[Check], record: Record, scores: bytes, data: Dataset, count: int) -> list[Check]:
    """Return checks with those in their places that need the method, where its version is here."""
    anew = {one.what: one for one in rescored(record, scores, data, count)}
    return [anew.get(one.what, one) for one in checks]


def rescored(record: Record, scores: bytes, data: Dataset, count: int) -> list[Check]:
    """Score ``count`` pictures, drawn from the record's own digest, by the same version of the method.

    What is loaded was trained here, and is found by its version; nothing that the record names is.
    """
    folders = [path.parent for path in sorted(stage.MODELS.glob(f"*/{TRAINED}"))]
    same = [folder for folder in folders if Trained.read(folder).version == record.method.version]
    if not same:
        why = f"no method of version {record.method.version[:12]} is in models/"
        return [Check(what, "not checked", why) for what in (CARD, GIVEN)]
    return [_of_card(record, Trained.read(same[0])), _of_pictures(record, scores, data, count, same[0].name)]


def _of_card(record: Record, here: Trained) -> Check:
    """Compare the card, and what is no part of the version, with that of the method here."""
    ours, theirs = carded(here), record.method.card.model_dump()
    other = [name for name in ours if ours[name] != theirs[name]]
    if here.rated != record.method.rated:
        other.append("rated")
    return (
        Check(CARD, "fails", f"other than that of this version here: {', '.join(other)}")
        if other
        else Check(CARD, "holds")
    )


def _of_pictures(record: Record, scores: bytes, data: Dataset, count: int, name: str) -> Check:
    table = read_results(BytesIO(scores)).dropna(subset="score")
    seed = int(record.scores.sha256[:16], 16)
    drawn = table.sample(min(count, len(table)), random_state=np.random.default_rng(seed)).sort_index()
    method = load_trained(name)
    found = score_files(drawn["image"], method, root=data.root, short_side=data.record.short_side)
    gap = np.abs(found["score"].to_numpy(dtype=float) - drawn["score"].to_numpy(dtype=float))
    off = ~(gap <= CLOSE * max(float(table["score"].std(ddof=0)), 1e-12))
    if off.any():
        worst = drawn["image"].iloc[int(np.nan_to_num(gap, nan=np.inf).argmax())]
        return Check(GIVEN, "fails", f"{off.sum()} of {len(drawn)} pictures score otherwise here: {worst}")
    return Check(GIVEN, "holds")
