"""Tensors out of weight files of any common kind; nothing that a file holds is ever run."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from methods._shared.weights.noted_files import used

#: Types of storage as old and new files name them.
STORAGES: dict[str, torch.dtype] = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def read_tensors(path: Path, nest: str = "") -> dict[str, Tensor]:
    """Read the named tensors of a weight file.

    Parameters
    ----------
    path
        A safetensors file, a state dict of ``torch.save``, or a TorchScript archive of ``torch.jit.save``.
        A lone tensor comes back under the name ``""``; a state that a checkpoint nests (``state_dict``,
        ``params``, ``model``) is found there.
    nest
        Of a checkpoint that holds several states, the one to read.

    Raises
    ------
    ValueError
        If the file is missing, truncated, of another kind, or a pickle that holds more than tensors and plain
        containers: such a pickle could run any code and is not opened.
    """
    if not path.is_file():
        raise ValueError(f"no weights at {path}; give the path of a file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; get it again")
    with used(path).open("rb") as file:
        head = file.read(9)
    if head[8:9] == b"{":
        return _safetensors(path)
    if head[:2] == b"PK":
        return _zipped(path, nest)
    return _pickled(path, nest, pickled=head[:1] == pickle.PROTO)


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from error


def _zipped(path: Path, nest: str) -> dict[str, Tensor]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(name.split("/", 1)[-1] == "constants.pkl" for name in names):
                return _torchscript(archive, names, path)
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is truncated or damaged ({error}); get it again") from error
    return _pickled(path, nest, pickled=True)


def _pickled(path: Path, nest: str, *, pickled: bool) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():  # of a pickle protocol that torch itself never writes
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if pickled:
            raise ValueError(
                f"{path} is a pickle that holds more than tensors, which could run any code; it is not "
                "opened. Save its state dict, best as safetensors"
            ) from error
        raise ValueError(f"{path} is not a file of weights; get it again") from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, struct.error) as error:
        raise ValueError(f"{path} is truncated, or no file of weights; get it again") from error
    if not nest:
        return _named(content, path)
    if not isinstance(content, Mapping) or not isinstance(content.get(nest), Mapping):
        raise ValueError(f"{path} holds no {nest!r}; is it the right file?")
    return _named(content[nest], path)


def _named(content: Any, path: Path) -> dict[str, Tensor]:
    """Find the named tensors in what a checkpoint holds."""
    if isinstance(content, Tensor):
        return {"": content.detach()}
    if isinstance(content, Mapping):
        for nest in ("state_dict", "params", "model"):
            if isinstance(content.get(nest), Mapping):
                return _named(content[nest], path)
        tensors = {str(key): value.detach() for key, value in content.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
    raise ValueError(f"{path} holds no named tensors; is it a file of weights?")


class _Module:
    """Stands for every class of a TorchScript archive: attributes, no code."""

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {})


def _torchscript(archive: zipfile.ZipFile, names: list[str], path: Path) -> dict[str, Tensor]:
    """Read the tensors of a TorchScript archive from its data alone; its code stays unread.

    ``torch.jit.load`` would compile that code, and PyTorch's security policy counts it as untrusted.
    """
    root = next(name for name in names if name.split("/", 1)[-1] == "constants.pkl")[: -len("constants.pkl")]

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if module.startswith("__torch__"):
                return _Module
            if module == "torch" and name in STORAGES:
                return STORAGES[name]
            return _allowed(module, name, path)

        def persistent_load(self, pid: Any) -> Tensor:
            _, dtype, key, _, count = pid
            data = archive.read(f"{root}data/{key}")
            # frombuffer needs memory that may be written; count 0 has none.
            return (
                torch.frombuffer(bytearray(data), dtype=dtype)[:count]
                if count
                else torch.empty(0, dtype=dtype)
            )

    try:
        top = Reader(io.BytesIO(archive.read(f"{root}data.pkl"))).load()
    except (pickle.UnpicklingError, AttributeError, TypeError, IndexError, RuntimeError) as error:
        raise ValueError(f"cannot read its data: {error}") from error
    return dict(_tensors_of(top, ""))


def _allowed(module: str, name: str, path: Path) -> Callable[..., Any]:
    """Return the few harmless functions that the data of a TorchScript archive calls."""
    known: dict[tuple[str, str], Callable[..., Any]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _strided,
        ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
        ("torch.jit._pickle", "restore_type_tag"): lambda value, *_: value,
        **{
            ("torch.jit._pickle", f"build_{kind}list"): lambda value, *_: value
            for kind in ("int", "double", "bool", "tensor")
        },
    }
    if (module, name) not in known:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no file of weights needs")
    return known[module, name]


def _strided(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    return torch.as_strided(storage, size, stride, offset).clone()


def _tensors_of(value: Any, prefix: str) -> list[tuple[str, Tensor]]:
    """Collect tensors under dotted names, as ``state_dict`` would name them."""
    if isinstance(value, Tensor):
        return [(prefix, value)]
    if isinstance(value, _Module):
        found = []
        for name, inner in vars(value).items():
            found += _tensors_of(inner, f"{prefix}.{name}" if prefix else name)
        return found
    return []
