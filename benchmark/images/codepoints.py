"""Colours that a file states by numbers of ITU-T H.273 (PNG's cICP, nclx of AVIF and HEIC)."""

from __future__ import annotations

from benchmark.images.picture import Refused
from benchmark.images.profiles import D65, SRGB_XY, made_of

_PAL = (0.64, 0.33, 0.29, 0.60, 0.15, 0.06)
_NTSC = (0.630, 0.340, 0.310, 0.595, 0.155, 0.070)
_WIDE = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)

#: ColourPrimaries: red, green, blue and white (2: not stated, taken for sRGB's).
_PRIMARIES = {
    1: (SRGB_XY, D65),
    2: (SRGB_XY, D65),
    5: (_PAL, D65),
    6: (_NTSC, D65),
    7: (_NTSC, D65),
    9: (_WIDE, D65),
    11: (_P3, (0.314, 0.351)),
    12: (_P3, D65),
}

#: TransferCharacteristics as exponents; None: sRGB's curve, by which video (1, 6, 14, 15) is shown too.
_GAMMAS = {1: None, 2: None, 6: None, 13: None, 14: None, 15: None, 4: 2.2, 5: 2.8, 8: 1.0}
_HDR = {16: "PQ", 18: "HLG"}


def profile_of(primaries: int, transfer: int) -> bytes | None:
    """Return a profile of stated colours; None where they are sRGB.

    Raises
    ------
    Refused
        For light beyond white (HDR), and for numbers that are reserved or rare.
    """
    if transfer in _HDR:
        raise Refused(f"high dynamic range ({_HDR[transfer]}); map its tones to sRGB first")
    if primaries not in _PRIMARIES or transfer not in _GAMMAS:
        raise Refused(
            f"colours by primaries {primaries} and transfer {transfer} of H.273; convert it to sRGB"
        )
    return made_of(*_PRIMARIES[primaries], _GAMMAS[transfer])
