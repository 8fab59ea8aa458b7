"""Keep a trained QualiCLIP as this method's weights: ``python -m methods.qualiclip_small WEIGHTS``."""

import sys

from safetensors import safe_open
from safetensors.torch import save

from benchmark import files
from methods.qualiclip_small import WEIGHTS


def keep(source: str) -> None:
    """Write the weights of ``source`` in half precision to ``WEIGHTS``, aside and renamed."""
    with safe_open(source, framework="pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    halved = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    files.write_bytes(WEIGHTS, save(halved, metadata))


if __name__ == "__main__":
    keep(sys.argv[1])
