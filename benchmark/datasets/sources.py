"""Whether the addresses of a record still offer what it says, for whoever keeps the records to run weekly."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.datasets.catalogue import Entry
from benchmark.files.fetching import PATIENCE, FetchError, Patience, offered


def asked(entry: Entry, patience: Patience = PATIENCE) -> Iterator[tuple[str, int | None, str]]:
    """Ask the page and every source of a record.

    Parameters
    ----------
    entry
        The record.
    patience
        How long to wait for each answer.

    Yields
    ------
    str, int or None, str
        The address, the bytes that it offers where it says so, and what is wrong, "" if nothing is.
    """
    files = [(url, file.size) for source in entry.sources for file in source.files for url in file.urls]
    for url, size in [(entry.page, None), *files] if entry.page else files:
        try:
            found = offered(url, patience, page=url == entry.page)
        except FetchError as error:
            yield url, None, str(error)
            continue
        wrong = size is not None and found not in (None, size)
        yield url, found, f"offers {found} bytes, the record says {size}" if wrong else ""
