"""Stage ``study@method``: what one method says of changed pictures, and what a picture costs it.

Every study is a file of its own below ``results/studies/<method>/``; `studies` joins them.
"""

from __future__ import annotations

import sys
from functools import partial

from experiments import gradcam, present, stage, sweep
from experiments import robustness as damage
from experiments import settings as settings_of
from experiments.subject import Subject

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
    subject = Subject(method, present.narrowed(settings, method))
    faults = present.all_of([partial(make, subject) for make in STUDIES])
    subject.cells.close()
    if faults:
        raise ValueError("\n".join(dict.fromkeys(faults)))


if __name__ == "__main__":
    stage.run(study, *sys.argv[1:])
