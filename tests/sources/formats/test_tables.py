"""Label tables as people have them: column names, delimiters, cells, and clear refusals."""

from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.label_table import read_label_table
from manifest_tools.sources.formats.tables import LabelRow


def read(tmp_path, content: str | bytes, name: str = "labels.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_label_table(path)


def said(table) -> list[tuple[str, str, bool | None]]:
    return [(row.reference, row.label, row.truth) for row in table.rows]


@pytest.mark.parametrize(
    "image", ["file", "image", "path", "filename", "File Name", "IMAGE_PATH", "source-ref"]
)
@pytest.mark.parametrize("label", ["label", "labels", "category", "Labels", "class"])
def test_the_usual_column_names_are_recognised(tmp_path, image, label):
    table = read(tmp_path, f"id,{image},{label}\n7,a.jpg,Alcohol\n")
    assert table.rows == (LabelRow("a.jpg", "Alcohol", truth=True, line=2),)


@pytest.mark.parametrize(
    "cell", ["Alcohol;Violence", "Alcohol|Violence", " Alcohol ; Violence ;", "Alcohol;;Violence"]
)
def test_several_labels_in_a_cell_are_split(tmp_path, cell):
    table = read(tmp_path, f"file,labels\na.jpg,{cell}\n")
    assert said(table) == [("a.jpg", "Alcohol", True), ("a.jpg", "Violence", True)]


def test_several_rows_for_an_image_are_kept_with_their_lines(tmp_path):
    table = read(tmp_path, "file,label\na.jpg,Alcohol\n\na.jpg,Violence\n")
    assert [row.line for row in table.rows] == [2, 4]


def test_lines_count_through_cells_with_line_feeds(tmp_path):
    table = read(tmp_path, 'file,note,label\na.jpg,"two\nlines",Alcohol\nb.jpg,,Violence\n')
    assert [row.line for row in table.rows] == [2, 4]


@pytest.mark.parametrize("rest", ["", ",", ",  "])
def test_an_empty_cell_says_nothing(tmp_path, rest):
    table = read(tmp_path, f"file,labels\na.jpg{rest}\n")
    assert said(table) == [("a.jpg", "", None)]


@pytest.mark.parametrize("name", ["labels.tsv", "labels.txt", "labels.csv"])
def test_tabs_are_told_by_the_header(tmp_path, name):
    assert said(read(tmp_path, "file\tlabels\na, b.jpg\tAlcohol\n", name)) == [("a, b.jpg", "Alcohol", True)]


def test_semicolons_may_separate_columns(tmp_path):
    assert said(read(tmp_path, "file;labels\na.jpg;Alcohol|Violence\n")) == [
        ("a.jpg", "Alcohol", True),
        ("a.jpg", "Violence", True),
    ]


def test_a_wide_table_has_a_column_for_each_label(tmp_path):
    table = read(tmp_path, "file,size,Alcohol,Violence\na.jpg,17,1,0\nb.jpg,20,,\nc.jpg,3,0,\n")
    assert table.columns == ("Alcohol", "Violence")
    assert said(table) == [
        ("a.jpg", "Alcohol", True),
        ("a.jpg", "Violence", False),
        ("b.jpg", "", None),
        ("c.jpg", "Alcohol", False),
        ("c.jpg", "Violence", None),
    ]


@pytest.mark.parametrize(
    ("yes", "no"), [("1", "0"), ("true", "false"), ("Yes", "No"), ("1.0", "0.0"), ("TRUE", "FALSE")]
)
def test_wide_cells_may_be_written_in_several_ways(tmp_path, yes, no):
    assert said(read(tmp_path, f"file,Alcohol,Violence\na.jpg,{yes},{no}\n")) == [
        ("a.jpg", "Alcohol", True),
        ("a.jpg", "Violence", False),
    ]


def test_json_lines_hold_text_or_lists(tmp_path):
    lines = [{"image": "a.jpg", "labels": ["Alcohol", "Violence"]}, {"image": "b.jpg", "labels": "Safe"},
             {"image": "c.jpg", "labels": []}, {"image": "d.jpg"}]  # fmt: skip
    table = read(tmp_path, "\n".join(map(json.dumps, lines)), "labels.jsonl")
    assert said(table) == [
        ("a.jpg", "Alcohol", True),
        ("a.jpg", "Violence", True),
        ("b.jpg", "Safe", True),
        ("c.jpg", "", None),
        ("d.jpg", "", None),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_of_common_encodings_is_read(tmp_path, encoding):
    assert said(read(tmp_path, "file,labels\nü 🙂.jpg,Alcohol\n".encode(encoding))) == [
        ("ü 🙂.jpg", "Alcohol", True)
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_do_not_matter(tmp_path, ending):
    assert said(read(tmp_path, f"file,labels{ending}a.jpg,Alcohol{ending}")) == [("a.jpg", "Alcohol", True)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no rows"),
        ("file,labels\n", "no rows"),
        ("name,labels\na.jpg,Alcohol\n", "no column names the image"),
        ("file,size\na.jpg,17\n", "no column holds labels"),
        ("file,label,label\na.jpg,x,y\n", "two columns are called 'label'"),
        ('file,labels\na.jpg,"Alcohol\n', "not a CSV table"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not text"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (b"file,labels\n\xe4.jpg,Alcohol\n", "labels.csv:2: not UTF-8"),
        ('{"image": "a.jpg", "labels": ["Alcohol"]}\n{"image": \n', "labels.csv:2: not valid JSON"),
        (
            '{"image": "a.jpg", "labels": ["Alcohol"]}\n[1]\n',
            "labels.csv:2: expected a JSON object, found list",
        ),
    ],
)
def test_what_is_no_label_table_is_refused_with_what_was_expected(tmp_path, content, told):
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    assert told in str(error.value)
    assert "labels.csv" in str(error.value)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_label_table(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "content", ["file,labels\na.jpg,Alcohol,Violence\n", "file,labels\na, b.jpg,Alcohol\n"]
)
def test_a_row_with_more_cells_than_columns_is_refused_and_no_label_is_lost(tmp_path, content):
    with pytest.raises(InputError, match=r"labels\.csv:2: 3 cells, but the first line names 2 columns"):
        read(tmp_path, content)


def test_empty_cells_behind_the_last_column_do_no_harm(tmp_path):
    assert said(read(tmp_path, "file,labels\na.jpg,Alcohol,, \n")) == [("a.jpg", "Alcohol", True)]


@pytest.mark.parametrize("column", ["Violence", "violence", "Our own"])
def test_one_odd_cell_does_not_turn_a_label_column_into_a_remark(tmp_path, column):
    rows = "a.jpg,1,1\nb.jpg,0,0\nc.jpg,0,maybe\n"
    with pytest.raises(InputError, match=rf"labels\.csv:4: column '{column}' holds 'maybe'"):
        read(tmp_path, f"file,Alcohol,{column}\n{rows}")


def test_columns_of_remarks_beside_label_columns_are_passed_over(tmp_path):
    table = read(tmp_path, "file,width,Alcohol,remark\na.jpg,640,1,blurred\nb.jpg,1,0,\n")
    assert said(table) == [("a.jpg", "Alcohol", True), ("b.jpg", "Alcohol", False)]
