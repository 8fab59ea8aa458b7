"""PNG of every colour type and depth, with transparency and with each chunk that states colours."""

import struct

import numpy as np
import pytest

from benchmark.images import ImageError
from tests.images import build
from tests.images.build import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, chunk

EXACT = 1e-6
ROUNDED = 0.5 / 255 + EXACT  # pictures of 8 bits with transparency are rounded to 8 bits


def over_white(colours, alpha):
    return colours * alpha[..., None] + 1 - alpha[..., None]


@pytest.mark.parametrize(
    ("colour", "bits"),
    [(GREY, b) for b in (1, 2, 4, 8, 16)] + [(c, b) for c in (RGB, GREY_ALPHA, RGBA) for b in (8, 16)],
)
def test_samples_of_every_type_and_depth(pixels, colour, bits):
    """Samples are scaled by 2^bits - 1 (PNG 13.12) and laid over white."""
    channels = {GREY: 1, RGB: 3, GREY_ALPHA: 2, RGBA: 4}[colour]
    samples = np.random.default_rng(bits).integers(0, 2**bits, (5, 9, channels))
    unit = samples / (2**bits - 1)
    wanted = over_white(unit[..., :-1], unit[..., -1]) if channels in {2, 4} else unit
    tolerance = ROUNDED if channels in {2, 4} and bits == 8 else EXACT
    assert np.abs(pixels(build.png(samples, colour, bits)) - wanted).max() <= tolerance


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_with_and_without_opacity(pixels, bits):
    rng = np.random.default_rng(bits)
    colours = rng.integers(0, 256, (2**bits, 3))
    opacity = rng.integers(0, 256, 2**bits)
    samples = rng.integers(0, 2**bits, (4, 7))
    plte = chunk(b"PLTE", colours.astype(np.uint8).tobytes())
    assert np.abs(pixels(build.png(samples, PALETTE, bits, plte)) - colours[samples] / 255).max() <= EXACT
    trns = chunk(b"tRNS", opacity.astype(np.uint8).tobytes())
    wanted = over_white(colours[samples] / 255, opacity[samples] / 255)
    assert np.abs(pixels(build.png(samples, PALETTE, bits, plte, trns)) - wanted).max() <= ROUNDED


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_transparent_grey(pixels, bits):
    top = 2**bits - 1
    samples = np.array([[0, top, top // 2, 1]])
    file = build.png(samples, GREY, bits, chunk(b"tRNS", struct.pack(">H", top // 2)))
    wanted = np.where(samples == top // 2, 1, samples / top)
    assert np.abs(pixels(file) - wanted[..., None]).max() <= EXACT
    assert pixels.said == ["transparent pictures are laid over white"]


@pytest.mark.parametrize("bits", [8, 16])
def test_one_transparent_colour(pixels, bits):
    """Of 16 bits all count: a colour that has the same upper bytes stays."""
    top = 2**bits - 1
    samples = np.array([[[3, 2, 1], [3, 2, 2], [top, 0, 5]]])
    file = build.png(samples, RGB, bits, chunk(b"tRNS", struct.pack(">3H", 3, 2, 1)))
    wanted = samples / top
    wanted[0, 0] = 1
    assert np.abs(pixels(file) - wanted).max() <= EXACT


def test_an_opaque_alpha_channel_is_no_transparency(pixels):
    pixels(build.png(np.full((2, 2, 4), 255), RGBA))
    assert not pixels.said


GREYS = np.arange(0, 256, 5)[None, :, None].repeat(3, axis=2)


@pytest.mark.parametrize(
    ("chunks", "curve"),
    [
        ([build.gama(0.45455)], None),  # what writers of sRGB add
        ([build.gama(0.45455), build.chrm(build.SRGB)], None),
        ([build.gama(1.0), chunk(b"sRGB", b"\0")], None),  # sRGB counts
        ([build.gama(1.0)], lambda v: v),
        ([build.gama(0.55556)], lambda v: v ** (1 / 0.55556)),
        ([build.gama(1.0), build.iccp(build.rgb_profile(build.SRGB, build.curve(3.0)))], lambda v: v**3),
        ([chunk(b"cICP", bytes([1, 13, 0, 1])), build.gama(1.0)], None),  # cICP counts most
        ([chunk(b"cICP", bytes([1, 8, 0, 1]))], lambda v: v),
        ([chunk(b"cICP", bytes([1, 4, 0, 1])), chunk(b"sRGB", b"\0")], lambda v: v**2.2),
        ([chunk(b"cICP", bytes([1, 1, 0, 1]))], None),  # video's curve is shown as sRGB's
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_chunks_of_colour_in_their_order(pixels, chunks, curve, bits):
    """A step for curves at 8 bits, which are rounded to 8 bits; exact where nothing is to do."""
    found = pixels(build.png(GREYS * (1 if bits == 8 else 257), RGB, bits, *chunks))
    wanted = GREYS / 255 if curve is None else build.encode(curve(GREYS / 255))
    tolerance = EXACT if curve is None else (1 if bits == 8 else 0.05) / 255
    assert np.abs(found - wanted).max() <= tolerance
    assert not pixels.said


def test_linear_grey_by_gamma(pixels):
    samples = np.array([[0, 16384, 65535]])
    found = pixels(build.png(samples, GREY, 16, build.gama(1.0)))
    assert np.abs(found - build.encode(samples / 65535)[..., None]).max() <= 0.05 / 255


@pytest.mark.parametrize(
    "chunks",
    [
        [build.gama(0.45455), build.chrm(build.P3)],
        [build.chrm(build.P3)],
        [chunk(b"cICP", bytes([12, 13, 0, 1]))],
    ],
)
def test_primaries_are_converted(pixels, chunks):
    colours = np.array([[[200, 90, 40], [20, 180, 60], [30, 60, 220], [128, 128, 128]]])
    wanted = build.srgb_of(build.decode(colours / 255), build.P3)
    assert np.abs(pixels(build.png(colours, RGB, 8, *chunks)) - wanted).max() <= 1 / 255


@pytest.mark.parametrize(
    ("cicp", "reason"),
    [
        ((9, 16, 0, 1), "PQ"),
        ((9, 18, 0, 1), "HLG"),
        ((1, 13, 1, 1), "matrix"),
        ((1, 13, 0, 0), "narrow"),
        ((22, 13, 0, 1), "22"),
    ],
)
def test_what_is_no_light_of_a_screen_is_refused(pixels, cicp, reason):
    with pytest.raises(ImageError, match=reason):
        pixels(build.png(GREYS, RGB, 8, chunk(b"cICP", bytes(cicp))))


def test_a_damaged_gamma_is_said(pixels):
    assert np.abs(pixels(build.png(GREYS, RGB, 8, build.gama(0))) - GREYS / 255).max() <= EXACT
    assert "colour profile cannot be used" in pixels.said[0]


def test_orientation_of_sixteen_bits(pixels):
    """A picture whose EXIF says 6 is shown with its first column as the first row, turned."""
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    samples = np.array([[1, 2], [3, 4], [5, 6]]) * 1000
    found = pixels(build.png(samples, GREY, 16, chunk(b"eXIf", exif)))
    assert np.round(found[..., 0] * 65.535).tolist() == [[5, 3, 1], [6, 4, 2]]


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_cut_file_of_sixteen_bits_is_refused(pixels, share):
    whole = build.png(np.random.default_rng(0).integers(0, 65536, (20, 20, 3)), RGB, 16)
    with pytest.raises(ImageError, match=r"cut\.png"):
        pixels(whole[: int(len(whole) * share)], "cut.png")
