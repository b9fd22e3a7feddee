"""Columns beside the labels: kept where somebody asks for them, typed, saved, written again; else never."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import kept_columns
from manifest_tools.findings.findings import Finding
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.export import write_labels
from manifest_tools.sources.formats.column_choice import ColumnChoice
from manifest_tools.sources.reading import read_images
from tests.pictures import save


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(["a.jpg", "b.jpg", "c.jpg"]):
        save(tmp_path / "images" / name, seed)
    return tmp_path


def table(folder, text, name="labels.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder, *labels, **options):
    return read_images(folder / "images", labels=list(labels), **options)


WHOLE = """file,labels,uploader,age,price,public,split,code
a.jpg,Alcohol,u1,31,1.5,true,x,007
b.jpg,Safe,u2,n/a,2,false,y,008
"""


def test_nothing_is_kept_unasked_and_the_step_says_so(folder):
    dataset = read(folder, table(folder, WHOLE))

    assert kept_columns(dataset.images) == []
    assert "uploader" in dataset.sources["table"]["unread"]


def test_columns_are_typed_and_survive_saving(folder, tmp_path):
    labels = table(folder, WHOLE)
    dataset = read(folder, labels, keep=["all"], columns=ColumnChoice.parse(["ignore=public"]))

    kinds = {name: str(dataset.images[name].dtype) for name in kept_columns(dataset.images)}
    assert kinds == {
        "age": "Int64",
        "code": "str",
        "price": "float64",
        "public": "boolean",
        "table_split": "str",
        "uploader": "str",
    }
    assert dataset.images["code"].tolist() == ["007", "008", ""]
    assert dataset.images["age"].isna().tolist() == [False, True, True]
    assert "unread" not in dataset.sources["table"]
    dataset.save(tmp_path / "saved")
    loaded = Dataset.load(tmp_path / "saved")
    pd.testing.assert_frame_equal(loaded.images, dataset.images)
    assert loaded.fingerprint() == dataset.fingerprint()


def test_a_changed_kept_column_is_noticed_and_a_strange_one_refused(folder, tmp_path):
    dataset = read(folder, table(folder, WHOLE), keep=["uploader"])
    dataset.save(tmp_path / "saved")
    place = tmp_path / "saved" / "dataset" / "images.parquet"
    changed = pd.read_parquet(place)
    changed.assign(uploader="other").to_parquet(place)
    with pytest.raises(InputError, match=r"not those that its dataset\.json was written with"):
        Dataset.load(tmp_path / "saved")
    changed.assign(uploader=[[1]] * 3).to_parquet(place)
    with pytest.raises(InputError, match=r"'uploader' is list.*expected text, numbers, or true and false"):
        Dataset.load(tmp_path / "saved")


def test_several_rows_of_an_image_keep_every_value(folder):
    text = "file,labels,queue\na.jpg,Alcohol,q1\na.jpg,Violence,q2\na.jpg,Gambling,q1\nb.jpg,Safe,\n"
    dataset = read(folder, table(folder, text), keep=["queue"])

    assert dataset.images["queue"].tolist() == ["q1; q2", "", ""]
    assert dataset.sources["kept"]["several"] == {"queue": 1}


def test_files_add_to_each_other(folder):
    one = table(folder, "file,labels,uploader\na.jpg,Alcohol,u1\n", "1.csv")
    two = table(folder, "file,labels,uploader\nb.jpg,Safe,u2\n", "2.csv")

    assert read(folder, one, two, keep=["uploader"]).images["uploader"].tolist() == ["u1", "u2", ""]


def test_a_country_is_no_word_for_missing(folder):
    dataset = read(
        folder, table(folder, "file,labels,country\na.jpg,Safe,NA\nb.jpg,Safe,DE\n"), keep=["country"]
    )

    assert dataset.images["country"].tolist() == ["NA", "DE", ""]


def test_a_kept_column_of_a_wide_table_is_no_label(folder):
    text = "file,Alcohol,featured\na.jpg,1,0\nb.jpg,0,1\n"
    dataset = read(folder, table(folder, text), keep=["featured"])

    assert set(dataset.labels["label"]) == {"Alcohol"}
    assert dataset.images["featured"].tolist()[:2] == [0, 1]


def test_a_column_that_no_file_has_is_refused_with_those_there_are(folder):
    with pytest.raises(InputError, match=r"'seller'.*'uploader'"):
        read(folder, table(folder, WHOLE), keep=["seller"], columns=ColumnChoice.parse(["ignore=public"]))
    with pytest.raises(InputError, match="there is no file of labels"):
        read_images(folder / "images", keep=["seller"])


def coco(folder):
    document = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 5, "camera": "c1"},
            {"id": 2, "file_name": "b.jpg", "camera": None},
        ],
        "annotations": [{"image_id": 1, "category_id": 1}],
        "categories": [{"id": 1, "name": "Alcohol"}],
    }
    return table(folder, json.dumps(document), "coco.json")


def label_studio(folder):
    choice = {"type": "choices", "from_name": "c", "to_name": "image", "value": {"choices": ["Alcohol"]}}
    tasks = [
        {
            "id": 1,
            "data": {"image": "/data/upload/a.jpg", "camera": "c1"},
            "annotations": [{"result": [choice]}],
        },
        {"id": 2, "data": {"image": "/data/upload/b.jpg"}, "annotations": [{"result": [choice]}]},
    ]
    return table(folder, json.dumps(tasks), "tasks.json")


def hugging_face(folder):
    lines = [
        {"file_name": "a.jpg", "labels": ["Alcohol"], "camera": "c1"},
        {"file_name": "b.jpg", "labels": ["Safe"]},
    ]
    return table(folder / "images", "\n".join(map(json.dumps, lines)), "metadata.jsonl")


def decided(folder):
    text = "image,decision,reason,date,camera\na.jpg,rejected,Alcohol,2026-01-02,c1\nb.jpg,rejected,Alcohol,2026-01-02,\n"
    return table(folder, text, "decisions.csv")


@pytest.mark.parametrize("write", [coco, label_studio, hugging_face, decided])
def test_fields_of_other_formats_are_kept(folder, write):
    dataset = read(folder, write(folder), keep=["camera"])

    assert dataset.images["camera"].tolist() == ["c1", "", ""]


def test_every_field_of_coco_is_kept_under_a_name_of_its_own(folder):
    dataset = read(folder, coco(folder), keep=["all"])

    assert kept_columns(dataset.images) == ["camera", "table_width"]
    assert dataset.images["table_width"].tolist()[0] == 5


def test_findings_say_what_is_kept_of_their_images(folder):
    dataset = read(
        folder, table(folder, "file,labels,uploader\na.jpg,Unheard Of,u1\nb.jpg,,\n"), keep=["uploader"]
    )
    report = check_dataset(dataset)

    unknown = next(item for item in report.findings if item.code == "label-unknown")
    assert unknown.to_dict()["location"]["kept"] == {"uploader": "u1"}
    assert Finding.from_dict(unknown.to_dict()) == unknown
    unlabelled = next(item for item in report.findings if item.location.image == "b.jpg")
    assert "kept" not in unlabelled.to_dict()["location"]


def test_tables_are_written_with_the_kept_columns_and_read_again(folder, tmp_path):
    dataset = read(
        folder,
        table(folder, WHOLE),
        keep=["uploader", "public"],
        columns=ColumnChoice.parse(["ignore=public"]),
    )
    write_labels(dataset, tmp_path / "out.csv")
    write_labels(dataset, tmp_path / "metadata.jsonl")

    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["uploader"], row["public"]) for row in rows] == [("u1", "true"), ("u2", "false"), ("", "")]
    lines = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    assert [line["public"] for line in lines] == [True, False, None]
    again = read(folder, tmp_path / "out.csv", keep=["uploader", "public"])
    pd.testing.assert_frame_equal(
        again.images[["uploader", "public"]], dataset.images[["uploader", "public"]]
    )
