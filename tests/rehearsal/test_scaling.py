"""The training stage as two processes, chosen by the settings, learns what one process learns."""

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.rehearsal import small
from tests.rehearsal.rehearse import clone
from tests.rehearsal.test_interrupts import ended

pytestmark = pytest.mark.slow


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
        ended(folder, "experiments.train", "qualiclip")
        curves.append(pd.read_csv(folder / "models/qualiclip/curve.csv"))
        assert (folder / "models/qualiclip/method.json").is_file()
    np.testing.assert_allclose(*(curve.to_numpy() for curve in curves), rtol=1e-4, atol=1e-5)
