"""The tests marked ``cuda``, in a process of their own."""

import os
import subprocess
import sys
import time

#: Where they are: other files of the tests may need packages that a lent machine lacks.
FILES = ("tests/degradations/test_devices.py", "tests/methods/test_cuda.py")


def agreement(bench):
    command = [
        sys.executable, "-m", "pytest", "-m", "cuda", "-W", "default", "-p", "no:cacheprovider",
        "--durations=8", "-rfEs", "--tb=short", *os.environ.get("PYTEST_ARGS", "").split(), *FILES,
    ]  # fmt: skip
    where = {} if bench.device.type == "cuda" else {"CUDA_TESTS_ON": "cpu"}
    log, start, code = bench.report.out / "pytest.txt", time.perf_counter(), None
    try:
        with log.open("w") as file:
            how = {"env": {**os.environ, **where}, "stdout": file, "stderr": subprocess.STDOUT}
            code = subprocess.run(command, check=False, **how).returncode
    finally:
        said = log.read_text().strip().splitlines() or [""]
        ended = said[-1].strip("= ") if code is not None else "stopped"
        bench.report.row("Tests marked `cuda`", "pytest", time.perf_counter() - start, "s", note=ended)
        if code != 0:
            bench.report.failures["pytest"] = "\n".join(said[-60:])
