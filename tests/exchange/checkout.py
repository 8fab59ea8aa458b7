"""A checkout with one rated data set and its scores, and the commands of records in it."""

from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from typer.testing import CliRunner

import methods
from benchmark.datasets import making
from benchmark.datasets.prepared import Record as DataRecord
from benchmark.datasets.prepared import load
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.images import write_png
from benchmark.scoring import score_files
from experiments import settings as settings_of
from experiments.cli import app
from experiments.runs import stage
from experiments.runs.cells import Cells
from experiments.runs.training import train_into
from experiments.scoring.dataset import Model, made_from
from experiments.settings import MethodSettings
from tests.composed import composed

COUNT = 24


def a_checkout(folder):
    folder.mkdir()
    draw = np.random.default_rng(0)
    names = [f"images/p{index:02d}.png" for index in range(COUNT)]
    for index, name in enumerate(names):
        (folder / "data/lab/images").mkdir(parents=True, exist_ok=True)
        noise = torch.from_numpy(draw.random((3, 32, 32), dtype=np.float32)) * (index + 1) / COUNT
        write_png(folder / "data/lab" / name, noise)
    record = DataRecord("lab", "Lab", "", "CC0", "MOS", 0.0, 100.0, True, "people")
    frame = pd.DataFrame({"image": names, "mos": np.arange(COUNT) * 4 + draw.normal(0, 9, COUNT).clip(-9, 8)})
    frame["mos"] = frame["mos"].clip(0, 100).round(3)
    write_dataset(folder / "data/lab", record, frame)
    params = yaml.safe_load(composed())
    params["methods"] = {"sharpness": {"code": "methods/sharpness.py"}}
    params["prepare"] = {"datasets": {"lab": {}}}
    params["train"] |= {"dataset": "lab", "rated": "lab"}
    for study in ("sweep", "robustness", "gradcam"):
        params[study] |= {"dataset": "lab"}
    params["robustness"] |= {"manifold": "lab"}
    params["gradcam"] |= {"methods": [], "shuffled": []}
    params["ablation"] |= {"method": "sharpness", "variants": [], "seeds": [], "datasets": ["lab"]}
    params["evaluate"] |= {"resamples": 100}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    train_into(folder / "models/sharpness", "sharpness", MethodSettings(code="methods/sharpness.py"), [], 27)
    with chdir(folder):
        scored()
    return folder


def scored(found=None):
    """Score the data set of the working folder as the stage does, and take down of what."""
    data, settings = load("lab"), settings_of.load()
    if found is None:
        found = score_files(list(data.manifest["image"]), methods.load("sharpness"), root=data.root)
    text = found.to_csv(index=False, float_format="%.9g").encode()
    about = made_from(Model(stage.MODELS / "sharpness"), data, settings, engine=settings.score.engine)
    Cells(stage.RESULTS / "scores/sharpness").put("lab.csv", about, text)


def iqa(*words):
    return CliRunner().invoke(app, [str(word) for word in ("records", *words)])


def change_after_preparing(folder):
    """Note with which settings the data set was prepared, then change them; return what is to be said."""
    with chdir(folder):
        assert making.is_current("lab")  # notes it, as after `dvc pull`
        params = yaml.safe_load(Path("params.yaml").read_text())
        params["prepare"]["datasets"]["lab"] = {"short_side": 30}
        Path("params.yaml").write_text(yaml.safe_dump(params))
    return "data/lab: the release, .* of data set 'lab' have changed since it was prepared"
