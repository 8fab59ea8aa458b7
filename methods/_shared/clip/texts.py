"""Prompts as a CLIP reads them: its tokenizer, as its own configuration names it, and their embeddings."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer
from torch import Tensor, nn

from benchmark.files.fetching import HUB
from methods._shared.weights.weight_cache import cache_folder, in_hub_cache

Tokenizer = Callable[[list[str]], Tensor]

#: CLIP's own tokenizer. Reading its vocabulary takes a tenth of a second, so that is done once.
plain_tokenizer = functools.cache(SimpleTokenizer)


def place(name: str) -> Path:
    """Return the folder that may hold what the hub offers under ``name``: ``IQA_CACHE/tokenizers/...``."""
    return cache_folder() / "tokenizers" / name.replace("/", "--")


@contextmanager
def from_the_hub(name: str, key: str) -> Iterator[str]:
    """Say what is lacking where transformers cannot find the files of ``name``; gives where it is to look.

    That is a folder of that name, :func:`place`, the cache of huggingface_hub, else the hub.

    Parameters
    ----------
    name
        Repository of the hub, or a folder.
    key
        Setting that names it, for messages.

    Raises
    ------
    ValueError
        If the files are neither here nor to be had, or transformers is not installed.
    """
    kept = [f"{HUB}/{name}/resolve/main/{file}" for file in ("tokenizer_config.json", "config.json")]
    found = next((path for path in (Path(name), place(name)) if path.is_dir()), None)
    if found is None and (file := in_hub_cache(kept)):
        found = file.parent
    try:
        if found is None and os.environ.get("IQA_OFFLINE", "0") not in ("", "0"):
            raise OSError("IQA_OFFLINE forbids requests")
        yield str(found or name)
    except ImportError as error:
        raise ValueError(
            f"the text tower needs {name!r} (`{key}` of the architecture), which the package transformers "
            f"reads: `pip install transformers` ({error})"
        ) from error
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"the text tower needs {name!r} (`{key}` of the architecture) from huggingface.co, and it is not "
            f"on this machine. Where there is a network: `hf download {name} --include '*.json' '*.model' "
            f"'*.txt' --local-dir {place(name)}`, and copy that folder here ({reason})"
        ) from error


def tokenizer(text: Mapping[str, Any]) -> Tokenizer:
    """Return what makes tokens of prompts.

    Parameters
    ----------
    text
        ``text_cfg`` of an open_clip configuration.

    Raises
    ------
    ValueError
        See :func:`from_the_hub`.
    """
    length = text.get("context_length", DEFAULT_CONTEXT_LENGTH)
    settings = dict(text.get("tokenizer_kwargs") or {})
    name = text.get("hf_tokenizer_name")
    if not name:
        return plain_tokenizer(context_length=length, **settings)
    with from_the_hub(name, "hf_tokenizer_name") as found:
        mode = text.get("tokenizer_mode")
        return HFTokenizer(found, context_length=length, tokenizer_mode=mode, **settings)


@torch.no_grad()
def encode_prompts(clip: nn.Module, prompts: Sequence[str]) -> Tensor:
    """Return unit embeddings ``[P, D]`` of ``prompts`` by a CLIP of `methods._shared.clip.encoder.build`."""
    model: Any = clip
    tokens = tokenizer(model.text_settings)(list(prompts))
    return F.normalize(model.encode_text(tokens).float(), dim=-1)
