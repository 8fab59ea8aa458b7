import atexit
import functools
import gc
import os
import shutil
import subprocess
import sys

import pytest
import typer.testing
from hypothesis import find, settings
from hypothesis.strategies import integers

# How long a case takes says how busy the machine is.
settings.register_profile("here", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=60)
settings.load_profile("here")

# Of several processes side by side each keeps to one core, whatever their parent has set for itself.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
else:
    os.environ.setdefault("OMP_NUM_THREADS", "2")
THREADS = os.environ["OMP_NUM_THREADS"]

# A command line is put together from its functions' signatures once, and not for every call of a test.
typer.testing._get_command = functools.cache(typer.testing._get_command)

#: Folders whose tests share a run that takes seconds to make: one process takes them all.
TOGETHER = ("tests/reporting", "tests/stages")
#: Files whose tests fork processes of a server that takes seconds to begin: the same.
FORKING = (
    "tests/datasets/test_download.py",
    "tests/datasets/test_prepare.py",
    "tests/datasets/test_verify.py",
    "tests/experiments/test_score.py",
    "tests/experiments/test_sweep.py",
    "tests/methods/test_processes.py",
    "tests/methods/test_resuming.py",
    "tests/methods/vlm/test_kept.py",
    "tests/test_memory.py",
)

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


def pytest_configure(config):
    """Have hypothesis look at fewer examples where slow tests are left out too."""
    if "not slow" in config.option.markexpr:
        settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Undo what the test before may have set for the process: trainings take two threads, which wait for a
    core of their own where another process runs tests on it."""
    os.environ["OMP_NUM_THREADS"] = THREADS  # a stage sets it for what it loads
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(int(THREADS))
        if torch.are_deterministic_algorithms_enabled():
            torch.use_deterministic_algorithms(False)


def pytest_collection_modifyitems(items):
    """Put the folders that one process takes whole first: begun last, they would keep one waiting alone."""
    items.sort(
        key=lambda item: not item.nodeid.startswith((*(f"{folder}/" for folder in TOGETHER), *FORKING))
    )


def pytest_collection_finish(session):
    """Leave what is imported by now out of every later search for garbage: it is most of the memory.

    Where tests are only listed, hypothesis reads the constants of our code for those that run them.
    """
    if session.config.option.collectonly:
        find(integers(), lambda number: True)
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # nor is it searched for after every 700 objects
    atexit.register(gc.unfreeze)  # some libraries count what is left at the end


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a file to one process, in the order of collection: its fixtures are made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path = nodeid.split("::")[0]
            if path in FORKING:
                return "forking"
            return next((folder for folder in TOGETHER if path.startswith(f"{folder}/")), path)

    config.option.loadscopereorder = False
    return ByFile(config, log)
