"""What each no-reference metric of pyiqa learnt from people, with where that stands.

pyiqa's metadata do not say it. A metric that is not listed here, or whose training set could not be
established, counts as unknown: it may have learnt from any data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: What `Card.opinions_of` says where it is not known, or not all of it.
UNKNOWN = "unknown"

#: Names of data sets, this suite's or others', and their titles.
TITLES = {
    **{"koniq10k": "KonIQ-10k", "spaq": "SPAQ", "flive": "FLIVE", "clive": "CLIVE", "live": "LIVE"},
    **{"csiq": "CSIQ", "tid2013": "TID2013", "kadid10k": "KADID-10k", "pipal": "PIPAL", "bid": "BID"},
    **{"cviu": "the super-resolution set of Ma et al. (CVIU 2017)", "ava": "AVA (aesthetics)"},
    **{"lsvq": "LSVQ (video)", "sac": "Simulacra Aesthetic Captions", "logos": "LAION-Logos"},
    **{"gfiqa20k": "GFIQA-20k (faces)", "cgfiqa": "CGFIQA-40k (faces)", "urankerset": "URankerSet"},
    **{"diffiqa": "DiffIQA", "fgrestore": "FGRestore", UNKNOWN: "others that are not known"},
}


@dataclass(frozen=True)
class Opinions:
    """Data sets whose opinions were learnt, names parted by spaces; and the source of that."""

    of: str
    source: str

    @property
    def words(self) -> str:
        """Training data in words, as a card says it."""
        if self.of == UNKNOWN:
            return f"not known ({self.source})"
        named = ", ".join(TITLES[name] for name in self.of.split())
        return f"opinions of {named} ({self.source})" if named else f"no quality scores ({self.source})"


_FILE = "the name of the weights file in pyiqa"
_CONFIG = "pyiqa's metadata and the name of the weights file"
_NONE = {
    "entropy": "a formula",
    "piqe": "a formula; Venkatanath et al., NCC 2015",
    "niqe": "pristine pictures; Mittal et al. 2013",
    "niqe_matlab": "pristine pictures; Mittal et al. 2013",
    "ilniqe": "pristine pictures; Zhang et al. 2015",
    "clipiqa": "CLIP as it is; Wang et al., AAAI 2023",
    "maclip": "CLIP as it is; arXiv 2511.09948",
    "qualiclip": "pristine pictures, degraded; arXiv 2403.11176",
}
_KONIQ = (
    *("arniqa", "cnniqa", "dbcnn", "liqe", "maniqa", "musiq", "nima-koniq", "topiq_nr", "tres", "wadiqam_nr"),
)
_SIX = "live csiq kadid10k bid clive koniq10k"
_ONE_ALIGN = Opinions("koniq10k spaq kadid10k ava lsvq", "One-Align; arXiv 2312.17090, table 7")
_QREALIGN = Opinions(
    "koniq10k spaq kadid10k ava lsvq unknown",
    "the published configuration of Q-ReAlign; which data the released weights saw is not stated",
)
_FACES = Opinions("cgfiqa gfiqa20k", "pyiqa's change log and training settings; the file is named GFIQA")

#: Metric -> what it learnt from people.
OPINIONS: Mapping[str, Opinions] = {
    **{metric: Opinions("", source) for metric, source in _NONE.items()},
    **{metric: Opinions("koniq10k", _CONFIG) for metric in _KONIQ},
    **{f"arniqa-{name}": Opinions(name, _CONFIG) for name in ("live", "csiq", "clive", "flive", "spaq")},
    "arniqa-tid": Opinions("tid2013", _CONFIG),
    "arniqa-kadid": Opinions("kadid10k", _CONFIG),
    "afine_nr": Opinions("diffiqa kadid10k pipal tid2013", "the authors' TrainAFINE/README.md"),
    "brisque": Opinions("live", "the authors' released model; Mittal et al. 2012"),
    "brisque_matlab": Opinions(UNKNOWN, "MATLAB's default model; its training set is not stated"),
    "clipiqa+": Opinions("koniq10k", "Wang et al., AAAI 2023"),
    "clipiqa+_rn50_512": Opinions("koniq10k", "pyiqa's training configuration"),
    "clipiqa+_vitL14_512": Opinions("koniq10k", "pyiqa's training configuration"),
    "compare2score": Opinions(_SIX, "the authors' published training lists"),
    "fgresq": Opinions("fgrestore unknown", "AAAI 2026; what else its parts saw is not stated"),
    "hyperiqa": Opinions("koniq10k", _FILE),
    "laion_aes": Opinions("sac logos ava", _FILE),
    "liqe_mix": Opinions(_SIX, "Zhang et al., CVPR 2023"),
    "maniqa-kadid": Opinions("kadid10k", _CONFIG),
    "maniqa-pipal": Opinions("pipal", _CONFIG),
    "metaiqa": Opinions("tid2013 kadid10k clive", f"Zhu et al., CVPR 2020, and {_FILE}"),
    "musiq-ava": Opinions("ava", _CONFIG),
    "musiq-paq2piq": Opinions("flive", _CONFIG),
    "musiq-spaq": Opinions("spaq", _CONFIG),
    "nima": Opinions("ava", _FILE),
    "nima-spaq": Opinions("spaq", _CONFIG),
    "nima-vgg16-ava": Opinions("ava", _FILE),
    "nrqm": Opinions("cviu", "Ma et al., CVIU 2017"),
    "paq2piq": Opinions("flive", "Ying et al., CVPR 2020"),
    "pi": Opinions("cviu", "half NRQM (Ma et al., CVIU 2017), half NIQE"),
    **dict.fromkeys(("qalign", "qalign_4bit", "qalign_8bit"), _ONE_ALIGN),
    **dict.fromkeys(("qrealign", "qrealign-mini", "qrealign-lite", "qrealign-pro"), _QREALIGN),
    "qualiclip+": Opinions("koniq10k", _CONFIG),
    **{f"qualiclip+-{name}": Opinions(name, _CONFIG) for name in ("clive", "flive", "spaq")},
    "topiq_iaa": Opinions("ava", _CONFIG),
    "topiq_iaa_res50": Opinions("ava", _CONFIG),
    "topiq_nr-face": Opinions("cgfiqa", _CONFIG),
    "topiq_nr-face-v1": Opinions("gfiqa20k", _CONFIG),
    "topiq_nr_swin-face": _FACES,
    "topiq_nr-flive": Opinions("flive", _CONFIG),
    "topiq_nr-spaq": Opinions("spaq", _CONFIG),
    "tres-flive": Opinions("flive", _CONFIG),
    "unique": Opinions(_SIX, "Zhang et al., TIP 2021"),
    "uranker": Opinions("urankerset", "Guo et al., AAAI 2023"),
}


def opinions_of(metric: str) -> Opinions:
    """Return what a metric learnt from people; unknown for one that is not listed."""
    return OPINIONS.get(metric, Opinions(UNKNOWN, "not in this suite's list"))
