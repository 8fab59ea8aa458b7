"""Files of MATLAB: the vectors in them, by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def vectors(path: Path, *wanted: str) -> dict[str, np.ndarray]:
    """Flat vectors of a MATLAB file; cells of text become strings.

    Raises
    ------
    ValueError
        If the file is missing, cannot be read, or has no variable of such a name.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise ValueError(f"{path}: is missing; complete the folder")
    try:
        held = loadmat(path)
    except (MatReadError, ValueError, NotImplementedError, TypeError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as a MATLAB file ({error}); get it again") from error
    found = {}
    for name in wanted:
        if name not in held:
            have = ", ".join(key for key in held if not key.startswith("__"))
            raise ValueError(f"{path}: has no variable {name!r}, only {have}; get the file again")
        values = held[name].ravel()
        found[name] = (
            np.array([str(cell.ravel()[0]) for cell in values]) if values.dtype == object else values
        )
    return found
