"""Which format a file is in, what is refused, and that nothing but a clear error comes of broken files."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.detect import FORMATS, detect, read_labels

COCO = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "category_id": 1}],
        "categories": [{"id": 1, "name": "beer"}]}  # fmt: skip
STUDIO = [{"id": 1, "data": {"image": "a.jpg"}, "predictions": [], "annotations": [
    {"id": 2, "was_cancelled": False, "reviews": [{"accepted": True, "created_at": "2025"}], "updated_at": "2025",
     "result": [{"type": "choices", "to_name": "image", "value": {"choices": ["beer"]}},
                {"type": "taxonomy", "value": {"taxonomy": [["a", "b"]]}}]},
    {"id": 3, "result": []}]}]  # fmt: skip
STUDIO_MIN = [
    {"id": 1, "image": "a.jpg", "choice": "beer", "annotator": 1, "annotation_id": 4, "lead_time": 1.5}
]
LABELBOX = [{"data_row": {"id": "r", "external_id": "a.jpg"}, "projects": {"p": {"labels": [{"annotations": {
    "objects": [{"name": "beer"}], "classifications": [{"radio_answer": {"name": "dice"}}]}}]}}}]  # fmt: skip
LABELME = {"imagePath": "a.jpg", "shapes": [{"label": "beer"}], "flags": {"dice": True}}
VOTT = {
    "assets": {"1": {"asset": {"path": "a.jpg"}, "regions": [{"tags": ["beer"]}]}},
    "tags": [{"name": "beer"}],
}
CREATEML = [{"image": "a.jpg", "annotations": [{"label": "beer"}]}]
UNIVERSAL = {"interface": {"type": "image_classification", "labels": ["beer"]},
             "samples": [{"imageUrl": "a.jpg", "annotation": "beer"}]}  # fmt: skip
DATUMARO = {"categories": {"label": {"labels": [{"name": "beer"}]}},
            "items": [{"id": "a", "annotations": [{"type": "label", "label_id": 0}]}]}  # fmt: skip
FIFTYONE = {"classes": ["dice", "beer"], "labels": {"a": [1], "b": None}}
JSON_EXPORTS = {
    "coco": COCO, "label-studio": STUDIO, "labelbox": LABELBOX, "labelme": LABELME, "vott": VOTT,
    "createml": CREATEML, "universal-data-tool": UNIVERSAL, "datumaro": DATUMARO,
    "fiftyone": FIFTYONE,
}  # fmt: skip
OTHERS = {
    "voc": "<annotation><filename>a.jpg</filename><object><name>beer</name></object></annotation>",
    "cvat": '<annotations><image name="a.jpg"><tag label="beer"/></image></annotations>',
    "boxes-csv": "image,xmin,ymin,xmax,ymax,label\na.jpg,1,1,2,2,beer\n",
    "open-images": "ImageID,Source,LabelName,Confidence\na,verification,beer,1\n",
    "decisions": "image,decision,reason,date\na.jpg,rejected,beer,2025-01-01\n",
    "table": "file,labels\na.jpg,beer\n",
    "manifest": '{"source-ref": "s3://b/a.jpg", "x": 1, "x-metadata": {"class-name": "beer", "confidence": 1, '
    '"type": "groundtruth/image-classification", "human-annotated": "yes", "creation-date": "2025-01-01T00:00:00"}}\n',
}
EVERYTHING = {name: json.dumps(value) for name, value in JSON_EXPORTS.items()} | OTHERS


@pytest.fixture
def write(tmp_path):
    def save(content, name="labels"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return save


def test_every_format_has_an_example_here_or_in_a_test_of_its_own():
    assert set(FORMATS) - set(EVERYTHING) == {"augmented-ai", "imagefolder", "roboflow", "parquet"}


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_format_is_told_by_its_content(write, name):
    path = write(EVERYTHING[name])

    assert detect(path) == name
    read = read_labels(path)
    assert read.format == name
    assert [row.label for row in read.rows][:1] == ["beer"]
    assert read_labels(path, labels_format=name) == read


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_and_indentation_do_no_harm(write, name, encoding):
    content = json.dumps(JSON_EXPORTS[name], indent=2) if name in JSON_EXPORTS else OTHERS[name]
    if name == "manifest" and encoding == "utf-16":
        encoding = "utf-8-sig"  # the service wants UTF-8; reading manifests is tested with the manifests

    assert read_labels(write(content.encode(encoding))).format == name


def test_minimal_json_and_csv_of_label_studio(write):
    table = "image,id,choice,annotator,annotation_id,lead_time\na.jpg,1,beer,x,4,1.5\n"

    assert detect(write(json.dumps(STUDIO_MIN))) == "label-studio"
    assert detect(write(table)) == detect(write(table.replace(",", "\t"))) == "label-studio"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"train/metadata.csv": "file_name,label\na.jpg,beer\n"}, "imagefolder"),
        ({"Annotations/a.xml": OTHERS["voc"]}, "voc"),
        ({"a.json": EVERYTHING["labelme"], "b.json": "{", "a.jpg": "x"}, "labelme"),
        ({"train/_annotations.coco.json": EVERYTHING["coco"]}, "roboflow"),
    ],
)
def test_a_folder_is_told_by_its_files(tmp_path, files, name):
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)

    assert read_labels(tmp_path).format == name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("<View><Image/></View>", "labelling interface of a Label Studio project"),
        ("<html><body/></html>", "XML with the root <html>"),
        (
            '{"_via_settings": {}, "_via_img_metadata": {"a.jpg1": {"filename": "a.jpg", "regions": []}}}',
            "VGG Image",
        ),
        (
            '{"a.jpg1": {"filename": "a.jpg", "size": 1, "regions": [], "file_attributes": {}}}',
            "VGG Image Annotator",
        ),
        ('{"project": {"pid": "x", "vid_list": ["1"]}, "file": {}, "metadata": {}}', "VGG Image Annotator"),
        (
            'filename,file_size,file_attributes,region_id,region_attributes\na.jpg,1,"{}",0,"{}"\n',
            "VGG Image Annotator",
        ),
        ('[{"image_id": 1, "category_id": 2, "score": 0.5}]', "COCO results"),
        ('[{"what": 1}]', r"JSON list of unknown layout \(keys: what\)"),
        ("[1, 2]", "JSON without labels"),
        ("[]", "JSON without labels"),
        ('{"a": {"b": 1}}', "no column names the image"),
        ('{"images": [', "not valid JSON at line 1, column 13: the file ends too early"),
        ("[" * 100_000, "not usable as JSON|not valid JSON"),
        ('{"n": ' + "9" * 5000 + "}", "a number too large to be one"),
        ('{"source-ref": "s3://b/a.jpg"}\n', "a manifest without labels of people"),
    ],
)
def test_what_is_of_no_use_is_refused_in_a_sentence(write, content, message):
    with pytest.raises(InputError, match=message):
        read_labels(write(content))


def test_a_wrong_path_and_a_wrong_format_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_labels(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="folder without annotations"):
        read_labels(tmp_path)
    (tmp_path / "instances.json").write_text(EVERYTHING["coco"])
    (tmp_path / "labels.csv").write_text("file,labels\na.jpg,Safe\n")
    with pytest.raises(InputError, match=r"several formats: instances.json \(coco\), labels.csv \(table\)"):
        read_labels(tmp_path)
    (tmp_path / "labels.csv").write_text("")
    with pytest.raises(InputError, match=r"cannot tell the format of labels.csv"):
        read_labels(tmp_path)
    with pytest.raises(InputError, match="unknown labels format 'yolo'; expected auto, table, coco"):
        read_labels(tmp_path, labels_format="yolo")


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_format_that_is_not_the_files_own_is_a_clear_error_or_reads_nothing_wrong(write, name):
    path = write(EVERYTHING[name])
    for labels_format in FORMATS:
        try:
            read = read_labels(path, labels_format=labels_format)
        except InputError as error:
            assert "labels" in str(error)  # noqa: PT017 - the file's name; a traceback would not name it
        else:
            assert {row.reference for row in read.rows} <= {"a.jpg", "a", "s3://b/a.jpg"}


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_file_that_was_cut_off_anywhere_never_ends_in_a_traceback(write, name):
    content = EVERYTHING[name].encode()
    for end in range(0, len(content), 5):
        try:
            read_labels(write(content[:end]))
        except InputError as error:
            assert "labels" in str(error)  # noqa: PT017 - the file's name


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_file_with_broken_bytes_never_ends_in_a_traceback(write, name):
    rng = random.Random(name)
    for _ in range(20):
        content = bytearray(EVERYTHING[name].encode())
        for _ in range(3):
            content[rng.randrange(len(content))] = rng.randrange(256)
        try:
            read_labels(write(bytes(content)))
        except InputError as error:
            assert "labels" in str(error)  # noqa: PT017


def places(value, path=()):
    """Give the path of every value inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", "\ud800", [], [[]], [None], {}, {"": 1}, [{}], {"a": {}}]
)


@pytest.mark.parametrize("name", [*JSON_EXPORTS, "label-studio-min"])
def test_junk_in_any_place_never_ends_in_a_traceback(tmp_path_factory, name):
    export = JSON_EXPORTS.get(name, STUDIO_MIN)
    path = tmp_path_factory.mktemp("junk") / "export.json"

    @settings(max_examples=40)
    @given(st.sampled_from(list(places(export))), JUNK)
    def check(place, junk):
        path.write_text(json.dumps(replaced(export, place, junk)))
        for labels_format in ("auto", name.removesuffix("-min")):
            try:
                read = read_labels(path, labels_format=labels_format)
            except InputError:
                continue
            for row in read.rows:
                assert isinstance(row.reference, str)
                assert row.reference
                assert isinstance(row.label, str)
                (row.reference + row.label).encode()

    check()
