"""The effective truth against a slow, obvious reading of its rules, one cell at a time."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, effective_truth, judged_column, source_order
from manifest_tools.dataset.name_resolution import NameResolution, read_name
from manifest_tools.findings.policy import Policy

TAXONOMY = Taxonomy.load()
ALL = Policy(label_level="all")
# Two trees and a stranger: enough for every relation between two labels.
LABELS = (
    "Alcohol", "Alcoholic Beverages", "Alcohol Use", "Drinking", "Violence", "Weapons", "Weapon Violence", "Gambling",
)  # fmt: skip
IMAGES = ("a.jpg", "b.jpg", "c.jpg")
AGE = {"manifest": 0, "folder": 1, "table": 2}


@pytest.fixture(autouse=True)
def _known():
    assert set(LABELS) <= set(TAXONOMY.names)


def rows(sources):
    statement = st.fixed_dictionaries(
        {
            "image": st.sampled_from((*IMAGES, "not-there.jpg")),
            "label": st.sampled_from((*LABELS, "Safe", "Nonsense")),
            "source": st.sampled_from(sources),
            "truth": st.sampled_from((True, True, False, None)),
            "line": st.integers(1, 5),
        }
    )
    return st.lists(statement, max_size=12)


def dataset(statements, *, judged=("", "", ""), **options):
    images = pd.DataFrame({"image": IMAGES, "judged": judged})
    columns = ["image", "label", "source", "truth", "line"]
    return Dataset.from_tables(images, pd.DataFrame(statements, columns=columns), **options)


def below(label):
    return set(TAXONOMY.descendants(label))


def above(label):
    return set(TAXONOMY.ancestors(label))


def stated(said, scope):
    """What one source says of one image: label -> True, False or None ("cannot say"); unmentioned labels are left out."""
    positive = {row["label"] for row in said if row["truth"] is True and row["label"] in LABELS}
    negative = {row["label"] for row in said if row["truth"] is False and row["label"] in LABELS}
    unsure = {row["label"] for row in said if row["truth"] is None and row["label"] in LABELS}
    safe = any(row["label"] == "Safe" and row["truth"] is True for row in said)
    looked = any(row["truth"] is not None for row in said)
    present = {label for name in positive for label in (name, *above(name))}
    held_open = unsure | {label for name in unsure for label in above(name)}
    implied = (set(TAXONOMY.names) if safe else set(scope) if looked else set()) - present - held_open
    absent = negative | implied
    absent |= {label for name in absent for label in below(name)} - present - unsure
    contradiction = bool(present & negative) or (safe and bool(positive))
    answers = dict.fromkeys(unsure) | dict.fromkeys(absent, False) | dict.fromkeys(present, True)
    return answers, contradiction


def obvious(statements, scopes):
    """The truth of every image: label -> answer, and who contradicts themselves."""
    truth = {image: {} for image in IMAGES}
    contradictory = dict.fromkeys(IMAGES, False)
    for image in IMAGES:
        own = [row for row in statements if row["image"] == image]
        plain = {row["source"] for row in own if not row["source"].startswith("review:")}
        for source in sorted(plain, key=lambda source: (AGE.get(source, 2), source)):
            answers, conflict = stated(
                [row for row in own if row["source"] == source], scopes.get(source, ())
            )
            truth[image] |= answers
            contradictory[image] |= conflict
        reviews = [row for row in own if row["source"].startswith("review:")]
        for line in sorted({row["line"] for row in reviews}):
            truth[image] |= stated([row for row in reviews if row["line"] == line], ())[0]
    return truth, contradictory


def answer(truth, row, label):
    column = truth.labels.index(label)
    if truth.present[row, column]:
        return True
    return False if truth.absent[row, column] else None


def found_and_wanted(statements, scopes):
    """By image: the answer for each label, and whether it is contradictory, judged, and unresolved."""
    truth = effective_truth(
        dataset(statements, sources={name: {"scope": list(s)} for name, s in scopes.items()}), ALL
    )
    answers, contradictory = obvious(statements, scopes)
    found, wanted = {}, {}
    for row, image in enumerate(IMAGES):
        found[image] = (
            {label: answer(truth, row, label) for label in truth.labels},
            truth.contradictory[row],
            truth.judged[row],
            truth.unresolved[row],
        )
        own = [s for s in statements if s["image"] == image]
        wanted[image] = (
            {label: answers[image].get(label) for label in truth.labels},
            contradictory[image],
            any(s["truth"] is not None for s in own),
            any(s["truth"] is True and s["label"] == "Nonsense" for s in own),
        )
    return found, wanted


@given(rows(("manifest", "folder", "table")), st.sets(st.sampled_from(LABELS)))
@settings(max_examples=25, deadline=None)
def test_sources_are_merged_as_written_down(statements, scope):
    found, wanted = found_and_wanted(
        statements, {"table": tuple(scope), "manifest": ("Gambling",), "folder": ()}
    )
    assert found == wanted


@given(rows(("table", "review:ann", "review:bob")), st.sets(st.sampled_from(LABELS)))
@settings(max_examples=25, deadline=None)
def test_reviews_lie_over_everything_answer_by_answer(statements, scope):
    found, wanted = found_and_wanted(statements, {"table": tuple(scope)})
    assert found == wanted


@given(rows(("table",)))
@settings(max_examples=25, deadline=None)
def test_levels_are_closed_and_no_cell_is_both(statements):
    truth = effective_truth(dataset(statements), ALL)
    assert not (truth.present & truth.absent).any()
    for row in range(len(IMAGES)):
        for label in LABELS:
            if answer(truth, row, label) is True:
                assert all(answer(truth, row, name) is True for name in above(label))


@given(rows(("manifest", "folder", "table", "review:ann")), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_does_not_matter(statements, random):
    shuffled = random.sample(statements, len(statements))
    first, second = (effective_truth(dataset(order), ALL) for order in (statements, shuffled))
    for name in ("present", "absent", "unsure", "judged", "unresolved", "contradictory"):
        assert (getattr(first, name) == getattr(second, name)).all(), name


class TestByName:
    def truth(self, *statements, policy=ALL, **options):
        names = ("image", "label", "truth", "source", "line")
        plain = [dict(zip(names, (*said, "table", 1)[:5], strict=True)) for said in statements]
        return effective_truth(dataset(plain, **options), policy)

    def test_an_empty_cell_says_nothing(self):
        truth = self.truth(("a.jpg", "Alcohol", None))
        assert not truth.judged[0]
        assert not truth.known[0].any()

    def test_a_present_child_makes_its_ancestors_present_and_nothing_else(self):
        truth = self.truth(("a.jpg", "Drinking", True))
        assert set(truth.label_set(0)) == {"Drinking", *TAXONOMY.ancestors("Drinking")}
        assert not truth.absent[0].any()

    def test_an_absent_child_leaves_its_parent_open(self):
        truth = self.truth(("a.jpg", "Drinking", False))
        assert answer(truth, 0, "Drinking") is False
        assert answer(truth, 0, "Alcohol") is None

    def test_an_absent_parent_makes_its_children_absent(self):
        truth = self.truth(("a.jpg", "Alcohol", False))
        assert answer(truth, 0, "Drinking") is False

    def test_safe_covers_the_whole_taxonomy(self):
        truth = self.truth(("a.jpg", "Safe", True))
        assert truth.absent[0].all()
        assert not truth.absent[1].any()

    def test_a_label_outside_the_scope_is_unknown(self):
        truth = self.truth(("a.jpg", "Alcohol", True), sources={"table": {"scope": ["Alcohol", "Gambling"]}})
        assert answer(truth, 0, "Gambling") is False
        assert answer(truth, 0, "Violence") is None

    def test_judged_images_without_rows_are_absent_where_they_were_looked_at(self):
        truth = self.truth(judged=("all", "scope", ""), scope=("Alcohol",))
        assert truth.absent[0].all()
        assert answer(truth, 1, "Alcohol") is False
        assert answer(truth, 1, "Drinking") is False
        assert answer(truth, 1, "Violence") is None
        assert list(truth.judged) == [True, True, False]

    def test_a_reviewer_who_cannot_say_takes_the_answer_back(self):
        truth = self.truth(
            ("a.jpg", "Alcohol", True, "table", 1), ("a.jpg", "Alcohol", None, "review:ann", 1)
        )
        assert answer(truth, 0, "Alcohol") is None
        assert truth.unsure[0, truth.labels.index("Alcohol")]

    def test_a_later_answer_ends_the_doubt(self):
        truth = self.truth(
            ("a.jpg", "Alcohol", None, "review:ann", 1), ("a.jpg", "Alcohol", False, "review:bob", 2)
        )
        assert answer(truth, 0, "Alcohol") is False
        assert not truth.unsure.any()

    def test_predictions_are_not_truth(self):
        truth = self.truth(("a.jpg", "Alcohol", True, PREDICTIONS, 1))
        assert not truth.judged.any()

    def test_level_1_has_ten_columns(self):
        truth = self.truth(("a.jpg", "Drinking", True), policy=Policy())
        assert truth.labels == TAXONOMY.top
        assert truth.label_set(0) == ("Alcohol",)


class TestNames:
    @pytest.mark.parametrize(
        ("found", "sense", "name"),
        [
            ("Alcohol", NameResolution.LABEL, "Alcohol"),
            (" alcohol ", NameResolution.SPELLING, "Alcohol"),
            ("drugs_and_tobacco", NameResolution.SPELLING, "Drugs & Tobacco"),
            ("SAFE", NameResolution.SAFE, ""),
            ("none", NameResolution.UNKNOWN, ""),
            ("Alchohol", NameResolution.UNKNOWN, ""),
            ("", NameResolution.UNKNOWN, ""),
        ],
    )
    def test_reading(self, found, sense, name):
        reading = read_name(found, TAXONOMY, Policy())
        assert (reading.resolution, reading.name) == (sense, name)

    def test_sources_from_the_oldest_to_the_newest_and_no_reviews(self):
        names = {"table", "review:ann", "manifest", "folder", PREDICTIONS, "other"}
        assert source_order(names) == ["manifest", "folder", "other", "table"]


def test_judged_column_remembers_an_explicit_safe():
    table = dataset(
        [
            {"image": "a.jpg", "label": "safe", "source": "table", "truth": True, "line": 1},
            {"image": "b.jpg", "label": "Alcohol", "source": "table", "truth": False, "line": 2},
            {"image": "c.jpg", "label": "Alcohol", "source": "table", "truth": None, "line": 3},
        ]
    )
    assert list(judged_column(table.images, table.labels, Policy())) == ["all", "scope", ""]
