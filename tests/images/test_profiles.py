"""Colours by ICC profiles: built tag by tag, and compared with their own arithmetic in double precision.

Tolerances: a step of 8 bits where the file has 8 and is rounded to 8; a tenth of one where it has more, since
the matrix of a profile is rounded to 1/65536, which the curve of sRGB multiplies by up to 13 in dark colours.
"""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from tests.images import build
from tests.images.build import GREY, SRGB_CURVE, curve

EIGHT, DEEP = 1 / 255, 0.1 / 255

#: Dark, middle, bright, saturated and neutral colours, in samples of 8 bits.
COLOURS = np.array(
    [
        [[0, 0, 0], [255, 255, 255], [128, 128, 128], [3, 3, 3]],
        [[200, 90, 40], [20, 180, 60], [30, 60, 220], [250, 240, 10]],
    ]
)

#: Name: primaries, tag of the curve, and the curve as a function.
SPACES = {
    "GIMP built-in Linear sRGB": (build.SRGB, curve(1.0), lambda v: v),
    "sRGB-elle-V2-g10.icc": (build.SRGB, curve(table=[0, 1]), lambda v: v),
    "sRGB by a gamma of 1.8": (build.SRGB, curve(1.8), lambda v: v ** (461 / 256)),
    "Display P3": (build.P3, SRGB_CURVE, build.decode),
    "Adobe RGB (1998)": (build.ADOBE, curve(2 + 51 / 256), lambda v: v ** (563 / 256)),
    "a table": (build.P3, curve(table=np.linspace(0, 1, 1025) ** 3), lambda v: v**3),
}


def expected(samples, space):
    xy, _, light = SPACES[space]
    return build.srgb_of(light(np.asarray(samples, float)), xy)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", ["png8", "png16", "tiff8", "tiff16", "float", "jpeg2000"])
def test_matrix_profiles_are_converted_by_their_curves(pixels, space, kind):
    xy, tone, _ = SPACES[space]
    icc = build.rgb_profile(xy, tone, name=space)
    tags = {34675: ("B", icc)}
    file = {
        "png8": lambda: build.png(COLOURS, build.RGB, 8, build.iccp(icc)),
        "png16": lambda: build.png(COLOURS * 257, build.RGB, 16, build.iccp(icc)),
        "tiff8": lambda: build.tiff(COLOURS, more=tags),
        "tiff16": lambda: build.tiff(COLOURS * 257, bits=16, more=tags),
        "float": lambda: build.tiff(COLOURS / 255, bits=32, kind=3, more=tags),
        "jpeg2000": lambda: with_profile(COLOURS, icc),
    }[kind]()
    tolerance = EIGHT if kind in {"png8", "tiff8", "jpeg2000"} else DEEP
    assert np.abs(pixels(file) - expected(COLOURS / 255, space)).max() <= tolerance
    assert not pixels.said


def with_profile(samples, icc):
    """A lossless JPEG 2000 whose header states colours by an ICC profile (ISO/IEC 15444-1, I.5.3.3)."""
    buffer = io.BytesIO()
    Image.fromarray(samples.astype(np.uint8)).save(buffer, format="JPEG2000", mct=0)
    data = buffer.getvalue()
    at = data.index(b"colr") - 4
    old = struct.unpack_from(">I", data, at)[0]
    box = struct.pack(">I4sBBB", 11 + len(icc), b"colr", 2, 0, 0) + icc
    header = data.index(b"jp2h") - 4
    size = struct.unpack_from(">I", data, header)[0] + len(box) - old
    return data[:header] + struct.pack(">I", size) + data[header + 4 : at] + box + data[at + old :]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [False, True])
def test_grey_profiles_reach_grey_of_every_depth(pixels, bits, alpha):
    """A linear grey of .25 is shown as .537; opacity comes after the conversion."""
    top = 2**bits - 1
    samples = np.array([[0, top // 4, top // 2, top]])
    stored = np.stack([samples, np.full_like(samples, top * 3 // 5)], axis=-1) if alpha else samples
    colour = build.GREY_ALPHA if alpha else GREY
    found = pixels(build.png(stored, colour, bits, build.iccp(build.grey_profile(curve(1.0)))))
    shown = build.encode(samples / top)
    if alpha:
        opacity = (top * 3 // 5) / top
        shown = shown * opacity + 1 - opacity
    assert np.abs(found - shown[..., None]).max() <= (EIGHT if bits == 8 else DEEP)


def test_a_profile_that_moves_nothing_leaves_every_bit(pixels):
    """Whatever its name: by a parametric curve, by a table, and of primaries rounded as HP's are."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    table = curve(table=build.decode(np.linspace(0, 1, 1024)))
    for icc in (build.rgb_profile(build.SRGB, SRGB_CURVE), build.rgb_profile(build.SRGB, table, name="c2")):
        found = pixels(build.png(noise, build.RGB, 8, build.iccp(icc)))
        assert np.array_equal(np.round(found * 255), noise)
        assert np.abs(found * 255 - noise).max() < 1e-4


def test_grey_by_a_profile_of_rgb_is_three_equal_channels_of_it(pixels):
    grey = np.array([[0, 64, 128, 255]])
    tiff = build.tiff(grey, 1, more={34675: ("B", build.rgb_profile(build.P3, curve(1.0)))})
    assert np.abs(pixels(tiff) - build.encode(grey / 255)[..., None]).max() <= EIGHT


def lab_of_ink(cyan, magenta, yellow, black):
    """Ink of a made-up press: all of the black is L* 0, cyan takes 40 of L* and gives -50 of a*."""
    paper = 100 - 40 * cyan - 30 * magenta - 10 * yellow
    return (1 - black) * paper, (1 - black) * (-50 * cyan + 60 * magenta), (1 - black) * 70 * yellow


def srgb_of_lab(lightness, a, b):
    """CIELab under D50 to sRGB (CIE 15; ICC's connection space)."""
    f = np.array([(lightness + 16) / 116 + a / 500, (lightness + 16) / 116, (lightness + 16) / 116 - b / 200])
    xyz = build.D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return build.encode(np.linalg.solve(build.to_xyz(build.SRGB), xyz))


@pytest.mark.parametrize("bits", [8, 16])
def test_ink_goes_by_its_table(pixels, bits):
    """Corners of the table, where no interpolation is in play; two steps: its Lab is rounded to bytes."""
    icc = build.table_profile(4, b"CMYK", lab_of_ink)
    corners = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]])
    tags = {34675: ("B", icc)}
    found = pixels(build.tiff(corners[None] * (2**bits - 1), 5, bits, tags))[0]
    wanted = np.array([srgb_of_lab(*lab_of_ink(*ink)) for ink in corners])
    assert np.abs(found - wanted).max() <= 2 / 255
    assert not pixels.said


def test_rgb_by_a_table_is_converted(pixels):
    """The made-up device shows its red as Lab (50, 60, 0)."""

    def lab(red, green, blue):
        return 100 * max(red * 0.5, green * 0.8, blue * 0.3, red * green * blue), 60 * red * (1 - green), 0.0

    icc = build.table_profile(3, b"RGB ", lab)
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0]])
    found = pixels(build.png(corners[None] * 255, build.RGB, 8, build.iccp(icc)))[0]
    wanted = np.array([srgb_of_lab(*lab(*colour)) for colour in corners])
    assert np.abs(found - wanted).max() <= 2 / 255


BROKEN = {
    "no profile": b"no profile",
    "cut": build.rgb_profile(build.P3, SRGB_CURVE)[:300],
    "ink for RGB": build.table_profile(4, b"CMYK", lab_of_ink),
    "grey for RGB": build.grey_profile(curve(1.0)),
    "link": build.rgb_profile(build.P3, SRGB_CURVE, kind=b"link"),
    "no curves": build.profile({}),
    "white is not white": build.rgb_profile(build.SRGB, curve(table=np.zeros(16))),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_profile_that_cannot_be_used_is_said_and_the_picture_read_without(pixels, case):
    found = pixels(build.png(COLOURS, build.RGB, 8, build.iccp(BROKEN[case])), "odd.png")
    assert np.array_equal(np.round(found * 255), COLOURS)
    assert len(pixels.said) == 1
    assert "odd.png: its colour profile cannot be used" in pixels.said[0]


def test_a_profile_that_cannot_be_inflated_is_said(pixels):
    pixels(build.png(COLOURS, build.RGB, 8, build.chunk(b"iCCP", b"name\0\0not deflated")))
    assert "colour profile cannot be used" in pixels.said[0]
