"""What every stage does first and last: check the settings, fix the threads, say where files lie."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from benchmark.datasets.prepared.contents import stamp_of
from experiments import settings as settings_of

if TYPE_CHECKING:  # a stage that writes no table must not wait for pandas
    pass

DATA, MODELS, RESULTS, REPORTS = Path("data"), Path("models"), Path("results"), Path("reports")
TABLES = RESULTS / "tables"


def start(*, torch: bool = True, deterministic: bool = False) -> settings_of.Settings:
    """Check ``params.yaml`` and fix what results could depend on; returns the settings.

    ``deterministic`` is for training: forward passes need no such mode.
    """
    settings = settings_of.load()
    _limit(settings.threads)
    if torch:
        import torch as pytorch

        pytorch.set_num_threads(settings.threads)
        if deterministic:
            # As `use_deterministic_algorithms(True)`, which would also import the compiler for seconds.
            pytorch.set_deterministic_debug_mode("error")
            # Nothing reads what it has not written: to fill it first takes a twentieth of a training's time.
            pytorch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return settings


def _limit(threads: int) -> None:
    """Keep linear algebra and OpenMP to so many threads, in libraries that are loaded and in those to come.

    Left alone they take every core: where another stage works beside this one, threads of small matrices wait
    for each other many times as long as they work.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    threadpool_limits(threads)


def named_files(value: Any) -> Iterator[Path]:
    """Files that settings name, however deep, in their order; of a folder the pictures in it."""
    if isinstance(value, str):
        path = Path(value).expanduser()
        if 0 < len(value) < 4096 and "\0" not in value and path.exists():
            yield from _pictures(path) if path.is_dir() else [path]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from named_files(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from named_files(inner)


def _pictures(folder: Path) -> list[Path]:
    """Pictures below a folder as a method that is fitted to them finds them, none where it holds none."""
    from benchmark import images

    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("ignore", images.ImageNotice)  # the method says it
        return images.below(folder)
    return []


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
