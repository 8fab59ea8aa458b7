"""Picture files and profiles made from bytes as their specifications say, and the colours they mean."""

import struct
import zlib

import numpy as np

# --- colours -----------------------------------------------------------------------------------------------

#: CIE xy of red, green, blue and white.
SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290)
ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290)
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def encode(light):
    """Curve of sRGB (IEC 61966-2-1), from light to samples."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def decode(samples):
    samples = np.asarray(samples, dtype=float)
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def to_xyz(xy):
    """Matrix from light of primaries to XYZ under D50, adapted by Bradford's cones (ICC.1:2022, annex E)."""
    points = np.array(xy).reshape(4, 2)
    xyz = np.stack([points[:, 0], points[:, 1], 1 - points.sum(1)], axis=1) / points[:, 1:]
    primaries, white = xyz[:3].T, xyz[3]
    matrix = primaries * np.linalg.solve(primaries, white)
    cones = BRADFORD @ D50 / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ matrix


def srgb_of(light, xy):
    """Samples of sRGB, clipped, of light ``[..., 3]`` of other primaries."""
    return encode(np.asarray(light) @ np.linalg.solve(to_xyz(SRGB), to_xyz(xy)).T)


# --- ICC profiles ------------------------------------------------------------------------------------------


def _fixed(values):
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))


def curve(gamma=None, table=None):
    """A ``curv`` tag: an exponent, or a table of samples to light."""
    if table is not None:
        body = np.round(np.asarray(table) * 65535).astype(">u2")
        return b"curv\0\0\0\0" + struct.pack(">I", len(body)) + body.tobytes()
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def parametric(*parameters):
    """A ``para`` tag of type 3: gamma, a, b, c, d."""
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _fixed(parameters)


SRGB_CURVE = parametric(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(tags, space=b"RGB ", kind=b"mntr", name="made", pcs=b"XYZ "):
    """An ICC profile of version 2.4 with these tags besides description, copyright and white."""
    text = name.encode() + b"\0"
    said = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    white = b"XYZ \0\0\0\0" + _fixed(D50)
    tags = {b"desc": said, b"cprt": b"text\0\0\0\0none\0", b"wtpt": white, **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        table += key + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, kind, space, pcs)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def rgb_profile(xy, tone, name="made", **options):
    columns = to_xyz(xy).T
    tags = {
        key + b"XYZ": b"XYZ \0\0\0\0" + _fixed(column)
        for key, column in zip((b"r", b"g", b"b"), columns, strict=True)
    }
    return profile({**tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tone)}, name=name, **options)


def grey_profile(tone, name="grey"):
    return profile({b"kTRC": tone}, space=b"GRAY", name=name)


def table_profile(channels, space, corner):
    """A profile of one table (``mft1``, A2B0), two points an axis; `corner` gives CIELab of 0s and 1s."""
    identity = bytes(range(256))
    points = [corner(*bits) for bits in np.ndindex(*[2] * channels)]
    lab = b"".join(bytes([round(L * 2.55), round(a + 128), round(b + 128)]) for L, a, b in points)
    tag = b"mft1\0\0\0\0" + struct.pack(">BBBB", channels, 3, 2, 0) + _fixed(np.eye(3).ravel())
    tag += identity * channels + lab + identity * 3
    return profile({b"A2B0": tag}, space=space, kind=b"prtr", pcs=b"Lab ")


# --- PNG ---------------------------------------------------------------------------------------------------

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def packed(samples, bits):
    """Rows of samples ``[H, W * C]`` as bytes, the first sample in the highest bits, big-endian."""
    samples = np.asarray(samples)
    if bits % 8 == 0:
        return [row.astype(f">u{bits // 8}").tobytes() for row in samples]
    spread = samples[..., None] >> np.arange(bits)[::-1] & 1
    return [np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in spread]


def png(samples, colour=RGB, bits=8, *chunks):
    """A PNG of samples ``[H, W]`` or ``[H, W, C]`` as they are stored, with chunks before its pixels."""
    samples = np.asarray(samples)
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    rows = packed(samples.reshape(height, width * _CHANNELS[colour]), bits)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    whole = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


def iccp(profile_bytes, name=b"made"):
    return chunk(b"iCCP", name + b"\0\0" + zlib.compress(profile_bytes))


def gama(gamma):
    return chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


def chrm(xy):
    return chunk(b"cHRM", struct.pack(">8I", *(round(v * 100_000) for v in (*xy[6:], *xy[:6]))))


# --- TIFF --------------------------------------------------------------------------------------------------

_TYPES = {"B": 1, "H": 3, "I": 4, "Q": 16}


def tiff_page(samples, photometric, bits, more, order="<", planar=False, kind=1):
    """Tags and strips of one page; `samples` are ``[H, W, S]`` integers, or floats where `kind` is 3."""
    samples = np.asarray(samples)
    samples = samples[..., None] if samples.ndim == 2 else samples
    height, width, count = samples.shape
    planes = [samples[..., k : k + 1] for k in range(count)] if planar else [samples]
    strips = [_strip(plane.reshape(height, -1), bits, order, kind) for plane in planes]
    tags = {
        **{256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * count), 259: ("H", [1])},
        **{262: ("H", [photometric]), 277: ("H", [count]), 278: ("I", [height])},
        **{284: ("H", [2 if planar else 1]), 339: ("H", [kind] * count), **more},
    }
    return tags, strips


def _strip(rows, bits, order, kind):
    if kind == 3:
        return rows.astype(f"{order}f{bits // 8}").tobytes()
    if bits % 8 == 0:
        return rows.astype(f"{order}{'i' if kind == 2 else 'u'}{bits // 8}").tobytes()
    return b"".join(packed(rows, bits))


def tiff(samples, photometric=2, bits=8, more=None, order="<", **options):
    return tiff_pages([tiff_page(samples, photometric, bits, more or {}, order, **options)], order)


def tiff_pages(pages, order="<"):
    """A TIFF of pages, each with its values and strips behind its directory."""
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for number, (tags, strips) in enumerate(pages, 1):
        tags = {**tags, 273: ("I", [0] * len(strips)), 279: ("I", [len(strip) for strip in strips])}
        at = len(data) + 2 + 12 * len(tags) + 4
        bodies = {code: struct.pack(f"{order}{len(v)}{t}", *v) for code, (t, v) in tags.items()}
        long = sum(len(body) + len(body) % 2 for body in bodies.values() if len(body) > 4)
        places = np.cumsum([at + long, *map(len, strips)])[:-1].tolist()
        bodies[273] = struct.pack(f"{order}{len(places)}I", *places)
        directory, values = struct.pack(order + "H", len(tags)), b""
        for code in sorted(tags):
            kind, items = tags[code]
            directory += struct.pack(order + "HHI", code, _TYPES[kind], len(items))
            if len(bodies[code]) > 4:
                directory += struct.pack(order + "I", at + len(values))
                values += bodies[code] + bytes(len(bodies[code]) % 2)
            else:
                directory += bodies[code].ljust(4, b"\0")
        end = places[-1] + len(strips[-1])
        after = end + end % 2 if number < len(pages) else 0
        data += directory + struct.pack(order + "I", after) + values + b"".join(strips)
        data += bytes(len(data) % 2)
    return data
