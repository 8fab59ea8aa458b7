"""Models through ``torch.hub.load(repo, name)``.

``QualiCLIP`` and ``ARNIQA`` are called as their authors' are, with batches that are normalised already; every
other name is a method of this suite as a module, which takes pictures in [0, 1]. Settings as for
``methods.load``.
"""

from pathlib import Path as _Path

import qualibench as _qualibench

if not _Path(__file__).with_name("qualibench").samefile(_Path(_qualibench.__file__).parent):
    raise ImportError(
        f"{_qualibench.__file__} is imported already, and is of another copy of the suite: take its "
        "qualibench.hub, or load from the hub in another process"
    )

# torch.hub says which of them are missing, once this file is read: the models are imported when asked for.
dependencies = ["PIL", "filelock", "imagecodecs", "numpy", "open_clip", "pandas", "platformdirs", "pydantic"]
dependencies += ["requests", "safetensors", "scipy", "tifffile", "torch", "torchvision", "tqdm", "urllib3"]


def QualiCLIP(**settings):
    """QualiCLIP: pictures ``[B, 3, H, W]`` in CLIP's normalisation to scores ``[B]``.

    Settings are those of ``methods.load("qualiclip")``; without any, the published checkpoint is fetched.
    """
    return _qualibench.hub.QualiCLIP(**settings)


def ARNIQA(regressor_dataset="kadid10k", **settings):
    """ARNIQA: pictures at full and at half scale in ImageNet's normalisation to scores ``[B]``.

    ``regressor_dataset`` is live, csiq, tid2013, kadid10k, flive, spaq, clive or koniq10k; ``encoder`` and
    ``regressor`` name files in place of the published ones.
    """
    return _qualibench.hub.ARNIQA(regressor_dataset, **settings)


def _entry(name):
    def make(**settings):
        return _qualibench.load(name, **settings).as_module()

    make.__name__ = make.__qualname__ = name
    make.__doc__ = (
        f"``methods.load({name!r})`` as a module: pictures [B, 3, H, W], RGB in [0, 1], to scores [B]."
    )
    return make


for _name in _qualibench.names():
    globals()[_name] = globals()[_name.replace("_", "-")] = _entry(_name)
