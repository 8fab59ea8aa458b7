"""What a stage imports before it works: libraries that take a second are imported where they are used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
