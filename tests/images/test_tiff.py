"""TIFF of every photometric interpretation, depth and layout, built from bytes; exact unless said."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmark.images import ImageError
from tests.images.build import tiff, tiff_page, tiff_pages

EXACT = 1e-6
INVERTED, GREY, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
EXTRA, ORIENTATION, COLOURS = 338, 274, 320


def noise(bits, channels, size=(5, 9)):
    return np.random.default_rng(bits * channels).integers(0, 2**bits, (*size, channels))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16, 32])
def test_rgb_of_any_depth_and_layout(pixels, bits, planar, order):
    samples = noise(bits, 3, (4, 8))
    found = pixels(tiff(samples, RGB, bits, order=order, planar=planar))
    assert np.abs(found - samples / (2**bits - 1)).max() <= EXACT


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [INVERTED, GREY])
@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8, 10, 12, 14, 16, 32])
def test_grey_of_any_depth_whichever_is_white(pixels, photometric, bits, order):
    samples = noise(bits, 1, (4, 8))
    wanted = samples / (2**bits - 1)
    found = pixels(tiff(samples, photometric, bits, order=order))
    assert np.abs(found - (1 - wanted if photometric == INVERTED else wanted)).max() <= EXACT


@pytest.mark.parametrize("photometric", [INVERTED, GREY, RGB])
@pytest.mark.parametrize("bits", [16, 32, 64])
def test_floats_from_black_to_white(pixels, photometric, bits):
    samples = (
        np.random.default_rng(bits).random((3, 5, 3 if photometric == RGB else 1)).astype(f"f{bits // 8}")
    )
    samples[0, :2, 0] = 0, 1
    found = pixels(tiff(samples, photometric, bits, kind=3))
    assert np.abs(found - (1 - samples.astype(float) if photometric == INVERTED else samples)).max() <= EXACT


@pytest.mark.parametrize("values", [(0, 1.5), (-0.1, 1), (0, float("nan")), (0, float("inf")), (0, 255)])
@pytest.mark.parametrize("photometric", [INVERTED, GREY])
def test_floats_beyond_black_or_white_are_refused(pixels, values, photometric):
    with pytest.raises(ImageError, match=r"float values from .* where 0 is black and 1 white; scale"):
        pixels(tiff(np.array([values]), photometric, 32, kind=3))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_signed_samples_are_refused(pixels, bits):
    with pytest.raises(ImageError, match=r"signed.*white is not agreed; save unsigned"):
        pixels(tiff(np.array([[0, 100]]), GREY, bits, kind=2))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("colour", [GREY, RGB])
@pytest.mark.parametrize("kind", [1, 2])
def test_alpha_is_divided_out_where_it_was_multiplied_in(pixels, bits, colour, kind):
    """Over white, associated alpha (1) gives colour + 1 - alpha, unassociated (2) the usual sum."""
    top = 2**bits - 1
    alpha = np.array([[0, top // 3, top]])
    colours = np.minimum(
        noise(bits, 3 if colour == RGB else 1, (1, 3)).astype(int), alpha[..., None] if kind == 1 else top
    )
    file = tiff(np.concatenate([colours, alpha[..., None]], axis=-1), colour, bits, {EXTRA: ("H", [kind])})
    opacity, shown = alpha[..., None] / top, colours / top
    wanted = shown + 1 - opacity if kind == 1 else shown * opacity + 1 - opacity
    assert np.abs(pixels(file) - wanted).max() <= (0.5 / 255 + EXACT if bits == 8 else EXACT)
    assert pixels.said == ["transparent pictures are laid over white"]


def test_planes_with_alpha_of_sixteen_bits(pixels):
    samples = noise(16, 4, (3, 4))
    found = pixels(tiff(samples, RGB, 16, {EXTRA: ("H", [2])}, planar=True))
    unit = samples / 65535
    assert np.abs(found - (unit[..., :3] * unit[..., 3:] + 1 - unit[..., 3:])).max() <= EXACT


def test_extra_samples_that_are_no_alpha_are_left(pixels):
    samples = noise(16, 5)
    found = pixels(tiff(samples, RGB, 16, {EXTRA: ("H", [0, 0])}))
    assert np.abs(found - samples[..., :3] / 65535).max() <= EXACT
    with pytest.raises(ImageError, match="does not say what its extra samples are"):
        pixels(tiff(samples[..., :4], RGB, 16))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("scale", [1, 256, 257])
def test_palettes_however_their_writer_scaled_them(pixels, bits, scale):
    """Of 16 bits (8 bits times 257, or times 256), or by mistake of 8."""
    colours = np.random.default_rng(bits).integers(0, 256, (2**bits, 3))
    colours[0] = 255
    samples = noise(bits, 1, (4, 8))
    table = (colours.T * scale).ravel().tolist()
    found = pixels(tiff(samples, PALETTE, bits, {COLOURS: ("H", table)}))
    assert np.array_equal(np.round(found * 255), colours[samples[..., 0].astype(int)])


@pytest.mark.parametrize("bits", [8, 16])
def test_ink_without_a_profile_takes_light_away(pixels, bits):
    samples = noise(bits, 4)
    ink = samples / (2**bits - 1)
    tolerance = 0.5 / 255 + EXACT if bits == 8 else EXACT
    assert (
        np.abs(pixels(tiff(samples, CMYK, bits)) - (1 - ink[..., :3]) * (1 - ink[..., 3:])).max() <= tolerance
    )


@pytest.mark.parametrize(
    ("photometric", "reason"),
    [
        (LAB, "CIELab"),
        (9, "ICCLab"),
        (YCBCR, "YCbCr"),
        (32803, "raw of a camera"),
        (34892, "raw of a camera"),
        (4711, "4711"),
    ],
)
def test_other_colours_are_refused_by_name(pixels, photometric, reason):
    with pytest.raises(ImageError, match=rf"{reason}.*(convert|develop)"):
        pixels(tiff(noise(8, 3), photometric))


def test_channels_of_several_depths_are_refused(pixels):
    with pytest.raises(ImageError, match="different depths"):
        pixels(tiff(noise(8, 3), more={258: ("H", [5, 6, 5])}))
    with pytest.raises(ImageError, match="cannot be decoded"):
        pixels(tiff(noise(16, 3), bits=16, more={339: ("H", [1, 2, 1])}))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(pixels, orientation):
    """TIFF 6.0, page 36: where the stored first row and first column are on the upright picture."""
    stored = np.arange(6).reshape(2, 3) * 1000
    wanted = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].T,
        8: np.rot90(stored),
    }[orientation]
    found = pixels(tiff(stored, GREY, 16, {ORIENTATION: ("H", [orientation])}))
    assert np.round(found[..., 0] * 65535).tolist() == wanted.tolist()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_compressions_predictors_and_tiles(tmp_path, pixels, dtype, compression, predictor, tile):
    if predictor and compression in {None, "packbits"}:
        compression = "deflate"
    rng = np.random.default_rng(3)
    unit = rng.random((20, 37, 3))
    samples = unit.astype(dtype) if dtype == "float32" else (unit * np.iinfo(dtype).max).round().astype(dtype)
    tifffile.imwrite(
        tmp_path / "a.tif",
        samples,
        photometric="rgb",
        compression=compression,
        predictor=predictor,
        tile=tile,
        rowsperstrip=None if tile else 7,
    )
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    assert np.abs(pixels((tmp_path / "a.tif").read_bytes()) - samples / top).max() <= EXACT


def test_jpeg_inside_is_converted_to_rgb(pixels):
    """One colour, which JPEG keeps to rounding; also of 12 bits a sample."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 100, 50)).save(buffer, format="TIFF", compression="jpeg", quality=95)
    assert np.abs(pixels(buffer.getvalue()) * 255 - [200, 100, 50]).max() <= 3


def test_a_bilevel_fax(pixels):
    buffer = io.BytesIO()
    page = np.random.default_rng(0).random((16, 24)) < 0.5
    Image.fromarray(page).save(buffer, format="TIFF", compression="group4")
    assert np.array_equal(pixels(buffer.getvalue())[..., 0], page)


def test_the_first_page_that_is_no_thumbnail_is_taken(pixels):
    small = tiff_page(np.zeros((2, 2)), GREY, 8, {254: ("I", [1])})
    large = tiff_page(np.full((6, 7), 200), GREY, 8, {254: ("I", [0])})
    found = pixels(tiff_pages([small, large]))
    assert found.shape == (6, 7, 3)
    assert not pixels.said
    pixels(tiff_pages([large, large]), "pages.tif")
    assert [said.split("pages.tif: ")[1] for said in pixels.said] == ["has 2 pages; its first is taken"]
    with pytest.raises(ImageError, match="raw file of a camera, or no more than a thumbnail"):
        pixels(tiff_pages([small]))


def test_raw_files_of_cameras_are_refused(pixels):
    with pytest.raises(ImageError, match="raw file of a camera"):
        pixels(tiff(noise(8, 3), more={50706: ("B", [1, 4, 0, 0])}))
    canon = tiff(noise(8, 3))
    with pytest.raises(ImageError, match="Canon CR2"):
        pixels(canon[:8] + b"CR\2\0" + canon[12:])


def test_missing_pixels_are_refused_and_not_filled_with_black(tmp_path, pixels):
    whole = tiff(noise(16, 3, (40, 40)), bits=16)
    for share in (0.3, 0.99):
        with pytest.raises(ImageError, match=r"cut\.tif"):
            pixels(whole[: int(len(whole) * share)], "cut.tif")
    tags, strips = tiff_page(noise(8, 1), GREY, 8, {})
    with pytest.raises(ImageError, match="pixels missing"):
        pixels(tiff_pages([({**tags, 278: ("I", [3])}, [strips[0][:27], b""])]))


def test_big_tiff(tmp_path, pixels):
    samples = noise(16, 3).astype(np.uint16)
    tifffile.imwrite(tmp_path / "big.tif", samples, photometric="rgb", bigtiff=True)
    assert np.abs(pixels((tmp_path / "big.tif").read_bytes()) - samples / 65535).max() <= EXACT


def test_a_volume_is_refused(tmp_path, pixels):
    tifffile.imwrite(
        tmp_path / "v.tif",
        np.zeros((4, 16, 16), np.uint8),
        volumetric=True,
        tile=(4, 16, 16),
        photometric="minisblack",
    )
    with pytest.raises(ImageError, match="volume"):
        pixels((tmp_path / "v.tif").read_bytes())


def test_too_large_a_picture_is_refused_before_decoding(pixels):
    tags, strips = tiff_page(np.zeros((1, 1)), GREY, 8, {256: ("I", [50_000]), 257: ("I", [50_000])})
    with pytest.raises(ImageError, match="50000x50000 is more than"):
        pixels(tiff_pages([(tags, strips)]))
