"""How long to try, and what is said when that was in vain."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark import files


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Parameters
    ----------
    rounds
        Turns through all addresses without progress before giving up.
    backoff, longest
        Seconds of the first pause between turns, doubled each time, and its bound.
    timeout
        Seconds without any byte before a connection is given up.
    window, slowest
        A connection that brings fewer than `slowest` bytes in `window` seconds is given up too.
    headers
        Seconds until an answer's headers are through, redirects included.
    unstated
        Bytes of an answer that does not say how long it is, and of which nobody else has said it.
    others
        Seconds to wait for another process that fetches the same file and gets nowhere.
    """

    rounds: int = 5
    backoff: float = 1.0
    longest: float = 30.0
    timeout: float = 30.0
    window: float = 60.0
    slowest: int = 1 << 14
    headers: float = 60.0
    unstated: int = 1 << 32
    others: float = 600.0


PATIENCE = Patience()


class FetchError(ValueError):
    """A file that could not be fetched; the message names the file, what each address said, and the cure."""


class BusyFetchError(FetchError, files.BusyError):
    """A file that another process fetches, and does not get on with."""
