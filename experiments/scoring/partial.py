"""Tables of scores that are not through, kept in a file so that a killed study loses a batch and no more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import files
from benchmark.robustness import Scores


class Partial:
    """Where a study leaves its scores while it lasts; see `benchmark.robustness.sweep`.

    Parameters
    ----------
    path
        The file.
    about
        All that the scores depend on, see `experiments.runs.cells`; a file with another is not taken.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, json.dumps(about, sort_keys=True)

    def fill(self, scores: Scores) -> None:
        """Take what the file holds."""
        if not self.path.is_file():
            return
        with np.load(self.path) as file:
            if str(file["about"]) == self.about:
                for key, table in scores.items():
                    table[:] = file[" ".join(key)]

    def save(self, scores: Scores) -> None:
        """Write all of it."""
        arrays: dict[str, Any] = {" ".join(key): table for key, table in scores.items()}
        files.write_bytes(self.path, files.packed({"about": np.array(self.about), **arrays}))

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
