"""The settings of a run: what ``params.yaml`` may hold, how Hydra composes it, what was written by hand."""

from experiments.settings.names import FLOORS, SHUFFLED
from experiments.settings.reading import (
    PARAMS,
    check_methods,
    declared,
    declared_dataset,
    has_opinions,
    load,
    parse,
    sources,
)
from experiments.settings.sections import (
    BASE,
    Ablation,
    Cost,
    CrossDataset,
    Evaluate,
    Gradcam,
    MethodSettings,
    Prepare,
    Report,
    Robustness,
    Score,
    Settings,
    Sweep,
    Train,
)
