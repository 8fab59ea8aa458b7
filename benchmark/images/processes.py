"""Pictures decoded by processes of their own: beside a fast device, threads of one Python hold each other up.

A process decodes one picture at a time, for a thread that waits for it and copies it out of memory that both
see. What is read, refused and said is what `read_samples` reads, refuses and says.
"""

from __future__ import annotations

import math
import os
import queue
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.images.addresses import is_address
from benchmark.images.picture import ImageError, Samples
from benchmark.images.reading import read_samples
from benchmark.machine import shared_memory

#: Bytes that a process shares with its thread, five megapixels; a larger picture goes through a pipe.
SLOT = 16 * 2**20

Reader = Callable[[str, int, Callable[[int], None]], Tensor]


@contextmanager
def decoders(count: int) -> Iterator[Reader]:
    """Start processes that decode.

    Parameters
    ----------
    count
        How many: one for each thread that reads; further threads decode themselves. They end with the
        block, and when this process has died.

    Yields
    ------
    Callable
        Reads as `benchmark.images.read_samples` does. Addresses are fetched here, in the thread that asks.

    Raises
    ------
    RuntimeError
        By the reader, if its process has died.
    """
    free = shared_memory()
    slot = SLOT if free is None else max(1, min(SLOT, free // (2 * count)))
    idle: queue.SimpleQueue[_Decoder] = queue.SimpleQueue()
    with ExitStack() as stack:
        for _ in range(count):
            idle.put(stack.enter_context(_decoder(slot)))

        def read(path: str, short_side: int, admit: Callable[[int], None]) -> Tensor:
            try:
                decoder = None if is_address(path) else idle.get_nowait()
            except queue.Empty:  # to wait could be for ever: those that have one may be let in after this one
                decoder = None
            if decoder is None:
                return read_samples(path, short_side, admit)
            try:
                return decoder.read(path, short_side, admit)
            finally:
                idle.put(decoder)

        yield read


class _Decoder:
    """One process, as the thread sees it that it works for."""

    def __init__(self, process: Any, pipe: Connection, slot: SharedMemory) -> None:
        self.process, self.pipe, self.slot = process, pipe, slot

    def read(self, path: str, short_side: int, admit: Callable[[int], None]) -> Tensor:
        try:
            self.pipe.send((path, short_side))
            while isinstance(answer := self.pipe.recv(), int):
                admit(answer)
                self.pipe.send(None)
            told, found = answer
            picture = found if isinstance(found, ImageError) else self._copied(*found)
        except (EOFError, OSError) as error:
            self.process.join(5)
            raise RuntimeError(
                f"{path}: the process that decodes it ended (exit code {self.process.exitcode}), as it does "
                "where memory runs out; take fewer --workers"
            ) from error
        for warning in told:
            warnings.warn(warning, stacklevel=2)
        if isinstance(picture, ImageError):
            raise picture
        return picture

    def _copied(self, dtype: str, shape: Sequence[int]) -> Tensor:
        count = math.prod(shape)
        size = count * np.dtype(dtype).itemsize
        held: Any = self.slot.buf if size <= self.slot.size else self.pipe.recv_bytes()
        return torch.from_numpy(np.frombuffer(held, dtype, count).reshape(shape).copy())


@contextmanager
def _decoder(size: int) -> Iterator[_Decoder]:
    # A server without threads starts them: a fork of this process would copy locks that threads hold.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    slot = SharedMemory(create=True, size=size)
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(far, slot.name), daemon=True)
    try:
        process.start()
        far.close()
        yield _Decoder(process, near, slot)
    finally:
        near.close()  # the process ends where it waits for the next picture
        if process.pid is not None:
            process.join()
        slot.close()
        slot.unlink()


def _serve(pipe: Connection, name: str) -> None:
    """Decode what is asked for until nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the one who asks ends this
    torch.set_num_threads(1)
    slot = SharedMemory(name)
    try:
        while True:
            _answer(pipe, slot, *pipe.recv())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)


def _answer(pipe: Connection, slot: SharedMemory, path: str, short_side: int) -> None:
    def admit(pixels: int) -> None:
        pipe.send(pixels)
        pipe.recv()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found: Samples | ImageError
        try:
            found = read_samples(path, short_side, admit).numpy()
        except ImageError as error:
            found = ImageError(str(error))  # its cause may not go through a pipe
    messages = [warning.message for warning in told]
    if isinstance(found, ImageError):
        pipe.send((messages, found))
        return
    fits, memory = found.nbytes <= slot.size, slot.buf
    if fits and memory is not None:
        np.frombuffer(memory, found.dtype, found.size)[:] = found.ravel()
    pipe.send((messages, (found.dtype.str, found.shape)))
    if not fits:
        pipe.send_bytes(found.ravel().data)
