"""What stands in a cell of a label table, beside it, and around it: honoured, refused by name, or passed over and told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.cells import split_labels
from manifest_tools.sources.formats.column_choice import ColumnChoice
from manifest_tools.sources.formats.detect import read_labels
from tests.sources.rows import said


def read(tmp_path, content, name="labels.csv", **options):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return read_labels(path, **options)


def columns(*texts):
    return ColumnChoice.parse(texts)


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [("answer", "yes", "no"), ("present", "1", "0"), ("Is Present", "TRUE", "FALSE"), ("value", "1.0", "0.0"),
     ("exists", "y", "n"), ("truth", "present", "absent"), ("confidence", "1", "0"), ("Confidence", "1.0", "0.0")],
)  # fmt: skip
def test_a_column_that_says_yes_or_no_is_honoured(tmp_path, name, yes, no):
    table = read(tmp_path, f"image,label,{name}\na.jpg,Alcohol,{yes}\na.jpg,Gambling,{no}\nb.jpg,Alcohol,\n")

    assert said(table) == [
        ("a.jpg", "Alcohol", True),
        ("a.jpg", "Gambling", False),
        ("b.jpg", "Alcohol", None),
    ]
    assert table.unread == ()


@pytest.mark.parametrize("name", ["Is it really there?", "verified", "checked", "nsfw", "correct"])
def test_a_column_of_yes_and_no_that_may_mean_anything_is_asked_about(tmp_path, name):
    content = f"image,label,{name}\na.jpg,Alcohol,yes\na.jpg,Gambling,no\n"
    with pytest.raises(InputError, match=r"labels.csv:3: column '.*--columns answer=.*--columns ignore="):
        read(tmp_path, content)

    honoured = read(tmp_path, content, columns=columns(f"answer={name}"))
    assert said(honoured) == [("a.jpg", "Alcohol", True), ("a.jpg", "Gambling", False)]
    passed_over = read(tmp_path, content, columns=columns(f"ignore={name}"))
    assert said(passed_over) == [("a.jpg", "Alcohol", True), ("a.jpg", "Gambling", True)]
    assert passed_over.unread == (name,)


@pytest.mark.parametrize(
    "values", [("accepted", "rejected"), ("correct", "wrong"), ("valid", "invalid"), ("pass", "fail")]
)
def test_a_column_that_may_take_labels_back_is_asked_about(tmp_path, values):
    with pytest.raises(InputError, match=f"'{values[1]}'.*--columns ignore=qa"):
        read(tmp_path, f"image,label,qa\na.jpg,Alcohol,{values[0]}\na.jpg,Gambling,{values[1]}\n")


@pytest.mark.parametrize(
    "more",
    ["notes,fine,no idea", "reviewer,ann,bob", "updated_at,2026-03-01,2026-03-02", "is_test,0,1", "isTest,true,false",
     "reviewed,yes,no", "fold,0,1", "Unnamed: 0,0,1", "width,640,480", "annotator_id,1,0", "iscrowd,0,0", "checked,yes,yes",
     "language,no,de", "certainty,high,low", "confidence,,"],
)  # fmt: skip
def test_columns_that_take_nothing_back_are_passed_over_and_told(tmp_path, more):
    name, first, second = more.split(",")
    table = read(tmp_path, f"image,label,{name}\na.jpg,Alcohol,{first}\nb.jpg,Gambling,{second}\n")

    assert said(table) == [("a.jpg", "Alcohol", True), ("b.jpg", "Gambling", True)]
    assert table.unread == (name,)


@pytest.mark.parametrize(
    "values", [("0.03", "0.97"), ("12", "99.5"), ("93%", "5 %"), ("0,3", "0,97"), ("1", "0.4")]
)
@pytest.mark.parametrize("name", ["confidence", "Score", "model_probability", "label:confidence"])
def test_scores_beside_labels_are_refused(tmp_path, name, values):
    table = f"image;label;{name}\na.jpg;Alcohol;{values[0]}\na.jpg;Gambling;{values[1]}\n"
    with pytest.raises(InputError, match=r"labels.csv:2: column .* --predictions; give --columns ignore="):
        read(tmp_path, table)

    assert len(read(tmp_path, table, columns=columns(f"ignore={name}")).rows) == 2


@pytest.mark.parametrize("word", ["", "None", "nan", "NaN", "N/A", "NA", "null", "NULL", "<NA>", "-", "#N/A"])
def test_words_for_missing_in_a_column_of_0_and_1_are_empty(tmp_path, word):
    table = read(tmp_path, f"file,Alcohol,Gambling\na.jpg,1,{word}\nb.jpg,{word},{word}\nc.jpg,{word},0\n")

    assert said(table) == [
        ("a.jpg", "Alcohol", True),
        ("a.jpg", "Gambling", None),
        ("b.jpg", "", None),
        ("c.jpg", "Alcohol", None),
        ("c.jpg", "Gambling", False),
    ]


@pytest.mark.parametrize("empty", ["", " ", "nan", "None", "\u200b"])
@pytest.mark.parametrize(
    "label", ["labels\na.jpg,Alcohol\n{},Gambling\n", "Alcohol,Gambling\na.jpg,1,0\n{},0,1\n"]
)
def test_a_row_that_says_something_of_no_image_is_refused(tmp_path, empty, label):
    with pytest.raises(InputError, match=r"labels.csv:3: .*column 'file'\) is empty.*merged cells"):
        read(tmp_path, "file," + label.format(empty))


def test_rows_that_say_nothing_at_all_are_passed_over(tmp_path):
    assert said(read(tmp_path, "file,labels,note\na.jpg,Alcohol,\n,,\n , ,-\n")) == [
        ("a.jpg", "Alcohol", True)
    ]


@pytest.mark.parametrize(
    "cell",
    ["Alcohol;Gambling", "Alcohol, Gambling", "alcohol,gambling", "Alcohol\nGambling", "Alcohol + Gambling",
     '["Alcohol", "Gambling"]', "['Alcohol', 'Gambling']", "('Alcohol', 'Gambling')", "{'Alcohol', 'Gambling'}",
     '{"Alcohol": 1, "Gambling": true}', "\u200bAlcohol;Gambling\ufeff", "Alcohol ; Gambling"],
)  # fmt: skip
def test_labels_in_one_cell_in_all_the_ways(tmp_path, cell):
    quoted = cell.replace('"', '""')
    labels = [row[1].capitalize() for row in said(read(tmp_path, f'file,labels\na.jpg,"{quoted}"\n'))]

    assert labels == ["Alcohol", "Gambling"]


@pytest.mark.parametrize(
    "cell", ["beer, wine", "Alcohol, beer", "R&D; x".replace(";", ","), "[draft]", "a/b"]
)
def test_names_of_ones_own_are_not_split_at_commas(tmp_path, cell):
    assert [row[1] for row in said(read(tmp_path, f'file,labels\na.jpg,"{cell}"\n'))] == [cell]


@pytest.mark.parametrize("cell", ["Drugs &amp; Tobacco", "Drugs & Tobacco", "drugs &#38; tobacco"])
def test_entities_are_undone_before_labels_are_split(cell):
    assert [name.casefold() for name in split_labels(cell)] == ["drugs & tobacco"]


@given(st.lists(st.sampled_from(["Alcohol", "beer", "Hate Symbols", "a+b", "x, y"]), max_size=4))
def test_labels_split_at_semicolons_come_back_as_they_are(names):
    assert split_labels(";".join(names)) == names


def test_a_line_that_tells_the_separator_is_taken_at_its_word(tmp_path):
    table = read(tmp_path, 'sep=;\nfile;labels\na.jpg;"Alcohol, Gambling"\n')

    assert [row[:2] for row in said(table)] == [("a.jpg", "Alcohol"), ("a.jpg", "Gambling")]
    assert table.rows[0].line == 3


@pytest.mark.parametrize("name", ["image_url", "image_id", "s3_uri", "imageUrl", "Image URL", "object_key"])
def test_more_names_of_image_columns(tmp_path, name):
    assert said(read(tmp_path, f"{name},label\na.jpg,Alcohol\n")) == [("a.jpg", "Alcohol", True)]


def test_columns_of_any_name_can_be_told(tmp_path):
    table = read(
        tmp_path,
        'image,"File, relative",Label(s),label,Ok?\nx,a.jpg,Alcohol,y,no\nx,b.jpg,Gambling,z,yes\n',
        columns=columns("image=File, relative,label=Label(s)", "answer=Ok?"),
    )

    assert said(table) == [("a.jpg", "Alcohol", False), ("b.jpg", "Gambling", True)]
    assert table.unread == ("image", "label")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("picture=a",), "expected ROLE=COLUMN"),
        (("image=",), "expected ROLE=COLUMN"),
        (("image=a", "image=b"), "two columns for image"),
        (("image=nowhere",), "names 'nowhere', but the table has the columns 'file', 'labels'"),
    ],
)
def test_columns_that_cannot_be_meant_are_refused(tmp_path, told, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, "file,labels\na.jpg,Alcohol\n", columns=columns(*told))


def lines(*rows):
    return "\n".join(map(json.dumps, rows))


@pytest.mark.parametrize(
    "content",
    [
        lines({"file": "a.jpg", "labels": {"Alcohol": 1, "Gambling": 0}}),
        lines({"file": "a.jpg", "categories": {"Alcohol": True, "Gambling": False}}),
        json.dumps([{"file": "a.jpg", "labels": {"Alcohol": "yes", "Gambling": "no"}}], indent=1),
        json.dumps({"a.jpg": {"Alcohol": 1, "Gambling": 0}}, indent=1),
    ],
)
def test_objects_of_labels_say_of_each_whether_it_is_there(tmp_path, content):
    table = read(tmp_path, content, "labels.json")

    assert said(table) == [("a.jpg", "Alcohol", True), ("a.jpg", "Gambling", False)]


@pytest.mark.parametrize(
    "content",
    [
        lines({"file": "a.jpg", "labels": ["Alcohol"]}),
        lines({"file": "a.jpg", "labels": [{"name": "Alcohol"}]}),
        json.dumps([{"file": "a.jpg", "labels": ["Alcohol"]}]),
        json.dumps({"a.jpg": ["Alcohol"]}),
        json.dumps({"a.jpg": "Alcohol"}, indent=2),
    ],
)
def test_json_in_the_layouts_that_people_write(tmp_path, content):
    assert said(read(tmp_path, content, "labels.json")) == [("a.jpg", "Alcohol", True)]


def test_a_list_of_objects_is_read_with_its_lines(tmp_path):
    rows = [{"file": "a.jpg", "labels": "Safe"}, {"file": "b.jpg", "labels": "Alcohol"}]
    assert [row.line for row in read(tmp_path, json.dumps(rows, indent=1), "labels.json").rows] == [2, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            lines({"file": "a.jpg", "labels": [{"Name": "Alcohol", "Confidence": 98.1}]}),
            "--predictions",
        ),
        (lines({"file": "a.jpg", "labels": {"Alcohol": 0.93}}), "Scores are a model's answers"),
        (lines({"file": "a.jpg", "labels": [["Alcohol"]]}), "expected names of labels"),
        (lines({"file": "a.jpg", "labels": {"Alcohol": {"x": 1}}}), "expected 1, 0, true or false"),
        (json.dumps({"file": {"0": "a.jpg"}, "labels": {"0": "Alcohol"}}), "orient='records'"),
        ("file,labels\na.jpg,\"{'Alcohol': array(1)}\"\n", "labels.csv:2: .* cannot be read"),
    ],
)
def test_nested_values_that_are_no_peoples_labels_are_refused_in_a_sentence(tmp_path, content, message):
    name = "labels.csv" if content.startswith("file,") else "labels.json"
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, content, name)

    assert "{'Name'" not in str(error.value)
