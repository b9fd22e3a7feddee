"""The taxonomies: look-up, suggestions, levels, roll-up and migration."""

from __future__ import annotations

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy, fold, version_of

TAXONOMY = Taxonomy.load("7")
OLD = Taxonomy.load("6.1")


def test_counts_are_those_of_the_documentation():
    levels = [label.level for label in TAXONOMY]
    assert [levels.count(level) for level in (1, 2, 3)] == [10, 20, 22]
    assert [[label.level for label in OLD].count(level) for level in (1, 2)] == [10, 35]


def test_look_up_is_exact():
    assert "Alcohol" in TAXONOMY
    assert "alcohol" not in TAXONOMY
    assert TAXONOMY["Weapon Violence"].parent == "Graphic Violence"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Alchohol", "Alcohol"),
        ("Rude Gesture", "Rude Gestures"),
        ("violnce", "Violence"),
        ("drugs", "Drugs & Tobacco"),
        ("gore", "Blood & Gore"),
    ],
)
def test_misspelt_names_get_the_meant_label_first(written, meant):
    assert TAXONOMY.suggest(written)[0] == meant


def test_nothing_is_suggested_for_nonsense():
    assert TAXONOMY.suggest("xyzzy") == ()
    assert TAXONOMY.suggest("") == ()


@pytest.mark.parametrize(
    "written", ["drugs and tobacco", "Drugs_&_Tobacco", "DRUGS  &  TOBACCO", "drugs-&-tobacco"]
)
def test_capitals_spaces_and_punctuation_do_not_change_the_reading(written):
    assert TAXONOMY.spellings(written) == ("Drugs & Tobacco",)


def test_no_two_labels_fold_to_the_same_name():
    assert len({fold(name) for name in TAXONOMY.names}) == 52


def test_every_label_rolls_up_to_a_label_of_level_1():
    for label in TAXONOMY:
        top = TAXONOMY.level_1(label.name)
        assert TAXONOMY[top].level == 1
        assert (label.name == top) or label.name in TAXONOMY.descendants(top)


def test_roll_up_keeps_the_order_of_the_taxonomy_and_each_label_once():
    assert TAXONOMY.roll_up(["Pills", "Weapons", "Smoking", "Violence"]) == ("Violence", "Drugs & Tobacco")


@pytest.mark.parametrize("label", OLD.labels, ids=lambda label: f"{label.parent}-{label.name}")
def test_every_old_label_has_a_new_name_that_exists(label):
    migration = TAXONOMY.migrate(label.name, label.parent)
    assert migration is not None
    assert migration.choices
    assert all(choice in TAXONOMY for choice in migration.choices)


@pytest.mark.parametrize(
    ("old", "choices"),
    [
        ("Suggestive", {"Non-Explicit Nudity of Intimate parts and Kissing", "Swimwear or Underwear"}),
        ("Visually Disturbing", {"Visually Disturbing", "Violence"}),
        ("Nudity", {"Exposed Female Nipple", "Exposed Buttocks or Anus"}),
    ],
)
def test_ambiguous_migrations_name_every_choice(old, choices):
    migration = TAXONOMY.migrate(old)
    assert migration is not None
    assert migration.ambiguous
    assert set(migration.choices) == choices


def test_gambling_of_the_old_taxonomy_stands_at_two_levels():
    assert TAXONOMY.migrate("Gambling", "Gambling").choices == ("Gambling",)
    assert TAXONOMY.migrate("Gambling", "").choices == ("Gambling",)
    assert OLD.descendants("Gambling") == ()
    assert OLD["Gambling"].level == 1


@pytest.mark.parametrize(
    ("model", "taxonomy"), [("7.0", "7"), ("7", "7"), ("6.1", "6.1"), ("6.0", "6.1"), ("9", None)]
)
def test_model_versions_choose_a_taxonomy_by_their_major_number(model, taxonomy):
    assert version_of(model) == taxonomy


def test_an_unknown_version_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'8'.*known: 7, 6\.1"):
        Taxonomy.load("8")


def test_a_huge_cell_is_refused_without_comparing_it_letter_by_letter(monkeypatch):
    def compared(*args):
        raise AssertionError

    monkeypatch.setattr("manifest_tools.core.taxonomy.SequenceMatcher", compared)
    assert Taxonomy.load().suggest("x" * 1_000_000) == ()


def test_every_label_of_the_current_taxonomy_is_defined():
    taxonomy = Taxonomy.load()
    assert all(taxonomy.definition(name).covers.endswith(".") for name in taxonomy.names)
    assert "Drinking" in str(taxonomy.definition("Alcoholic Beverages"))
    assert Taxonomy.load("6.1").definition("Drugs") is None
