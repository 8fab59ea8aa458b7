"""Releases whose names and scores lie in files of MATLAB: LIVE and CLIVE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.layouts.table import ERROR


def live(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """LIVE release 2: scores of 982 entries in five runs, of which the references are left out."""
    scores = _mat(root / layout["scores"], layout["mos"], "orgs", *layout.get(ERROR, "").split())
    references = _mat(root / "refnames_all.mat", "refnames_all")["refnames_all"]
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


def clive(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """CLIVE: three .mat files of 1,169 entries, of which the first seven trained the raters."""
    names = _mat(root / "Data/AllImages_release.mat", "AllImages_release")["AllImages_release"]
    mos = _mat(root / "Data/AllMOS_release.mat", "AllMOS_release")["AllMOS_release"]
    std = _mat(root / "Data/AllStdDev_release.mat", "AllStdDev_release")["AllStdDev_release"]
    if not len(names) == len(mos) == len(std):
        raise ValueError(
            f"{root}/Data: lists of {len(names)}, {len(mos)} and {len(std)} entries do not belong together"
        )
    frame = pd.DataFrame(
        {
            "image": [f"Images/{name}" for name in names],
            "mos": mos.astype(float),
            "mos_std": std.astype(float),
        }
    )
    return frame.iloc[7:], "Data/AllImages_release.mat"


def _mat(path: Path, *wanted: str) -> dict[str, np.ndarray]:
    """Flat vectors of a MATLAB file; cells of text become strings."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise ValueError(f"{path}: is missing; complete the folder")
    try:
        held = loadmat(path)
    except (MatReadError, ValueError, NotImplementedError, TypeError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as a MATLAB file ({error}); get it again") from error
    vectors = {}
    for name in wanted:
        if name not in held:
            have = ", ".join(key for key in held if not key.startswith("__"))
            raise ValueError(f"{path}: has no variable {name!r}, only {have}; get the file again")
        values = held[name].ravel()
        vectors[name] = (
            np.array([str(cell.ravel()[0]) for cell in values]) if values.dtype == object else values
        )
    return vectors
