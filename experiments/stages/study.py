"""Stage ``study@method``: what one method says of changed pictures, and what a picture costs it.

Every study is a file of its own below ``results/studies/<method>/``; `studies` joins them.
"""

from __future__ import annotations

import sys
from functools import partial

from experiments import process
from experiments import settings as settings_of
from experiments.analyses import gradcam, sweep
from experiments.analyses import robustness as damage
from experiments.analyses.subject import Subject
from experiments.runs import available, stage

#: In this order: costs are counted before the method leaves the CPU, maps need it there.
STUDIES = (sweep.costs, gradcam.attributions, sweep.curves, damage.sensitivities, damage.further)


def study(method: str) -> None:
    """Study ``method``.

    Raises
    ------
    ValueError
        If there is no such method, or a study cannot be made: when all others have been.
    """
    settings = stage.start()
    settings_of.declared(method, settings)
    subject = Subject(method, available.narrowed(settings, method))
    faults = available.all_of([partial(make, subject) for make in STUDIES])
    subject.cells.close()
    if faults:
        raise ValueError("\n".join(dict.fromkeys(faults)))


if __name__ == "__main__":
    process.run(study, *sys.argv[1:])
