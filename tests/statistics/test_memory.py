"""Peak memory of a whole process at the size of the largest data sets but one: below a gibibyte."""

import subprocess
import sys
from pathlib import Path

import pytest

#: Linux keeps the peak of the parent in ``ru_maxrss`` and has one of the program alone; macOS counts bytes.
PROGRAM = """
import resource, sys
from pathlib import Path
import numpy as np
from benchmark.statistics import bootstrap, discriminate, influence

methods = int(sys.argv[1])
g = np.random.default_rng(0)
mos = g.normal(size=10_000)
scores = mos + g.normal(size=(methods, mos.size)) * np.linspace(0.5, 2, methods)[:, None]
bootstrap(scores, mos, resamples=1_000)
moved = [influence(score, mos) for score in scores]
discriminate(scores, mos, np.full(mos.size, 0.2))
status = Path("/proc/self/status")
if status.exists():
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    print(1024 * int(line.split()[1]))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("methods", [2, 10])
def test_ten_thousand_images_and_a_thousand_resamples_stay_below_one_gibibyte(methods):
    command = [sys.executable, "-c", PROGRAM, str(methods)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert 2**26 < int(done.stdout) < 2**30
