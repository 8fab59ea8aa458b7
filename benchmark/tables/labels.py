"""Names of methods, data sets and statistics as a reader sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmark.tables.results import DATASETS, METHODS
from benchmark.terms import statistic, words

PROXY = "full-reference proxy, no human rated these"


@dataclass(frozen=True)
class Labels:
    """Names as a reader sees them; the keys are those of the result files, in the order of display.

    Parameters
    ----------
    methods, datasets
        Key to title.
    proxies
        Keys of the data sets whose scores no human gave.
    falling
        Keys of the methods whose lower scores are better.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, str] = field(default_factory=dict)
    proxies: frozenset[str] = frozenset()
    falling: frozenset[str] = frozenset()

    def of(self, column: str, value: object) -> str:
        """Return the label of ``value`` found in ``column`` of a tidy table."""
        if column in METHODS:
            return self.method(str(value))
        if column in DATASETS:
            return self.dataset(str(value))
        if column == "statistic":
            return statistic(str(value)).label
        return str(value) if column == "distortion" else words(value)

    def method(self, name: str) -> str:
        """Return the title of a method, as its card gives it."""
        known = name.removesuffix("_shuffled")
        if name != known:
            return f"{self.method(known)}, weights shuffled"
        return self.methods.get(name, words(name))

    def dataset(self, name: str) -> str:
        """Return the short title of a data set, marked where a proxy stands for people."""
        return self.datasets.get(name, name).split(" (")[0] + (" (proxy)" if name in self.proxies else "")

    def direction_note(self, methods: Iterable[str]) -> str:
        """Return which of ``methods`` give better pictures lower scores, or ""."""
        shown = [self.method(name) for name in methods if name in self.falling]
        return f" Lower scores are better: {', '.join(shown)}." if shown else ""

    def proxy_note(self, datasets: Iterable[str]) -> str:
        """Return what must be said of those of ``datasets`` that no human rated, or ""."""
        shown = [
            self.datasets.get(name, name).split(" (")[0] for name in sorted(self.proxies & set(datasets))
        ]
        return f"{', '.join(shown)}: {PROXY}." if shown else ""
