"""State of a training run, kept so that a run that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel
from torch import nn


def run_identity(pictures: Sequence[Path], seed: int, settings: BaseModel, *more: Any) -> str:
    """Hash of all that a run depends on, so that a checkpoint of another run is never taken up."""
    sizes = [[p.name, p.stat().st_size] for p in pictures]
    text = json.dumps([sizes, seed, settings.model_dump(), *more], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Checkpoint:
    """State of a run in ``<out>.partial``: outside the result, which a pipeline may empty before each run.

    Parameters
    ----------
    out
        Folder of the result.
    identity
        See :func:`run_identity`.
    parts
        What has a state, by name: modules and optimisers.
    """

    def __init__(
        self, out: Path, identity: str, parts: Mapping[str, nn.Module | torch.optim.Optimizer]
    ) -> None:
        self.path = out.with_name(out.name + ".partial")
        self.identity = identity
        self.parts = parts

    def restore(self) -> tuple[int, list[dict[str, Any]]]:
        """Load the state of this very run, if there is one; returns the next step and the rows so far."""
        if not self.path.is_file():
            return 0, []
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        if state["identity"] != self.identity:
            return 0, []
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        return state["step"], state["rows"]

    def save(self, step: int, rows: list[dict[str, Any]]) -> None:
        """Write the state aside and rename it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(self.path.name + ".tmp")
        states = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save({"identity": self.identity, "step": step, "rows": rows, **states}, aside)
        os.replace(aside, self.path)

    def remove(self) -> None:
        """Remove the state of a run that has ended."""
        self.path.unlink(missing_ok=True)
