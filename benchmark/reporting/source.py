"""A result file by the name that readers know it by, and the command that makes it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from benchmark.datasets import catalogue
from benchmark.tables import read_results


@dataclass(frozen=True)
class Source:
    """A result file by the name readers know it by; ``content`` is None where it has not been made.

    ``stage`` is the one of the pipeline that makes it, "" of what no stage makes.
    """

    name: str
    stage: str
    content: bytes | None

    @property
    def command(self) -> str:
        """The command that makes the file, and before it the one that brings what it is made from."""
        name = self.stage.removeprefix("prepare@")
        if name == self.stage or name not in catalogue.names():
            return f"dvc repro {self.stage}"
        entry = catalogue.entry(name)
        if not entry.sources:  # a person must fetch it, and this says how
            return f"iqa datasets {name} && dvc repro {self.stage}"
        return f"iqa download {name}{' --accept-terms' * entry.asks} && dvc repro {self.stage}"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The file as a table.

        Raises
        ------
        ValueError
            If the file is missing or is not a table.
        """
        if self.content is None:
            raise ValueError(f"{self.name} is missing; run `{self.command}`")
        try:
            return read_results(io.BytesIO(self.content))
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.name} is not a table ({error}); run `{self.command} --force`") from error
