"""Which stage makes a result file, as ``dvc.yaml`` says it."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from benchmark.files import read_yaml

PIPELINE = Path(__file__).parents[2] / "dvc.yaml"
#: Files that pages are made from and that lie in a folder which is an output as a whole.
IN_FOLDERS = ("results/robustness/manifold.csv", "results/gradcam/maps.csv", "results/gradcam/maps.npz")


def tables() -> list[str]:
    """Tables of results, in the order of the pipeline."""
    return [out for out, _ in _outputs() if out.startswith("results/tables/")]


def files() -> list[str]:
    """Every result file that pages are made from, but for those that are made once a data set or method."""
    return [
        *(out for out, _ in _outputs() if out.startswith("results/") and out.endswith(".csv")),
        *IN_FOLDERS,
    ]


def stage_of(name: str) -> str:
    """Return the stage that makes a file, as ``dvc repro`` takes it: ``evaluate``, ``score@niqe``.

    Raises
    ------
    ValueError
        If no stage of ``dvc.yaml`` does.
    """
    for out, stage in _outputs():
        words = re.escape(re.sub(r"\$\{.*?\}", "\0", out)).replace("\0", "([^/]+)")
        if found := re.fullmatch(f"{words}(/.*)?", name):
            return f"{stage}@{found[1]}" if "${" in out else stage
    raise ValueError(f"{name}: no stage of dvc.yaml makes it")


@functools.cache
def _outputs() -> list[tuple[str, str]]:
    """Outputs with their stages, file by file before folders."""
    stages = read_yaml(PIPELINE.read_text())["stages"]
    found = [(_path(out), name) for name, stage in stages.items() for out in _body(stage).get("outs", ())]
    return sorted(found, key=lambda pair: not pair[0].endswith(".csv"))


def _body(stage: dict[str, Any]) -> dict[str, Any]:
    return stage.get("do", stage)


def _path(out: str | dict[str, Any]) -> str:
    return out if isinstance(out, str) else next(iter(out))
