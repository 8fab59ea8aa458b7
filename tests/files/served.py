"""What the tests of fetching share: a body, patience with servers, other processes."""

import hashlib
import os
import random
import subprocess
import sys
import time
from dataclasses import replace

from benchmark.files.fetching import Patience

BODY = random.Random(0).randbytes(200_000)
DIGEST = hashlib.sha256(BODY).hexdigest()
QUICK = Patience(rounds=4, backoff=0.001, longest=0.002, timeout=10, window=0.2, slowest=1000)
HOSTILE = replace(QUICK, rounds=2, window=0.3, headers=0.5, timeout=0.4, unstated=500_000)


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def script(*faults):
    return lambda number, path: faults[min(number, len(faults) - 1)]


def dated(path, body):
    """A server that knows versions by their date alone, and takes a second for the same."""
    return {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


FETCH = "import sys; from pathlib import Path; from benchmark.files.fetching import fetch; "
FETCH += "print(hash(fetch([sys.argv[1]], Path(sys.argv[2])).read_bytes()) is not None)"


def started(code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
        env=os.environ | environment,
    )


def until(holds):
    waited = time.monotonic() + 120
    while not holds() and time.monotonic() < waited:
        time.sleep(0.01)
    assert holds()
