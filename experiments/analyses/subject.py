"""A method under study: loaded when the first study needs it, its results kept one by one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.datasets.prepared import Pictures
from benchmark.evidence import clusters
from benchmark.method import Method, is_remote
from experiments.runs import results, stage
from experiments.runs.cells import Cells, code, digest
from experiments.runs.trained import load_trained, version_of
from experiments.scoring.local import Placed
from experiments.settings import Settings

STUDIES = stage.RESULTS / "studies"


class Subject:
    """A method, the settings of its studies, and where they lie.

    Parameters
    ----------
    name
        Its row of the settings.
    settings
        All settings.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.name, self.settings = name, settings
        self.cells = Cells(STUDIES / name)

    @cached_property
    def method(self) -> Method:
        """The method as training left it; it may have moved to another device."""
        return load_trained(self.name)

    @cached_property
    def placed(self) -> Method:
        """The method on the fastest device here, for pictures that lie anywhere."""
        return Placed(self.method)

    @cached_property
    def version(self) -> str:
        """Digest of all that training left."""
        return version_of(stage.MODELS / self.name)

    def asked(self, study: str, named: Sequence[str] | None) -> bool:
        """Whether a study scores changed pictures: where nobody is named, not if each would be a request."""
        if named is not None or not is_remote(self.method):
            return True
        section = "sweep" if study == "sweep" else "robustness"
        print(
            f"{self.name}: its endpoint is not asked about changed pictures ({study}); "
            f"name it in {section}.methods to have that done",
            file=sys.stderr,
        )
        return False

    def journal(self, study: str) -> Path:
        """File for what a study leaves while it lasts; beside the folder, which holds results alone."""
        return STUDIES / f"{self.name}.{study}.part"

    def made_from(self, study: str, pictures: Pictures | None = None, **settings: Any) -> dict[str, Any]:
        """What a study's result rests on: method, code, pictures, seed, threads and the settings named."""
        about = {
            "method": self.version,
            "code": code(f"experiments.analyses.{study}"),
            "seed": self.settings.seed,
            "threads": self.settings.threads,
            **settings,
        }
        if pictures is not None:
            about["pictures"] = digest_of(pictures.data, pictures.names)
            about["references"] = references_of(pictures)
        return about


def references_of(pictures: Pictures) -> list[int] | None:
    """Number of each picture's reference, as intervals count them; None where none is named."""
    rows = pictures.data.manifest.set_index("image").loc[pictures.names].reset_index()
    numbers = clusters(rows)
    return None if numbers is None else numbers.tolist()


def digest_of(data: results.Dataset, names: Sequence[str]) -> str:
    """Hash of some pictures of a data set, in their order, and of the scale at which they are read."""
    return digest([*names, *results.digests_now(data, names), data.record.short_side])
