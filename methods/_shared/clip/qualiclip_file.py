"""The published checkpoint of QualiCLIP: its name in the cache, and where it can be had."""

from __future__ import annotations

from pathlib import Path

from methods._shared.weights.weight_cache import here, weights_file

NAME = "qualiclip.pth"
URLS = (
    "https://github.com/miccunifi/QualiCLIP/releases/download/weights/qualiclip.pth",
    "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/QualiCLIP.pth",
)


def official_file() -> Path:
    """Return the published checkpoint, fetched at first use."""
    return weights_file(NAME, URLS)


def official_file_here() -> Path | None:
    """Return it where it has been fetched already."""
    return here(NAME, URLS)
