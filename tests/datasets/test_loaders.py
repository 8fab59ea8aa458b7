"""Sets as loaders of single projects find them, each release made from such a loader and not from our reader.

Folders, file names, columns and the few true rows are facts read in

- BID: the ``BIDFolder`` of HyperIQA and its many copies, one of which names all three columns;
- CID2013: two MATLAB projects and a Python one that read its workbook;
- AIGCIQA2023: PromptIQA's loader, and the scores that its authors keep in MINT-IQA;
- AIGIQA-20K: FC-AGIQA's loader of the official split, IPCE's of the training part;
- PKU-AIGIQA-4K: the authors' ``dataloader.py`` and readme;
- PIQ23: the authors' tables, and pyiqa's ``scripts/process_piq.py``;
- KonIQ++: the authors' ``IQAdataset.py``, and a project that checks all columns;
- MDID: a MATLAB project that compares full-reference metrics on it;
- FLIVE's patches: pyiqa's ``scripts/process_flive.py``;
- AVT image quality: the authors' repository;
- loaders of restoration and of generated pictures, named at each.
"""

import json

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.datasets import catalogue, layouts, load, prepare
from tests.datasets.releases import lines, sheet, touch
from tests.datasets.test_layouts import KONIQ_SETS
from tests.datasets.test_third_parties import check, spaq_pyiqa


def test_bid_counts_its_pictures_in_four_digits(tmp_path):
    head = ["Image Number", "Average Subjective Grade", "std"]
    sheet(tmp_path / "DatabaseGrades.xlsx", [head, [1, 3.25, 0.75], [190, 1.5, 0.5]], "Plan1")
    touch(tmp_path, ["DatabaseImage0001.JPG", "DatabaseImage0190.JPG"])
    rows = check("bid", tmp_path, {"DatabaseImage0001.JPG": 3.25, "DatabaseImage0190.JPG": 1.5})
    assert rows.frame["mos_std"].tolist() == [0.75, 0.5]


def test_cid2013_takes_the_realigned_scores_and_its_scenes_as_references(tmp_path):
    head = ["Source_ID", "Image set specific  MOS", "Realigned MOS"]
    body = [["IS_I_C01_D01", 10.5, 3.34364303351907], ["IS_VI_C08_D14", 20.5, -9.5]]
    sheet(tmp_path / "CID2013/CID2013 data - version 12112014.xlsx", [head, *body], "CID2013 MOS")
    touch(tmp_path / "CID2013", ["IS1/co1/IS_I_C01_D01.jpg", "IS6/co8/IS_VI_C08_D14.jpg"])
    scores = {"co1/IS_I_C01_D01.jpg": 3.34364303351907, "co8/IS_VI_C08_D14.jpg": -9.5}
    rows = check("cid2013", tmp_path, scores)
    assert rows.frame["reference"].tolist() == ["IS_I_C01", "IS_VI_C08"]
    assert rows.frame["mos"].between(rows.low, rows.high).all()


def test_aigciqa2023_counts_its_pictures_beside_the_scores(tmp_path):
    for number in (1, 2, 3):
        (tmp_path / "DATA/MOS").mkdir(parents=True, exist_ok=True)
        savemat(tmp_path / f"DATA/MOS/mosz{number}.mat", {"MOSz": np.arange(2400.0)[:, None] / 100 + number})
    touch(tmp_path / "Image/allimg", [f"{item}.png" for item in range(2400)])
    entry = catalogue.entry("aigciqa2023")
    frame = layouts.read(entry, tmp_path).frame
    # PromptIQA: ``sample.append(f'{item}.png')`` goes with ``labels[item][0]``.
    assert dict(zip(frame["image"], frame["mos"], strict=True)) == {
        f"Image/allimg/{item}.png": item / 100 + 1 for item in range(2400)
    }
    assert layouts.read(entry, tmp_path, "correspondence").frame["mos"].tolist()[:2] == [3.0, 3.01]
    savemat(tmp_path / "DATA/MOS/mosz1.mat", {"MOSz": np.zeros((2399, 1))})
    with pytest.raises(ValueError, match=r"mosz1\.mat: has 2399 scores for 2400 pictures"):
        layouts.read(entry, tmp_path)


def test_aigciqa2023s_records_list_each_picture_once_a_question(tmp_path):
    """Two true pictures, with the first words of what people said."""
    asked = [("q1", "What is the quality of the image?"), ("q1", "What is the authenticity of the image?")]
    scores = {"0.png": (0.601641784272688, 0.47246540868962694), "501.png": (0.5, 0.25)}
    records = [
        {"id": name[:-4], "img": name, "prompt": "a corgi", "moz1": one, "moz2": two, "moz3": 0.75, key: text}
        for name, (one, two) in scores.items()
        for key, text in asked
    ]
    (tmp_path / "AIGIQA2023.json").write_text(json.dumps(records))
    touch(tmp_path / "allimg", ["0.png", "501.png"])
    rows = check("aigciqa2023", tmp_path, {"0.png": 0.601641784272688, "501.png": 0.5})
    assert (rows.low, rows.high) == (0, 1)
    entry = catalogue.entry("aigciqa2023")
    assert layouts.read(entry, tmp_path, "authenticity").frame["mos"].tolist() == [0.47246540868962694, 0.25]
    (tmp_path / "AIGIQA2023.json").write_text(json.dumps([{"img": "0.png"}]))
    with pytest.raises(ValueError, match=r"AIGIQA2023\.json: is no list of records with img, moz1"):
        layouts.read(entry, tmp_path)


AIGIQA20K = {
    "train": ("SSD1B_1198.png", 4.3319402235),
    "val": ("MJ_0001.png", 2.5),
    "test": ("IF_7.png", 1.0),
}


def test_aigiqa20ks_official_split_with_the_scores_in_one_table(tmp_path):
    """Lists of validation and test part have names and prompts alone."""
    for part, (name, mos) in AIGIQA20K.items():
        rows = [["name", "prompt", "mos"], [name, "a prompt, long", mos]]
        sheet(tmp_path / f"info_{part}.xlsx", rows if part == "train" else [row[:2] for row in rows])
        touch(tmp_path / part, [name])
    merged = [f"{name},a,{mos}" for name, mos in AIGIQA20K.values()]
    lines(tmp_path / "info_merge.csv", ["name,prompt,mos", *merged])
    rows = check("aigiqa20k", tmp_path, dict(AIGIQA20K.values()))
    assert rows.frame["split"].tolist() == ["train", "val", "test"]
    assert rows.lacks == ()


def test_aigiqa20k_without_the_scores_of_all_parts_says_so(tmp_path):
    name, mos = AIGIQA20K["train"]
    lines(tmp_path / "info_train.csv", ["name,prompt,mos", f'{name},"1920 s, grainy",{mos}'])
    for part, (picture, _) in AIGIQA20K.items():
        touch(tmp_path / part, [picture])
    alone, split = check("aigiqa20k", tmp_path, {name: mos}).lacks
    assert "training part alone" in alone
    assert split == "no official split beside info_train.csv: get info_merge.csv or data.csv"


def test_pku_aigiqa_4k_takes_its_pictures_once(tmp_path):
    """The release has each of them two or three times."""
    head = ["Generated_image", "Image_prompt", "Text_prompt", "MOS_q", "MOS_a", "MOS_c"]
    body = [["MJ_0_00.jpg", "0.jpg", "a", 2.5, 1.5, 3.5], ["DALLE_1000_00.jpg", None, "b", 4.5, 4.0, 3.0]]
    top = tmp_path / "Dataset/PKU-AIGIQA-4K"
    sheet(top / "annotation.xlsx", [head, *body])
    touch(top / "All", ["MJ_0_00.jpg", "DALLE_1000_00.jpg"])
    touch(
        top / "I2I",
        ["Generated_image/All/MJ_0_00.jpg", "Generated_image/MJ/MJ_0_00.jpg", "Image_prompt/0.jpg"],
    )
    touch(top / "T2I", ["All/DALLE_1000_00.jpg", "DALLE/DALLE_1000_00.jpg"])
    rows = check("pkuaigiqa4k", tmp_path, {"All/MJ_0_00.jpg": 2.5, "All/DALLE_1000_00.jpg": 4.5})
    assert rows.extra == ()
    entry = catalogue.entry("pkuaigiqa4k")
    assert layouts.read(entry, tmp_path, "mos_c").frame["mos"].tolist() == [3.5, 3.0]


PIQ_HEAD = (
    "IMAGE PATH,JOD,JOD STD,CI LOW,CI HIGH,CI RANGE,QUALITY LEVEL,CLUSTER,TOTAL COMPARISONS,IMAGE,SCENE,"
    "ATTRIBUTE,SCENE IDX,CONDITION"
)


@pytest.mark.parametrize("folder", ["", "Test split/"], ids=["as-pyiqa", "as-the-repository"])
def test_piq23s_scores_of_three_regions_and_its_split_by_device(tmp_path, folder):
    names = ["66_Indoor_Scene_0.jpg", "5001_Outdoor_Scene_49.JPG"]
    scenes = ["Indoor_Scene_0", "Outdoor_Scene_49"]
    for k, attribute in enumerate(("Details", "Exposure", "Overall")):
        body = [
            f"{attribute}\\{name},{score + k},.39,-4.4,-2.8,1.5,0,-1,143,{name},{scene},{attribute},0,Indoor"
            for name, score, scene in zip(names, (-3.720674450398623, 2.5), scenes, strict=True)
        ]
        lines(tmp_path / f"Scores_{attribute}.csv", [PIQ_HEAD, *body])
        touch(tmp_path / attribute, names)
    lines(tmp_path / f"{folder}Device Split.csv", ["IMAGE,SPLIT", f"{names[0]},Test", f"{names[1]},Train"])
    scores = {f"Overall/{names[0]}": -3.720674450398623 + 2, f"Overall/{names[1]}": 4.5}
    rows = check("piq23", tmp_path, scores)
    assert rows.frame["split"].tolist() == ["test", "train"]
    assert rows.frame["reference"].tolist() == scenes
    assert "mos_std" not in rows.frame
    assert (rows.lacks, rows.extra) == ((), ())
    prepare("piq23", tmp_path / "data", source=tmp_path)
    data = load("piq23", tmp_path / "data")  # no opinion that would be compared across scenes
    assert (data.record.within, data.manifest["mos"].isna().all()) == (True, True)
    assert data.manifest["mos_within"].tolist() == list(scores.values())
    details = layouts.read(catalogue.entry("piq23"), tmp_path, "details").frame
    assert details["image"].tolist() == [f"Details/{name}" for name in names]
    assert details["mos"].tolist() == [-3.720674450398623, 2.5]


@pytest.mark.parametrize("table", ["koniq++database.csv", "koniq++database_distributions.csv"])
def test_koniqpp_has_koniq10ks_pictures_and_split(tmp_path, table):
    names = [line.split(",")[0] for line in KONIQ_SETS.splitlines()[1:]]
    head = "filename,qmos,sd,votes,artifacts,blur,contrast,colors,other,degraded.amount"
    body = [f"{name},{1.5 + k},0.{k + 3},2{k},0.1,0.5,0,0,0,0.6" for k, name in enumerate(names[:3])]
    lines(tmp_path / table, [head, *body])
    (tmp_path / "koniq10k_distributions_sets.csv").write_text(
        "".join(line for line in KONIQ_SETS.splitlines(keepends=True) if not line.startswith(names[3]))
    )
    touch(tmp_path / "1024x768", names)
    rows = check("koniqpp", tmp_path, {name: 1.5 + k for k, name in enumerate(names[:3])})
    assert rows.frame["split"].tolist() == ["train", "test", "val"]
    assert rows.frame["mos_std"].tolist() == [0.3, 0.4, 0.5]
    assert rows.frame["ratings"].tolist() == [20, 21, 22]
    assert rows.lacks == ()


def test_mdid_counts_its_pictures_reference_by_reference(tmp_path):
    scores = [f"{k % 797 / 100:.4f}" for k in range(1600)]
    lines(tmp_path / "MDID/mos.txt", scores)
    names = [f"img{reference:02d}_{number:02d}.bmp" for reference in range(1, 21) for number in range(1, 81)]
    touch(tmp_path / "MDID/distortion_images", names)
    touch(tmp_path / "MDID/reference_images", ["img01.bmp"])
    rows = check("mdid", tmp_path, dict(zip(names, map(float, scores), strict=True)))
    assert rows.frame["reference"].nunique() == catalogue.entry("mdid").counts["references"]
    assert rows.extra == ()


def test_flives_patches_are_in_the_part_of_their_picture(tmp_path):
    """`name.split('/')[1].split('_patch_')[0]` is the picture, as ``labels640.csv`` names it."""
    folder = tmp_path / "FLIVE_Database/database"
    pictures = ["blur_dataset/motion0044.jpg", "voc_emotic_ava/EMOTIC__c.jpg", "voc_emotic_ava/AVA__d.JPG"]
    patches = [f"patches/{path.split('/')[1]}_patch_{n}.jpg" for path in pictures for n in (1, 2, 3)]
    touch(folder, [*pictures, *patches])
    scores = [79.47386983, 70.63982665, 58.62773644, 40, 41, 42, 50, 51, 52]
    body = [f"{name},{score}" for name, score in zip(patches, scores, strict=True)]
    lines(folder / "labels_patch.csv", ["name,mos", *body])
    lines(folder / "labels_image.csv", ["name,mos", *(f"{name},50" for name in pictures)])
    lines(folder / "labels640.csv", ["mos_image,name_image", f"59.6,{pictures[1]}"])
    padded = ["name_image,is_valid", f"{pictures[0]},False", f"{pictures[2]},True"]
    lines(folder / "labels=640_padded.csv", padded)
    rows = check("flive_patches", tmp_path, dict(zip(patches, scores, strict=True)))
    assert rows.frame["split"].tolist() == ["train"] * 3 + ["test"] * 3 + ["val"] * 3
    assert rows.frame["reference"].unique().tolist() == ["motion0044", "EMOTIC__c", "AVA__d"]
    assert (rows.lacks, rows.extra) == ((), ())
    whole = layouts.read(catalogue.entry("flive"), tmp_path)
    assert (len(whole.frame), whole.extra) == (3, ())


#: A true row of mos_ci.csv, and of per_user.csv the 21 ratings that it is of.
AVT_ROW = (
    "BennuProRes4444.mov_1frame_crf_03_height_0864,3.0952380952380953,0.6995652646880854,0.7684244858645451"
)
AVT_RATINGS = [4, 3, 3, 3, 5, 3, 4, 3, 3, 2, 3, 4, 2, 2, 3, 3, 2, 4, 3, 3, 3]


def test_avts_deviation_is_that_of_the_ratings_of_21_people(tmp_path):
    top, name = tmp_path / "image_quality_test-master", AVT_ROW.split(",")[0]
    lines(top / "test_1/mos_ci.csv", ["image_name,mos,ci,std", AVT_ROW])
    touch(top / "test_1", [f"images/{name}.png", "figures/sos.png"])
    frame = check("avtimage", tmp_path, {f"{name}.png": 3.0952380952380953}).frame
    assert len(AVT_RATINGS) == catalogue.entry("avtimage").score.ratings.count
    assert frame["mos"].item() == pytest.approx(np.mean(AVT_RATINGS), abs=1e-12)
    assert frame["mos_std"].item() == pytest.approx(np.std(AVT_RATINGS, ddof=1), abs=1e-12)
    assert frame["reference"].item() == "BennuProRes4444.mov"


@pytest.mark.parametrize(
    ("attribute", "scores"),
    [("brightness", [47.43, 55.38]), ("noisiness", [37.86, 57.5]), ("sharpness", [42.57, 47.5])],
)
def test_spaqs_attributes_are_scores_of_their_own(tmp_path, attribute, scores):
    spaq_pyiqa(tmp_path)
    assert layouts.read(catalogue.entry("spaq"), tmp_path, attribute).frame["mos"].tolist() == scores


def test_biq2021s_split_is_told_by_its_two_tables(tmp_path):
    """As the repository has them: the first with two more, empty columns."""
    top = tmp_path / "BIQ2021-main"
    train = ["Image Name,MOS,,", "ss03 (3753).jpg,0.8471,,", "ss01 (1726).jpg,0.2874,,"]
    lines(top / "Train (Images and MOS).csv", train)
    touch(top / "Images", ["ss03 (3753).jpg", "ss01 (1726).jpg", "ss03 (7805).jpg"])
    with pytest.raises(ValueError, match=r"has none of Test \(Images and MOS\)\.csv; complete the folder"):
        layouts.read(catalogue.entry("biq2021"), tmp_path)
    lines(top / "Test (Images and MOS).csv", ["Image Name,MOS", "ss03 (7805).jpg,0.7321"])
    scores = {"ss03 (3753).jpg": 0.8471, "ss01 (1726).jpg": 0.2874, "ss03 (7805).jpg": 0.7321}
    rows = check("biq2021", tmp_path, scores)
    assert rows.frame["split"].tolist() == ["train", "train", "test"]
    assert rows.lacks == ()
    assert rows.table == "Train (Images and MOS).csv and Test (Images and MOS).csv"


def test_csiq_with_all_distorted_pictures_in_one_folder(tmp_path):
    """``dst_imgs_all`` beside both lists of scores, as several loaders want it."""
    touch(tmp_path / "csiq/dst_imgs_all", ["1600.AWGN.1.png", "1600.jpeg2000.2.png"])
    touch(tmp_path / "csiq/src_imgs", ["1600.png"])
    lines(tmp_path / "csiq/csiq_label.txt", ["1600.AWGN.1.png\t0.061989", "1600.jpeg2000.2.png\t0.1"])
    head = [None, None, None, "image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]
    body = [
        [None] * 3 + row
        for row in ([1600, 1, "noise", 1, 0.061, 0.062], [1600, 3, "jpeg 2000", 2, 0.09, 0.1])
    ]
    sheet(tmp_path / "csiq/csiq.DMOS.xlsx", [head, *body], "all_by_image", above=3)
    rows = check("csiq", tmp_path / "csiq", {"1600.AWGN.1.png": 0.062, "1600.jpeg2000.2.png": 0.1})
    assert rows.frame["mos_std"].tolist() == [0.061, 0.09]  # the workbook alone has deviations


def test_waterloo_as_loaders_of_restoration_find_it(tmp_path):
    """Pristine pictures by number, and for each type a folder of ``<number>_<level>.bmp``."""
    folder = tmp_path / "exploration_database_and_code"
    touch(folder / "pristine_images", ["00001.bmp", "04744.bmp"])
    for kind in ("gblurConv", "wn", "jpeg", "jp2k"):
        touch(
            folder / "distorted_images" / kind,
            [f"{n}_{k}.bmp" for n in ("00001", "04744") for k in range(1, 6)],
        )
    frame = layouts.read(catalogue.entry("waterloo"), tmp_path).frame
    assert len(frame) == 2 + 4 * 2 * 5
    assert frame["distortion"].nunique() - 1 == catalogue.entry("waterloo").counts["distortions"]
    assert frame.groupby("reference").size().tolist() == [21, 21]
    assert frame.loc[frame["distortion"] == "pristine", "level"].tolist() == [0, 0]


def test_generated_sets_as_their_loaders_find_them(tmp_path):
    """``AGIQA-3K/image`` with data.csv, ``AGIQA-1k/images`` with the workbook of the repository."""
    touch(tmp_path / "AGIQA-3K/image", ["AttnGAN_normal_000.jpg"])
    lines(
        tmp_path / "AGIQA-3K/data.csv",
        [
            "name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align",
            'AttnGAN_normal_000.jpg,"statue of a man",,,,0.965602553,0.223270101,1.093309833,0.588116752',
        ],
    )
    check("agiqa3k", tmp_path / "AGIQA-3K", {"AttnGAN_normal_000.jpg": 0.965602553})
    touch(tmp_path / "AGIQA-1k/images", ["deepai_0_0_0_0.jpg"])
    body = [["Image", "Prompt", "MOS"], ["deepai_0_0_0_0.jpg", "bird, driving aircraft, city", 2.793411]]
    sheet(tmp_path / "AGIQA-1k/AIGC_MOS_Zscore.xlsx", body)
    check("agiqa1k", tmp_path / "AGIQA-1k", {"deepai_0_0_0_0.jpg": 2.793411})
