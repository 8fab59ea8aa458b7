"""A process beside a test, forked from a server that has imported what takes seconds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing import forkserver, get_context
from multiprocessing.process import BaseProcess
from typing import Any

#: The server is one for all, so it also has what trainings prepare their steps with.
PRELOADED = [
    "benchmark.datasets",
    "experiments.analyses.sweep",
    "experiments.stages.score",
    "methods.qualiclip.feed",
]


def serve() -> None:
    """Have the server run, with all that it is to import: whoever asks first decides what that is."""
    get_context("forkserver").set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()


def start(work: Callable[..., object], *arguments: object) -> BaseProcess:
    """Start a function that a module holds, in the environment and the folder that the test has now."""
    serve()
    process = get_context("forkserver").Process(
        target=_there, args=(dict(os.environ), os.getcwd(), work, arguments)
    )
    process.start()
    return process


def ended(process: BaseProcess) -> int | None:
    """Wait for a process; return its exit status, none where it goes on for minutes."""
    process.join(240)
    return process.exitcode


def heard(work: Callable[..., object], kill: int | None = None, *arguments: object) -> list[Any]:
    """Run ``work(say, *arguments)`` beside, killed after so many things said; return all that it said."""
    ours, theirs = get_context("forkserver").Pipe(duplex=False)
    process = start(_saying, work, theirs, *arguments)
    theirs.close()
    things: list[Any] = []
    try:
        while True:
            things.append(ours.recv())
            if len(things) == kill:
                process.kill()
    except EOFError:
        assert ended(process) == (0 if kill is None else -signal.SIGKILL)
    return things


def _saying(work: Callable[..., object], pipe: Any, *arguments: object) -> None:
    work(pipe.send, *arguments)


def _there(
    environment: dict[str, str], folder: str, work: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    work(*arguments)
