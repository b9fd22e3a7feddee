"""Pascal VOC and CVAT, and what hostile or broken XML does."""

from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats import cvat, voc, xml_files
from manifest_tools.sources.formats.xml_files import read_children, root_of
from tests.sources.rows import reasons, said

PINT = """<?xml version="1.0" encoding="UTF-8"?>
<annotation>
  <folder>bar</folder><filename>pint.jpg</filename><path>C:\\data\\bar\\pint.jpg</path>
  <object><name>beer</name><part><name>foam</name></part></object>
  <object><name> beer </name></object>
  <object><name>dice</name></object>
</annotation>"""

BOMB = """<!DOCTYPE annotation [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><filename>&b;</filename></annotation>"""

TAGS = """<annotations><version>1.1</version>
 <meta><job><labels><label><name>alcohol</name></label><label><name>dice</name></label></labels></job></meta>
 <image id="0" name="a.jpg"><tag label="alcohol" source="manual"/></image>
 <image id="1" name="b.jpg"/>
</annotations>"""


def write(tmp_path, content, name="a.xml"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_voc_objects_name_what_is_in_the_image_and_parts_do_not(tmp_path):
    read = voc.read(write(tmp_path, PINT))

    assert said(read) == [("pint.jpg", "beer", True), ("pint.jpg", "dice", True)]
    assert read.written == {"pint.jpg": "C:\\data\\bar\\pint.jpg"}
    assert read.open_world


def test_voc_trusts_the_file_name_where_the_path_is_of_another_file(tmp_path):
    read = voc.read(write(tmp_path, PINT.replace("bar\\pint.jpg", "bar\\old.jpg")))

    assert read.references == ("pint.jpg",)


def test_voc_folder_goes_on_after_a_broken_file(tmp_path):
    write(tmp_path, PINT, "1.xml")
    write(tmp_path, PINT[:200], "2.xml")
    write(tmp_path, "<annotation><object/></annotation>", "3.xml")
    write(tmp_path, PINT.replace("pint", "half").replace("<name>dice</name>", ""), "4.xml")

    read = voc.read(tmp_path)

    assert read.references == ("pint.jpg", "half.jpg")
    assert [reason.split(" at line")[0].split(":")[0] for reason in reasons(read)] == [
        "not well-formed XML",
        "no <filename>",
        "an object has no name",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, "declares entities"),
        (
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
            "declares entities",
        ),
        ("<annotation>" + "<a>" * 200 + "</a>" * 200 + "</annotation>", "nested"),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', "encoding"),
        ("<annotation><filename>a.jpg</filename>", "not well-formed XML at line 1"),
        (
            "<other><filename>a.jpg</filename></other>",
            "expected Pascal VOC with the root <annotation>, found <other>",
        ),
    ],
    ids=["bomb", "external entity", "depth", "encoding", "cut off", "other root"],
)
def test_xml_that_harms_or_is_broken_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        voc.read(write(tmp_path, content))


def test_one_child_of_very_many_elements_is_refused_and_very_many_children_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_files, "_MAX_ELEMENTS", 50)
    many = "<annotations>" + "<image><box/></image>" * 200 + "</annotations>"
    assert len([*read_children(write(tmp_path, many))]) == 200
    large = "<annotations><image/><image>" + "<box/>" * 51 + "</image></annotations>"
    with pytest.raises(InputError, match="one <image> holds more than 50 elements"):
        [*read_children(write(tmp_path, large))]


def test_the_children_of_the_root_come_one_by_one(tmp_path):
    path = write(tmp_path, TAGS)

    assert [child.tag for _, child in read_children(path)] == ["version", "meta", "image", "image"]


def test_children_that_came_before_the_file_breaks_off_are_given(tmp_path):
    children = read_children(write(tmp_path, "<annotations>" + "<image/>" * 10_000 + "<image"))

    assert sum(1 for _ in zip(range(5_000), children, strict=False)) == 5_000


def test_namespaces_do_not_hide_names(tmp_path):
    path = write(tmp_path, '<n:a xmlns:n="urn:x" xmlns="urn:y"><image><tag/></image></n:a>')

    assert [(root, child.tag, child[0].tag) for root, child in read_children(path)] == [("a", "image", "tag")]
    assert root_of(path.read_bytes()) == "a"


def test_the_root_is_told_from_the_first_bytes():
    assert root_of(b'<?xml version="1.0"?><!-- x --><annotations><image') == "annotations"
    assert root_of(b"<annot") == ""
    assert root_of(BOMB.encode()) == ""


def test_cvat_shapes_leave_the_world_open(tmp_path):
    shapes = TAGS.replace(
        '<image id="1" name="b.jpg"/>',
        '<image name="b.jpg"><box label="dice"/><skeleton label="alcohol"/></image>',
    )

    read = cvat.read(write(tmp_path, shapes))

    assert said(read) == [("a.jpg", "alcohol", True), ("b.jpg", "dice", True), ("b.jpg", "alcohol", True)]
    assert read.open_world


def test_cvat_tags_are_a_closed_list_and_an_untagged_image_is_only_gone_through(tmp_path):
    read = cvat.read(write(tmp_path, TAGS))

    assert said(read) == [("a.jpg", "alcohol", True)]
    assert read.references == ("a.jpg", "b.jpg")
    assert read.categories == ("alcohol", "dice")
    assert not read.open_world


def test_cvat_marks_without_a_label_are_findings(tmp_path):
    read = cvat.read(write(tmp_path, '<annotations><image name="a.jpg"><box/></image><image/></annotations>'))

    assert said(read) == []
    assert reasons(read) == ["a box has no label", "image number 2 has no name"]


def test_cvat_video_is_refused(tmp_path):
    with pytest.raises(InputError, match="CVAT for video"):
        cvat.read(
            write(tmp_path, '<annotations><track id="0" label="beer"><box frame="0"/></track></annotations>')
        )
