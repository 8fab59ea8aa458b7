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
_hub = _qualibench.hub

dependencies = ["numpy", "open_clip", "pydantic", "scipy", "torch", "torchvision"]

QualiCLIP, ARNIQA = _hub.QualiCLIP, _hub.ARNIQA
for _name in _qualibench.names():
    globals()[_name] = globals()[_name.replace("_", "-")] = _hub.entry(_name)
