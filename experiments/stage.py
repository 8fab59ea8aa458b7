"""What every stage does first and last: check the settings, fix the threads, write its files whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import files
from benchmark.datasets.contents import stamp_of
from experiments import settings as settings_of

if TYPE_CHECKING:  # a stage that writes no table must not wait for pandas
    import pandas as pd

DATA, MODELS, RESULTS, REPORTS = Path("data"), Path("models"), Path("results"), Path("reports")
TABLES = RESULTS / "tables"
TIDY = ["statistic", "value", "low", "high", "n", "protocol", "published", "standing"]


def start(*, torch: bool = True, deterministic: bool = False) -> settings_of.Settings:
    """Check ``params.yaml`` and fix what results could depend on; returns the settings.

    ``deterministic`` is for training: forward passes need no such mode, and it imports torch's compiler,
    which takes seconds.
    """
    settings = settings_of.load()
    if torch:
        import torch as pytorch

        pytorch.set_num_threads(settings.threads)
        if deterministic:
            pytorch.use_deterministic_algorithms(True)
    return settings


def run(stage: Callable[..., None], *arguments: str) -> None:
    """Run a stage as a process of its own, and end it; an error in data or settings ends it with one line.

    The process leaves without taking torch apart module by module, which would take another second.
    """
    try:
        stage(*arguments)
    except (ValueError, OSError) as error:
        if os.environ.get("QUALIBENCH_DEBUG"):
            raise
        sys.exit(f"error: {error}")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, see `benchmark.files`."""
    files.write_bytes(path, content)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    write_bytes(path, text.encode())


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table with figures to nine significant digits."""
    write_text(path, frame.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def write_tidy(frames: Sequence[pd.DataFrame], keys: Sequence[str], path: Path) -> None:
    """Write tidy rows in one table: keys first, then the columns that every table has, then any others."""
    import pandas as pd

    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*keys, *TIDY])
    frame = frame.reindex(columns=list(dict.fromkeys([*keys, *TIDY, *frame.columns])))
    write_csv(frame, path)


def write_json(value: Any, path: Path) -> None:
    """Write JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def packed(arrays: Mapping[str, Any], *, compressed: bool = False) -> bytes:
    """Arrays by name, as a file of NumPy's."""
    import numpy as np

    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def named_files(value: Any) -> Iterator[Path]:
    """Files that settings name, however deep, in their order."""
    if isinstance(value, str):
        path = Path(value).expanduser()
        if len(value) < 4096 and "\0" not in value and path.is_file():
            yield path
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from named_files(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from named_files(inner)


def stamp(files: Iterable[Path]) -> str:
    """Digest of the size and time of each file: tells apart other pictures under the same names."""
    stamps = [" ".join(stamp_of(file)) for file in files]
    return hashlib.sha256("\n".join(stamps).encode()).hexdigest()


def sha256(paths: Iterable[Path]) -> str:
    """Hash of the names and bytes of files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
