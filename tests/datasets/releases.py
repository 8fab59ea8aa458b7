"""Releases in their official layouts, built from names and scores; the pictures are empty files.

A row is ``(path, type, reference path, score)`` as in the tables of icbcbicc/IQA-Dataset (MIT), which
also gave the few true rows below.
"""

import csv
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from scipy.io import savemat

MINI = {
    "live": [
        ("jp2k/img2.bmp", "jp2k", "refimgs/studentsculpture.bmp", 15.512954417537026),
        ("jp2k/img3.bmp", "jp2k", "refimgs/rapids.bmp", 24.09025497677203),
        ("fastfading/img144.bmp", "fastfading", "refimgs/sailing4.bmp", 56.34115606262271),
        ("fastfading/img145.bmp", "fastfading", "refimgs/sailing4.bmp", 34.05021940048932),
    ],
    "csiq": [
        ("dst_imgs/AWGN/1600.AWGN.1.png", "AWGN", "src_imgs/1600.png", 0.061989),
        ("dst_imgs/AWGN/1600.AWGN.2.png", "AWGN", "src_imgs/1600.png", 0.20624),
        ("dst_imgs/contrast/woman.contrast.3.png", "Contrast Dist.", "src_imgs/woman.png", 0.40934),
        ("dst_imgs/contrast/woman.contrast.4.png", "Contrast Dist.", "src_imgs/woman.png", 0.46856),
    ],
    "tid2013": [
        ("distorted_images/i01_01_1.bmp", "AWGN", "reference_images/i01.bmp", 5.5143),
        ("distorted_images/i01_01_2.bmp", "AWGN", "reference_images/i01.bmp", 5.5676),
        ("distorted_images/i25_24_5.bmp", "Multiply_Dist.", "reference_images/i25.bmp", 2.7714),
    ],
    "kadid10k": [
        ("images/I01_01_01.png", "GBLUR", "images/I01.png", 4.57),
        ("images/I01_01_02.png", "GBLUR", "images/I01.png", 4.33),
        ("images/I01_01_03.png", "GBLUR", "images/I01.png", 2.67),
    ],
    "koniq10k": [
        ("1024x768/10004473376.jpg", "Authentic", "", 3.82857142857143),
        ("1024x768/10007357496.jpg", "Authentic", "", 3.47916666666667),
    ],
    "pipal": [
        ("Distortion_1/A0001_00_00.bmp", "", "Train_Ref/A0001.bmp", 1520.0648),
        ("Distortion_1/A0001_00_01.bmp", "", "Train_Ref/A0001.bmp", 1437.0798),
        ("Distortion_4/A0248_06_25.bmp", "", "Train_Ref/A0248.bmp", 1348.9856),
    ],
    "spaq": [
        ("TestImage/00001.jpg", "Authentic", "", 48.86),
        ("TestImage/00002.jpg", "Authentic", "", 62.5),
        ("TestImage/11124.jpg", "Authentic", "", 36.0),
    ],
    "uhdiqa": [
        ("training/1.jpg", "Authentic", "", 0.76),
        ("training/2.jpg", "Authentic", "", 0.7585),
        ("test/6073.jpg", "Authentic", "", 0.7085),
    ],
}

#: File of the shared tables, and how many folders of its paths are not the release's own.
TABLES = {
    "live": ("LIVE", 1),
    "csiq": ("CSIQ", 1),
    "tid2013": ("TID2013", 1),
    "kadid10k": ("KADID-10k", 1),
    "koniq10k": ("KonIQ-10k", 1),
    "pipal": ("PIPAL", 1),
    "spaq": ("SPAQ", 2),
    "uhdiqa": ("UHD-IQA", 1),
}


def table(folder, name):
    """Rows of the complete table."""
    file, strip = TABLES[name]
    with open(Path(folder) / f"{file}.txt", newline="") as lines:
        return [
            (
                row["dis_img_path"].split("/", strip)[-1],
                row["dis_type"],
                row.get("ref_img_path", "").split("/", strip)[-1],
                float(row["score"]),
            )
            for row in csv.DictReader(lines)
        ]


def touch(folder, paths):
    for parent in {Path(path).parent for path in paths}:
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for path in paths:
        (folder / path).touch()


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(row + "\n" for row in rows))


def sheet(path, rows, title="Sheet1", above=0):
    book = Workbook(write_only=True)
    page = book.create_sheet(title)
    for row in [[]] * above + rows:
        page.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def cell(names):
    return np.array([[name] for name in names], dtype=object).reshape(1, -1)


def deviation(index):
    """A deviation of its own for each entry, where the tables state none."""
    return 0.1 + (index % 7) / 10


def live(folder, rows):
    counts = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
    names = [f"{kind}/img{i}.bmp" for kind, count in counts.items() for i in range(1, count + 1)]
    known = {path: (Path(reference).name, score) for path, _, reference, score in rows}
    dmos = [known.get(name, ("", 0))[1] for name in names]
    std = [deviation(i) for i in range(len(names))]
    orgs = [name not in known for name in names]
    touch(folder, [*names, *{row[2] for row in rows}])
    savemat(folder / "dmos_realigned.mat", {"dmos_new": [dmos], "dmos_std": [std], "orgs": [orgs]})
    references = [known.get(name, ("original.bmp", 0))[0] for name in names]
    savemat(folder / "refnames_all.mat", {"refnames_all": cell(references)})


def csiq(folder, rows, form="label"):
    touch(folder, [row[0] for row in rows] + [row[2] for row in rows])
    names = [Path(row[0]).name for row in rows]
    if form == "label":
        pairs = zip(names, rows, strict=True)
        lines(folder / "csiq_label.txt", [f"{name}\t{row[3]!r}" for name, row in pairs])
    elif form == "IQA-Dataset":
        head = "dis_img_path,dis_type,ref_img_path,score"
        body = [f"CSIQ/{path},{kind},CSIQ/{reference},{score!r}" for path, kind, reference, score in rows]
        lines(folder / "CSIQ.txt", [head, *body])
    else:
        words = {"AWGN": "noise", "BLUR": "blur", "JPEG": "jpeg", "jpeg2000": "jpeg 2000"}
        parts = [name.split(".") for name in names]
        head = [None, None, None, "image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]
        body = [
            [None] * 3
            + [
                int(p[0]) if p[0].isdigit() else p[0],
                1,
                words.get(p[1], p[1]),
                int(p[2]),
                deviation(i),
                rows[i][3],
            ]
            for i, p in enumerate(parts)
        ]
        sheet(folder / "csiq.DMOS.xlsx", [head, *body], "all_by_image", above=3)


def tid2013(folder, rows, upper=False):
    touch(folder, [row[2] for row in rows])
    names = [Path(row[0]).name for row in rows]
    touch(folder / "distorted_images", [name.upper() if upper else name for name in names])
    lines(
        folder / "mos_with_names.txt", [f"{row[3]!r} {name}" for name, row in zip(names, rows, strict=True)]
    )
    lines(folder / "mos_std.txt", [repr(deviation(i)) for i in range(len(rows))])


def kadid10k(folder, rows):
    touch(folder, [row[0] for row in rows] + [row[2] for row in rows])
    body = [
        f"{Path(path).name},{Path(reference).name},{score!r},{deviation(i)!r}"
        for i, (path, _, reference, score) in enumerate(rows)
    ]
    lines(folder / "dmos.csv", ["dist_img,ref_img,dmos,var", *body])


def koniq10k(folder, rows):
    touch(folder, [row[0] for row in rows])
    head = '"image_name","c1","c2","c3","c4","c5","c_total","MOS","SD","MOS_zscore"'
    body = [
        f'"{Path(row[0]).name}",0,0,25,73,7,105,{row[3]!r},{deviation(i)!r},50' for i, row in enumerate(rows)
    ]
    lines(folder / "koniq10k_scores_and_distributions.csv", [head, *body])


def pipal(folder, rows):
    touch(folder, [row[0] for row in rows] + [row[2] for row in rows])
    by_reference = {}
    for path, _, reference, score in rows:
        by_reference.setdefault(Path(reference).stem, []).append(f"{Path(path).name},{score!r}")
    for reference, body in by_reference.items():
        lines(folder / f"Train_Label/{reference}.txt", body)


def spaq(folder, rows):
    touch(folder, [row[0] for row in rows])
    body = [[Path(row[0]).name, row[3], 50, 50] for row in rows]
    file = folder / "Annotations/MOS and Image attribute scores.xlsx"
    sheet(file, [["Image name", "MOS", "Brightness", "Colorfulness"], *body])


def uhdiqa(folder, rows):
    touch(folder, [row[0] for row in rows])
    body = [f"{Path(row[0]).name},{row[3]!r},{Path(row[0]).parts[0]},x" for row in rows]
    lines(folder / "uhd-iqa-metadata.csv", ["image_name,quality_mos,set,subset", *body])


BUILD = {
    "live": live, "csiq": csiq, "tid2013": tid2013, "kadid10k": kadid10k, "koniq10k": koniq10k,
    "pipal": pipal, "spaq": spaq, "uhdiqa": uhdiqa,
}  # fmt: skip
