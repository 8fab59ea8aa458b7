"""How a process of the suite's begins and ends, so that little of its time goes into neither."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from experiments import warm


def begin() -> None:
    """Have the work done where all is loaded already (`experiments.warm`), or look for garbage less often.

    Importing torch and open_clip makes half a million objects that stay; looking among them again and again
    takes most of a second.
    """
    if sys.argv[0] == "-m" == sys.orig_argv[1]:
        warm.hand_over(sys.orig_argv[2:])
    gc.set_threshold(200_000, 20, 20)


def run(work: Callable[..., None], *arguments: str) -> None:
    """Do the work of a process, and end it; an error in data or settings ends it with one line."""
    try:
        work(*arguments)
    except (ValueError, OSError) as error:
        if os.environ.get("QUALIBENCH_DEBUG"):
            raise
        sys.exit(f"error: {error}")
    leave()


def leave() -> NoReturn:
    """End the process without taking torch apart module by module, which would take another second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
