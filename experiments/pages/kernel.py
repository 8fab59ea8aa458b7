"""The kernel of the report: this interpreter, whatever kernels, profiles and folders the user has.

Jupyter finds a kernel by its name in the user's folders, and IPython runs the start-up files of the user's
profile; either could stop a report or change its pages. Here neither is looked for.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.util import run_sync

from experiments import warm

NAME = "qualibench"
PREFIX = "kernel-"
#: Folders for sockets where that for temporary files will not do.
SHORT = ("/tmp", "/var/tmp", "/dev/shm")


class OwnSpec(KernelSpecManager):
    """Knows one kernel, that of this interpreter, under any name; nothing is looked up."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return how to start IPython in this interpreter, or in a fork of what has the packages loaded."""
        launcher = [sys.executable, "-m", "experiments.warm", "ipykernel_launcher", "-f", "{connection_file}"]
        if warm.ADDRESS in os.environ:  # a fork knows no parent, and would print how to connect to it
            launcher.append("--quiet")
        return KernelSpec(argv=launcher, display_name=kernel_name, language="python")


def holds_sockets(folder: Path) -> bool:
    """Whether a socket can be made in a folder: its path may be too long, or its disk may know none."""
    path = folder / "socket-99"
    try:
        with socket.socket(socket.AF_UNIX) as tried:
            tried.bind(str(path))
    except (OSError, AttributeError):  # no AF_UNIX at all on some systems
        return False
    path.unlink()
    return True


def way(folder: Path) -> dict[str, str]:
    """Transport to the kernel: sockets that only this user can open, or else TCP on this machine alone."""
    if holds_sockets(folder):
        return {"transport": "ipc", "ip": f"{folder}/socket"}
    return {"transport": "tcp", "ip": "127.0.0.1"}


def place() -> str:
    """Folder for temporary files, or a shorter one where that takes no sockets; as it is if none does."""
    usual = tempfile.gettempdir()
    for parent in (usual, *SHORT):
        with contextlib.suppress(OSError), tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as tried:
            if holds_sockets(Path(tried)):
                return parent
    return usual


@contextlib.contextmanager
def kernel() -> Iterator[dict[str, Any]]:
    """Start a kernel; what is given is what papermill needs to use it."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place()) as own:
        folder = Path(own)
        manager = AsyncKernelManager(
            kernel_name=NAME,
            kernel_spec_manager=OwnSpec(),
            connection_file=str(folder / "connection.json"),
            **way(folder),
        )
        run_sync(manager.start_kernel)(env=environment(folder))
        client = manager.client()
        try:
            client.start_channels()
            run_sync(client.wait_for_ready)(timeout=120)
            yield {"manager": manager, "client": client}
        finally:
            client.stop_channels()
            run_sync(manager.shutdown_kernel)(now=True)


def environment(folder: Path) -> dict[str, str]:
    """Variables of this process, with an empty profile in ``folder`` in place of the user's."""
    empty = {"IPYTHONDIR": str(folder / "ipython"), "PYTHONSTARTUP": ""}
    return {**os.environ, **empty}
