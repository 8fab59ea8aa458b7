"""The folder that a mirror serves, laid out ``<host>/<path>``, and what a person fetches by hand."""

import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.rehearsal import sets, weights

HUB = "huggingface.co/datasets/chaofengc/IQA-PyTorch-Datasets/resolve/main"
OFFICIAL = "datasets.vqa.mmsp-kn.de/archives"

#: Data set -> address of its archive; those without one are fetched by hand.
ARCHIVES = {
    "kadis700k": f"{OFFICIAL}/kadis700k.zip",
    "koniq10k": f"{OFFICIAL}/koniq10k_1024x768.zip",
    "kadid10k": f"{OFFICIAL}/kadid10k.zip",
    "clive": f"{HUB}/live_challenge.tgz",
    **{name: f"{HUB}/{name}.tgz" for name in ("flive", "spaq", "live", "csiq", "tid2013")},
}
#: Files that lie beside an archive, not in it.
BESIDE = {
    "koniq10k": (
        "koniq10k_distributions_sets.csv",
        "raw.githubusercontent.com/subpic/koniq/master/metadata/koniq10k_distributions_sets.csv",
    )
}
BY_HAND = tuple(name for name in sets.BUILD if name not in ARCHIVES)


def build(folder):
    """Write ``<folder>/served/<host>/<path>`` and ``<folder>/by_hand/<data set>/``."""
    for name, make in sets.BUILD.items():
        if name in BY_HAND:
            make(_made(folder / "by_hand" / name))
            continue
        with tempfile.TemporaryDirectory() as held:
            release = Path(held) / name
            make(_made(release))
            if name in BESIDE:
                file, address = BESIDE[name]
                (release / file).rename(_above(folder / "served" / address))
            pack(release, _above(folder / "served" / ARCHIVES[name]))
    for address, write in weights.FILES.items():
        write(_above(folder / "served" / address))


def pack(release, archive):
    """Pack a folder as its archive's name says: with the folder itself in a tgz, without it in a zip."""
    paths = sorted(path for path in release.rglob("*") if path.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for path in paths:
                opened.write(path, path.relative_to(release))
    else:
        with tarfile.open(archive, "w:gz", compresslevel=1) as opened:
            for path in paths:
                opened.add(path, path.relative_to(release.parent))


class Served(Mapping):
    """What `tests.loopback.Loopback` serves: the files below a folder, read when asked for."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __getitem__(self, path):
        file = self.folder / path.lstrip("/")
        if not file.is_file():
            raise KeyError(path)
        return file.read_bytes()

    def __iter__(self):
        return (f"/{p.relative_to(self.folder)}" for p in self.folder.rglob("*") if p.is_file())

    def __len__(self):
        return sum(1 for _ in self)


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _above(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
