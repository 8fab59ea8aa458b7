"""Stages spread over processes by the settings: they learn and score what one process does."""

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.rehearsal import small
from tests.rehearsal.rehearse import clone
from tests.rehearsal.test_interrupts import ended

pytestmark = pytest.mark.slow


def test_a_ray_cluster_scores_as_one_process_does(tmp_path):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    folder = tmp_path / "clone"
    clone(folder)
    params = yaml.safe_load(small.settings())
    tables = []
    for engine in ("local", "ray"):
        params["score"]["engine"] = engine
        (folder / "params.yaml").write_text(yaml.safe_dump(params))
        if engine == "local":
            ended(folder, "dvc", "repro", "prepare", "train")
        for method in small.METHODS:
            ended(folder, "experiments.stages.score", method, small.SET)
        files = [folder / "results/scores" / method / f"{small.SET}.csv" for method in small.METHODS]
        tables.append(pd.concat([pd.read_csv(file) for file in files], ignore_index=True))
        for file in files:
            file.unlink()
    pd.testing.assert_frame_equal(*tables, rtol=1e-5)
    assert len(tables[0]) > 100


def test_two_processes_learn_what_one_does(tmp_path):
    folder = tmp_path / "clone"
    clone(folder)
    params = yaml.safe_load(small.settings())
    # Batch norms in training mode would see the part of a batch that their process has.
    params["methods"]["qualiclip"]["train"] |= {"norm": "eval", "lr": 1e-4, "bf16": False}
    curves = []
    for processes in (1, 2):
        params["train"]["processes"] = processes
        (folder / "params.yaml").write_text(yaml.safe_dump(params))
        if processes == 1:
            ended(folder, "dvc", "repro", "prepare")
        ended(folder, "experiments.stages.train", "qualiclip")
        curves.append(pd.read_csv(folder / "models/qualiclip/curve.csv"))
        assert (folder / "models/qualiclip/method.json").is_file()
    np.testing.assert_allclose(*(curve.to_numpy() for curve in curves), rtol=1e-4, atol=1e-5)
