"""Keeps `dvc exp run -S` from writing over entries of ``params.yaml`` that were made by hand.

DVC loads this before Hydra composes the settings anew (``hydra.plugins_path`` in ``.dvc/config``).
"""

import subprocess
import sys
from pathlib import Path

from dvc.exceptions import DvcException
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class KeepOwnEntries(SearchPathPlugin):
    """Looks at ``params.yaml`` before it is composed anew, in a process of its own: Hydra is at work here."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Refuse to go on where something would be lost; the search path stays as it is."""
        top = Path(__file__).parents[2]
        command = [sys.executable, "-m", "experiments.settings.own_entries"]
        found = subprocess.run(command, cwd=top, capture_output=True, text=True, check=False)
        if found.returncode:
            raise DvcException(found.stderr.strip().removeprefix("error: "))
