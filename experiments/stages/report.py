"""Stage ``report``: execute the notebooks and render them as pages.

``python -m experiments.stages.report`` makes every page that ``report.pages`` of ``params.yaml`` lists; with
names (``python -m experiments.stages.report zero_shot``), only those.
"""

from __future__ import annotations

import sys

from experiments import process
from experiments.pages.notebooks import report


def main(*names: str) -> None:
    """Make the pages ``names``, or all."""
    report(names)


if __name__ == "__main__":
    process.run(main, *sys.argv[1:])
