"""What weights were trained with must be what the architecture computes with: open_clip's own record of it.

OpenAI, MetaCLIP, DFN and others trained with QuickGELU. With GELU their weights fit tensor by tensor and give
other embeddings.
"""

from __future__ import annotations

from pathlib import Path

import open_clip

from methods._shared.clip.encoder import PLAIN, QUICK, architecture


def check_tag(name: str, tag: str) -> None:
    """Refuse weights of open_clip that were not trained as the architecture computes.

    Raises
    ------
    ValueError
        If open_clip knows no such tag of the architecture, or its weights were trained with another
        activation.
    """
    if tag not in open_clip.list_pretrained_tags_by_model(name):
        raise ValueError(f"pretrained={tag!r} is neither a file nor a tag that open_clip knows for {name}")
    entry = open_clip.get_pretrained_cfg(name, tag)
    trained, computed = (bool(c.get("quick_gelu")) for c in (entry, architecture(name)))
    if trained != computed:
        other = name.removesuffix(QUICK) if computed else name + QUICK
        raise ValueError(
            f"weights {tag!r} of {name} were trained with {_activation(trained)}, but {name} computes with "
            f"{_activation(computed)}: take architecture {other!r}"
        )


def check_file(name: str, path: Path) -> None:
    """Refuse a file where the name leaves open which activation it was trained with: no file says so itself.

    Raises
    ------
    ValueError
        If open_clip has the architecture both with QuickGELU and without, and ``name`` states neither.
    """
    if name + QUICK in open_clip.list_models():
        raise ValueError(
            f"{path} may have been trained with QuickGELU, as OpenAI's weights were, or with GELU, and does "
            f"not say: take architecture {name + QUICK!r}, or {name + PLAIN!r} if you know that it was GELU"
        )


def _activation(quick: bool) -> str:
    return "QuickGELU" if quick else "GELU"
