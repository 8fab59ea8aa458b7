import os
import shutil
import subprocess

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "2")
# A machine that is busy is no fault.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

NO_LOCKS = """
#include <errno.h>
int flock(int fd, int operation) { errno = NUMBER; return -1; }
"""


@pytest.fixture
def no_locks(tmp_path_factory):
    """Environment in which a process finds that the disk keeps no locks, by the name of what it answers."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc for a library that answers in the disk's place")

    def preloaded(number):
        folder = tmp_path_factory.mktemp("shim")
        source, library = folder / "shim.c", folder / "shim.so"
        source.write_text(NO_LOCKS.replace("NUMBER", number))
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
        return {"LD_PRELOAD": str(library)}

    return preloaded
