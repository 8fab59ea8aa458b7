"""A process beside a test, forked from a server that has imported what takes seconds."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

#: The server is one for all, so it also has what trainings prepare their steps with.
PRELOADED = ["benchmark.datasets", "methods.qualiclip.feed"]


def start(work: Callable[..., object], *arguments: object) -> BaseProcess:
    """Start a function that a module holds, in the environment and the folder that the test has now."""
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_there, args=(dict(os.environ), os.getcwd(), work, arguments))
    process.start()
    return process


def ended(process: BaseProcess) -> int | None:
    """Wait for a process; return its exit status, none where it goes on for minutes."""
    process.join(240)
    return process.exitcode


def _there(
    environment: dict[str, str], folder: str, work: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    work(*arguments)
