"""How many pixels are in memory at once: a bound for whoever decodes, in however many threads.

A picture takes 3 bytes a pixel in its file at most, 12 as a tensor, and up to 40 while it is decoded: what
fills the memory is how many are there together. A picture larger than the bound goes in alone.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Pixels in flight where nobody says otherwise: the largest picture that is read, and a little.
PIXELS = 96_000_000


def most() -> int:
    """Pixels that may be in flight at once: ``IQA_PIXELS``, in millions, else `PIXELS`.

    Raises
    ------
    ValueError
        If it is not a number above 0.
    """
    told = os.environ.get("IQA_PIXELS", "")
    try:
        millions = float(told or PIXELS / 1e6)
    except ValueError:
        millions = 0.0
    if not 0 < millions < 1e12:
        raise ValueError(f"IQA_PIXELS={told!r}: give a number above 0, of millions of pixels")
    return max(1, int(millions * 1e6))


class Room:
    """Lets pictures in as they come, first come first, until so many pixels are there."""

    def __init__(self) -> None:
        self._used = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and hold it."""
        me, bound = object(), most()
        with self._changed:
            self._queue.append(me)
            try:
                self._changed.wait_for(
                    lambda: self._queue[0] is me and (not self._used or self._used + pixels <= bound)
                )
                self._used += pixels
            finally:  # an interrupt must not leave those behind waiting for one who is gone
                self._queue.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()


#: Room of all that decode in this process; each leaves it when its picture is a tensor.
DECODING = Room()


class Flight:
    """Pictures from their decoding until they are done with, let in in their order.

    Threads decode and take (`enter`, `shrink`, `passed`), one reader uses and gives back (`reach`, `leave`).
    The order makes sure that the next picture that the reader waits for is the next one let in.

    Parameters
    ----------
    bound
        Pixels that may be there at once.
    """

    def __init__(self, bound: int) -> None:
        self.bound, self.used = bound, 0
        self._turn, self._wanted = 0, 0
        self._closed = False
        self._changed = threading.Condition()

    def _fits(self) -> bool:
        return self._closed or not self.used or self.used + self._wanted <= self.bound

    def enter(self, place: int, pixels: int) -> None:
        """Wait until those before are let in and there is room; then take it."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._turn == place)
            self._wanted = pixels
            self._changed.notify_all()
            self._changed.wait_for(self._fits)
            self._wanted = 0
            self.used += pixels
            self._turn = place + 1
            self._changed.notify_all()

    def passed(self, place: int) -> None:
        """Let the next one in if this one never asked: it is not a picture, or known."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._turn >= place)
            self._turn = max(self._turn, place + 1)
            self._changed.notify_all()

    def add(self, pixels: int) -> None:
        """Take so many pixels without waiting; give back with a number below 0."""
        with self._changed:
            self.used += pixels
            self._changed.notify_all()

    def reach(self, place: int, spare: Callable[[], int]) -> None:
        """Wait until a picture is let in or passed; while it lacks room, ask `spare` for pixels given up."""
        with self._changed:
            while not self._closed and self._turn <= place:
                freed = 0 if not self._wanted or self._fits() else spare()
                self.used -= freed
                self._changed.notify_all() if freed else self._changed.wait()

    def close(self) -> None:
        """Let everybody in: nobody reads any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
