"""A process that has the packages loaded, and whose forks do what other processes would be started for.

Python, torch and what lies around them take seconds to import, once a stage; a fork of where they are loaded
is there in a tenth of a second. ``iqa repro`` keeps such a process while it lasts and says in the environment
where it listens. A stage that is started hands over arguments, folder, environment and streams, and ends as
its fork does. Where nobody listens, it does its work itself: what it computes is the same.

Packages alone are loaded beforehand. The project's own code is imported in the fork, as it is by then.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

#: Variable of the environment that says where the process listens.
ADDRESS = "IQA_WARM"
#: What is loaded beforehand, in the order in which a run comes to need it: DVC, which starts stages, what
#: stages import, what makes pages. What is not there is left out.
PACKAGES = (
    *("pydantic.main", "hydra", "omegaconf", "tqdm", "yaml"),
    *(
        "dvc.cli",
        "dvc.commands.repro",
        "dvc.repo",
        "dvc.repo.datasets",
        "dvc.repo.plots",
        "dvc.repo.reproduce",
    ),
    *("dvc.scm", "requests", "numpy", "torch", "torchvision", "pandas", "PIL.Image", "tifffile"),
    *("scipy.stats", "open_clip", "safetensors.torch", "sklearn.linear_model", "skimage.restoration"),
    *("scikit_posthocs", "seaborn", "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg"),
    *("fontTools.subset", "jinja2", "ipykernel.kernelapp", "ipykernel.zmqshell", "nbformat", "papermill"),
)
#: Seconds that a fork has to end once it is told to.
PATIENCE = 10.0
#: What is the project's, and imported in the fork alone.
OWN = ("benchmark", "experiments", "methods", "qualibench")


@contextlib.contextmanager
def kept(packages: Sequence[str] = PACKAGES) -> Iterator[None]:
    """Keep a warm process as long as the block lasts; on Linux alone, where a fork of torch is safe."""
    if sys.platform != "linux":
        yield
        return
    with tempfile.TemporaryDirectory(prefix="iqa-") as folder:
        address = os.path.join(folder, "warm")
        code = f"from experiments import warm; warm.serve({address!r}, {tuple(packages)!r})"
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,  # its end, however this process ends, is the end of all forks
            stdout=subprocess.PIPE,  # a line once it listens
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as warm:
            if warm.stdout and warm.stdout.readline():
                os.environ[ADDRESS] = address
            try:
                yield
            finally:
                os.environ.pop(ADDRESS, None)
                if warm.stdin:
                    warm.stdin.close()


def hand_over(command: Sequence[str]) -> None:
    """Have ``python -m COMMAND`` done by the warm process, and end as it did; return where there is none."""
    if (address := os.environ.get(ADDRESS)) is None:
        return
    warm = socket.socket(socket.AF_UNIX)
    try:
        warm.connect(address)
    except OSError:
        return
    for kind in (signal.SIGINT, signal.SIGTERM):  # what is to end this process ends the fork, then this one
        signal.signal(kind, lambda *_: warm.shutdown(socket.SHUT_WR))
    job = {"command": list(command), "path": sys.path, "folder": os.getcwd(), "environment": dict(os.environ)}
    text = json.dumps(job).encode()
    socket.send_fds(warm, [len(text).to_bytes(8, "big")], [0, 1, 2])
    warm.sendall(text)
    answer = warm.recv(1)
    os._exit(answer[0] if answer else 1)


def serve(address: str, packages: Sequence[str]) -> None:
    """Fork for each process that hands over its work, until standard input ends; load packages in between.

    A fork that comes early finds less loaded, and imports what it lacks itself.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(address)
        except OSError:  # a path too long for a socket, or a disk that keeps none: all goes on, slower
            return
        listener.listen()
        print(flush=True)
        forks: list[int] = []
        left = list(packages)
        while 0 not in (ready := _ready([0, listener.fileno(), *forks], 0 if left else None)):
            if not ready:
                with contextlib.suppress(ImportError):
                    importlib.import_module(left.pop(0))
                gc.freeze()
            for ended in set(ready).intersection(forks):  # waited for, their time counts as this process's
                os.waitid(os.P_PIDFD, ended, os.WEXITED)
                os.close(ended)
                forks.remove(ended)
            if listener.fileno() not in ready:
                continue
            client, _ = listener.accept()
            with client:
                if (fork := os.fork()) == 0:
                    listener.close()
                    _answer(client)
                forks.append(os.pidfd_open(fork))
        for fork in forks:
            os.waitid(os.P_PIDFD, fork, os.WEXITED)
    os._exit(0)  # nothing is taken apart


def _ready(files: Sequence[int], seconds: float | None) -> list[int]:
    """Those of some files that have something to say, as soon as there is one or the time is over."""
    ready: list[int] = select.select(files, [], [], seconds)[0]
    return ready


def _answer(client: socket.socket) -> NoReturn:
    """Fork once more to do what is asked and tell how it ended; end it where nobody waits for it."""
    length, streams, *_ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as text:
        job = json.loads(text.read(int.from_bytes(length, "big")))
    worker = os.fork()
    if worker == 0:
        client.close()
        _become(job, streams)
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(worker)
    if ended not in select.select([ended, client.fileno(), 0], [], [])[0]:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker, signal.SIGTERM)
            if not select.select([ended], [], [], PATIENCE)[0]:
                os.killpg(worker, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    with contextlib.suppress(OSError):
        client.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _become(job: dict[str, Any], streams: Sequence[int]) -> NoReturn:
    """Take the place of the process that handed over, do its work and end."""
    os.setsid()
    for at, stream in enumerate(streams):
        os.dup2(stream, at)
        os.close(stream)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv, sys.path[:] = job["command"], job["path"]
    for name in [name for name in sys.modules if name.partition(".")[0] in OWN]:
        del sys.modules[name]
    code: Any = 0
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    hand_over(sys.argv[1:])
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
