"""The 24 degradations written plainly: float64, one image [H, W, 3] at a time, from their definitions.

Nothing here is shared with `benchmark.degradations`. Colour comes from scikit-image, filtering, splines
and warping from SciPy, codecs from Pillow. What is random is an argument (`draws`), in the form in which
the engine draws it.
"""

import io
import math
import warnings

import numpy as np
from PIL import Image
from scipy import interpolate, ndimage
from skimage import color


def clip(image):
    return np.clip(image, 0, 1)


# --- blur ---------------------------------------------------------------------------------------------


def correlate(image, kernel):
    planes = np.moveaxis(image, -1, 0)
    return np.stack([ndimage.correlate(plane, kernel, mode="nearest") for plane in planes], -1)


def gaussian(sigma, size):
    reach = size // 2
    kernel = np.array(
        [
            [math.exp(-(x * x + y * y) / (2 * sigma * sigma)) for x in range(-reach, reach + 1)]
            for y in range(-reach, reach + 1)
        ]
    )
    return kernel / kernel.sum()


def size_for(sigma):
    return 2 * math.ceil(2 * sigma) + 1


def gaublur(image, sigma):
    return correlate(image, gaussian(sigma, size_for(sigma)))


def disk(radius, fine=40):
    """Share of fine x fine points of each pixel that lie inside the disk."""
    reach = math.ceil(radius - 0.5)
    points = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = points[:, None] ** 2 + points[None, :] ** 2 <= radius**2
    share = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean((1, 3))
    return share / share.sum()


def lensblur(image, radius):
    return correlate(image, disk(radius))


def line(length, angle, reach=8):
    """Weigh each pixel by 1 - distance to the segment of length - 1 pixels through the centre."""
    half = (length - 1) / 2
    end = np.array([half * math.cos(math.radians(angle)), half * math.sin(math.radians(angle))])
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            point = np.array([column, -row])
            if half:
                along = np.clip(point @ end / half**2, -1, 1)
                distance = np.linalg.norm(point - along * end)
            else:
                distance = np.linalg.norm(point)
            kernel[row + reach, column + reach] = max(1 - distance, 0)
    return kernel / kernel.sum()


def motionblur(image, length, angle):
    return correlate(image, line(length, int(angle)))


# --- colour -------------------------------------------------------------------------------------------


def lab_of(image):
    """LAB of the picture with red and blue exchanged, as the published models saw it."""
    return color.rgb2lab(image[..., ::-1])


def rgb_of(lab):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # colours outside the cube are clipped, and meant to be
        return color.lab2rgb(lab)[..., ::-1]


def truncate(image):
    return np.floor(clip(image) * 255 + 1e-3) / 255


def colordiff(image, amount):
    lab = lab_of(image)
    sigma = 1.5 * amount + 2
    line_ = gaussian(sigma, size_for(sigma))[size_for(sigma) // 2]
    line_ = line_ / line_.sum()
    for channel in (1, 2):
        rows = ndimage.correlate1d(lab[..., channel], line_, axis=0, mode="nearest")
        lab[..., channel] = amount * ndimage.correlate1d(rows, line_, axis=1, mode="nearest")
    return truncate(rgb_of(lab))


def colorshift(image, amount, direction):
    down, right = (round(float(part) * amount) for part in direction)
    luma = image @ np.array([0.299, 0.587, 0.114])
    slopes = [ndimage.correlate1d(luma, [-0.5, 0, 0.5], axis=axis, mode="nearest") for axis in (0, 1)]
    mask = ndimage.correlate(np.hypot(*slopes), gaussian(4, 17), mode="nearest")
    mask = (mask - mask.min()) / (mask.max() - mask.min())
    height, width = luma.shape
    shifted = image.copy()
    for row in range(height):
        for column in range(width):
            source = image[max(row - down, 0), max(column - right, 0), 1]
            weight = mask[row, column]
            shifted[row, column, 1] = weight * source + (1 - weight) * image[row, column, 1]
    return shifted


def colorsat1(image, factor):
    hsv = color.rgb2hsv(image)
    hsv[..., 1] *= factor
    return color.hsv2rgb(hsv)


def colorsat2(image, factor):
    lab = lab_of(image)
    lab[..., 1:] *= factor
    return truncate(rgb_of(lab))


# --- codecs -------------------------------------------------------------------------------------------


def coded(image, **settings):
    stream = io.BytesIO()
    Image.fromarray((truncate(image) * 255).round().astype(np.uint8)).save(stream, **settings)
    return np.asarray(Image.open(stream)) / 255


def jpeg(image, quality):
    return coded(image, format="JPEG", quality=int(quality))


def jpeg2000(image, ratio):
    resolutions = min(8, int(math.log2(min(image.shape[:2]))) + 1)
    return coded(
        image, format="JPEG2000", quality_mode="rates", quality_layers=[ratio], num_resolutions=resolutions
    )


# --- noise: the fields come as [3, H, W] --------------------------------------------------------------


def whitenoise(image, variance, noise):
    return image + math.sqrt(variance) * np.moveaxis(noise, 0, -1)


def whitenoise_cc(image, variance, noise):
    red, green, blue = np.moveaxis(image, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = 0.564 * (blue - luma) + 0.5, 0.713 * (red - luma) + 0.5
    luma, cb, cr = np.stack([luma, cb, cr]) + math.sqrt(variance) * noise
    cb, cr = cb - 0.5, cr - 0.5
    return np.stack([luma + 1.403 * cr, luma - 0.714 * cr - 0.344 * cb, luma + 1.773 * cb], -1)


def impulsenoise(image, density, hits, extremes):
    planes = np.moveaxis(image, -1, 0).copy()
    flat = planes.reshape(-1)
    taken = set()
    for place, hit in enumerate(hits[: int(density * flat.size)]):
        if int(hit) not in taken:
            flat[hit] = 1 if place % 2 == 0 else 0
            taken.add(int(hit))
    return np.moveaxis(planes, 0, -1)


def multnoise(image, variance, noise):
    return image * (1 + math.sqrt(variance) * np.moveaxis(noise, 0, -1))


# --- brightness and contrast --------------------------------------------------------------------------


def parabola(values, middle):
    curve = interpolate.BarycentricInterpolator([0, 0.5, 1], [0, middle, 1])
    return clip(curve(values))


def brighten(image, amount):
    lab = lab_of(image)
    lab[..., 0] = 100 * parabola(lab[..., 0] / 100, 0.5 + amount / 2)
    return (2 * parabola(image, 0.5 + amount / 2) + clip(rgb_of(lab))) / 3


def darken(image, amount):
    return parabola(image, 0.5 - amount / 2)


def meanshift(image, amount):
    return image + amount


def highsharpen(image, amount):
    lab = lab_of(image)
    lightness = lab[..., 0]
    blurred = ndimage.correlate(lightness, gaussian(6, 13), mode="nearest")
    lab[..., 0] = lightness + amount * (lightness - blurred)
    return rgb_of(lab)


def lincontrchange(image, amount):
    knots, heights = [0, 0.3, 0.5, 0.7, 1], [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1]
    return interpolate.CubicSpline(knots, heights, bc_type="not-a-knot")(image)


def nonlincontrchange(image, offset):
    return np.interp(image, [0, 1], [0.5 - offset, 0.5 + offset])


# --- space --------------------------------------------------------------------------------------------


def jitter(image, amount, warps):
    """``warps [5, H, W, 2]``: displacement to the right and down, times ``amount``."""
    rows, columns = np.indices(image.shape[:2]).astype(float)
    for right, down in np.moveaxis(warps, -1, 1):
        places = [rows + amount * down, columns + amount * right]
        image = np.stack(
            [ndimage.map_coordinates(image[..., c], places, order=1, mode="nearest") for c in range(3)], -1
        )
    return image


def noneccpatch(image, count, moves):
    image = image.copy()
    for y, x, v, u in moves[: int(count)]:
        patch = image[y : y + 16, x : x + 16].copy()
        image[v : v + 16, u : u + 16] = patch
    return image


def pixelate(image, strength):
    height, width = image.shape[:2]
    scale = 0.95 - strength**0.6
    low, narrow = int(height * scale), int(width * scale)
    rows = [(row * low // height) * height // low for row in range(height)]
    columns = [(column * narrow // width) * width // narrow for column in range(width)]
    return image[rows][:, columns]


def quantization(image, count):
    count = int(count)
    edges = [0] + [int(255 * i / count) for i in range(1, count)]
    values = np.round(image * 255, 3)  # whole grey levels, free of float32 rounding
    binned = sum((values > edge).astype(float) for edge in edges)
    if binned.min() < binned.max():
        binned = (binned - binned.min()) / (binned.max() - binned.min())
    return binned


def colorblock(image, count, colours, corners):
    image = image.copy()
    for place in reversed(range(int(count))):
        y, x = corners[place]
        image[y : y + 32, x : x + 32] = colours[place]
    return image


#: Strength of levels 1 to 5 as published (ARNIQA, WACV 2024, supplementary material, and its code).
PUBLISHED = {
    "gaublur": (0.1, 0.5, 1, 2, 5),
    "lensblur": (1, 2, 4, 6, 8),
    "motionblur": (1, 2, 4, 6, 10),
    "colordiff": (1, 3, 6, 8, 12),
    "colorshift": (1, 3, 6, 8, 12),
    "colorsat1": (0.4, 0.2, 0.1, 0, -0.4),
    "colorsat2": (1, 2, 3, 6, 9),
    "jpeg2000": (16, 32, 45, 120, 170),
    "jpeg": (43, 36, 24, 7, 4),
    "whitenoise": (0.001, 0.002, 0.003, 0.005, 0.01),
    "whitenoiseCC": (0.0001, 0.0005, 0.001, 0.002, 0.003),
    "impulsenoise": (0.001, 0.005, 0.01, 0.02, 0.03),
    "multnoise": (0.001, 0.005, 0.01, 0.02, 0.05),
    "brighten": (0.1, 0.2, 0.4, 0.7, 1.1),
    "darken": (0.05, 0.1, 0.2, 0.4, 0.8),
    "meanshift": (0, 0.08, -0.08, 0.15, -0.15),
    "jitter": (0.05, 0.1, 0.2, 0.5, 1),
    "noneccpatch": (20, 40, 60, 80, 100),
    "pixelate": (0.01, 0.05, 0.1, 0.2, 0.5),
    "quantization": (20, 16, 13, 10, 7),
    "colorblock": (2, 4, 6, 8, 10),
    "highsharpen": (1, 2, 3, 6, 12),
    "lincontrchange": (0.0, 0.15, -0.4, 0.3, -0.6),
    "nonlincontrchange": (0.4, 0.3, 0.2, 0.1, 0.05),
}
#: Ours in the monotone order, where they differ (docs/degradations.md).
RISING = {
    "gaublur": (0.35, 0.5, 1, 2, 5),
    "motionblur": (1.5, 2, 4, 6, 10),
    "colorsat2": (1.5, 2, 3, 6, 9),
    "colorshift": (1, 2, 4, 8, 16),
    "pixelate": (0.001, 0.05, 0.1, 0.25, 0.5),
    "meanshift": (0.03, 0.06, 0.09, 0.12, 0.15),
    "lincontrchange": (0.1, 0.2, 0.3, 0.4, 0.5),
}

ORACLES = {
    "gaublur": gaublur,
    "lensblur": lensblur,
    "motionblur": motionblur,
    "colordiff": colordiff,
    "colorshift": colorshift,
    "colorsat1": colorsat1,
    "colorsat2": colorsat2,
    "jpeg2000": jpeg2000,
    "jpeg": jpeg,
    "whitenoise": whitenoise,
    "whitenoiseCC": whitenoise_cc,
    "impulsenoise": impulsenoise,
    "multnoise": multnoise,
    "brighten": brighten,
    "darken": darken,
    "meanshift": meanshift,
    "jitter": jitter,
    "noneccpatch": noneccpatch,
    "pixelate": pixelate,
    "quantization": quantization,
    "colorblock": colorblock,
    "highsharpen": highsharpen,
    "lincontrchange": lincontrchange,
    "nonlincontrchange": nonlincontrchange,
}


def degraded(kind, image, amount, draws=()):
    """Apply the oracle to ``image [H, W, 3]``; the result is clipped to [0, 1]."""
    return clip(ORACLES[kind](image.astype(np.float64), amount, *draws))
