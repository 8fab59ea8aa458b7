"""Releases as other suites lay them out and read them, each made from that suite's loader and not from ours.

Folders, file names, columns and the few true rows are facts read in

- pyiqa: ``scripts/process_*.py`` and ``default_dataset_configs.yml`` of chaofengc/IQA-PyTorch;
- ARNIQA: the readme and ``data/dataset_*.py`` of miccunifi/ARNIQA;
- IQA-Dataset: ``load_dataset.py`` and the tables of icbcbicc/IQA-Dataset.

`test_loaders.py` has the sets of single loaders.
"""

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.datasets import catalogue, layouts
from benchmark.datasets.prepared.linked import folder_of
from tests.datasets.releases import cell, lines, sheet, touch
from tests.datasets.test_layouts import KONIQ_SETS


def live_pyiqa(top):
    """`dmos.mat` alone: scores before realignment, in five runs of 982, references flagged."""
    folder = top / "LIVEIQA_release2"
    runs = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
    names = [f"{kind}/img{i}.bmp" for kind, count in runs.items() for i in range(1, count + 1)]
    original = [i % 5 == 0 for i in range(len(names))]
    dmos = [0.0 if flag else 10 + i / 20 for i, flag in enumerate(original)]
    touch(folder, names)
    savemat(folder / "dmos.mat", {"dmos": [dmos], "orgs": [np.array(original, dtype=np.uint8)]})
    references = [f"ref{i % 29}.bmp" for i in range(len(names))]
    savemat(folder / "refnames_all.mat", {"refnames_all": cell(references)})
    return {name: score for name, score, flag in zip(names, dmos, original, strict=True) if not flag}


def clive_pyiqa(top):
    names = [f"t{i}.bmp" for i in range(1, 8)] + ["3.bmp", "4.bmp"]
    mos, folder = [63.9, 25.3, 48.9, 35.9, 66.5, 30.9, 70.0, 63.96, 25.34], top / "LIVEC"
    (folder / "Data").mkdir(parents=True)
    column = np.array([[name] for name in names], dtype=object)
    savemat(folder / "Data/AllImages_release.mat", {"AllImages_release": column})
    savemat(folder / "Data/AllMOS_release.mat", {"AllMOS_release": [mos]})
    savemat(folder / "Data/AllStdDev_release.mat", {"AllStdDev_release": [[18.0] * len(names)]})
    touch(folder / "Images", names[7:])
    touch(folder / "Images/trainingImages", names[:7])
    return {"3.bmp": 63.96, "4.bmp": 25.34}


def csiq_pyiqa(top):
    touch(top / "CSIQ/dst_imgs/AWGN", ["1600.AWGN.1.png"])
    touch(top / "CSIQ/dst_imgs/contrast", ["woman.contrast.3.png"])
    touch(top / "CSIQ/src_imgs", ["1600.png", "woman.png"])
    lines(top / "CSIQ/csiq_label.txt", ["1600.AWGN.1.png\t0.061989", "woman.contrast.3.png\t0.40934"])
    return {"1600.AWGN.1.png": 0.061989, "woman.contrast.3.png": 0.40934}


def tid2013_pyiqa(top):
    touch(top / "tid2013/distorted_images", ["I01_01_1.bmp", "i01_01_2.bmp", "i25_24_5.bmp"])
    touch(top / "tid2013/reference_images", ["I01.BMP", "i25.bmp"])
    rows = ["5.51429 I01_01_1.bmp", "5.56757 i01_01_2.bmp", "2.77143 i25_24_5.bmp"]
    lines(top / "tid2013/mos_with_names.txt", rows)
    lines(top / "tid2013/mos_std.txt", ["0.13013", "0.16008", "0.15"])
    lines(top / "tid2013/mos.txt", [row.split()[0] for row in rows])
    return {name: float(score) for score, name in map(str.split, rows)}


def kadid10k_pyiqa(top):
    touch(top / "kadid10k/images", ["I01.png", "I01_01_01.png", "I01_01_02.png"])
    rows = ["I01_01_01.png,I01.png,4.57,0.496", "I01_01_02.png,I01.png,4.33,0.869"]
    lines(top / "kadid10k/dmos.csv", ["dist_img,ref_img,dmos,var", *rows])
    return {"I01_01_01.png": 4.57, "I01_01_02.png": 4.33}


def koniq10k_pyiqa(top):
    """Both sizes side by side, as its archive has them."""
    names = [line.split(",")[0] for line in KONIQ_SETS.splitlines()[1:]]
    for size in ("512x384", "1024x768"):
        touch(top / "koniq10k" / size, names)
    (top / "koniq10k/koniq10k_distributions_sets.csv").write_text(KONIQ_SETS)
    scores = [float(line.split(",")[7]) for line in KONIQ_SETS.splitlines()[1:]]
    return {f"1024x768/{name}": score for name, score in zip(names, scores, strict=True)}


def spaq_pyiqa(top):
    touch(top / "SPAQ/TestImage", ["00001.jpg", "00002.jpg"])
    head = ["Image name", "MOS", "Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness"]
    rows = [
        ["00001.jpg", 48.86, 47.43, 55.57, 55.71, 37.86, 42.57],
        ["00002.jpg", 62.5, 55.38, 67.13, 53.13, 57.5, 47.5],
    ]
    sheet(top / "SPAQ/Annotations/MOS and Image attribute scores.xlsx", [head, *rows])
    sheet(top / "SPAQ/Annotations/Scene category labels.xlsx", [["Image name", "Animal"], ["00001.jpg", 0]])
    return {"00001.jpg": 48.86, "00002.jpg": 62.5}


def pipal_pyiqa(top):
    """All distorted pictures in one folder, where the release has four."""
    touch(top / "PIPAL/Dist_Imgs", ["A0001_00_00.bmp", "A0001_00_01.bmp", "A0248_06_25.bmp"])
    touch(top / "PIPAL/Train_Ref", ["A0001.bmp", "A0248.bmp"])
    lines(top / "PIPAL/Train_Label/A0001.txt", ["A0001_00_00.bmp,1520.0648", "A0001_00_01.bmp,1437.0798"])
    lines(top / "PIPAL/Train_Label/A0248.txt", ["A0248_06_25.bmp,1348.9856"])
    return {"A0001_00_00.bmp": 1520.0648, "A0001_00_01.bmp": 1437.0798, "A0248_06_25.bmp": 1348.9856}


def flive_pyiqa(top):
    folder = top / "FLIVE_Database/database"
    names = ["blur_dataset/motion0044.jpg", "voc_emotic_ava/EMOTIC__c.jpg", "voc_emotic_ava/VOC__d.jpg"]
    touch(folder, [*names, "patches/EMOTIC__c.jpg_patch_1.jpg"])
    scores = [75.44372347614072, 59.64871868, 70.5]
    rows = [f"{name},{score!r}" for name, score in zip(names, scores, strict=True)]
    lines(folder / "labels_image.csv", ["name,mos", *rows])
    lines(folder / "labels_patch.csv", ["name,mos", "patches/EMOTIC__c.jpg_patch_1.jpg,79.47386983"])
    lines(folder / "labels640.csv", ["mos_image,name_image", f"59.64871868,{names[1]}"])
    lines(
        folder / "labels=640_padded.csv",
        ["name_image,is_valid", f"{names[0]},False", f"{names[2]},True"],
    )
    return dict(zip(names, scores, strict=True))


def livemd_pyiqa(top):
    """Two parts of as many scores as names; pictures that are blurred alone are in both."""
    scores = {}
    for part, folder, released in (
        ("Part 1", "blurjpeg", {"babygirl_blur1.bmp": 21.5789, "babygirl_blur1_jpeg1.bmp": 35.7895}),
        (
            "Part 2",
            "blurnoise",
            {"babygirl_blur1.bmp": 25.0556, "wheel_blur2_noise3.bmp": 50, "wheel_noise3.bmp": 32.5},
        ),
    ):
        at, dmos = top / "LIVEmultidistortiondatabase" / part, [*released.values()]
        touch(at / folder, [*released, "babygirl.bmp", "wheel.bmp"])
        names = np.array([[name] for name in released], dtype=object)
        references = np.array([["babygirl.bmp"], ["wheel.bmp"]], dtype=object)
        savemat(at / "Imagelists.mat", {"distimgs": names, "refimgs": references, "ref4dist": [[1], [1]]})
        savemat(at / "Scores.mat", {"DMOSscores": [dmos], "Zscores": [dmos]})
        scores |= {f"{part}/{folder}/{name}": score for name, score in released.items()}
    return scores


def tid2008_pyiqa(top):
    touch(top / "tid2008/distorted_images", ["I01_01_1.bmp", "i25_17_4.bmp"])
    touch(top / "tid2008/reference_images", ["I01.BMP", "I25.BMP"])
    rows = ["5.9706 I01_01_1.bmp", "3.5000 i25_17_4.bmp"]
    lines(top / "tid2008/mos_with_names.txt", rows)
    lines(top / "tid2008/mos_std.txt", ["0.1", "0.1"])
    return {name: float(score) for score, name in map(str.split, rows)}


def gfiqa20k_pyiqa(top):
    """The table of its archive, as far as others read it: two columns."""
    touch(top / "GFIQA-20k/image", ["831481558_0.png", "5446868959_0.png"])
    rows = ["831481558_0.png,0.529923862", "5446868959_0.png,0.508623544"]
    lines(top / "GFIQA-20k/mos_val_rating.csv", ["img_name,mos", *rows])
    return {"831481558_0.png": 0.529923862, "5446868959_0.png": 0.508623544}


PYIQA = {
    name: globals()[f"{name}_pyiqa"]
    for name in (
        *("live", "clive", "csiq", "tid2013", "kadid10k", "koniq10k", "spaq", "pipal", "flive"),
        *("livemd", "tid2008", "gfiqa20k"),
    )
}


def test_the_page_says_of_every_record_what_its_reader_was_held_against():
    page = (catalogue.HERE.parents[1] / "docs/datasets.md").read_text()
    rows = page.partition("### What the readers were held against")[2].partition("\n## ")[0].splitlines()
    named = [cell for row in rows if row.startswith("| `") for cell in row.split("|")[1].split(",")]
    assert sorted(name.strip(" `") for name in named) == catalogue.names()


def check(name, folder, wanted):
    """Every score of the release at its picture, and no other; returns what was read."""
    rows = layouts.read(catalogue.entry(name), folder)
    found = dict(zip(rows.frame["image"], rows.frame["mos"], strict=True))
    assert len(found) == len(wanted)
    for picture, score in wanted.items():
        (value,) = [mos for image, mos in found.items() if f"/{image}".endswith(f"/{picture}")]
        assert value == score
    assert all((rows.root / image).is_file() for image in found)
    return rows


@pytest.mark.parametrize("name", PYIQA)
def test_a_folder_of_pyiqas_is_found_by_its_name_and_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    wanted = {each: build(tmp_path / "datasets") for each, build in PYIQA.items()}
    touch(tmp_path / "datasets/meta_info", ["meta_info_KADID10kDataset.csv"])
    monkeypatch.setenv("IQA_DATASETS", str(tmp_path / "datasets"))
    rows = check(name, folder_of(catalogue.entry(name)), wanted[name])
    if name == "live":
        assert rows.table == "dmos.mat"
        assert "before realignment" in rows.lacks[0]
        assert rows.frame["distortion"].value_counts().idxmax() == "jpeg"
    elif name == "flive":
        assert rows.frame["split"].tolist() == ["train", "test", "val"]
    elif name == "koniq10k":
        assert rows.notes == ()  # the pictures of the paper, not the small ones beside them
    elif name == "pipal":
        assert rows.frame["reference"].tolist() == ["A0001", "A0001", "A0248"]
    elif name == "livemd":
        assert rows.frame["distortion"].tolist() == ["blur", "blurjpeg", "blur", "blurnoise", "noise"]
        assert rows.frame["reference"].tolist() == ["babygirl"] * 3 + ["wheel"] * 2
        assert rows.frame["level"].fillna(0).tolist() == [1, 0, 1, 0, 3]
        assert rows.extra == ()
    elif name == "tid2008":
        assert rows.frame["distortion"].tolist() == ["additive_gaussian_noise", "contrast_change"]
        assert rows.frame["reference"].tolist() == ["i01", "i25"]
    if name != "live":
        assert rows.lacks == ()


def test_koniq10ks_small_pictures_are_said_where_there_are_no_others(tmp_path):
    koniq10k_pyiqa(tmp_path)
    for path in (tmp_path / "koniq10k/1024x768").iterdir():
        path.unlink()
    (said,) = layouts.read(catalogue.entry("koniq10k"), tmp_path / "koniq10k").notes
    assert said == "pictures are those in 512x384; the release has them in 1024x768"


#: A few true rows of the tables of IQA-Dataset: file, and rows as they stand there.
IQA_DATASET = {
    "live": ("LIVE", "dis_img_path,dis_type,ref_img_path,score", [
        "LIVE/jp2k/img2.bmp,jp2k,LIVE/refimgs/studentsculpture.bmp,15.512954417537026",
        "LIVE/wn/img2.bmp,wn,LIVE/refimgs/rapids.bmp,24.09025497677203"]),
    "csiq": ("CSIQ", "dis_img_path,dis_type,ref_img_path,score", [
        "CSIQ/dst_imgs/AWGN/1600.AWGN.1.png,AWGN,CSIQ/src_imgs/1600.png,0.061989"]),
    "tid2013": ("TID2013", "dis_img_path,dis_type,ref_img_path,score", [
        "TID2013/distorted_images/i01_01_1.bmp,AWGN,TID2013/reference_images/i01.bmp,5.5143"]),
    "kadid10k": ("KADID-10k", "dis_img_path,dis_type,ref_img_path,score", [
        "KADID-10k/images/I01_01_01.png,GBLUR,KADID-10k/images/I01.png,4.57"]),
    "pipal": ("PIPAL", "dis_img_path,dis_type,ref_img_path,score", [
        "PIPAL/Distortion_1/A0001_00_00.bmp,PIPAL_distortions,PIPAL/Train_Ref/A0001.bmp,1520.0648"]),
    "clive": ("LIVE_Challenge", "dis_img_path,dis_type,score", [
        "LIVE_Challenge/Images/101.bmp,Authentic,66.3595"]),
    "koniq10k": ("KonIQ-10k", "dis_img_path,dis_type,score", [
        "KonIQ-10k/1024x768/10004473376.jpg,Authentic,3.82857142857143"]),
    "spaq": ("SPAQ", "dis_img_path,dis_type,score", ["SPAQ/Dataset/TestImage/00001.jpg,Authentic,48.86"]),
    "uhdiqa": ("UHD-IQA", "dis_img_path,dis_type,score", ["UHD-IQA/training/1.jpg,Authentic,0.76"]),
    "biq2021": ("BIQ2021", "dis_img_path,dis_type,score", [
        "BIQ2021/Images/ss03 (7805).jpg,image_natural,0.7321"]),
    "cid2013": ("CID2013", "dis_img_path,dis_type,score", [
        "CID2013/IS1/co1/IS_I_C01_D01.jpg,Authentic,3.34364303351907"]),
    "livemd": ("LIVE_MD", "dis_img_path,dis_type,ref_img_path,score", [
        "LIVE_MD/To_Release/Part_1/blurjpeg/babygirl_blur1_jpeg1.bmp,Multiply Dist.,"
        "LIVE_MD/To_Release/Ref_Images/babygirl.bmp,35.7895"]),
    "mdid": ("MDID2016", "dis_img_path,dis_type,ref_img_path,score", [
        "MDID2016/distortion_images/img01_01.bmp,Multiply Dist.,MDID2016/reference_images/img01.bmp,2.4855"]),
    "tid2008": ("TID2008", "dis_img_path,dis_type,ref_img_path,score", [
        "TID2008/distorted_images/I01_01_1.bmp,AWGN,TID2008/reference_images/I01.BMP,5.9706"]),
}  # fmt: skip


@pytest.mark.parametrize("beside", ["NAME.txt above NAME/", "NAME.txt in NAME/"])
@pytest.mark.parametrize("name", IQA_DATASET)
def test_iqa_datasets_archives_are_read_by_its_tables(tmp_path, name, beside):
    file, head, body = IQA_DATASET[name]
    touch(tmp_path, [part for row in body for part in row.split(",") if "/" in part])
    at = tmp_path if beside == "NAME.txt above NAME/" else tmp_path / file
    lines(at / f"{file}.txt", [head, *body])
    wanted = {row.split(",")[0].split("/", 1)[1]: float(row.rsplit(",", 1)[1]) for row in body}
    rows = check(name, tmp_path, wanted)
    assert rows.table == f"{file}.txt"
    unsplit = ("koniq10k", "uhdiqa", "biq2021")
    assert any("official split" in lack for lack in rows.lacks) is (name in unsplit)


#: True rows of another of its tables: MOS, variance, and the ratings themselves.
GFIQA_ROWS = {
    "831481558_0.png": (
        0.529923862,
        0.067906645,
        [
            0.46391753,
            0.40206186,
            0.43434343,
            0.41,
            0.73958333,
            0.96969697,
            0.22222222,
            0.69791667,
            0.62626263,
            1.0,
            0.10204082,
            0.54545455,
            0.2755102,
        ],
    ),
    "7882968136_0.png": (
        0.395823201,
        0.059368706,
        [
            0.31958763,
            0.06185567,
            0.36363636,
            0.31,
            0.20833333,
            0.81818182,
            0.0,
            0.44791667,
            0.42424242,
            0.58585859,
            0.81632653,
            0.39393939,
        ],
    ),
}


def test_gfiqa20ks_deviation_is_that_of_the_ratings_beside_it(tmp_path):
    touch(tmp_path / "GFIQA/images", GFIQA_ROWS)
    body = [
        f"GFIQA/images/{name},image_natural,{mos},{variance},[{' '.join(map(str, ratings))}]"
        for name, (mos, variance, ratings) in GFIQA_ROWS.items()
    ]
    lines(tmp_path / "GFIQA/GFIQA.txt", ["dis_img_path,dis_type,score,variance,ratings", *body])
    wanted = {name: mos for name, (mos, _, _) in GFIQA_ROWS.items()}
    frame = check("gfiqa20k", tmp_path, wanted).frame
    for found, (_, _, ratings) in zip(frame.itertuples(), GFIQA_ROWS.values(), strict=True):
        assert found.mos == pytest.approx(np.mean(ratings), abs=1e-6)
        assert found.mos_std == pytest.approx(np.std(ratings), abs=1e-6)


def test_arniqas_folders_are_read(tmp_path):
    """Their readme's tree; FLIVE without the two lists of its split."""
    lines(tmp_path / "FLIVE/labels_image.csv", ["name,mos", "EE371R/rq1.jpg,70.5"])
    touch(tmp_path / "FLIVE/database/EE371R", ["rq1.jpg"])
    assert "no official split" in check("flive", tmp_path / "FLIVE", {"rq1.jpg": 70.5}).lacks[0]
    for name, (file, head, body) in IQA_DATASET.items():
        if name in ("live", "csiq"):
            pictures = [part.split("/", 1)[1] for row in body for part in row.split(",") if "/" in part]
            touch(tmp_path / file, pictures)
            lines(tmp_path / file / f"{file}.txt", [head, *body])
            scores = {row.split(",")[0].split("/", 1)[1]: float(row.rsplit(",", 1)[1]) for row in body}
            check(name, tmp_path / file, scores)
    touch(tmp_path / "KADIS700/ref_imgs", ["a.png"])
    assert len(layouts.read(catalogue.entry("kadis700k"), tmp_path / "KADIS700").frame) == 1


def test_uhd_iqas_metadata_as_published(tmp_path):
    """All fifteen columns, quoted; a folder for each part, the test part called as the challenge did."""
    head = (
        '"image_name","quality_mos","set","subset","orig_width","orig_height","views","likes","favorites",'
        '"downloads","comments","image_bytes","user_name","page_url","image_name_orig"'
    )
    row = '"{}.jpg",{},"{}","",5515,3375,10860,137,169,4670,16,2954877,"a, b","https://x.org/","54.jpg"'
    rows = [(1, 0.76, "training"), (2, 0.75, "validation"), (3, 0.5, "test")]
    lines(tmp_path / "UHD-IQA-database/uhd-iqa-metadata.csv", [head, *(row.format(*one) for one in rows)])
    for number, _, part in rows:
        touch(tmp_path / "UHD-IQA-database" / part, [f"{number}.jpg"])
    found = check("uhdiqa", tmp_path, {"1.jpg": 0.76, "2.jpg": 0.75, "3.jpg": 0.5})
    assert found.frame["split"].tolist() == ["train", "val", "test"]
    assert found.lacks == ()
    assert catalogue.entry("uhdiqa").official_split
