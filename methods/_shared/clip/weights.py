"""Where CLIP weights come from, and the safetensors file that a trained scorer is kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.convert import convert_state_dict
from open_clip.model import convert_to_custom_text_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from benchmark import files
from methods._shared.clip.antonyms import AntonymScorer
from methods._shared.clip.encoder import ImageEncoder, architecture, build, encode_prompts, tower, undrawn
from methods._shared.clip.origin import check_file, check_tag
from methods._shared.weights.tensor_files import read_tensors
from methods._shared.weights.weight_cache import Source, first_of

Pairs = Sequence[tuple[str, str]]

#: Entry of the metadata of a safetensors file that holds all of ours.
_ENTRY = "qualibench"


def load_clip(name: str, pretrained: str | None, seed: int, changes: Mapping[str, Any] | None = None) -> Any:
    """Return a CLIP model on the CPU, in evaluation mode and single precision.

    Parameters
    ----------
    name, changes
        See :func:`methods._shared.clip.encoder.architecture`.
    pretrained
        ``None`` for random weights drawn from ``seed``; a tag of open_clip such as ``"openai"``, fetched once
        and cached; or the path of a state dict, a safetensors file or a TorchScript archive in OpenAI's
        naming.

    Raises
    ------
    ValueError
        If the architecture, the tag or the file is unknown or does not fit, cannot be fetched, or was trained
        otherwise than the architecture computes (see `methods._shared.clip.origin`).
    """
    config = architecture(name, changes, pretrained)
    if pretrained is None:
        return build(config, seed)
    path = Path(pretrained)
    if path.is_file():
        check_file(name, path)
    else:
        check_tag(name, pretrained)
        path = pretrained_file(name, pretrained)
    state = openai_names(read_tensors(path))
    clip = undrawn(config)
    fill(clip, own_names(clip, state), f"{path} does not hold the weights of {name}")
    return clip


def own_names(clip: Any, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Name tensors as a model of open_clip does, where a file has Apple's names or those of an older version.

    The same that ``open_clip.load_checkpoint`` does, without resizing anything.
    """
    named: dict[str, Tensor] = convert_state_dict(clip, dict(state))
    if "positional_embedding" in named and not hasattr(clip, "positional_embedding"):
        named = convert_to_custom_text_state_dict(named)
    for name in ("logit_scale", "logit_bias"):
        own = getattr(clip, name, None)
        if name in named and own is not None:
            named[name] = named[name].reshape(own.shape)
    return {k: v for k, v in named.items() if k != "text.transformer.embeddings.position_ids"}


def pretrained_file(name: str, tag: str) -> Path:
    """Fetch the file of an open_clip tag: what is cached first, then its own address, then Hugging Face.

    Raises
    ------
    ValueError
        In one line, if none can be had.
    """
    entry = open_clip.get_pretrained_cfg(name, tag)
    sources: list[Source] = []
    if url := entry.get("url"):
        # OpenAI's addresses name the digest of the file.
        sources.append(Source(Path(url).name, url, url.split("/")[-2] if "openaipublic" in url else None))
    if hub := entry.get("hf_hub"):
        repository, file = os.path.split(hub)
        file = file or "open_clip_model.safetensors"
        address = f"https://huggingface.co/{repository}/resolve/main/{file}"
        sources.append(Source(f"{repository.replace('/', '--')}--{file}", address))
        if not os.path.split(hub)[1]:  # older repositories have the pickle alone
            old = "open_clip_pytorch_model.bin"
            address = f"https://huggingface.co/{repository}/resolve/main/{old}"
            sources.append(Source(f"{repository.replace('/', '--')}--{old}", address))
    return first_of(f"weights {tag!r} of {name}", sources)


def openai_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what OpenAI's archives hold beside weights, and a ``module.`` of parallel training."""
    beside = {"input_resolution", "context_length", "vocab_size"}
    named = {key.removeprefix("module."): value.float() for key, value in state.items()}
    return {k: v for k, v in named.items() if k not in beside and not k.endswith("attn_mask")}


def fill(module: nn.Module, state: Mapping[str, Tensor], complaint: str) -> None:
    """Load a state dict whole.

    Raises
    ------
    ValueError
        Beginning with ``complaint`` and naming the first tensors that are missing, too many or of another
        shape.
    """
    own = module.state_dict()
    # Files older than torch 0.4.1 do not count batches, and nothing reads the count.
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    extra = [k for k in state if k not in own]
    shapes = [
        f"{k} {list(v.shape)} in place of {list(own[k].shape)}"
        for k, v in state.items()
        if k in own and v.shape != own[k].shape
    ]
    faults = {"lacks": missing, "has also": extra, "holds": shapes}
    lines = [
        f"it {verb} {', '.join(keys[:2])}" + (", ..." * (len(keys) > 2))
        for verb, keys in faults.items()
        if keys
    ]
    if lines:
        raise ValueError(f"{complaint}: {'; '.join(lines)}")
    module.load_state_dict(dict(state), strict=False)


def scorer(clip: Any, pairs: Pairs, scale: float | None = None) -> AntonymScorer:
    """Make a scorer of a CLIP model; its text tower is read once and not kept.

    Without ``scale``, the cosines are multiplied by the model's own exp(logit_scale).
    """
    positive, negative = (encode_prompts(clip, [pair[side] for pair in pairs]) for side in (0, 1))
    scale = float(clip.logit_scale.detach().exp()) if scale is None else scale
    return AntonymScorer(ImageEncoder(clip.visual), positive, negative, scale).eval()


def save_scorer(
    model: AntonymScorer,
    path: Path,
    config: Mapping[str, Any],
    *,
    text: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write encoder and prompt embeddings to a safetensors file, aside and renamed.

    Parameters
    ----------
    model, path
        What is written, and where.
    config
        Configuration of the CLIP, see :func:`methods._shared.clip.encoder.architecture`.
    text
        Arguments of :func:`load_clip` that give the text tower again, so that other prompts can be asked.
    notes
        Further metadata.
    """
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    metadata = {"config": json.dumps(config, sort_keys=True), "scale": repr(model.scale), **(notes or {})}
    if text:
        metadata["text"] = json.dumps(text, sort_keys=True)
    # One entry: safetensors writes several in an order that changes from process to process. Its own
    # `save_file` would keep others from reading the file.
    files.write_bytes(path, save(state, {_ENTRY: json.dumps(metadata, sort_keys=True)}))


def read_metadata(path: Path) -> dict[str, str]:
    """What :func:`save_scorer` wrote beside the tensors; empty for files of other kinds.

    Raises
    ------
    ValueError
        If the file is missing, or a truncated safetensors file.
    """
    if not path.is_file():
        raise ValueError(f"no weights at {path}; train them with `dvc repro` or give the path of a file")
    with path.open("rb") as file:
        if file.read(9)[8:] != b"{":
            return {}
    try:
        with safe_open(path, framework="pt") as file:
            entries: dict[str, str] = json.loads((file.metadata() or {}).get(_ENTRY, "{}"))
            return entries
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from error


def load_scorer(path: Path, pairs: Pairs | None = None) -> AntonymScorer:
    """Read what :func:`save_scorer` wrote; other prompts than those stored are encoded by its text tower.

    Raises
    ------
    ValueError
        If the file is missing, truncated, not of this kind, or its tensors do not fit its architecture.
    """
    metadata = read_metadata(path)
    if "config" not in metadata:
        raise ValueError(f"{path} does not say which architecture it holds; was it written by this suite?")
    text = json.loads(metadata.get("text", "{}"))
    if text and text["pretrained"] in open_clip.list_pretrained_tags_by_model(text["name"]):
        check_tag(text["name"], text["pretrained"])  # earlier versions took any
    # Kept in whatever precision, computed with in single.
    state = {key: t.float() if t.is_floating_point() else t for key, t in read_tensors(path).items()}
    positive, negative = state.get("positive"), state.get("negative")
    if positive is None or negative is None:
        raise ValueError(f"{path} holds no prompt embeddings; was it written by this suite?")
    encoder = ImageEncoder(tower(json.loads(metadata["config"])))
    scale = float(metadata["scale"])
    model = AntonymScorer(encoder, torch.empty_like(positive), torch.empty_like(negative), scale)
    fill(model, state, f"{path} does not fit the architecture that it names")
    if pairs is not None:
        if not text:
            raise ValueError(f"{path} does not say where its text tower came from, so its prompts are fixed")
        asked = scorer(load_clip(**text), pairs)
        model.positive, model.negative = asked.positive, asked.negative
    return model.eval()
