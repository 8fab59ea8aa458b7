"""Scoring on a Ray cluster: chunks of pictures go to workers, rows come back as they are done.

Ray Data places the workers, moves the chunks, and repeats those of a worker that was lost. A chunk is always
the same consecutive pictures, so that scores depend neither on the number of workers nor on a resumed run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.scoring import Row
from experiments.runs.trained import load_here
from experiments.scoring.local import How, local_rows

if TYPE_CHECKING:
    from experiments.scoring.inputs import Picture

#: Pictures of a chunk.
CHUNK = 64


def start(**settings: Any) -> None:
    """Join the cluster of ``RAY_ADDRESS``, or start one of this machine that no other machine can reach.

    Whoever reaches a cluster can run code on it, so that one listens on the loopback interface alone and has
    no dashboard.

    Raises
    ------
    ValueError
        If the cluster cannot be had, or would listen on more.
    """
    told = _on_loopback_unless_told()
    import ray

    try:
        ray.init(address=told or "local", log_to_driver=False, include_dashboard=False, **settings)
    except Exception as error:  # Ray itself raises no narrower one where a node does not start
        raise ValueError(f"the engine `ray`: the cluster cannot be had ({error})") from error
    if not told and (where := ray.util.get_node_ip_address()) != "127.0.0.1":
        ray.shutdown()
        raise ValueError(
            f"the engine `ray`: the cluster would listen on {where}; start one and set RAY_ADDRESS"
        )


def _on_loopback_unless_told() -> str:
    """Return ``RAY_ADDRESS``; without one, have Ray take the loopback address for that of this machine.

    Ray turns a loopback address that it is given into that of the machine, except where it takes clusters of
    several machines as not supported (as on macOS); this is asked for here. It is read at the import of Ray.
    """
    told = os.environ.get("RAY_ADDRESS", "")
    if not told:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        if constants := sys.modules.get("ray._private.ray_constants"):
            constants.ENABLE_RAY_CLUSTER = False  # type: ignore[attr-defined]
    return told


class Scorer:
    """What a worker holds: the method, loaded once."""

    def __init__(self, name: str, how: How, folder: str, told: Mapping[str, Any] | None = None) -> None:
        os.chdir(folder)  # where a method's folder and relative paths start from
        self.method, self.how = load_here(name, told=told), how

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """Score one chunk."""
        paths = [os.fsdecode(path) for path in item["paths"]]
        rows = [row for part in local_rows(paths, self.method, self.how, {}) for row in part]
        return {"chunk": item["chunk"], "rows": [(r.index, r.size, r.score, r.error) for r in rows]}


def ray_rows(
    paths: Sequence[Picture],
    name: str,
    how: How,
    done: Collection[int] = (),
    processes: int | None = None,
    chunk: int = CHUNK,
    told: Mapping[str, Any] | None = None,
) -> Iterator[list[Row]]:
    """Score pictures on the cluster of ``RAY_ADDRESS``, or on one of this machine.

    Parameters
    ----------
    paths
        Pictures, in the order of their places; every worker must be able to read them.
    name, how
        Method, and how it scores.
    done
        Places of pictures that are scored already; a chunk of them alone is left out.
    processes
        Number of processes that score; without it, one a GPU of the cluster, or a core where it has none or
        the device is the CPU.
    chunk
        Pictures of a chunk.
    told
        Settings of the method.

    Yields
    ------
    list of Row
        A chunk as soon as it is through.

    Raises
    ------
    ValueError
        If Ray is not installed, or the cluster does not answer.
    """
    _on_loopback_unless_told()
    try:
        import ray
    except ImportError as error:
        raise ValueError("the engine `ray` needs Ray: install the extra `ray`") from error
    if not ray.is_initialized():
        start()
    here = ray.cluster_resources()
    unit = "GPU" if how.device in ("auto", "cuda") and here.get("GPU") else "CPU"
    items = [
        {"chunk": first, "paths": [os.fsencode(path) for path in paths[first : first + chunk]]}
        for first in range(0, len(paths), chunk)
        if any(index not in done for index in range(first, min(first + chunk, len(paths))))
    ]
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    if not items:
        return
    worker: Any = Scorer  # a class: each worker makes one of its own
    chunks = ray.data.from_items(items, override_num_blocks=len(items)).map(
        worker,
        fn_constructor_args=(name, how, os.getcwd(), told),
        concurrency=min(processes or int(here.get(unit, 1)), len(items)),
        num_gpus=1 if unit == "GPU" else None,
        num_cpus=None if unit == "GPU" else 1,
    )
    for item in chunks.iter_rows():
        yield [
            Row(item["chunk"] + index, tuple(size) if size is not None else None, score, error)
            for index, size, score, error in item["rows"]
            if item["chunk"] + index not in done
        ]
