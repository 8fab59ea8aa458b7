"""A run whose every answer is known beforehand: four small data sets, and methods right or wrong on purpose.

Quality falls with the level, from 0 to 3, in pictures of ten references that darken with it. ``koniq10k``
holds it as a rising MOS of people, ``csiq`` as a falling DMOS, ``toy`` as a proxy without deviations;
``pictures`` has no score, is what methods are trained on, and holds one file of ``csiq``. Of the methods

- ``qualiclip`` is perfect, ``turned`` too with a score that falls, ``reversed`` is wrong throughout,
  ``constant`` says nothing and ``noisy`` is half right;
- ``taught`` has weights learnt from ``pictures``, so that it has seen ``csiq``; ``rated`` learnt here from
  the opinions of ``koniq10k``, ``opinions`` was published with those of ``csiq``, and the card of ``named``
  names KonIQ-10k.

Of the variants of the ablation ``full`` (three seeds) is nearly right, ``no_consistency`` half right and
``untrained`` is wrong throughout.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from benchmark.datasets import Record, write_dataset
from benchmark.images import write_png
from benchmark.method import Trained
from tests.made import trained

ROOT = Path(__file__).parents[2]
REFERENCES, LEVELS, SIDE = 10, 4, 32
#: Title, score, range, direction and who gave it.
SETS = {
    "koniq10k": ("KonIQ-10k", "MOS", 0.0, 100.0, True, "people"),
    "csiq": ("CSIQ", "DMOS", 0.0, 1.0, False, "people"),
    "toy": ("Toy (made here)", "proxy", -9.0, 9.0, True, "proxy"),
}
#: Noise on top of the quality, the sign of the score, and its direction.
METHODS: dict[str, tuple[float, int, bool]] = {
    "qualiclip": (0.0, 1, True),
    "turned": (0.0, -1, False),
    "reversed": (0.0, -1, True),
    "constant": (0.0, 0, True),
    "noisy": (2.0, 1, True),
    "taught": (0.4, 1, True),
    "rated": (0.4, 1, True),
    "opinions": (0.4, 1, True),
    "named": (0.4, 1, True),
}
VARIANTS = {"full": 0.2, "no_consistency": 1.0, "untrained": np.inf, "seed_28": 0.21, "seed_29": 0.22}
CARD: dict[str, Any] = {
    **{"title": "", "paper": "", "licence": "", "training_data": "nothing", "opinion_aware": False},
    **{"low": 0, "high": 1, "input": "whole image", "higher_is_better": True, "weights": ""},
    **{"opinions_of": "", "bibtex": ""},
}


def rows(dataset: str) -> pd.DataFrame:
    """Manifest of a data set with a further column ``quality``, from 0 to 3 and a little more."""
    place = list(SETS).index(dataset)
    found = [
        {"image": f"{reference}_{level}.png", "reference": f"r{reference}", "level": float(level)}
        for reference in range(REFERENCES)
        for level in range(LEVELS)
    ]
    frame = pd.DataFrame(found)
    # Ten references lie less than a level apart, in an order of the set's own.
    offset = frame["reference"].str[1:].astype(int).mul(3 + 4 * place).mod(REFERENCES) / (2 * REFERENCES)
    frame["quality"] = LEVELS - 1 - frame["level"] + offset
    frame["distortion"] = frame["level"].gt(0).map({True: "darken", False: ""})
    frame["mos"] = {
        "koniq10k": 10 + 20 * frame["quality"],
        "csiq": 1 - frame["quality"] / 4,
        "toy": frame["quality"],
    }[dataset]
    if dataset != "toy":
        frame["mos_std"] = 2.0 if dataset == "koniq10k" else 0.03
    if dataset == "koniq10k":
        parts = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
        frame["split"] = [parts[int(name[1:])] for name in frame["reference"]]
    return frame


def noise(*words: str) -> np.ndarray:
    """Normal noise for the pictures of a set; not of the generator that the suite uses."""
    seed = int.from_bytes(hashlib.sha256(" ".join(words).encode()).digest()[:4], "big")
    return np.random.RandomState(seed).normal(size=REFERENCES * LEVELS)


def scores(method: str, dataset: str) -> pd.DataFrame:
    """What a method says of a data set."""
    strength, sign, _ = METHODS[method]
    frame = rows(dataset)
    said = sign * (frame["quality"] + strength * noise(method, dataset))
    return frame[["image"]].assign(score=said, error="")


def about(name: str, **card: object) -> Trained:
    """What training left of a method or variant."""
    sign_up = METHODS.get(name, (0.0, 1, True))[2]
    code = hashlib.sha256(name.encode()).hexdigest()
    made = {"higher_is_better": sign_up, "train": {}, "seed": 27, "code_sha256": code}
    return trained(name, {**CARD, "title": name.capitalize(), **card}, **made)


ABOUT = {name: about(name) for name in METHODS} | {
    "qualiclip": replace(about("qualiclip", paper="A paper", published_as="qualiclip"), method="qualiclip"),
    "taught": replace(about("taught"), weights_sha256="5" * 64),
    "rated": replace(about("rated"), rated="koniq10k"),
    "opinions": about("opinions", opinions_of="csiq"),
    "named": about("named", training_data="the training part of KonIQ-10k"),
}


def picture(dataset: str, reference: str, level: float) -> torch.Tensor:
    """A bright picture with a little texture, darker by a fifth with each level."""
    seed = int.from_bytes(f"{dataset[0]}{reference}".encode(), "big")
    texture = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return (0.7 + 0.2 * texture) * (1 - level / 5)


def write(root: Path) -> Path:
    """Write ``data/``, ``models/``, ``results/`` and ``params.yaml`` below ``root``; return ``root``."""
    for name, (title, score, low, high, better, who) in SETS.items():
        folder = root / "data" / name
        folder.mkdir(parents=True)
        record = Record(name, title, "made for a test", "CC0-1.0", score, low, high, better, who,
                        official_split=name == "koniq10k")  # fmt: skip
        frame = rows(name)
        for row in frame.itertuples():
            write_png(folder / row.image, picture(name, row.reference, row.level))
        write_dataset(folder, record, frame)
        for method in METHODS:
            path = root / "results/scores" / method / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            scores(method, name).to_csv(path, index=False)
    write_pictures(root)
    for method, made in ABOUT.items():
        made.write(root / "models" / method)
    write_features(root)
    write_variants(root)
    (root / "params.yaml").write_text(yaml.safe_dump(params()))
    return root


def write_pictures(root: Path) -> None:
    """The pictures that methods are trained on; one of them, of the part for training, is of ``csiq``."""
    folder = root / "data/pictures"
    folder.mkdir()
    write_png(folder / "own.png", picture("pictures", "a", 0))
    (folder / "taken.png").write_bytes((root / "data/csiq/3_1.png").read_bytes())
    (folder / "held.png").write_bytes((root / "data/toy/3_1.png").read_bytes())
    listed = pd.DataFrame({"image": ["own.png", "taken.png", "held.png"], "split": ["train", "train", "val"]})
    write_dataset(folder, Record("pictures", "Pictures", "", "CC0-1.0", "", 0, 1, True, "none"), listed)


def write_features(root: Path) -> None:
    """Features: of ``qualiclip`` the quality, of ``noisy`` noise; two sets have one picture in common."""
    for method in ("qualiclip", "noisy"):
        for dataset in SETS:
            frame = rows(dataset)
            values = np.stack([noise(method, dataset, "feature", str(k)) for k in range(3)], axis=1)
            if method == "qualiclip":
                values[:, 0] = frame["quality"]
                if dataset != "csiq":
                    values[5] = (3.0, 3.0, 3.0)
            path = root / "results/features" / method / f"{dataset}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, image=frame["image"].to_numpy(str), features=values.astype(np.float32))


def write_variants(root: Path) -> None:
    """Scores of the ablation's variants on ``csiq``."""
    frame = rows("csiq")
    for name, strength in VARIANTS.items():
        about(name).write(root / "results/ablation" / name)
        path = root / "results/variants/csiq" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = -frame["quality"] if np.isinf(strength) else frame["quality"] + strength * noise(name)
        frame[["image"]].assign(score=said, error="").to_csv(path, index=False)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def params() -> dict[str, Any]:
    """The suite's own settings, of this run."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    code = {"code": "methods/sharpness.py", "train": {}, "load": {}}
    found["methods"] = {name: dict(code) for name in METHODS}
    found["methods"]["qualiclip"]["code"] = "methods/qualiclip"
    sources = {name: {"source": f"data/{name}"} for name in SETS if name != "toy"}  # where a release lies
    found["prepare"] = {"datasets": [*SETS, "pictures"], "settings": sources}
    found["train"] = {"dataset": "pictures", "rated": "koniq10k", "processes": 1}
    found["score"]["datasets"] = list(SETS)
    found["evaluate"] |= {"resamples": 100, "ratings": {"koniq10k": 20}}
    found["cross_dataset"] = {"methods": ["qualiclip", "noisy"], "datasets": list(SETS)}
    found["gmad"]["datasets"] = list(SETS)
    found["sweep"] = {"dataset": "toy", "images": 2, "kinds": ["darken", "whitenoise"]}
    found["cost"] = {"width": 48, "height": 32}
    found["robustness"] |= {"dataset": "csiq", "manifold": "toy", "images": 5, "references": 2, "levels": 6}
    found["robustness"] |= {"kinds": ["whitenoise"], "features": ["qualiclip", "noisy"]}
    found["gradcam"] |= {"dataset": "toy", "methods": ["qualiclip", "reversed"], "shuffled": ["qualiclip"]}
    found["gradcam"] |= {"images": 3, "kinds": ["darken"], "levels": [5]}
    found["ablation"] |= {"variants": ["full", "no_consistency", "untrained"], "seeds": [28, 29]}
    found["ablation"] |= {"datasets": ["csiq"]}
    return found


def keep(root: Path, methods: Collection[str] = tuple(METHODS), sets: Collection[str] = tuple(SETS)) -> None:
    """Take all other methods and rated sets away, as if they had not been trained or prepared."""
    for folder, there, kept in (("models", METHODS, methods), ("data", SETS, sets)):
        for name in set(there) - set(kept):
            shutil.rmtree(root / folder / name)


def change(root: Path, **sections: dict[str, Any]) -> None:
    """Change some keys of some sections of the settings."""
    path = root / "params.yaml"
    found = yaml.safe_load(path.read_text())
    for name, changed in sections.items():
        found[name] |= changed
    path.write_text(yaml.safe_dump(found))
