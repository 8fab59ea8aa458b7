"""Which methods can score here and now, and which were trained here."""

from __future__ import annotations

import os
from pathlib import Path

import methods
from benchmark.method import no_scores
from experiments.runs import stage

#: Environment variable that keeps weights from being fetched.
OFFLINE = "IQA_OFFLINE"


def here(name: str) -> str:
    """Say whether a published method can score now, without the network, or why not; it is loaded to see."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        if said := no_scores(methods.load(name)):
            return f"no: {said}"
    except (ValueError, ImportError) as error:
        if OFFLINE in str(error):
            return "its weights are not here: the first use fetches them"
        return f"no: {str(error).splitlines()[0]}"
    finally:
        if before is None:
            del os.environ[OFFLINE]
        else:
            os.environ[OFFLINE] = before
    return "can score now"


def trained_here(models: Path = stage.MODELS) -> list[str]:
    """Names of what the pipeline has trained here."""
    return sorted(path.parent.name for path in models.glob("*/method.json"))
