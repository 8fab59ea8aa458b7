"""Data sets: records of published ones (`benchmark.datasets.catalogue`) and modules that make their own.

A prepared data set is a folder ``<root>/<name>/`` with ``manifest.csv``, ``record.json``, ``pictures.csv``
(sizes and digests) and the pictures, or a link to them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.datasets._known import MADE, names
    from benchmark.datasets.making import prepare
    from benchmark.datasets.prepared import Dataset, Pictures, load
    from benchmark.datasets.prepared.manifest import COLUMNS, write_dataset
    from benchmark.datasets.prepared.record import Record, read_record, write_record

__all__ = [
    "COLUMNS",
    "MADE",
    "Dataset",
    "Pictures",
    "Record",
    "load",
    "names",
    "prepare",
    "read_record",
    "write_dataset",
    "write_record",
]

#: Where each name lies. The suite itself imports from there: who reads a data set does not depend on how it
#: is made, and a look at records waits neither for pandas nor for torch.
_HOMES = {
    "prepared.manifest": ("COLUMNS", "write_dataset"),
    "prepared.record": ("Record", "read_record", "write_record"),
    "_known": ("MADE", "names"),
    "making": ("prepare",),
    "prepared": ("Dataset", "Pictures", "load"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
