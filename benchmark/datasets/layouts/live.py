"""LIVE release 2, whose names are counted in five runs and whose scores lie in files of MATLAB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.datasets.layouts.mat_files import vectors
from benchmark.datasets.layouts.table import ERROR


def live(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """Scores of 982 entries in five runs, of which the references are left out."""
    scores = vectors(root / layout["scores"], layout["mos"], "orgs", *layout.get(ERROR, "").split())
    references = vectors(root / "refnames_all.mat", "refnames_all")["refnames_all"]
    runs = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
    images = [f"{kind}/img{i}.bmp" for kind, count in runs.items() for i in range(1, count + 1)]
    for what, values in (*scores.items(), ("refnames_all", references)):
        if len(values) != len(images):
            raise ValueError(
                f"{root}: {what} has {len(values)} entries instead of {len(images)}; get the release again"
            )
    frame = pd.DataFrame(
        {
            "image": images,
            "mos": scores[layout["mos"]].astype(float),
            "reference": [Path(name).stem for name in references],
            "distortion": [image.split("/")[0] for image in images],
        }
    )
    if ERROR in layout:
        frame[ERROR] = scores[layout[ERROR]].astype(float)
    return frame[scores["orgs"].astype(int) == 0], layout["scores"]
