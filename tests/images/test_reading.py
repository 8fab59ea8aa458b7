"""Every picture below is made by hand, so that its right pixels are known without the code under test."""

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from fractions import Fraction

import numpy as np
import pillow_heif
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms

from benchmark.images import EXTENSIONS, ImageError, ImageNotice, decoding, read, write_png

RED_GREEN = np.array([[[255, 0, 0], [0, 255, 0]]], dtype=np.uint8)  # one row, two columns


def saved(tmp_path, image, name="picture.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def columns(tensor):
    """Pixels of the first row as a list of RGB triples in 0..255."""
    return tensor[:, 0].T.mul(255).round().int().tolist()


def test_rgb_is_read_channel_first_in_unit_range(tmp_path):
    tensor = read(saved(tmp_path, Image.fromarray(RED_GREEN)))
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor.shape == (3, 1, 2)
    assert columns(tensor) == [[255, 0, 0], [0, 255, 0]]


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "CMYK"])
@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_survive_every_mode(tmp_path, mode, value):
    image = Image.new("RGB", (4, 3), (value,) * 3).convert(mode)
    name = "picture.tif" if mode == "CMYK" else "picture.png"
    tensor = read(saved(tmp_path, image, name))
    assert tensor.shape == (3, 3, 4)
    assert torch.equal(tensor, torch.full((3, 3, 4), value / 255))


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 400), st.integers(20, 400), st.sampled_from([32, 200, 512]))
def test_short_side_is_scaled_as_arniqa_scales_spaq(tmp_path_factory, width, height, side):
    """Pillow's bicubic filter in 8 bits, and the long side cut to whole pixels (its ``dataset_spaq.py``)."""
    path = tmp_path_factory.mktemp("scaled") / "a.png"
    pixels = np.random.default_rng([width, height]).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    aspect = Fraction(width, height)
    size = (side, int(side / aspect)) if width < height else (int(side * aspect), side)
    expected = np.asarray(Image.open(path).resize(size, Image.Resampling.BICUBIC))
    found = read(path, side)
    assert np.array_equal((found.permute(1, 2, 0) * 255).round().byte().numpy(), expected)


def test_short_side_follows_the_orientation_and_leaves_what_has_it(tmp_path):
    grey = Image.fromarray(np.full((40, 60), 30_000, np.uint16))
    grey.save(tmp_path / "grey.png")
    assert read(tmp_path / "grey.png", 20).shape == (3, 20, 30)
    assert read(tmp_path / "grey.png", 20).mean() == pytest.approx(30_000 / 65535, abs=1e-4)
    turned = Image.new("RGB", (60, 40))
    exif = turned.getexif()
    exif[0x0112] = 6  # a quarter turn
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert read(tmp_path / "turned.jpg", 20).shape == (3, 30, 20)
    assert read(tmp_path / "turned.jpg", 40).equal(read(tmp_path / "turned.jpg"))


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, [[1, 2], [3, 4], [5, 6]]), (3, [[6, 5], [4, 3], [2, 1]]), (6, [[5, 3, 1], [6, 4, 2]])],
)
def test_exif_orientation_turns_the_picture(tmp_path, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.uint8)
    tensor = read(saved(tmp_path, Image.fromarray(stored), exif=exif))
    assert tensor[0].mul(255).round().int().tolist() == expected


@pytest.mark.parametrize(
    ("mode", "pixel"), [("RGBA", (200, 100, 0, 128)), ("LA", (100, 128)), ("RGBA", (9, 9, 9, 0))]
)
def test_transparency_lies_over_white(tmp_path, mode, pixel):
    with pytest.warns(ImageNotice, match="laid over white"):
        tensor = read(saved(tmp_path, Image.new(mode, (2, 2), pixel)))
    colour = np.array(pixel[:-1] if mode == "RGBA" else pixel[:1] * 3, dtype=float)
    expected = (colour * pixel[-1] + 255 * (255 - pixel[-1])) / 255
    assert tensor[:, 0, 0].mul(255).numpy() == pytest.approx(expected, abs=1)


def test_palette_with_a_transparent_entry_lies_over_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    with pytest.warns(ImageNotice, match="laid over white"):
        tensor = read(saved(tmp_path, image, transparency=0))
    assert columns(tensor) == [[255, 255, 255], [0, 0, 255]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_of_sixteen_bits_keeps_its_depth(tmp_path, suffix):
    values = np.array([[0, 1, 32768, 65535]], dtype=np.uint16)
    tensor = read(saved(tmp_path, Image.fromarray(values), f"deep.{suffix}"))
    assert torch.equal(tensor[1, 0], torch.tensor([0, 1, 32768, 65535]) / 65535)


def test_float_outside_unit_range_is_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[0.0, 7.0]], dtype=np.float32)), "wild.tif")
    with pytest.raises(ImageError, match=r"wild\.tif: float values from 0 to 7"):
        read(path)


def test_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    path = saved(tmp_path, frames[0], "film.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(ImageNotice, match=r"film\.gif: animated; its first frame is taken"):
        assert columns(read(path)) == [[255, 0, 0]] * 2


def test_transparency_is_said_once_for_many_pictures(tmp_path):
    paths = [saved(tmp_path, Image.new("RGBA", (2, 2), (1, 2, 3, 4)), f"{index}.png") for index in range(3)]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        for path in paths:
            read(path)
    assert [str(notice.message) for notice in said] == ["transparent pictures are laid over white"]


def wide_gamut_profile():
    """A matrix profile whose red and green primaries are exchanged: any use of it shows at once."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = srgb.index(b"rXYZ"), srgb.index(b"gXYZ")
    swapped = bytearray(srgb)
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    for text in ("sRGB".encode("utf-16-be"), b"sRGB"):
        swapped = swapped.replace(text, text.replace(b"R", b"x"))
    return bytes(swapped)


def test_embedded_profile_is_converted_to_srgb(tmp_path):
    path = saved(tmp_path, Image.fromarray(RED_GREEN), icc_profile=wide_gamut_profile())
    expected = np.array([[0, 255, 0], [255, 0, 0]])
    assert np.abs(np.array(columns(read(path))) - expected).max() <= 2


def test_srgb_profile_leaves_every_pixel_alone(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tensor = read(saved(tmp_path, Image.fromarray(pixels), icc_profile=profile))
    assert np.array_equal(tensor.mul(255).round().byte().permute(1, 2, 0).numpy(), pixels)


def test_unusable_profile_is_said_and_the_picture_still_read(tmp_path):
    path = saved(tmp_path, Image.fromarray(RED_GREEN), icc_profile=b"no profile")
    with pytest.warns(UserWarning, match=r"picture\.png: its colour profile cannot be used"):
        tensor = read(path)
    assert columns(tensor) == [[255, 0, 0], [0, 255, 0]]


def photograph_bytes(suffix):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, format={"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp", "gif"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, suffix, share):
    data = photograph_bytes(suffix)
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=rf"cut\.{suffix}"):
        read(path)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), suffix=st.sampled_from(["jpg", "png", "tif", "webp", "gif"]))
def test_flipped_bytes_end_as_a_picture_or_a_reason(tmp_path_factory, seed, suffix):
    rng = np.random.default_rng(seed)
    data = bytearray(photograph_bytes(suffix))
    for place in rng.integers(0, len(data), 8):
        data[place] ^= int(rng.integers(1, 256))
    path = tmp_path_factory.mktemp("flip") / f"flipped.{suffix}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders warn of what they forgive
        try:
            tensor = read(path)
        except ImageError:
            return
    assert tensor.shape[0] == 3
    assert tensor.min() >= 0
    assert tensor.max() <= 1


def png(width, height, rows, bits=8):
    """A PNG in RGB as its standard says; each row begins with its filter."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    data = zlib.compress(rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 50_000])
def test_decompression_bombs_are_refused_before_decoding(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, b"\0" * 100))
    with pytest.raises(ImageError, match=r"bomb\.png.*more than \d+ pixels; scale or crop"):
        read(path)


def test_files_that_are_no_pictures_are_named_with_the_cure(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    for name, words in {
        "empty.png": "zero bytes.*get the file again",
        "text.png": "not a picture.*convert",
        "folder.jpg": "is a folder",
        "loop.png": "cannot be opened|does not exist",
        "pipe.png": "not a regular file",
        "absent.png": "does not exist; check the path",
        "x" * 300: "cannot be opened",
    }.items():
        with pytest.raises(ImageError, match=words) as caught:
            read(tmp_path / name)
        assert name in str(caught.value)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    pixels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9).map(lambda s: (*s, 3)))
)
def test_write_then_read_is_exact_for_eight_bits(tmp_path_factory, pixels):
    path = tmp_path_factory.mktemp("png") / "picture.png"
    image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    write_png(path, image)
    assert torch.equal(read(path), image)
    assert [entry.name for entry in path.parent.iterdir()] == ["picture.png"]


def test_write_rounds_and_clips(tmp_path):
    write_png(tmp_path / "a.png", torch.tensor([-1.0, 0.4999 / 255, 0.5001 / 255, 2.0]).expand(3, 1, 4))
    assert columns(read(tmp_path / "a.png")) == [[0] * 3, [0] * 3, [1] * 3, [255] * 3]


@pytest.mark.parametrize("image", [torch.zeros(1, 4, 4), torch.full((3, 2, 2), float("nan"))])
def test_write_refuses_what_is_no_picture(tmp_path, image):
    with pytest.raises(ValueError, match=r"a\.png"):
        write_png(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


def test_extensions_are_what_pillow_opens():
    pillow_heif.register_heif_opener()
    formats = Image.registered_extensions()
    assert EXTENSIONS - {".jif"} == {e for e in EXTENSIONS if formats.get(e) in decoding.FORMATS}


@pytest.mark.parametrize("ending", sorted(EXTENSIONS))
def test_every_ending_that_is_listed_is_of_a_format_that_is_read_and_known_by_its_head(tmp_path, ending):
    pillow_heif.register_heif_opener()
    path = tmp_path / f"flat{ending}"
    if ending == ".jif":
        flat(tmp_path / "flat.jpg").rename(path)
    else:
        Image.new("1" if ending == ".pbm" else "RGB", (64, 48), 1).save(path)
    assert read(path).shape == (3, 48, 64)
    assert decoding.is_picture(path.read_bytes()[: decoding.HEAD])


@pytest.mark.parametrize(
    "text", [b"Python 3", b"P10: first person", b"BMP files of the lab, 2024", b"PFM", b"%PDF-1.7", b""]
)
def test_no_text_is_taken_for_a_picture(text):
    assert not decoding.is_picture(text)


FLAT = np.array([200, 100, 50], dtype=np.uint8)


def flat(path, **options):
    """Save 64 x 48 pixels of one colour, which no lossy format harms by more than rounding."""
    if path.suffix in {".heic", ".heif"}:
        pixels = np.broadcast_to(FLAT, (48, 64, 3)).tobytes()
        pillow_heif.from_bytes("RGB", (64, 48), pixels).save(path, quality=95, **options)
    else:
        Image.new("RGB", (64, 48), tuple(FLAT)).save(path, quality=95, **options)
    return path


@pytest.mark.parametrize("ending", ["avif", "heic", "heif", "webp", "jpg", "jp2"])
def test_lossy_formats_keep_a_flat_colour(tmp_path, ending):
    tensor = read(flat(tmp_path / f"flat.{ending}"))
    assert tensor.shape == (3, 48, 64)
    assert np.abs(tensor.mul(255).numpy() - FLAT[:, None, None]).max() <= 3


@pytest.mark.parametrize("ending", ["avif", "heic"])
def test_phones_pictures_are_turned_and_read_under_any_name(tmp_path, ending):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = flat(tmp_path / f"upright.{ending}", exif=exif.tobytes())
    assert read(path).shape == (3, 64, 48)
    assert torch.equal(read(path.rename(tmp_path / "named.jpg")), read(path.with_name("named.jpg")))
    path.with_name("named.jpg").write_bytes(path.with_name("named.jpg").read_bytes()[:-60])
    with pytest.raises(ImageError, match=r"named\.jpg"):
        read(path.with_name("named.jpg"))


def test_without_its_plug_in_heic_is_refused_with_the_cure(tmp_path):
    path = flat(tmp_path / "a.heic")
    code = (
        "import sys; sys.modules['pillow_heif'] = None; from benchmark.images import read; read(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert "a.heic: not a picture in a format that Pillow reads" in done.stderr
    assert "for HEIC install pillow-heif" in done.stderr


def test_colours_of_sixteen_bits_become_eight(tmp_path):
    deep = np.array([[[0, 257 * 100, 65535], [257 * 7, 257 * 8, 257 * 9]]], dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    (tmp_path / "deep.png").write_bytes(png(2, 1, rows, bits=16))
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    for name in ("deep.png", "deep.tif"):
        assert columns(read(tmp_path / name)) == [[0, 100, 255], [7, 8, 9]]


def test_ink_of_a_jpeg_becomes_light(tmp_path):
    # By the plain formula (1 - ink)(1 - black): cyan leaves green and blue, black halves them.
    path = saved(tmp_path, Image.new("CMYK", (16, 16), (255, 0, 0, 127)), "ink.jpg", quality=100)
    assert np.abs(np.array(columns(read(path))[0]) - [0, 128, 128]).max() <= 2
