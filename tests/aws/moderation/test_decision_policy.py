from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.aws.moderation.decision_policy import Action, Decisions
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy

TAXONOMY = Taxonomy.load()
POLICY = Decisions.from_dict(
    {
        "labels": {
            "Explicit": {"block": 80, "review": 50},
            "Non-Explicit Nudity of Intimate parts and Kissing": {"review": 60},
            "Bare Back": {"allow": 0},
            "Alcohol": {"review": 30},
        }
    }
)


def answer(**scores):
    """Labels of level 3 or 2 with their ancestors, as the service reports them."""
    labels = {}
    for name, score in scores.items():
        for label in (name, *TAXONOMY.ancestors(name)):
            labels[label] = max(score, labels.get(label, 0))
    return [{"Name": n, "Confidence": c, "ParentName": TAXONOMY[n].parent} for n, c in labels.items()]


@pytest.mark.parametrize(
    ("scores", "action", "label"),
    [
        ({}, "allow", None),
        ({"Explicit": 90}, "block", "Explicit"),
        ({"Explicit": 80}, "block", "Explicit"),
        ({"Explicit": 79.9}, "review", "Explicit"),
        ({"Explicit": 49}, "allow", None),
        ({"Violence": 99}, "allow", None),
        ({"Drinking": 40}, "review", "Alcohol"),
        ({"Explicit": 90, "Alcohol": 99}, "block", "Explicit"),
        ({"Bare Back": 99}, "allow", None),
        (
            {"Bare Back": 99, "Implied Nudity": 70},
            "review",
            "Non-Explicit Nudity of Intimate parts and Kissing",
        ),
        ({"Bare Back": 99, "Implied Nudity": 55}, "allow", None),
        ({"Non-Explicit Nudity": 99}, "review", "Non-Explicit Nudity of Intimate parts and Kissing"),
    ],
)
def test_the_severest_action_counts_and_exceptions_are_carved_out(scores, action, label):
    decision = POLICY.decide(answer(**scores))
    assert decision.action == action
    assert [reason.label for reason in decision.reasons] == ([label] if label else [])


def test_an_exception_may_begin_at_a_confidence():
    policy = Decisions.from_dict({"labels": {"Alcohol": {"block": 20}, "Drinking": {"allow": 70}}})
    assert policy.decide(answer(Drinking=60)).action is Action.BLOCK
    assert policy.decide(answer(Drinking=75)).action is Action.ALLOW


def test_the_usual_policy_reviews_every_label_of_level_1():
    for name in TAXONOMY.names:
        assert Decisions.usual(50).decide(answer(**{name: 50})).action is Action.REVIEW
        assert Decisions.usual(50).decide(answer(**{name: 49})).action is Action.ALLOW


@given(st.dictionaries(st.sampled_from(TAXONOMY.names), st.floats(0, 100), max_size=5), st.floats(0, 50))
def test_more_confidence_never_makes_a_decision_milder(scores, more):
    policy = Decisions.usual(50)
    higher = {name: min(100, score + more) for name, score in scores.items()}
    assert policy.decide(answer(**higher)).action.rank >= policy.decide(answer(**scores)).action.rank


@given(st.dictionaries(st.sampled_from(TAXONOMY.names), st.floats(0, 100), max_size=6), st.randoms())
def test_the_order_of_labels_does_not_matter(scores, dice):
    labels = answer(**scores)
    shuffled = dice.sample(labels, len(labels))
    assert POLICY.decide(labels) == POLICY.decide(shuffled)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "decisions.toml"
    path.write_text('default = "review"\nfailed = "block"\n[labels]\n"Hate Symbols" = { block = 1 }\n')
    policy = Decisions.from_toml(path)
    assert (policy.default, policy.failed) == (Action.REVIEW, Action.BLOCK)
    assert policy.decide(answer(**{"Hate Symbols": 2})).action is Action.BLOCK


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not toml", "decision policy"),
        ('dflt = "allow"', "unknown key 'dflt'"),
        ('default = "deny"', "default is 'deny'; expected one of allow, review, block"),
        ("labels = 3", r"\[labels\] is 3"),
        ('[labels]\n"Alchohol" = { block = 1 }', "nearest: Alcohol"),
        ('[labels]\n"Alcohol" = { blok = 1 }', "an action of 'Alcohol' is 'blok'"),
        (
            '[labels]\n"Alcohol" = { block = 101 }',
            "expected a confidence in per cent, a number from 0 to 100",
        ),
        ('[labels]\n"Alcohol" = { block = 0.8 }', "write 80 for 80 %"),
        (
            '[labels]\n"Alcohol" = { block = true }',
            "expected a confidence in per cent, a number from 0 to 100",
        ),
        ('[labels]\n"Alcohol" = 50', "expected actions with confidences"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, text, told):
    path = tmp_path / "decisions.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        Decisions.from_toml(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="decision policy"):
        Decisions.from_toml(tmp_path / "none.toml")


BY_TYPE = Decisions.from_dict(
    {
        "labels": {"Explicit": {"block": 80}, "Violence": {"block": 60}},
        "content-types": {
            "Illustrated": {"Violence": {"review": 90}},
            "Animated": {"Violence": {"allow": 0}},
        },
    }
)


@pytest.mark.parametrize(
    ("types", "scores", "action"),
    [
        ((), {"Violence": 95}, "block"),
        ((("Illustrated", 99),), {"Violence": 95}, "review"),
        ((("Illustrated", 99),), {"Violence": 85}, "allow"),
        ((("Illustrated", 50),), {"Violence": 85}, "allow"),
        ((("Illustrated", 49.9),), {"Violence": 85}, "block"),
        ((("Illustrated", 99),), {"Violence": 85, "Explicit": 90}, "block"),
        ((("Animated", 99),), {"Violence": 99}, "allow"),
        ((("Sketched", 99),), {"Violence": 95}, "block"),
    ],
)
def test_lines_of_a_content_type_stand_in_the_place_of_the_usual_ones(types, scores, action):
    kinds = [{"Name": name, "Confidence": confidence} for name, confidence in types]
    assert BY_TYPE.decide(answer(**scores), kinds).action == action


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ({"Drawn": {}}, "'Drawn'; expected Animated or Illustrated"),
        ({"Animated": 3}, r"\[content-types.Animated\] is 3"),
        ({"Animated": {"Violense": {"review": 9}}}, "'Violense' is not a label"),
        ("Animated", "expected Animated or Illustrated"),
    ],
)
def test_content_types_that_make_no_sense_are_refused(types, told):
    with pytest.raises(InputError, match=told):
        Decisions.from_dict({"content-types": types})
