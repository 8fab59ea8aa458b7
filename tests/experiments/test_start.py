"""How many threads a stage takes."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from threadpoolctl import threadpool_info, threadpool_limits

from experiments.runs import stage
from tests.rehearsal import small


@pytest.mark.parametrize("threads", [1, 2])
def test_linear_algebra_takes_as_many_threads_as_the_settings_say(tmp_path, monkeypatch, threads):
    """What is loaded already, and by the environment what is loaded later."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(yaml.safe_load(small.settings()) | {"threads": threads}))
    np.linalg.eigh(np.eye(3))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    for name in names:
        monkeypatch.setenv(name, "7")
    with threadpool_limits(3 - threads):
        assert {pool["num_threads"] for pool in threadpool_info()} == {3 - threads}
        stage.start(torch=False)
        assert {pool["num_threads"] for pool in threadpool_info()} == {threads}
        assert {os.environ[name] for name in names} == {str(threads)}
