"""Networks built without drawing the weights that a file fills at once."""

from __future__ import annotations

from typing import Any

from torch.overrides import TorchFunctionMode


class Undrawn(TorchFunctionMode):
    """Leaves a tensor as it is where an initialisation would draw its values: ``with Undrawn(): build()``.

    Drawing those of an RN50 or a ResNet-50 takes up to a second. Every tensor that is built inside must be
    filled afterwards.
    """

    DRAWS = frozenset({"normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_"})

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self.DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))
