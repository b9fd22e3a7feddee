"""CSV held by column: what comes out is what the csv module reads, whatever the size of the pieces."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.csv_cells import unguarded
from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import arrow_rows, csv_rows, text_files
from manifest_tools.sources.formats.csv_rows import cells_of, chosen, csv_header, read_csv
from manifest_tools.sources.formats.label_rows import LabelRows, like
from manifest_tools.sources.formats.label_table import read_label_table
from manifest_tools.sources.formats.tables import LabelRow
from manifest_tools.sources.formats.text_files import read_text
from manifest_tools.sources.prediction_files import read_prediction_files

ROWS = st.lists(st.tuples(*[st.text(alphabet="ab ,;\"'=é\u2028\n\r", max_size=4)] * 2), max_size=7)


@pytest.fixture(autouse=True, scope="module")
def small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_PIECE_ROWS", 2)
        patch.setattr(arrow_rows, "_PIECE", 2)
        patch.setattr(text_files, "_PIECE", 4)
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "rows.csv"


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_cells_and_lines_are_those_of_the_csv_module(path, rows, end, packed):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("x", "y"), *rows])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    reader = csv.reader(io.StringIO(text.getvalue(), newline=""))
    expected, line = [], 1
    for cells in reader:
        if line > 1 and any(cells):
            expected.append((line, *map(unguarded, cells)))
        line = reader.line_num + 1
    found = read_csv(path)
    assert len(found) == len(expected)
    assert list(cells_of(found, "x", "y")) == expected
    assert [(line, *cells.values()) for line, cells in found] == expected
    assert [(line, *cells.values()) for line, cells in map(found.__getitem__, range(len(found)))] == expected
    assert read_text(path) == text.getvalue()


def test_rows_are_chosen_across_pieces(path):
    path.write_text("x,y\n" + "".join(f"{n},a\n" for n in range(7)))
    kept = chosen(read_csv(path), [n % 3 == 0 for n in range(7)])
    assert [tuple(row) for row in cells_of(kept, "x", "none")] == [
        (2, "0", None),
        (5, "3", None),
        (8, "6", None),
    ]
    assert [row.cells["x"] for row in kept[1:]] == ["3", "6"]
    with pytest.raises(IndexError):
        kept[3]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"file,label\na.jpg,Safe\nb\xff.jpg,Safe\n", "rows.csv:3: not UTF-8"),
        (b"file,label\na.jpg,Saf\xc3", "rows.csv:2: not UTF-8"),
        (b"file,label\na.jpg,\xff\n\0", "is not text"),  # said before what else is wrong
        (b'file,label\na.jpg,"x\nb.jpg,y\n', "rows.csv:3: not a CSV table"),
        (b"file,label\na.jpg,x\n\n\nb.jpg,y,z\n", "rows.csv:5: 3 cells"),
        (b"PK\x03\x04....", "spreadsheet workbook"),
        (b"file,file\n", "two columns are called 'file'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(path, data, message):
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_csv(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_the_byte_order_are_no_part_of_a_name(path, encoding):
    path.write_bytes("\n\nfile;läbel\r\na.jpg;x\r\n".encode(encoding))
    assert csv_header(path) == ["file", "läbel"]
    path.write_bytes("file;läbel\r\na.jpg;x\r\n".encode(encoding))
    assert list(read_csv(path)) == [(2, {"file": "a.jpg", "läbel": "x"})]


def test_line_ends_of_old_macs_and_the_line_of_excel(path):
    path.write_bytes(b"file,label\ra.jpg,x\rb.jpg,y\r")
    assert list(cells_of(read_csv(path), "file")) == [(2, "a.jpg"), (3, "b.jpg")]
    path.write_bytes(b"sep=;\r\nfile;label,1\r\na.jpg;x\r\n")
    assert csv_header(path) == ["file", "label,1"]
    assert list(cells_of(read_csv(path), "label,1")) == [(3, "x")]


def test_labels_are_rows_like_any_others(path):
    path.write_text("file,labels\na.jpg,Alcohol;Violence\nb.jpg,\nc.jpg,Safe\n")
    rows = read_label_table(path).rows
    expected = (
        LabelRow("a.jpg", "Alcohol", True, 2),
        LabelRow("a.jpg", "Violence", True, 2),
        LabelRow("b.jpg", "", None, 3),
        LabelRow("c.jpg", "Safe", True, 4),
    )
    assert isinstance(rows, LabelRows)
    assert (rows, rows[1:], rows[3], rows[-1]) == (expected, expected[1:], expected[3], expected[3])
    assert like(rows, rows) == like((), expected)
    nameless = LabelRows([LabelRow("a", "b", None, None), LabelRow("a", "b", False, 7)])
    assert [row.line for row in nameless] == [None, 7]
    assert nameless.frame().dtypes.astype(str).tolist() == ["str", "str", "boolean", "Int64"]


def test_of_several_rows_about_one_image_the_last_names_the_model(path):
    path.write_text("image,label,confidence,model\na,Alcohol,90,6.1\nb,,,7.0\na,Violence,80,7.0\n")
    images, labels = read_prediction_files(path).frames()
    assert images[["image", "predicted"]].to_numpy().tolist() == [["a", "7.0"], ["b", "7.0"]]
    assert labels[["label", "line"]].to_numpy().tolist() == [["Alcohol", 2], ["Violence", 4]]
