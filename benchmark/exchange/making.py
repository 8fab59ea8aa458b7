"""A record made from scores, what a method says of itself, and a prepared data set."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from benchmark.datasets.prepared import Dataset
from benchmark.datasets.prepared.contents import FILE as PICTURES
from benchmark.evaluation import evaluate
from benchmark.exchange.record import DatasetOf, MethodOf, ProtocolOf, Record
from benchmark.files import sha256_of
from benchmark.method import Trained, setting
from benchmark.protocols import Resampling, learnt_from
from benchmark.provenance.signature import data_hash
from benchmark.tables import read_results

#: Packages whose version a score or a figure could depend on.
PACKAGES = ("numpy", "pandas", "scipy", "torch", "torchvision", "open-clip-torch", "pillow", "qualibench")


def make(
    method: Trained,
    data: Dataset,
    scores: bytes,
    protocol: Mapping[str, Any],
    cost: Mapping[str, int] | None = None,
) -> Record:
    """Make the record of one method on one data set.

    Parameters
    ----------
    method
        What its training left.
    data
        The data set, prepared.
    scores
        The file of scores: CSV with ``image, score``.
    protocol
        ``resamples, seed, interval, mapping, ratings``.
    cost
        ``width, height, parameters, multiply_adds``, where they were counted.

    Raises
    ------
    ValueError
        If the data set has no opinions, or no score is of a picture of it.
    """
    table = read_results(BytesIO(scores))
    own = asdict(method)
    del own["card"]
    told = {key: value for key, value in own.items() if key != "method"}
    told |= {"module": method.method, "version": method.version, "card": carded(method)}
    one = MethodOf.model_validate(told)
    return Record.model_validate(
        {
            "format": 1,
            "method": one,
            "dataset": described(data),
            "scores": {
                "sha256": hashlib.sha256(scores).hexdigest(),
                "rows": len(table),
                "missing": int(table["score"].isna().sum()),
            },
            "protocol": dict(protocol),
            "packages": versions(),
            "cost": None if cost is None else dict(cost),
            "values": figures(table, data, one, ProtocolOf.model_validate(protocol)),
        }
    )


def carded(method: Trained) -> dict[str, Any]:
    """Return what a record says of a method's card."""
    card = asdict(method.card)
    return card | {bound: card[bound] if math.isfinite(card[bound]) else None for bound in ("low", "high")}


def described(data: Dataset) -> dict[str, Any]:
    """Return what a record says of a data set."""
    record, pictures = data.record, data.root / PICTURES
    return {
        "name": record.name,
        "title": record.title,
        "rated_by": record.rated_by,
        "score_name": record.score_name,
        "higher_is_better": record.higher_is_better,
        "short_side": record.short_side,
        "manifest_sha256": data_hash(data.manifest),
        "pictures_sha256": sha256_of(pictures) if pictures.is_file() else "",
        "images": len(data.manifest),
    }


def learnt_there(method: MethodOf, dataset: DatasetOf) -> bool | Literal["unknown"]:
    """Whether a method has learnt from a data set, as far as records say it."""
    card = method.card
    return learnt_from(
        f"{method.rated} {card.opinions_of}", card.opinion_aware, card.training_data,
        dataset=dataset.name, title=dataset.title, by_people=dataset.rated_by == "people",
    )  # fmt: skip


def in_setting(protocol: str, method: MethodOf, dataset: DatasetOf) -> str:
    """Say in a protocol in what way the method meets the data set: zero-shot only where that is so."""
    said = setting(learnt_there(method, dataset), method.card.transductive)
    return protocol.replace("zero-shot,", f"{said},")


def figures(scores: pd.DataFrame, data: Dataset, method: MethodOf, how: ProtocolOf) -> list[dict[str, Any]]:
    """Return every figure of scores on a data set, with its interval.

    Those within references only where there are no others: older records would lack them elsewhere.
    """
    found = evaluate(
        scores,
        data,
        higher_is_better=method.higher_is_better,
        how=Resampling(how.resamples, how.seed, how.interval),
        mapping=how.mapping,
        ratings=how.ratings,
    )
    kept = found[["statistic", "value", "low", "high", "n", "units", "protocol"]]
    if not data.record.within:
        kept = kept[~kept["statistic"].str.endswith("_within")]
    dataset = DatasetOf.model_validate(described(data))
    kept = kept.assign(protocol=[in_setting(text, method, dataset) for text in kept["protocol"]])
    return [
        {key: None if pd.isna(value) else value for key, value in row.items()}
        for row in kept.astype(object).to_dict("records")
    ]


def stated(
    method: Mapping[str, Any], protocol: Mapping[str, Any], packages: Mapping[str, str]
) -> dict[str, Any]:
    """Return what figures of one method depend on beside its settings and the data, to be compared.

    Parameters
    ----------
    method
        A record's method, or a `Trained`, as a mapping.
    protocol, packages
        As in a record.
    """
    told = {key: method[key] for key in ("ablation", "rated", "seed")}
    digests = {key: method[f"{key}_sha256"][:12] for key in ("code", "weights", "pictures")}
    return {"method": told | digests, "protocol": dict(protocol), "packages": dict(packages)}


def versions() -> dict[str, str]:
    """Return the version of Python and of each package of `PACKAGES` that is installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine(seconds: float | None = None) -> dict[str, Any]:
    """Return what this machine is, the day, and ``seconds`` that scoring took, where that is known.

    No figure may depend on them, so they stand beside a record.
    """
    import torch

    return {
        "made": f"{datetime.now(UTC):%Y-%m-%d}",
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "seconds": None if seconds is None else float(f"{seconds:.3g}"),
    }


def _processor() -> str:
    """Name of the processor where the system tells it, else its kind."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    names = re.findall(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return names[0] if names else platform.processor() or platform.machine()
