"""JPEG, MPO, BMP, GIF, JPEG 2000, PNM, AVIF, HEIC and strangers: what each says of its samples is followed.

Lossy formats hold one colour, which they keep to a step or two; all others are exact to float32 unless said.
"""

import io
import struct

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from benchmark.images import ImageError, header
from tests.images import build

EXACT = 1e-6
FLAT = np.array([200, 100, 50])


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def flat(mode="RGB", colour=tuple(FLAT), size=(16, 16)):
    return Image.new(mode, size, colour)


# --- JPEG --------------------------------------------------------------------------------------------------


def test_further_pictures_of_a_phones_file_are_no_frames(pixels):
    file = saved(
        flat(), "MPO", save_all=True, append_images=[flat(colour="blue")], quality=100, subsampling=0
    )
    assert np.abs(pixels(file) * 255 - FLAT).max() <= 1
    assert not pixels.said


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_animations_give_their_first_frame_and_say_so(pixels, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    found = pixels(saved(flat(), kind, save_all=True, append_images=[flat(colour="blue")], **options), "film")
    assert np.abs(found * 255 - FLAT).max() <= 3
    assert [said.split("film: ")[1] for said in pixels.said] == ["animated; its first frame is taken"]


@pytest.mark.parametrize("transform", ["cmyk", "ycck"])
def test_ink_of_a_jpeg_is_stored_inverted_as_adobe_does(pixels, transform):
    """Stored (0, 255, 255, 128) is ink (255, 0, 0, 127): no red, half of the others; two steps of loss."""
    stored = np.full((16, 16, 4), [0, 255, 255, 128], np.uint8)
    file = imagecodecs.jpeg8_encode(stored, level=100, colorspace="cmyk", outcolorspace=transform)
    assert np.abs(pixels(file) * 255 - [0, 128, 128]).max() <= 2


def test_rgb_in_a_jpeg_without_luma(pixels):
    stored = np.full((16, 16, 3), FLAT, np.uint8)
    file = imagecodecs.jpeg8_encode(stored, level=100, colorspace="rgb", outcolorspace="rgb")
    assert np.abs(pixels(file) * 255 - FLAT).max() <= 1


def test_a_jpeg_of_twelve_bits_is_refused_by_name(pixels):
    file = imagecodecs.jpeg8_encode(np.full((8, 8), 2000, np.uint16), bitspersample=12)
    with pytest.raises(ImageError, match="JPEG that is damaged, lossless or has more than 8 bits"):
        pixels(file)


def jpeg_of(index):
    """A camera's JPEG whose interoperability directory holds this index (EXIF 2.32, 4.6.7)."""
    entries = lambda *rows: struct.pack(">H", len(rows)) + b"".join(rows) + bytes(4)  # noqa: E731
    row = lambda tag, kind, count, value: struct.pack(">HHI", tag, kind, count) + value  # noqa: E731
    exif = b"MM\0*" + struct.pack(">I", 8)
    exif += entries(row(0x8769, 4, 1, struct.pack(">I", 26)))  # the EXIF directory, behind 8 + 18 bytes
    exif += entries(row(0xA005, 4, 1, struct.pack(">I", 44)))  # which points to the interoperability one
    exif += entries(row(1, 2, 4, index + b"\0"))
    return saved(flat(), "JPEG", quality=100, subsampling=0, exif=b"Exif\0\0" + exif)


def test_adobe_rgb_of_a_camera_without_a_profile(pixels):
    """DCF 2.0: R03 is Adobe RGB, R98 is sRGB. A step of JPEG's loss, stretched by the wider gamut."""
    wanted = build.srgb_of((FLAT / 255) ** (563 / 256), build.ADOBE)
    assert np.abs(pixels(jpeg_of(b"R03")) - wanted).max() <= 2.5 / 255
    assert np.abs(wanted * 255 - FLAT).max() > 10
    assert np.abs(pixels(jpeg_of(b"R98")) * 255 - FLAT).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_profiles_of_lossy_files(pixels, kind):
    icc = build.rgb_profile(build.SRGB, build.curve(1.0), name="sRGB but linear")
    options = (
        {"subsampling": 0}
        if kind == "JPEG"
        else {"subsampling": "4:4:4"}
        if kind == "AVIF"
        else {"lossless": True}
    )
    found = pixels(saved(flat(), kind, quality=100, icc_profile=icc, **options))
    assert np.abs(found - build.encode(FLAT / 255)).max() <= 2 / 255


def test_ink_of_a_jpeg_goes_by_its_profile(pixels):
    """A press whose cyan is Lab (60, -50, 0); three steps for JPEG and a table of bytes."""
    icc = build.table_profile(4, b"CMYK", lambda c, m, y, k: ((1 - k) * (100 - 40 * c), (1 - k) * -50 * c, 0))
    found = pixels(saved(flat("CMYK", (255, 0, 0, 0)), "JPEG", quality=100, icc_profile=icc))
    f = np.array([(60 + 16) / 116 - 50 / 500, (60 + 16) / 116, (60 + 16) / 116])
    light = np.linalg.solve(build.to_xyz(build.SRGB), build.D50 * f**3)
    assert np.abs(found - build.encode(light)).max() <= 3 / 255


# --- BMP ---------------------------------------------------------------------------------------------------


def bmp(size, bits, rows, compression=0, masks=(), palette=b"", header=40, colours=b""):
    """A BMP of stored rows; from its fourth version on a header states masks and colours itself."""
    info = struct.pack(
        "<IiiHHIIiiII", header, *size, 1, bits, compression, len(rows), 0, 0, len(palette) // 4, 0
    )
    mask = struct.pack(f"<{len(masks)}I", *masks)
    info = (info + mask).ljust(56, b"\0") + colours if header > 40 else info + mask
    info = info.ljust(header, b"\0")
    at = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + info + palette + rows


@pytest.mark.parametrize("masks", [(), (0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)])
def test_bmp_of_sixteen_bits(pixels, masks):
    """Five or six bits a channel; Pillow cuts, so that it may be a step too dark."""
    green, red = (6, 11) if masks and masks[0] == 0xF800 else (5, 10)
    top = np.array([31, 2**green - 1, 31])
    colours = np.array([[0, 0, 0], [31, top[1], 31], [16, 20, 3], [7, 1, 30]])
    words = (colours[:, 0] << red) | (colours[:, 1] << 5) | colours[:, 2]
    found = pixels(bmp((4, 1), 16, words.astype("<u2").tobytes(), 3 if masks else 0, masks))[0]
    assert np.abs(found - colours / top).max() <= 1 / 255
    assert np.array_equal(found[:2], [[0] * 3, [1] * 3])


BGRA = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def test_bmp_of_thirty_two_bits(pixels):
    pixel = lambda alpha: bytes([50, 100, 200, alpha])  # noqa: E731
    assert np.abs(pixels(bmp((1, 1), 32, pixel(0))) * 255 - FLAT).max() <= 1e-4
    half = (FLAT * 128 + 255 * 127) / 255
    rows = pixel(128) + pixel(255)
    assert np.abs(pixels(bmp((2, 1), 32, rows, 3, BGRA, header=108))[0] * 255 - [half, FLAT]).max() <= 0.5
    assert np.abs(pixels(bmp((1, 1), 32, pixel(0), 3, BGRA, header=108)) * 255 - FLAT).max() <= 1e-4
    assert not pixels.said
    with pytest.raises(ImageError, match="bitfields"):
        pixels(bmp((1, 1), 32, pixel(0), 3, (0x3FF, 0xFFC00, 0x3FF00000)))


def test_bmp_by_run_lengths_and_palette(pixels):
    palette = bytes([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 9, 9, 9, 0])
    red, green, blue, grey = [1, 0, 0], [0, 1, 0], [0, 0, 1], [9 / 255] * 3
    for bits, compression, rows, wanted in [
        (8, 1, bytes([2, 0, 2, 1, 0, 0, 0, 1]), [red, red, green, green]),
        (8, 1, bytes([1, 1, 0, 2, 2, 0, 1, 3, 0, 1]), [green, red, red, grey]),
        (4, 2, bytes([4, 0x01, 0, 0, 0, 1]), [red, green, red, green]),
        (4, 0, b"\x01\x23\0\0", [red, green, blue, grey]),
        (1, 0, b"\x50\0\0\0", [red, green, red, green]),
    ]:
        colours = palette[: 4 * min(4, 2**bits)]
        assert (
            np.abs(pixels(bmp((4, 1), bits, rows, compression, palette=colours))[0] - wanted).max() <= EXACT
        )


def test_bmp_goes_by_the_profile_or_the_colours_of_its_header(pixels):
    rows = bytes([50, 100, 200, 0])
    icc = build.rgb_profile(build.SRGB, build.curve(1.0))
    at = struct.pack("<I36x12xIII", 0x4D424544, 4, 124 + 4, len(icc))
    linear = build.encode(FLAT / 255)
    assert np.abs(pixels(bmp((1, 1), 24, rows, header=124, colours=at) + icc) - linear).max() <= 1 / 255
    # XYZ of sRGB's primaries under D65 (IEC 61966-2-1) as 2.30, and a gamma of 1 as 16.16
    xyz = [0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505]
    stated = struct.pack("<I9I3I", 0, *(round(v * 2**30) for v in xyz), *[65536] * 3)
    assert np.abs(pixels(bmp((1, 1), 24, rows, header=108, colours=stated)) - linear).max() <= 1 / 255
    empty = struct.pack("<I", 0)
    assert np.abs(pixels(bmp((1, 1), 24, rows, header=108, colours=empty)) * 255 - FLAT).max() <= 1e-4
    with pytest.raises(ImageError, match="profile is in another file"):
        pixels(bmp((1, 1), 24, rows, header=124, colours=struct.pack("<I", 0x4C494E4B)))


# --- GIF ---------------------------------------------------------------------------------------------------


def gif(indices, box, screen, transparent=None):
    """Four colours, one frame; codes of eight bits, so that the dictionary never needs more."""
    left, top, width, height = box
    colours = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    data = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, 1, 0) + colours
    if transparent is not None:
        data += b"!\xf9\4" + struct.pack("<BHBB", 1, 0, transparent, 0)
    codes = bytes([128, *indices, 129])
    return (
        data
        + b","
        + struct.pack("<HHHHB", left, top, width, height, 0)
        + bytes([7, len(codes)])
        + codes
        + b"\0;"
    )


def test_gif_with_a_transparent_colour_and_a_frame_smaller_than_the_screen(pixels):
    red, blue, grey, white = [1, 0, 0], [0, 0, 1], [9 / 255] * 3, [1, 1, 1]
    assert (
        np.abs(pixels(gif([0, 1, 2, 3], (0, 0, 4, 1), (4, 1), 1))[0] - [red, white, blue, grey]).max()
        <= EXACT
    )
    for transparent in (None, 0):
        found = pixels(gif([2, 3], (2, 0, 2, 1), (4, 1), transparent))[0]
        assert np.abs(found - [white, white, blue, grey]).max() <= EXACT


# --- JPEG 2000 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 4, 8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_2000_of_every_depth(pixels, bits, channels):
    samples = np.random.default_rng(bits).integers(0, 2**bits, (16, 16, channels))
    samples[0, :2] = [[0], [2**bits - 1]]
    stored = samples.astype(np.uint8 if bits <= 8 else np.uint16).squeeze()
    file = imagecodecs.jpeg2k_encode(stored, level=0, bitspersample=bits, mct=False, reversible=True)
    assert np.abs(pixels(file) - samples / (2**bits - 1)).max() <= EXACT


def test_jpeg_2000_whose_samples_have_no_one_reading(pixels):
    signed = imagecodecs.jpeg2k_encode(np.full((8, 8), -5, np.int16), level=0)
    with pytest.raises(ImageError, match="JPEG 2000 whose samples are signed"):
        pixels(signed)
    four = imagecodecs.jpeg2k_encode(np.full((8, 8, 4), 5, np.uint16), level=0)
    with pytest.raises(ImageError, match="more than grey or RGB"):
        pixels(four)
    plain = saved(flat(), "JPEG2000")
    at = plain.index(b"colr") + 7
    with pytest.raises(ImageError, match="colour space 14"):  # CIELab
        pixels(plain[:at] + struct.pack(">I", 14) + plain[at + 4 :])


def test_jpeg_2000_by_a_palette(pixels):
    """Indices into three colours (ISO/IEC 15444-1, I.5.3.4 and I.5.3.5)."""
    indices = np.arange(64, dtype=np.uint8).reshape(8, 8) % 3
    plain = saved(Image.fromarray(indices), "JPEG2000")
    colours = bytes([255, 0, 0, 0, 255, 0, 1, 2, 3])
    box = lambda name, body: struct.pack(">I4s", 8 + len(body), name) + body  # noqa: E731
    palette = box(b"pclr", struct.pack(">HB3B", 3, 3, 7, 7, 7) + colours)
    mapping = box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, column) for column in range(3)))
    stated = box(b"colr", struct.pack(">BBBI", 1, 0, 0, 16))
    header = plain.index(b"jp2h") - 4
    (size,) = struct.unpack_from(">I", plain, header)
    colr = plain.index(b"colr") - 4
    (old,) = struct.unpack_from(">I", plain, colr)
    inside = plain[header + 8 : colr] + stated + palette + mapping + plain[colr + old : header + size]
    file = plain[:header] + box(b"jp2h", inside) + plain[header + size :]
    wanted = np.frombuffer(colours, np.uint8).reshape(3, 3)[indices]
    assert np.abs(pixels(file) * 255 - wanted).max() <= 1e-4


# --- PNM ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "wanted", "tolerance"),
    [
        (b"P2\n# words\n4 1\n100\n0 50 100 25\n", [0, 0.5, 1, 0.25], 0.5 / 255 + EXACT),
        (
            b"P5\n4 1\n1023\n" + struct.pack(">4H", 0, 1, 512, 1023),
            np.array([0, 1, 512, 1023]) / 1023,
            0.51 / 65535,
        ),
        (b"P5\n3 1\n65535\n" + struct.pack(">3H", 0, 1, 65535), np.array([0, 1, 65535]) / 65535, EXACT),
        (b"P1\n4 1\n0 1 0 1\n", [1, 0, 1, 0], 0),
        (b"P4\n4 1\n\x50", [1, 0, 1, 0], 0),
        (b"Pf\n2 1\n-1.0\n" + struct.pack("<2f", 0.25, 1), [0.25, 1], 0),
        (b"Pf\n2 1\n1.0\n" + struct.pack(">2f", 0.25, 1), [0.25, 1], 0),
    ],
)
def test_grey_pnm_by_its_largest_value(pixels, file, wanted, tolerance):
    assert np.abs(pixels(file)[0] - np.array(wanted)[:, None]).max() <= tolerance


def test_colour_pnm_is_rounded_to_eight_bits(pixels):
    file = b"P6\n1 1\n65535\n" + struct.pack(">3H", 128, 32_700, 65_535)
    assert np.abs(pixels(file)[0, 0] - np.array([128, 32_700, 65_535]) / 65_535).max() <= 0.5 / 255
    assert np.abs(pixels(b"P6\n1 1\n15\n\1\7\17")[0, 0] - np.array([1, 7, 15]) / 15).max() <= EXACT


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"Pf\n1 1\n-2.0\n" + struct.pack("<f", 0.5), "PFM in units of 2"),
        (b"Pf\n1 1\n-1.0\n" + struct.pack("<f", 3.5), "float values from 3.5 to 3.5"),
        (b"PF\n1 1\n-1.0\n" + struct.pack("<3f", 0, 0, 0), "PFM in colour"),
    ],
)
def test_floats_of_another_white_are_refused(pixels, file, reason):
    with pytest.raises(ImageError, match=reason):
        pixels(file)


# --- AVIF and HEIC -----------------------------------------------------------------------------------------


def avif(primaries, transfer):
    stored = np.full((16, 16, 3), FLAT, np.uint8)
    return imagecodecs.avif_encode(
        stored, level=100, primaries=primaries, transfer=transfer, matrix=1, pixelformat="444"
    )


def heic(primaries, transfer):
    buffer = io.BytesIO()
    stored = np.broadcast_to(FLAT.astype(np.uint8), (64, 64, 3)).tobytes()
    stated = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 1}
    pillow_heif.from_bytes("RGB", (64, 64), stored).save(
        buffer, quality=100, chroma=444, save_nclx_profile=True, **stated
    )
    return buffer.getvalue()


@pytest.mark.parametrize("made", [avif, heic])
@pytest.mark.parametrize(
    ("primaries", "transfer", "xy", "curve"),
    [
        (1, 13, build.SRGB, build.decode),
        (1, 1, build.SRGB, build.decode),
        (12, 13, build.P3, build.decode),
        (1, 8, build.SRGB, lambda v: v),
        (12, 4, build.P3, lambda v: v**2.2),
    ],
)
def test_stated_colours_are_converted(pixels, made, primaries, transfer, xy, curve):
    """Two steps for a lossy format, which saturated primaries stretch by a half."""
    wanted = build.srgb_of(curve(FLAT / 255), xy)
    assert np.abs(pixels(made(primaries, transfer)) - wanted).max() <= 3 / 255


@pytest.mark.parametrize("made", [avif, heic])
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused(pixels, made, transfer, name):
    with pytest.raises(ImageError, match=rf"high dynamic range \({name}\); map its tones"):
        pixels(made(9, transfer))


def test_the_primary_picture_of_a_heic_is_taken(pixels):
    several = pillow_heif.from_bytes("RGB", (64, 64), bytes([255, 0, 0]) * 4096)
    several.add_frombytes("RGB", (64, 64), FLAT.astype(np.uint8).tobytes() * 4096)
    buffer = io.BytesIO()
    several.save(buffer, quality=100, primary_index=1)
    assert np.abs(pixels(buffer.getvalue(), "many") * 255 - FLAT).max() <= 2
    assert pixels.said[0].endswith("many: holds several pictures; its primary one is taken")


# --- strangers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["TGA", "PCX", "SGI", "ICO", "QOI", "DDS", "EPS"])
def test_formats_that_pillow_reads_and_we_do_not_know_are_refused_by_name(pixels, kind):
    with pytest.raises(ImageError, match=f"{kind} is not among the formats that are read; convert it to PNG"):
        pixels(saved(flat(), kind))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"#?RADIANCE\n", "Radiance"),
        (b"II\xbc\1", "JPEG XR"),
        (b"FUJIFILMCCD-RAW", "raw file of a camera"),
        (b"\0\0\0\x18ftypcrx ", "raw file of a camera"),
        (b"%PDF-1.7", "PDF"),
        (b"P7\nWIDTH 1\n", "PAM"),
    ],
)
def test_formats_that_people_have_are_refused_by_name(pixels, head, name):
    with pytest.raises(ImageError, match=rf"not a picture in a format that Pillow reads \(but {name}"):
        pixels(head + bytes(200))


# --- heads -------------------------------------------------------------------------------------------------


def test_heads_tell_format_and_size_of_what_pillow_does_not_open(tmp_path):
    """RGB of 12 bits, which Pillow takes for no picture; its thumbnail comes first."""
    small = build.tiff_page(np.zeros((2, 2)), 1, 8, {254: ("I", [1])})
    large = build.tiff_page(np.zeros((6, 8, 3), int), 2, 12, {})
    (tmp_path / "deep.tif").write_bytes(build.tiff_pages([small, large]))
    (tmp_path / "named.jpg").write_bytes(saved(flat(size=(9, 5)), "PNG"))
    (tmp_path / "none.png").write_bytes(b"no picture")
    assert header(tmp_path / "deep.tif") == ("TIFF", 8, 6)
    assert header(tmp_path / "named.jpg") == ("PNG", 9, 5)
    with pytest.raises(ImageError, match=r"none\.png: not a picture"):
        header(tmp_path / "none.png")
