"""Methods through ``torch.hub.load(repo, name)``; settings as for ``methods.load``."""

from functools import partial as _partial

import methods as _methods

dependencies = ["numpy", "open_clip", "pydantic", "scipy", "torch", "torchvision"]

globals().update({_name: _partial(_methods.load, _name) for _name in _methods.names()})
