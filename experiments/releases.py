"""Stage ``releases``: what DVC cannot see, the files of the releases that data sets are links to.

It always runs, for a second: one line a data set, which differs once a file of the release was touched.
`prepare` depends on it, and what it then makes of the pictures is told by their digests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmark.datasets import linked
from experiments import settings as settings_of
from experiments import stage

RELEASES = Path(".releases")


def releases() -> None:
    """Write ``.releases/<name>`` for every data set of the settings: their digest, and that of the files.

    Where a release is not here and was prepared with these settings, what was made of it stands.
    """
    settings = settings_of.load().prepare
    for name in settings.datasets:
        path = RELEASES / name
        asked, files = linked.state(name, settings.settings.get(name, {}))
        if files is None and path.is_file() and path.read_text().startswith(f"settings {asked}\n"):
            print(f"{name}: its release is not here; what was made of it stands", file=sys.stderr)
        else:
            stage.write_text(path, f"settings {asked}\nfiles {'not here' if files is None else files}\n")
    for path in RELEASES.iterdir():
        if path.name not in settings.datasets:
            path.unlink()


if __name__ == "__main__":
    stage.run(releases)
