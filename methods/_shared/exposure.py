"""What published weights have learnt from, and where that is said: entries of the methods' cards."""

from __future__ import annotations

from pathlib import Path

from benchmark.method import Exposure

IMAGENET = Exposure("corpus", "ImageNet-1k", "torchvision's IMAGENET1K weights", "V")
OPENAI = Exposure(
    "corpus", "WIT, 400 million image-text pairs", "Radford et al., ICML 2021, section 2.2", "R"
)
KADIS = Exposure("pictures", "kadis700k", "the authors' configuration, miccunifi/ARNIQA", "V")
KADIS_OF_QUALICLIP = Exposure("pictures", "kadis700k", "arXiv 2403.11176, implementation details", "R")
#: What was trained or fitted in this suite saw these and no other pictures.
HERE = Exposure("pictures", "the pictures of `train.dataset`", "this suite", "V")

#: Beginning of a tag of open_clip -> corpus that it names. Not listed: the tag itself is shown.
CORPORA = {
    "cc12m": "CC12M",
    "commonpool": "CommonPool",
    "datacomp": "DataComp",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "laion5b": "LAION-5B",
    "merged2b": "Merged-2B (LAION-2B and COYO-700M)",
    "metaclip": "MetaCLIP's pairs",
    "webli": "WebLI",
    "yfcc15m": "YFCC15M",
}


def corpus_of(pretrained: str | None) -> tuple[Exposure, ...]:
    """What a CLIP learnt from, by the tag or the file that its weights are from; nothing where random."""
    if pretrained is None:
        return ()
    if pretrained == "openai":
        return (OPENAI,)
    if Path(pretrained).is_file():
        return (Exposure("corpus", "not stated", f"the file {Path(pretrained).name} does not say", "V"),)
    names = [name for tag, name in CORPORA.items() if pretrained.startswith(tag)]
    corpus = names[0] if names else f"not stated (tag {pretrained})"
    return (Exposure("corpus", corpus, f"open_clip's tag {pretrained}", "S"),)


def opinions(names: str, source: str, standing: str = "V") -> tuple[Exposure, ...]:
    """Entries for the opinions of data sets, by their names parted by spaces."""
    return tuple(Exposure("opinions", name, source, standing) for name in names.split())
