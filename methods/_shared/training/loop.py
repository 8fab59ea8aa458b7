"""What training loops share: the order of pictures, steps prepared ahead, a state to go on from."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmark import files
from benchmark.datasets.prepared.contents import contents, journal_of
from benchmark.datasets.prepared.readable import check_readable
from benchmark.files import sha256_of
from benchmark.images import most, read
from benchmark.machine import cores, shared_memory
from methods._shared.training.ranks import writes_files
from methods._shared.weights.weight_cache import cache_folder

Prepared = TypeVar("Prepared")
Reader = Callable[[Path], Tensor]
#: What a step sees, prepared on the CPU.
Prepare = Callable[[int], list[Tensor]]

#: Most processes that prepare steps unless a setting says more, and the steps that each is ahead by.
MOST_PROCESSES, AHEAD = 12, 2


def cached_bytes(size: int) -> Reader:
    """Return a reader of pictures as bytes, of which `unit` makes what is cut out of them.

    It keeps the last ``size`` of them, as long as they have no more pixels together than
    `benchmark.images.most` allows.
    """
    bound, lock = most(), Lock()
    kept: OrderedDict[Path, Tensor] = OrderedDict()

    def bytes_of(path: Path) -> Tensor:
        with lock:
            if path in kept:
                kept.move_to_end(path)
                return kept[path]
        image = read(path).mul_(255).round_().to(torch.uint8)
        with lock:
            kept[path] = image
            while kept and (len(kept) > size or sum(i.shape[1:].numel() for i in kept.values()) > bound):
                kept.popitem(last=False)
        return image

    return bytes_of


@dataclass(frozen=True)
class FromFiles:
    """What makes the steps of a training out of pictures; it goes to processes, and opens nothing before.

    Parameters
    ----------
    names
        Paths of the pictures, as text: 140,000 are sent to a process in no time.
    cache
        Decoded pictures kept in memory.
    """

    names: Sequence[str]
    cache: int = field(default=0, kw_only=True)

    @cached_property
    def pictures(self) -> list[Path]:
        """The pictures."""
        return [Path(name) for name in self.names]

    @cached_property
    def reader(self) -> Reader:
        """Decode a picture to bytes."""
        return cached_bytes(self.cache)


@lru_cache(maxsize=2)
def epoch_order(count: int, epoch: int, seed: int) -> np.ndarray:
    """Random order of ``count`` pictures in an epoch."""
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def index_at(position: int, count: int, seed: int) -> int:
    """Which of ``count`` pictures comes at a position of the run: each once an epoch, in random order."""
    epoch, place = divmod(position, count)
    return int(epoch_order(count, epoch, seed)[place])


def ahead(prepare: Callable[[int], Prepared], first: int, steps: int) -> Generator[Prepared, None, None]:
    """Yield ``prepare(step)`` from step ``first`` on; one is prepared in a thread while another is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(prepare, first) if first < steps else None
        for step in range(first, steps):
            assert coming is not None
            here = coming.result()
            coming = pool.submit(prepare, step + 1) if step + 1 < steps else None
            yield here


class _Steps(Dataset[list[Tensor] | ValueError]):
    """Steps as a worker of `DataLoader` prepares them; an error in the data comes back as what it is."""

    def __init__(self, prepare: Prepare) -> None:
        self.prepare = prepare

    def __getitem__(self, step: int) -> list[Tensor] | ValueError:
        try:
            return self.prepare(step)
        except ValueError as error:
            return error


def _end_with_parent(_number: int) -> None:
    """Have this worker end when the process that asked for it has died; its own parent is the server."""

    def wait() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


def by_processes(
    prepare: Prepare, first: int, steps: int, processes: int, device: torch.device
) -> Generator[list[Tensor], None, None]:
    """Yield ``prepare(step)`` from step ``first`` on, in order; each of the processes prepares `AHEAD` steps.

    Threads would hold each other up, and the network's: Python runs one at a time, and some codecs do too.

    Parameters
    ----------
    prepare
        Goes to each process once, pickled. Operations have one thread there.
    first, steps
        The first step, and the first that is no longer one.
    processes
        At least one. They end with the generator, and when this process has died.
    device
        Where the tensors are copied to, from pinned memory where that is a CUDA device.

    Raises
    ------
    ValueError
        The one that ``prepare`` raised.
    """
    # A server without threads starts them: a fork of this process would copy locks that threads hold.
    context = get_context("forkserver")
    context.set_forkserver_preload([type(prepare).__module__])
    loader = DataLoader(
        _Steps(prepare),
        sampler=range(first, steps),
        batch_size=None,
        num_workers=min(processes, steps - first),
        prefetch_factor=AHEAD,
        pin_memory=device.type == "cuda",
        multiprocessing_context=context,
        worker_init_fn=_end_with_parent,
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, ValueError):
            raise batch
        yield [tensor.to(device, non_blocking=True) for tensor in batch]


def by_threads(
    prepare: Prepare, first: int, steps: int, device: torch.device
) -> Generator[list[Tensor], None, None]:
    """Yield ``prepare(step)`` from step ``first`` on, on the device; a thread prepares one step ahead.

    Where the network has a single core (``threads: 1``) there is none for a thread beside it: taking turns
    costs a twentieth of the step, in caches and in waits for each other.
    """
    if device.type == "cpu" and torch.get_num_threads() == 1:
        yield from map(prepare, range(first, steps))
        return
    with closing(ahead(prepare, first, steps)) as coming:
        for batch in coming:
            yield [tensor.to(device) for tensor in batch]


def processes_of(asked: int | None, device: torch.device, step_bytes: int) -> int:
    """How many processes prepare steps: as asked; else none for a CPU, which has enough to do.

    For a CUDA device all cores but two, and no more than `MOST_PROCESSES`. Processes of ``torchrun`` share
    the cores. The shared memory must hold what is prepared, which a container often limits to 64 MB.
    """
    if asked is not None or device.type != "cuda":
        return asked or 0
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    wanted = min(MOST_PROCESSES, max(2, cores() // beside - 2))
    free = shared_memory()
    return wanted if free is None else min(wanted, free // beside // ((AHEAD + 1) * step_bytes))


def check_pictures(pictures: Sequence[Path], *, least: int = 0, short_side: int = 0) -> None:
    """Decode all pictures before the first step: a bad one would stop the run when its turn comes.

    What was good is remembered in the cache, folder by folder. Of several processes the first one looks.

    Parameters
    ----------
    pictures
        All that the run reads.
    least
        Shortest side that will do, pixels.
    short_side
        Short side that pictures are scaled to before use; 0: none.

    Raises
    ------
    ValueError
        Naming each picture that cannot be read or is too small.
    """
    if pictures and writes_files():
        journal = journal_of(root_of(pictures), journals() / "readable")
        check_readable(pictures, journal, least=least, short_side=short_side)


def root_of(pictures: Sequence[Path]) -> Path:
    """Deepest folder that holds all pictures."""
    return Path(os.path.commonpath([path.absolute().parent for path in pictures]))


def journals() -> Path:
    """Folder of what is known of pictures."""
    return cache_folder() / "pictures"


def identity(
    pictures: Sequence[Path], seed: int, settings: Mapping[str, Any], *modules: str
) -> dict[str, Any]:
    """Return all that a run depends on, so that a checkpoint of another run is never taken up.

    Parameters
    ----------
    pictures, seed
        What is learnt from, and the seed of all draws.
    settings
        By name; of a file that one names, such as weights to start from, the content counts too.
    *modules
        Modules whose code it rests on, see `code_of`.
    """
    named = [(name, value) for name, value in settings.items() if isinstance(value, str)]
    files_of = {
        f"content of {name}": sha256_of(Path(value)) for name, value in named if os.path.isfile(value)
    }
    code = {"code": code_of(*modules)} if modules else {}
    return {"seed": seed, "settings": {**settings, **files_of, **code}, "pictures": digests_of(pictures)}


def code_of(*modules: str) -> str:
    """Digest of the source of modules that are imported; of a package, of all that lies in it."""
    places = [Path(str(sys.modules[name].__file__)) for name in modules]
    sources = [
        sorted(place.parent.rglob("*.py")) if place.name == "__init__.py" else [place] for place in places
    ]
    return hashlib.sha256(b"\0".join(file.read_bytes() for part in sources for file in part)).hexdigest()


def digests_of(pictures: Sequence[Path]) -> list[tuple[str, str]]:
    """Name of each picture below the folder of all, and its SHA-256: wherever and whenever it was written.

    A digest is remembered in the cache until the file changes; "" where there is no file.
    """
    if not pictures:
        return []
    root = root_of(pictures)
    names = [str(path.absolute().relative_to(root)) for path in pictures]
    rows = contents(root, names, journal_of(root, journals() / "digests"))
    return [(row.image, row.sha256) for row in rows]


def difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say in what two runs differ, as `identity` describes them; "" where they are the same."""
    one, other = ({**run["settings"], "seed": run["seed"]} for run in (then, now))
    lines = [
        f"{key} was {_short(one.get(key))} and is {_short(other.get(key))}"
        for key in {**one, **other}
        if one.get(key) != other.get(key)
    ]
    before, after = (dict(map(tuple, run["pictures"])) for run in (then, now))
    changes = {
        "new": [name for name in after if name not in before],
        "gone": [name for name in before if name not in after],
        "changed": [name for name in after if before.get(name, after[name]) != after[name]],
    }
    lines += [f"pictures are {how}: {_short(', '.join(names))}" for how, names in changes.items() if names]
    if not lines and then["pictures"] != now["pictures"]:
        lines.append("pictures come in another order")
    return "; ".join(lines)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def partial_of(out: Path) -> Path:
    """Return where the state of a run into ``out`` lies."""
    return out.with_name(out.name + ".partial")


def finished(out: Path) -> None:
    """Remove the state of a run whose result is written."""
    if writes_files():
        partial_of(out).unlink(missing_ok=True)


class Checkpoint:
    """State of a run in ``<out>.partial``: outside the result, which a pipeline may empty before each run.

    `finished` removes it once the result is written, which a full disk may prevent.

    Parameters
    ----------
    out
        Folder of the result.
    run
        What `identity` says of the run; a state of another run is not taken up.
    parts
        What has a state, by name: modules and optimisers.

    Raises
    ------
    ValueError
        If the state cannot be written, before the first step and not at the first save.
    """

    def __init__(
        self, out: Path, run: Mapping[str, Any], parts: Mapping[str, nn.Module | torch.optim.Optimizer]
    ) -> None:
        self.path = partial_of(out)
        if writes_files():
            files.check_file(self.path)
            files.clear(self.path)
        self.run = json.dumps(run, sort_keys=True)
        self.parts = parts

    def restore(self) -> tuple[int, list[dict[str, Any]]]:
        """Load the state of this very run, if there is one; returns the next step and the rows so far.

        Raises
        ------
        ValueError
            If there is the state of another run, or a file that is none; it is left as it is.
        """
        if not self.path.is_file():
            return 0, []
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # damaged bytes raise anything
            raise self._refusal(f"is damaged ({type(error).__name__})") from error
        try:
            apart = difference(json.loads(state["run"]), json.loads(self.run))
            if not apart:
                for name, part in self.parts.items():
                    part.load_state_dict(state[name])
                return state["step"], state["rows"]
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise self._refusal("was written by another version of the code") from error
        raise self._refusal(f"is the state of another run: {apart}")

    def _refusal(self, reason: str) -> ValueError:
        return ValueError(
            f"{self.path}: {reason}. It is kept: to go on from it, start the run that it belongs to; to "
            "begin anew, remove it, or give `iqa train` --force"
        )

    def check(self) -> None:
        """Refuse weights that a step has made infinite or NaN.

        The loss would show them in the next step, and after the last there is none.

        Raises
        ------
        ValueError
            With the cure.
        """
        modules = [part for part in self.parts.values() if isinstance(part, nn.Module)]
        if not all(bool(v.isfinite().all()) for module in modules for v in module.state_dict().values()):
            raise ValueError("the last step made weights infinite or NaN; lower `lr`")

    def save(self, step: int, rows: list[dict[str, Any]]) -> None:
        """Write the state aside and rename it; an earlier one stays where the disk has no room.

        Raises
        ------
        ValueError
            As `check`: nothing could go on from such weights.
        """
        self.check()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        states = {name: part.state_dict() for name, part in self.parts.items()}
        # Through a file of Python's: torch's own would not say that the disk is full.
        with files.whole(self.path) as aside, aside.open("wb") as file:
            torch.save({"run": self.run, "step": step, "rows": rows, **states}, file)
