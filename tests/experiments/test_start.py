"""What a stage imports before it works: libraries that take a second are imported where they are used."""

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
#: Seconds each, and no stage needs them to begin.
SLOW = ("torchvision", "open_clip", "pytorch_grad_cam", "sklearn", "transformers", "matplotlib")


@pytest.mark.parametrize("stage", ["prepare", "train", "score", "study", "evaluate", "cross_dataset", "gmad"])
def test_a_stage_imports_no_slow_library_before_it_is_used(stage):
    code = f"import sys, experiments.stages.{stage}; print(*(n for n in {SLOW} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
