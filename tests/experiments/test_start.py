"""What a stage imports before it works (libraries that take a second are imported where they are used), and
how many threads it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from threadpoolctl import threadpool_info, threadpool_limits

from experiments.runs import stage
from tests.rehearsal import small

TOP = Path(__file__).parents[2]
#: Seconds each, and no stage needs them to begin.
SLOW = ("torchvision", "open_clip", "pytorch_grad_cam", "sklearn", "transformers", "matplotlib")
STAGES = ("prepare", "train", "score", "study", "evaluate", "cross_dataset", "gmad")
#: One process for all, as Python and torch take most of the time: what one imports counts for those after it.
CODE = f"""
import importlib, json, sys
found = {{}}
for stage in {STAGES}:
    importlib.import_module(f"experiments.stages.{{stage}}")
    found[stage] = [name for name in {SLOW} if name in sys.modules]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def imported():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=TOP, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_slow_library_before_it_is_used(imported, stage):
    assert imported[stage] == []


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
