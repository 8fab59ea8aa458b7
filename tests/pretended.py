"""A CUDA device where there is none: PyTorch's fake tensors know shapes, types and places, and no values.

They refuse to mix devices as a real one does, so a constant that is left on the CPU fails here too.
"""

import sys
from contextlib import contextmanager

from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode


@contextmanager
def cuda():
    """Yield a mode in which ``device="cuda"`` works; results remembered meanwhile are forgotten after."""
    _forget()
    try:
        with FakeTensorMode(allow_non_fake_inputs=True) as mode:
            yield mode
    finally:
        _forget()


def moved(module, mode):
    """Put a module's parameters and buffers on the pretended device."""
    for part in module.modules():
        for name, held in part._parameters.items():
            if held is not None:
                fake = mode.from_tensor(held.detach().clone()).to("cuda")
                part._parameters[name] = nn.Parameter(fake, requires_grad=held.requires_grad)
        for name, held in part._buffers.items():
            if held is not None:
                part._buffers[name] = mode.from_tensor(held).to("cuda")
    return module


def _forget():
    for name, module in list(sys.modules.items()):
        if name.startswith(("benchmark.", "methods.")):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
