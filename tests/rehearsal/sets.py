"""Miniature releases of the paper's data sets in their true layouts, with opinions that follow the damage.

Every picture has a strength of its own, and its opinion falls with it, so the order in which a method must
put the pictures is known: `sharpness` puts blurred ones in order and noisy ones upside down.
"""

import numpy as np
from scipy.io import savemat

from tests.datasets import releases
from tests.rehearsal import pictures

COUNT = 10
REFERENCES, LEVELS = 3, 3

#: People of this set are made to like the blurred pictures better: a negative correlation must stay one.
REVERSED = "agiqa1k"


def strengths(count, low=0.45, high=2.4):
    """Blur of each picture, in an order that has nothing to do with the names."""
    ladder = np.geomspace(low, high, count)
    return ladder[np.random.RandomState(count).permutation(count)]


def opinions(strength, low, high, higher_is_better=True):
    """Opinions between `low` and `high` that fall with the strength, by its logarithm."""
    share = np.log(strength / strength.min()) / np.log(strength.max() / strength.min())
    margin = 0.1 * (high - low)
    worst, best = (low + margin, high - margin) if higher_is_better else (high - margin, low + margin)
    return [round(float(value), 4) for value in best + (worst - best) * share]


def authentic(name, folder, images, low, high, count=COUNT):
    """Write blurred pictures of different contents; returns their opinions."""
    strength = strengths(count)
    for image, sigma in zip(images, strength, strict=True):
        pictures.write(folder / image, pictures.blurred(pictures.texture(f"{name}/{image}"), sigma))
    return opinions(strength, low, high, higher_is_better=name != REVERSED)


def degraded(name, low, high, paths, *, higher_is_better):
    """Rows of `tests.datasets.releases` and the pictures of a set with references, blur and noise.

    ``paths(kind, reference, level, index)`` says path, type and reference path, ``kind`` 0 being blur.
    """
    order = np.arange(REFERENCES * LEVELS)
    ladders = np.geomspace(0.45, 2.4, len(order)), np.geomspace(0.01, 0.2, len(order))
    rows, drawn = [], {}
    for kind, ladder in enumerate(ladders):
        scores = opinions(ladder, low, high, higher_is_better)
        for place in order:
            level, reference = place // REFERENCES + 1, place % REFERENCES
            path, word, original = paths(kind, reference, level, int(place))
            texture = pictures.texture(f"{name}/{original}")
            drawn[original] = texture
            drawn[path] = (
                pictures.blurred(texture, ladder[place])
                if kind == 0
                else pictures.noisy(texture, ladder[place], path)
            )
            rows.append((path, word, original, scores[place]))
    return rows, drawn


def put(folder, drawn):
    for path, picture in drawn.items():
        pictures.write(folder / path, picture)


def koniq10k(folder):
    images = [f"1024x768/{10004473376 + 7 * i}.jpg" for i in range(COUNT)]
    scores = authentic("koniq10k", folder, images, 1, 100)
    parts = ["training", "training", "training", "validation", "test", "test"]
    body = [
        f"{image.split('/')[1]},0,0,25,73,7,105,{score},{releases.deviation(i)},{parts[i % 6]}"
        for i, (image, score) in enumerate(zip(images, scores, strict=True))
    ]
    header = "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set"
    releases.lines(folder / "koniq10k_distributions_sets.csv", [header, *body])


def clive(folder):
    training = [f"t{i}.bmp" for i in range(1, 8)]
    images = [f"{i + 3}.bmp" for i in range(COUNT)]
    scores = authentic("clive", folder, [f"Images/{image}" for image in images], 0, 100)
    for image in training:
        pictures.write(folder / "Images/trainingImages" / image, pictures.texture(image))
    names = np.array([[name] for name in training + images], dtype=object)
    std = [10 * releases.deviation(i) for i in range(7 + COUNT)]
    for what, values in (("Images", names), ("MOS", [[50.0] * 7 + scores]), ("StdDev", [std])):
        (folder / "Data").mkdir(exist_ok=True)
        savemat(folder / f"Data/All{what}_release.mat", {f"All{what}_release": values})


def flive(folder):
    images = [f"{'blur_dataset' if i % 2 else 'voc_emotic_ava'}/p{i:04d}.jpg" for i in range(COUNT)]
    scores = authentic("flive", folder / "database", images, 0, 100)
    body = [f"{image},{score}" for image, score in zip(images, scores, strict=True)]
    releases.lines(folder / "database/labels_image.csv", ["name,mos", *body])
    tested = [f"50,{image}" for image in images[::4]]
    releases.lines(folder / "database/labels640.csv", ["mos_image,name_image", *tested])
    valid = [f"{image},{i % 4 == 1}" for i, image in enumerate(images) if i % 4]
    releases.lines(folder / "database/labels=640_padded.csv", ["name_image,is_valid", *valid])


def spaq(folder):
    images = [f"TestImage/{i + 1:05d}.jpg" for i in range(COUNT)]
    scores = authentic("spaq", folder, images, 0, 100)
    rows = [(image, "Authentic", "", score) for image, score in zip(images, scores, strict=True)]
    touched = {image: (folder / image).read_bytes() for image in images}
    releases.spaq(folder, rows)
    for image, content in touched.items():
        (folder / image).write_bytes(content)


def agiqa1k(folder):
    images = [f"{'deepai' if i % 2 else 'dreamStudio'}_{i}.png" for i in range(COUNT)]
    scores = authentic("agiqa1k", folder, [f"file/{image}" for image in images], 0, 5)
    rows = [[image, "bird, city", score] for image, score in zip(images, scores, strict=True)]
    releases.sheet(folder / "AIGC_MOS_Zscore.xlsx", [["Image", "Prompt", "MOS"], *rows])


def agiqa3k(folder):
    images = [f"{'AttnGAN' if i % 2 else 'sd1.5'}_normal_{i:03d}.jpg" for i in range(COUNT)]
    scores = authentic("agiqa3k", folder, images, 0, 5)
    body = [
        f'{image},"a tray, of sushi",,,,{score},{releases.deviation(i)},{5 - score:.4f},0.5'
        for i, (image, score) in enumerate(zip(images, scores, strict=True))
    ]
    header = "name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align"
    releases.lines(folder / "data.csv", [header, *body])


def live(folder):
    def paths(kind, reference, level, index):
        word = ("gblur", "wn")[kind]
        return f"{word}/img{index + 1}.bmp", word, f"refimgs/photo{reference}.bmp"

    rows, drawn = degraded("live", 1, 100, paths, higher_is_better=False)
    releases.live(folder, rows)
    original = pictures.texture("live/original", (16, 16))
    for path in sorted(folder.rglob("*.bmp")):  # the unchanged references among the 982 files
        pictures.write(path, original)
    put(folder, drawn)


def csiq(folder):
    def paths(kind, reference, level, index):
        word, content = ("BLUR", "AWGN")[kind], ("1600", "woman", "trolley")[reference]
        return f"dst_imgs/{word}/{content}.{word}.{level}.png", word, f"src_imgs/{content}.png"

    rows, drawn = degraded("csiq", 0, 1, paths, higher_is_better=False)
    releases.csiq(folder, rows, "xlsx")
    put(folder, drawn)


def tid2013(folder):
    def paths(kind, reference, level, index):
        image = f"distorted_images/i{reference + 1:02d}_{('08', '01')[kind]}_{level}.bmp"
        return image, "", f"reference_images/I{reference + 1:02d}.BMP"

    rows, drawn = degraded("tid2013", 0, 9, paths, higher_is_better=True)
    releases.tid2013(folder, rows)
    put(folder, drawn)


def kadid10k(folder):
    def paths(kind, reference, level, index):
        image = f"images/I{reference + 1:02d}_{('01', '11')[kind]}_{level:02d}.png"
        return image, "", f"images/I{reference + 1:02d}.png"

    rows, drawn = degraded("kadid10k", 1, 5, paths, higher_is_better=True)
    releases.kadid10k(folder, rows)
    put(folder, drawn)


def kadis700k(folder):
    for i in range(COUNT):
        image = pictures.texture(f"kadis700k/{i}", pictures.LARGE)
        pictures.write(folder / f"ref_imgs/{100000 + 31 * i}.png", image)


BUILD = {
    build.__name__: build
    for build in (
        *(kadis700k, koniq10k, clive, flive, spaq, agiqa1k, agiqa3k),
        *(live, csiq, tid2013, kadid10k),
    )
}

#: Sets of the profile that have blurred pictures alone, and the name of the blur in the others.
BLURRED = ("koniq10k", "clive", "flive", "spaq", "agiqa1k", "agiqa3k")
BLUR = {"live": "gblur", "csiq": "BLUR", "tid2013": "gaussian_blur", "kadid10k": "gaussian_blur"}
NOISE = {"live": "wn", "csiq": "AWGN", "tid2013": "additive_gaussian_noise", "kadid10k": "white_noise"}
