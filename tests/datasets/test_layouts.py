"""Every reader on its release's true layout: names, scores, references, distortions, levels, splits."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from benchmark import datasets
from benchmark.datasets import catalogue, layouts
from benchmark.datasets.layouts.mat_files import vectors
from benchmark.datasets.layouts.score_files import read_table
from tests.datasets import releases
from tests.datasets.releases import MINI, cell, deviation, lines, sheet, touch

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
NAMES = sorted(MINI)
WITH_DEVIATION = ("kadid10k", "koniq10k")

#: Types of the tables where they are not told by the file names alone; KADID's and TID2013's are numbered.
TABLE_TYPE = {"AWGN": "AWGN", "BLUR": "GBLUR", "contrast": "Contrast Dist.", "fnoise": "Pink_Noise",
              "jpeg2000": "JP2K", "JPEG": "JPEG"}  # fmt: skip


def rows_of(request, name, whole):
    if not whole:
        return MINI[name]
    if not (SHARED / "scores").is_dir():
        pytest.skip("the complete tables are not beside the checkout")
    return releases.table(SHARED / "scores", name)


@pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.shared)], ids=["mini", "whole"]
)
@pytest.mark.parametrize("name", NAMES)
def test_every_row_score_and_distortion_comes_back(request, tmp_path, name, whole):
    rows = rows_of(request, name, whole)
    releases.BUILD[name](tmp_path, rows)
    read = layouts.read(catalogue.entry(name), tmp_path)
    frame = read.frame.set_index("image")
    wanted = {path: (kind, reference, score) for path, kind, reference, score in rows}
    assert len(frame) == len(wanted) == len(rows)
    assert set(frame.index) == set(wanted)
    assert frame["mos"].to_dict() == {path: score for path, (_, _, score) in wanted.items()}
    assert frame["mos"].between(read.low, read.high).all()
    if rows[0][2]:
        stems = {path: Path(reference).stem for path, (_, reference, _) in wanted.items()}
        assert frame["reference"].to_dict() == stems
    check_distortions(name, frame, wanted)
    if name in WITH_DEVIATION:
        assert frame["mos_std"].between(0.1, 0.71).all()
    unnamed = 203 if whole else 982 - len(rows)
    assert len(read.extra) == (unnamed if name == "live" else 0)
    if whole:
        counts = catalogue.entry(name).counts
        assert len(frame) == counts["images"]
        assert "references" not in counts or frame["reference"].nunique() == counts["references"]
        assert "distortions" not in counts or frame["distortion"].nunique() == counts["distortions"]


def check_distortions(name, frame, wanted):
    """Against the table's own type, or the numbers in the names."""
    distortions, levels = (frame[key].to_dict() if key in frame else {} for key in ("distortion", "level"))
    for path, (kind, _, _) in wanted.items():
        found = distortions.get(path)
        if name == "live":
            assert found == kind
        elif name == "csiq":
            assert TABLE_TYPE[found] == kind
            assert levels[path] == int(path.split(".")[-2])
        elif name in ("tid2013", "kadid10k"):
            number, level = map(int, re.search(r"_(\d+)_(\d+)\.", path).groups())
            assert found == catalogue.entry(name).layout[0]["distortions"][number - 1]
            assert levels[path] == level
        elif name == "pipal":
            assert f"_{found}.bmp" in path
    if name == "uhdiqa":
        names = {"training": "train", "validation": "val", "test": "test"}
        assert frame["split"].to_dict() == {path: names[path.split("/")[0]] for path in wanted}


@pytest.mark.parametrize("form", ["label", "IQA-Dataset", "xlsx"])
def test_csiq_is_read_from_each_of_its_score_files(tmp_path, form):
    releases.csiq(tmp_path, MINI["csiq"], form)
    frame = layouts.read(catalogue.entry("csiq"), tmp_path).frame
    assert frame["image"].tolist() == [row[0] for row in MINI["csiq"]]
    assert frame["mos"].tolist() == [row[3] for row in MINI["csiq"]]
    assert frame["reference"].tolist() == ["1600", "1600", "woman", "woman"]
    if form == "xlsx":
        assert frame["mos_std"].tolist() == pytest.approx([deviation(i) for i in range(4)])


def test_live_is_read_from_the_table_that_arniqa_names(tmp_path):
    touch(tmp_path, [row[0] for row in MINI["live"]])
    body = [f"LIVE/{path},{kind},LIVE/{reference},{score!r}" for path, kind, reference, score in MINI["live"]]
    lines(tmp_path / "LIVE.txt", ["dis_img_path,dis_type,ref_img_path,score", *body])
    frame = layouts.read(catalogue.entry("live"), tmp_path).frame
    assert frame["mos"].tolist() == [row[3] for row in MINI["live"]]
    assert frame["reference"].tolist() == ["studentsculpture", "rapids", "sailing4", "sailing4"]


def test_live_takes_the_unaligned_scores_only_where_there_are_no_others(tmp_path):
    releases.live(tmp_path, MINI["live"])
    found = loadmat(tmp_path / "dmos_realigned.mat")
    savemat(tmp_path / "dmos.mat", {"dmos": found["dmos_new"] + 1, "orgs": found["orgs"]})
    entry = catalogue.entry("live")
    rows = layouts.read(entry, tmp_path)
    assert (rows.table, rows.lacks) == ("dmos_realigned.mat", ())
    assert len(rows.frame) == 4
    (tmp_path / "dmos_realigned.mat").unlink()
    rows = layouts.read(entry, tmp_path)
    assert rows.frame["mos"].tolist() == [row[3] + 1 for row in MINI["live"]]
    assert "get dmos_realigned.mat" in rows.lacks[0]
    (tmp_path / "dmos.mat").unlink()
    with pytest.raises(ValueError, match=r"no LIVE .*dmos_realigned.*iqa download live --accept-terms"):
        layouts.read(entry, tmp_path)


def test_tid2013_names_match_whatever_their_case(tmp_path):
    releases.tid2013(tmp_path, MINI["tid2013"], upper=True)
    frame = layouts.read(catalogue.entry("tid2013"), tmp_path).frame
    assert frame["image"].tolist() == [
        f"distorted_images/{n}" for n in ("I01_01_1.BMP", "I01_01_2.BMP", "I25_24_5.BMP")
    ]
    assert frame["reference"].tolist() == ["i01", "i01", "i25"]
    assert frame["mos_std"].tolist() == pytest.approx([deviation(i) * 38**0.5 for i in range(3)])


def votes(counts):
    """Ratings from how often each was given."""
    return np.repeat(list(counts), list(counts.values()))


#: True rows of dmos.csv (mean, "var"), and 30 ratings from 1 to 5 that have them.
KADID_ROWS = [(4.57, 0.496, votes({5: 17, 4: 13})), (4.33, 0.869, votes({5: 16, 4: 10, 3: 2, 2: 2}))]
#: True rows of mos_with_names.txt and mos_std.txt, and ratings (won comparisons) that have them.
TID_ROWS = [
    (5.51429, 0.13013, votes({5: 23, 6: 6, 7: 6})),
    (5.56757, 0.16008, votes({4: 2, 5: 23, 6: 1, 7: 11})),
]


def test_kadid10ks_deviation_is_that_of_thirty_ratings(tmp_path):
    touch(tmp_path / "images", ["I01_01_01.png", "I01_01_02.png"])
    body = [f"I01_01_0{i}.png,I01.png,{mos},{var}" for i, (mos, var, _) in enumerate(KADID_ROWS, 1)]
    lines(tmp_path / "dmos.csv", ["dist_img,ref_img,dmos,var", *body])
    frame = layouts.read(catalogue.entry("kadid10k"), tmp_path).frame
    for found, (mos, _, ratings) in zip(frame.itertuples(), KADID_ROWS, strict=True):
        assert len(ratings) == catalogue.entry("kadid10k").score.ratings.count
        assert found.mos == pytest.approx(ratings.mean(), abs=0.005) == mos
        assert found.mos_std == pytest.approx(ratings.std(), abs=0.0005)


def test_tid2013s_deviation_is_that_of_its_ratings(tmp_path):
    touch(tmp_path / "distorted_images", ["i01_01_1.bmp", "i01_01_2.bmp"])
    lines(tmp_path / "mos_with_names.txt", ["5.51429 I01_01_1.bmp", "5.56757 i01_01_2.bmp"])
    lines(tmp_path / "mos_std.txt", ["0.13013", "0.16008"])
    frame = layouts.read(catalogue.entry("tid2013"), tmp_path).frame
    for found, (mos, error, ratings) in zip(frame.itertuples(), TID_ROWS, strict=True):
        assert ratings.mean() == pytest.approx(mos, abs=5e-6)
        assert ratings.std() / len(ratings) ** 0.5 == pytest.approx(error, abs=5e-6)
        # The number of ratings is the data set's, 38; that of a picture lies between 30 and 45.
        assert found.mos_std == pytest.approx(ratings.std(), rel=0.13)


@pytest.mark.parametrize("name", [name for name in catalogue.names() if catalogue.entry(name).score])
def test_a_set_with_deviations_says_how_many_ratings_they_are_of(name):
    score = catalogue.entry(name).score
    assert score.ratings or not score.deviation


def test_kadid10k_takes_dmos_for_the_mos_that_it_is(tmp_path):
    releases.kadid10k(tmp_path, MINI["kadid10k"])
    datasets.prepare("kadid10k", tmp_path / "data", source=tmp_path)
    data = datasets.load("kadid10k", tmp_path / "data")
    assert data.record.higher_is_better
    assert data.manifest["mos_std"].tolist() == pytest.approx([deviation(i) for i in range(3)])
    assert data.manifest["image"].tolist() == [f"images/I01_01_0{i}.png" for i in (1, 2, 3)]


#: Four true lines of the official file.
KONIQ_SETS = """image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set
10004473376.jpg,0.0,0.0,0.238095238095,0.695238095238,0.0666666666667,105,77.3836206897,0.527277894494,training
10007357496.jpg,0.0,0.03125,0.46875,0.489583333333,0.0104166666667,96,68.7285714286,0.580003024795,test
10043785683.jpg,0.0,0.0,0.433962264151,0.566037735849,0.0,106,71.2043269231,0.497974333332,validation
10344921126.jpg,0.853211009174,0.146788990826,0.0,0.0,0.0,109,4.46638655462,0.355530070442,training
"""


def test_koniq10k_has_its_official_split_and_its_deviation_in_the_scale_of_its_mos(tmp_path):
    (tmp_path / "koniq10k_distributions_sets.csv").write_text(KONIQ_SETS)
    touch(tmp_path / "1024x768", re.findall(r"\d+\.jpg", KONIQ_SETS))
    read = layouts.read(catalogue.entry("koniq10k"), tmp_path)
    assert read.frame["split"].tolist() == ["train", "test", "val", "train"]
    assert read.frame["mos"].tolist() == [77.3836206897, 68.7285714286, 71.2043269231, 4.46638655462]
    table = pd.read_csv(tmp_path / "koniq10k_distributions_sets.csv")
    mean_vote = table[["c1", "c2", "c3", "c4", "c5"]].to_numpy() @ np.arange(1, 6)
    slope = np.polyfit(mean_vote, table["MOS"], 1)[0]
    assert (read.frame["mos_std"] / table["SD"]).tolist() == pytest.approx([slope] * 4, rel=0.03)
    assert (read.low, read.high) == (1, 100)


def test_koniq10k_with_the_five_point_scores_says_so(tmp_path):
    releases.koniq10k(tmp_path, MINI["koniq10k"])
    datasets.prepare("koniq10k", tmp_path / "data", source=tmp_path)
    record = datasets.load("koniq10k", tmp_path / "data").record
    assert (record.low, record.high) == (1, 5)
    assert record.whole == 10073
    assert (record.table, record.origin) == ("koniq10k_scores_and_distributions.csv", "")
    assert record.notes[0] == (
        "Missing here: no official split beside koniq10k_scores_and_distributions.csv: "
        "get koniq10k_distributions_sets.csv."
    )


def test_clive_drops_the_seven_pictures_that_trained_its_raters(tmp_path):
    names = [f"t{i}.bmp" for i in range(1, 8)] + ["3.bmp", "4.bmp", "246.bmp"]
    (tmp_path / "Data").mkdir()
    column = np.array([[name] for name in names], dtype=object)
    savemat(tmp_path / "Data/AllImages_release.mat", {"AllImages_release": column})
    savemat(tmp_path / "Data/AllMOS_release.mat", {"AllMOS_release": [[*range(50, 57), 63.96, 25.33, 48.93]]})
    savemat(
        tmp_path / "Data/AllStdDev_release.mat", {"AllStdDev_release": [[*range(1, 8), 17.9, 19.7, 20.9]]}
    )
    touch(tmp_path / "Images", names[7:])
    touch(tmp_path / "Images/trainingImages", names[:7])
    read = layouts.read(catalogue.entry("clive"), tmp_path)
    assert read.frame["image"].tolist() == ["Images/3.bmp", "Images/4.bmp", "Images/246.bmp"]
    assert read.frame["mos"].tolist() == [63.96, 25.33, 48.93]
    assert read.frame["mos_std"].tolist() == [17.9, 19.7, 20.9]
    assert read.extra == ()


def test_scores_of_matlab_that_do_not_go_with_the_names_are_refused(tmp_path):
    (tmp_path / "Data").mkdir()
    savemat(tmp_path / "Data/AllImages_release.mat", {"AllImages_release": cell(["a.bmp", "b.bmp"])})
    with pytest.raises(ValueError, match=r"AllMOS_release\.mat: is missing; complete the folder"):
        layouts.read(catalogue.entry("clive"), tmp_path)
    savemat(tmp_path / "Data/AllMOS_release.mat", {"AllMOS_release": [[1.0, 2.0, 3.0]]})
    with pytest.raises(ValueError, match=r"AllMOS_release\.mat: has 3 entries for 2 pictures"):
        layouts.read(catalogue.entry("clive"), tmp_path)
    savemat(tmp_path / "two.mat", {"names": cell(["a.bmp", "b.bmp"]), "scores": [[1.0]]})
    with pytest.raises(ValueError, match=r"two\.mat: has vectors of unlike length \(names 2, scores 1\)"):
        read_table(tmp_path, {"scores": "two.mat", "columns": ["names", "scores"]})


def test_flive_takes_images_not_patches_and_its_official_split(tmp_path):
    folder = tmp_path / "database"
    touch(
        folder,
        [
            "blur_dataset/motion0044.jpg",
            "voc_emotic_ava/EMOTIC__c.jpg",
            "EE371R/rq59.jpg",
            "patches/EMOTIC__c.jpg",
        ],
    )
    body = [
        "blur_dataset/motion0044.jpg,75.44372347614072",
        "voc_emotic_ava/EMOTIC__c.jpg,59.64871868",
        "EE371R/rq59.jpg,0",
    ]
    lines(folder / "labels_image.csv", ["name,mos", *body])
    entry = catalogue.entry("flive")
    found = layouts.read(entry, tmp_path)
    assert found.frame["split"].isna().all()
    assert found.lacks == (
        "no official split beside database/labels_image.csv: get database/labels640.csv or labels640.csv, "
        "database/labels=640_padded.csv or labels=640_padded.csv",
    )
    lines(folder / "labels640.csv", ["mos_image,name_image", "59.6,voc_emotic_ava/EMOTIC__c.jpg"])
    lines(
        folder / "labels=640_padded.csv",
        ["name_image,is_valid", "blur_dataset/motion0044.jpg,False", "EE371R/rq59.jpg,True"],
    )
    read = layouts.read(entry, tmp_path)
    assert read.frame["split"].tolist() == ["train", "test", "val"]
    assert read.lacks == ()
    assert read.frame["mos"].tolist() == [75.44372347614072, 59.64871868, 0]
    assert read.extra == ()


def test_agiqa1k_is_read_from_its_workbook(tmp_path):
    rows = [
        ["Image", "Prompt", "MOS"],
        ["deepai_0_0.png", "bird, city", 3.25],
        ["dreamStudio_1.png", "cat", 1.5],
    ]
    sheet(tmp_path / "AIGC_MOS_Zscore.xlsx", rows)
    touch(tmp_path / "file", ["deepai_0_0.png", "dreamStudio_1.png"])
    frame = layouts.read(catalogue.entry("agiqa1k"), tmp_path).frame
    assert frame["image"].tolist() == ["file/deepai_0_0.png", "file/dreamStudio_1.png"]
    assert frame["mos"].tolist() == [3.25, 1.5]


def test_agiqa1k_leaves_out_the_picture_that_the_release_lists_twice(tmp_path):
    names = ["dreamStudio_8_9_1_0.jpg", "dreamStudio_8_9_1_1.jpg", "dreamStudio_8_9_1_1.jpg"]
    scores = [0.608177, 0.441416, 2.084116]
    rows = [[name, "alien, wearing shirt", score] for name, score in zip(names, scores, strict=True)]
    sheet(tmp_path / "release/AIGC_MOS_Zscore.xlsx", [["Image", "Prompt", "MOS"], *rows])
    touch(tmp_path / "release/file", {*names, "dreamStudio_8_5_0_0.jpg"})
    datasets.prepare("agiqa1k", tmp_path / "data", source=tmp_path / "release")
    data = datasets.load("agiqa1k", tmp_path / "data")
    assert data.manifest[["image", "mos"]].values.tolist() == [["images/dreamStudio_8_9_1_0.jpg", 0.608177]]
    said = [note for note in data.record.notes if note.startswith("Left out: dreamStudio_8_9_1_1.jpg")]
    assert "2.084" in said[0]
    # The picture whose score bears another's name is one that no list names.
    found = layouts.read(catalogue.entry("agiqa1k"), tmp_path / "release")
    assert found.extra == ("file/dreamStudio_8_5_0_0.jpg",)


AGIQA = """name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align
AttnGAN_normal_000.jpg,"statue of a man",,,,0.965602553,0.223270101,1.093309833,0.588116752
AttnGAN_normal_001.jpg,"a tray, of sushi",,,,1.361853219,0.645422466,0.428796637,0.667071153
"""


def test_agiqa3k_has_two_scores_and_quality_is_the_one_taken(tmp_path):
    (tmp_path / "data.csv").write_text(AGIQA)
    touch(tmp_path, ["AttnGAN_normal_000.jpg", "AttnGAN_normal_001.jpg"])
    entry = catalogue.entry("agiqa3k")
    assert layouts.read(entry, tmp_path).frame["mos"].tolist() == [0.965602553, 1.361853219]
    aligned = layouts.read(entry, tmp_path, "alignment").frame
    assert aligned["mos"].tolist() == [1.093309833, 0.428796637]
    assert aligned["mos_std"].tolist() == [0.588116752, 0.667071153]
    with pytest.raises(ValueError, match="agiqa3k: has no score 'beauty', only alignment"):
        layouts.read(entry, tmp_path, "beauty")


@pytest.mark.parametrize("score", ["", "alignment"])
def test_the_card_names_the_score_that_was_taken(tmp_path, score):
    lines(tmp_path / "release/data.csv", AGIQA.splitlines())
    touch(tmp_path / "release/images", ["AttnGAN_normal_000.jpg", "AttnGAN_normal_001.jpg"])
    datasets.prepare("agiqa3k", tmp_path / "data", source=tmp_path / "release", score=score)
    first = catalogue.entry("agiqa3k").score.name
    assert datasets.load("agiqa3k", tmp_path / "data").record.score_name == (score or first)


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "agiqa3k").is_dir(), reason="AGIQA-3K is not beside the checkout")
def test_agiqa3k_whole(tmp_path):
    datasets.prepare("agiqa3k", tmp_path, source=SHARED / "agiqa3k")
    data = datasets.load("agiqa3k", tmp_path)
    table = pd.read_csv(SHARED / "agiqa3k/data.csv").set_index("name")
    assert len(data.manifest) == len(table) == 2982
    names = data.manifest["image"].str.removeprefix("images/")
    assert data.manifest["mos"].tolist() == table["mos_quality"].loc[names].tolist()
    assert data.manifest["mos_std"].tolist() == table["std_quality"].loc[names].tolist()
    assert all((data.root / image).is_file() for image in data.manifest["image"])


@pytest.mark.parametrize("name", ["cviu", "shrq"])
def test_sets_without_a_known_layout_are_read_from_the_suites_own_table(tmp_path, name):
    lines(
        tmp_path / "scores.csv",
        ["image,mos,reference,distortion", "sr/a.png,3.5,a,bicubic", "sr/b.png,4,b,srcnn"],
    )
    touch(tmp_path / "sr", ["a.png", "b.png"])
    frame = layouts.read(catalogue.entry(name), tmp_path).frame
    assert frame["mos"].tolist() == [3.5, 4]
    assert frame["distortion"].tolist() == ["bicubic", "srcnn"]
    assert "official layout" in " ".join(catalogue.entry(name).unverified)


def test_waterloo_and_kadis_are_known_by_their_names(tmp_path):
    touch(tmp_path / "w/pristine_images", ["00001.bmp", "00002.bmp"])
    touch(tmp_path / "w/distorted_images", ["00001_jpeg_1.bmp", "00001_jpeg_5.bmp"])
    frame = layouts.read(catalogue.entry("waterloo"), tmp_path).frame.set_index("image")
    assert frame["level"].to_dict() == {
        "distorted_images/00001_jpeg_1.bmp": 1,
        "distorted_images/00001_jpeg_5.bmp": 5,
        "pristine_images/00001.bmp": 0,
        "pristine_images/00002.bmp": 0,
    }
    assert frame["distortion"].tolist() == ["jpeg", "jpeg", "pristine", "pristine"]
    assert frame["reference"].tolist() == ["00001", "00001", "00001", "00002"]
    # As loaders of others find it: a folder for each type.
    for kind in ("gblurConv", "wn", "jpeg", "jp2k"):
        touch(tmp_path / "f/distorted_images" / kind, ["00001_1.bmp", "00001_5.bmp"])
    touch(tmp_path / "f/pristine_images", ["00001.bmp"])
    frame = layouts.read(catalogue.entry("waterloo"), tmp_path / "f").frame
    frame = frame.set_index(["distortion", "level"])["image"]
    assert frame["wn", 5] == "distorted_images/wn/00001_5.bmp"
    assert frame["pristine", 0] == "pristine_images/00001.bmp"
    assert len(frame) == frame.index.nunique() == 9
    touch(tmp_path / "k/ref_imgs", ["a.png", "b.png"])
    frame = layouts.read(catalogue.entry("kadis700k"), tmp_path / "k").frame
    assert frame["level"].tolist() == [0, 0]
    assert frame["reference"].tolist() == ["a", "b"]


def test_the_release_may_lie_some_folders_deeper(tmp_path):
    releases.kadid10k(tmp_path / "kadid10k/kadid10k", MINI["kadid10k"])
    datasets.prepare("kadid10k", tmp_path / "data", source=tmp_path)
    assert len(datasets.load("kadid10k", tmp_path / "data").manifest) == 3


def test_cells_of_matlab_are_text(tmp_path):
    savemat(tmp_path / "a.mat", {"names": cell(["x.bmp", "long name.bmp"])})
    assert vectors(tmp_path / "a.mat", "names")["names"].tolist() == ["x.bmp", "long name.bmp"]
    with pytest.raises(ValueError, match=r"a\.mat: has no variable 'nams', only names"):
        vectors(tmp_path / "a.mat", "nams")
    (tmp_path / "b.mat").write_bytes(b"MATLAB 5.0 but not really" * 20)
    with pytest.raises(ValueError, match=r"b\.mat: cannot be read as a MATLAB file"):
        vectors(tmp_path / "b.mat", "names")
