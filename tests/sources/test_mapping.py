from __future__ import annotations

from dataclasses import replace

import pytest

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.formats.annotations import Annotations
from manifest_tools.sources.formats.tables import LabelRow
from manifest_tools.sources.mapping import (
    apply_mapping,
    read_mapping,
    unused_lines,
    without_asides,
    without_missing,
)
from manifest_tools.sources.mapping_draft import (
    count_categories,
    draft,
    draft_text,
    update_draft,
    write_draft,
)
from tests.sources.rows import said

TAXONOMY, POLICY = Taxonomy.load(), Policy()


def mapping(tmp_path, content):
    path = tmp_path / "mapping.csv"
    path.write_text(content, encoding="utf-8")
    return read_mapping(path, TAXONOMY, POLICY)


def drafted(found):
    return draft(count_categories([found], POLICY), TAXONOMY, POLICY)


def annotations(*rows, categories=()):
    labels = dict.fromkeys([*categories, *(row[1] for row in rows)])
    return Annotations("coco", tuple(LabelRow(*row, None) for row in rows), categories=tuple(labels))


def test_a_mapping_names_labels_safe_and_ignore(tmp_path):
    content = "category,label,suggestions\nbeer,Alcohol,\npub,Alcohol; drugs and tobacco,\nok,safe,\ncat,Ignore,\nnew,,Alcohol\n"

    assert mapping(tmp_path, content) == {
        "beer": ("Alcohol",),
        "pub": ("Alcohol", "drugs and tobacco"),
        "ok": ("safe",),
        "cat": (),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "category,label\nbeer,Alchohol\n",
            r":2: 'Alchohol' is not a label of taxonomy 7 \(nearest: Alcohol\)",
        ),
        ("category,label\nbeer,Alcohol\nbeer,Gambling\n", r":3: category 'beer' is mapped a second time"),
        ("category,label\nbeer,Alcohol;Safe\n", "Safe cannot stand beside other labels"),
        ("a,b\n1,2\n", "has the columns 'category' and 'label'; found a, b"),
        ("", "has the columns 'category' and 'label'; found none"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        mapping(tmp_path, content)


def test_categories_are_replaced_ignored_or_left_as_they_are():
    found = annotations(("a", "beer", True), ("a", "cat", True), ("b", "unheard of", True))

    mapped = apply_mapping(found, {"beer": ("Alcohol", "Gambling"), "cat": ()}, POLICY)

    assert said(mapped) == [("a", "Alcohol", True), ("a", "Gambling", True), ("b", "unheard of", True)]
    assert mapped.categories == ("Alcohol", "Gambling", "unheard of")


ALCOHOL = {"beer": ("Alcohol",), "wine": ("Alcohol",)}


@pytest.mark.parametrize(
    ("beer", "wine", "alcohol"),
    [
        (True, False, True),
        (False, True, True),
        (None, False, None),
        (False, False, False),
    ],
)
def test_one_of_several_categories_is_enough_and_absence_needs_them_all(beer, wine, alcohol):
    found = annotations(("a", "beer", beer), ("a", "wine", wine))

    assert said(apply_mapping(found, ALCOHOL, POLICY)) == [("a", "Alcohol", alcohol)]


def test_absence_of_one_category_alone_says_nothing_of_a_label_that_it_shares():
    assert said(apply_mapping(annotations(("a", "beer", False), categories=("wine",)), ALCOHOL, POLICY)) == []


def test_that_safe_is_absent_says_nothing():
    assert said(apply_mapping(annotations(("a", "ok", False)), {"ok": ("Safe",)}, POLICY)) == []


def test_a_draft_fills_in_what_has_one_reading_and_suggests_the_rest(tmp_path):
    names = (
        "Alcohol",
        "drugs_and_tobacco",
        "Alchohol",
        "safe",
        "approved",
        "beer, wine",
        "Illustrated Explicit Nudity",
    )
    rows = drafted(annotations(("a", "Alcohol", True), ("b", "Alcohol", True), categories=names))

    assert {row.category: row.label for row in rows} == {
        "Alcohol": "Alcohol",
        "Alchohol": "",
        "Illustrated Explicit Nudity": "",
        "approved": "",
        "beer, wine": "",
        "drugs_and_tobacco": "Drugs & Tobacco",
        "safe": "Safe",
    }
    assert [row.category for row in rows] == sorted(names)
    assert {row.category: row.suggestions for row in rows}["Alchohol"] == ("Alcohol",)
    assert {row.category: row.count for row in rows}["Alcohol"] == 2


def test_a_draft_can_be_read_back_as_it_is(tmp_path):
    rows = drafted(annotations(("a", "Alcohol", True), ("a", 'odd "name", \n ünï', True)))

    assert mapping(tmp_path, draft_text(rows)) == {"Alcohol": ("Alcohol",)}


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("approved", "Safe"),
        ("OK", "Safe"),
        ("beer", "Alcohol"),
        ("beer bottles", "Alcohol"),
        ("gun", "Weapons"),
        ("bikini", "Swimwear or Underwear"),
        ("rejected: alcohol, violence", "Alcohol;Violence"),
        ("rejected - gambling", "Gambling"),
        ("beer, wine", "Alcohol"),
        ("Suggestive", "Non-Explicit Nudity of Intimate parts and Kissing"),
        ("suggestive", "Non-Explicit Nudity of Intimate parts and Kissing"),
        ("Illustrated Explicit Nudity", "Explicit Nudity"),
        ("beer = yes", "Alcohol"),
    ],
)
def test_a_draft_suggests_what_a_name_may_mean_and_fills_nothing_in(name, suggestion):
    (row,) = drafted(annotations(("a", name, True)))

    assert (row.label, row.suggestions[0]) == ("", suggestion)


@pytest.mark.parametrize("name", ["no beer", "not alcohol", "Alcohol: no", "non-alcohol", "pets", "is_test"])
def test_a_draft_suggests_nothing_for_what_is_not_there_or_not_known(name):
    (row,) = drafted(annotations(("a", name, True)))

    assert (row.label, row.suggestions) == ("", ())


def test_words_for_missing_are_no_categories():
    names = ("None", "nan", "N/A", "-", "Alcohol")
    found = annotations(*(("a", name, True) for name in names))

    assert [row.category for row in drafted(found)] == ["Alcohol"]
    kept = without_missing(found, replace(POLICY, safe_names=("Safe", "None")))
    assert kept.categories == ("None", "Alcohol")


def test_an_image_of_which_only_a_word_for_missing_was_said_was_not_gone_through():
    found = replace(
        annotations(("a", "None", True), ("b", "None", True), ("b", "x", True)), references=("a", "b", "c")
    )

    assert without_missing(found, POLICY).references == ("b", "c")


def test_a_mapping_of_an_empty_category_is_refused(tmp_path):
    with pytest.raises(InputError, match=":3: no category, but a label"):
        mapping(tmp_path, "category,label\nbeer,Alcohol\n,Safe\n")
    assert mapping(tmp_path, "category,label\nbeer,Alcohol\n,\n") == {"beer": ("Alcohol",)}


def test_lines_of_a_mapping_that_match_nothing_are_named():
    found = annotations(("a", "beer", True), categories=("wine",))

    assert unused_lines({"beer": ("Alcohol",), "wine": (), "bear": ("Alcohol",)}, [found]) == ["bear"]


def test_an_update_keeps_what_was_filled_in_and_adds_what_is_new(tmp_path):
    path = tmp_path / "mapping.csv"
    path.write_text(
        "category,label,note,count\npets,ignore,ours,3\ngone,Safe,,1\nbeer,,ask Ann,1\n", encoding="utf-8"
    )
    rows = drafted(annotations(("a", "pets", True), ("b", "beer", True), ("c", "Alcohol", True)))

    done = update_draft(rows, path)

    assert path.read_text(encoding="utf-8") == (
        "category,label,note,count,suggestions\n"
        "pets,ignore,ours,1,\n"
        "gone,Safe,,0,\n"
        "beer,,ask Ann,1,Alcohol\n"
        "Alcohol,Alcohol,,1,\n"
    )
    assert ([row.category for row in done.added], done.unused) == (["Alcohol"], ("gone",))
    before = path.read_bytes()
    assert update_draft(rows, path).added == ()
    assert path.read_bytes() == before


def test_columns_of_0_and_1_that_are_no_labels_are_told_from_those_that_may_be():
    found = Annotations(
        "table", (), categories=("Alcohol", "booze", "Gamblin", "is_test", "mine"), unread=("note",)
    )

    left = without_asides(found, {"mine": ()}, TAXONOMY, POLICY)

    assert left.categories == ("Alcohol", "booze", "Gamblin", "mine")
    assert left.unread == ("note", "is_test")


def test_a_draft_never_overwrites_a_file(tmp_path):
    path = tmp_path / "mapping.csv"
    path.write_text("my work")

    with pytest.raises(OutputError, match="not overwritten"):
        write_draft((), path)
    with pytest.raises(OutputError, match="cannot write"):
        write_draft((), tmp_path / "no such folder" / "mapping.csv")
