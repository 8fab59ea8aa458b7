"""What a score was made with, in the columns that stand beside it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.files import sha256_of
from benchmark.method import Method, version
from experiments.runs import stage, trained

#: Beside ``image,score,error``.
COLUMNS = ("method", "weights", "weights_sha256", "direction", "precision", "version")


def provenance(
    name: str, method: Method, precision: str, told: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Say what a method is, by the name that it was asked for.

    Parameters
    ----------
    name
        As for `experiments.runs.trained.load_here`.
    method
        What that gave.
    precision
        ``fp32`` or ``bf16``.
    told
        Settings that it was loaded with.

    Returns
    -------
    dict
        ``method``; ``weights``, the files that were read and the folders of pictures that it was fitted to
        (several with ``+`` between), or in words where there are none; ``weights_sha256``; ``direction``,
        ``higher`` or ``lower`` is better; ``precision``; ``version``, twelve digits of the hash of code,
        weights and settings.
    """
    files = [Path(path) for path in getattr(method, "weight_files", ())]
    digests = [_digest(path.resolve(), stage.stamp(stage.named_files(str(path)))) for path in files]
    card = getattr(method, "card", None)
    return {
        "method": name,
        "weights": "+".join(map(_shown, files)) or (card.weights if card else "") or "none",
        "weights_sha256": "+".join(digests),
        "direction": "higher" if method.higher_is_better else "lower",
        "precision": precision,
        "version": _version(name, digests, told or {})[:12],
    }


def _version(name: str, digests: list[str], told: Mapping[str, Any]) -> str:
    folder = trained.folder_of(name)
    if folder is not None:
        return trained.as_it_is(folder).version
    base, _, variant = name.partition(":")
    code = trained.code_sha256(base)
    load = {"": variant, **told} if told else variant
    return version(code, "+".join(digests), load)


@functools.cache
def _digest(path: Path, stamp: str) -> str:
    """Digest of a file, or of the pictures of a folder; kept while their sizes and times, the stamp, stay."""
    return stage.sha256(stage.named_files(str(path))) if path.is_dir() else sha256_of(path)


def _shown(path: Path) -> str:
    """A file below the working directory by its path, any other by its name: no path of a machine."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name
