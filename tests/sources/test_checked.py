"""What people looked for, by file of labels and by row."""

from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.ground_truth import effective_truth
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.checked import parse_checked
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


def known(folder, *labels, **options):
    """Return the level 1 labels that each image has, and those that it lacks."""
    dataset = read_images(folder / "images", labels=list(labels), **options)
    truth = effective_truth(dataset, Policy())
    return {
        image[0]: tuple(
            {truth.labels[n] for n in kind[row].nonzero()[0]} for kind in (truth.present, truth.absent)
        )
        for row, image in enumerate(dataset.images["image"])
    }


TOP = set(Taxonomy.load().top)


def test_each_file_has_a_scope_of_its_own(folder):
    one = table(folder, "file,labels\na.jpg,Alcohol\n", "one.csv")
    two = table(folder, "file,labels\nb.jpg,Gambling\n", "two.csv")
    three = table(folder, "file,labels\nc.jpg,Gambling\n", "three.csv")
    checked = parse_checked([f"{two}=Gambling,Violence", "alcohol,Rude Gestures"])
    found = known(folder, one, two, three, checked_labels=checked)

    assert found["a"] == ({"Alcohol"}, {"Rude Gestures"})
    assert found["b"] == ({"Gambling"}, {"Violence"})
    assert found["c"] == ({"Gambling"}, {"Alcohol", "Rude Gestures"})


def test_a_file_that_is_not_named_keeps_what_its_labels_say(folder):
    one = table(folder, "file,labels\na.jpg,Alcohol\nb.jpg,Gambling\n", "one.csv")
    two = table(folder, "file,labels\nc.jpg,Violence\n", "two.csv")
    found = known(folder, one, two, checked_labels={str(two): ["all"]})

    assert found["a"] == ({"Alcohol"}, {"Gambling"})
    assert found["c"] == ({"Violence"}, TOP - {"Violence"})


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["other.csv=Alcohol"], r"other\.csv=.*none of the files of labels"),
        (["labels.csv=Alchohol"], "'Alchohol' is not in taxonomy"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder, texts, said, monkeypatch):
    monkeypatch.chdir(folder)
    labels = table(folder, "file,labels\na.jpg,Alcohol\n")
    with pytest.raises(InputError, match=said):
        known(folder, labels, checked_labels=parse_checked(texts))


@pytest.mark.parametrize("texts", [["Alcohol", "Violence"], ["x.csv="]])
def test_an_option_that_says_nothing_or_two_things_is_refused(texts):
    with pytest.raises(InputError, match="--checked-labels"):
        parse_checked(texts)


def test_rows_say_what_was_looked_for_in_them(folder):
    text = "file,labels,checked\na.jpg,Alcohol,Alcohol;Violence\nb.jpg,Safe,violence\nc.jpg,Gambling,\n"
    found = known(folder, table(folder, text))

    assert found["a"] == ({"Alcohol"}, {"Violence"})
    assert found["b"] == (set(), {"Violence"})
    assert found["c"] == ({"Gambling"}, set())


def test_an_empty_cell_beside_a_list_says_that_none_is_there_and_alone_nothing(folder):
    found = known(folder, table(folder, "file,labels,checked\na.jpg,,Alcohol\nb.jpg,,all\nc.jpg,,\n"))

    assert found["a"] == (set(), {"Alcohol"})
    assert found["b"] == (set(), TOP)
    assert found["c"] == (set(), set())


def test_a_label_below_one_that_was_looked_for_speaks_for_it(folder):
    found = known(
        folder, table(folder, "file,labels,checked\na.jpg,Weapons,Violence|Alcohol\nb.jpg,Weapons,all\n")
    )

    assert found["a"] == ({"Violence"}, {"Alcohol"})
    assert found["b"] == ({"Violence"}, TOP - {"Violence"})


def test_several_rows_of_an_image_look_for_what_all_of_them_say(folder):
    text = "file,labels,checked\na.jpg,Alcohol,Alcohol\na.jpg,Gambling,Gambling;Violence\n"

    assert known(folder, table(folder, text))["a"] == ({"Alcohol", "Gambling"}, {"Violence"})


def test_a_column_of_another_meaning_is_refused_with_what_to_do(folder):
    dated = table(folder, "file,labels,checked\na.jpg,Alcohol,yesterday\n")
    assert known(folder, dated)["a"] == ({"Alcohol"}, set())  # it never holds a label
    labels = table(
        folder, "file,labels,checked\na.jpg,Alcohol,yesterday\nb.jpg,Alcohol,Violence\n", "half.csv"
    )
    with pytest.raises(InputError, match=r":2: column 'checked' holds 'yesterday'.*--columns ignore=checked"):
        known(folder, labels)

    assert known(folder, labels, columns=ColumnChoice.parse(["ignore=checked"]))["a"] == ({"Alcohol"}, set())
    other = table(folder, "file,labels,queue\na.jpg,Alcohol,Alcohol;Violence\n", "other.csv")
    assert known(folder, other, columns=ColumnChoice.parse(["checked=queue"]))["a"] == (
        {"Alcohol"},
        {"Violence"},
    )
