"""The policy: defaults with their pages, TOML, and clear refusals."""

from __future__ import annotations

from dataclasses import fields

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.core.resources import load_json
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.findings import Severity
from manifest_tools.findings.policy import Goal, Policy, Reading, Target
from tests import ROOT


def test_defaults_are_the_documented_limits():
    policy = Policy()
    for name, limit in load_json("limits.json")["limits"].items():
        assert getattr(policy, name) == limit["value"]
        assert limit["source"].startswith("https://docs.aws.amazon.com/")


def test_a_file_changes_what_it_names(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(
        'min_test_images = 30\nreading = "strict"\ntargets = ["alcohol:false-negatives"]\n'
        '[severities]\nimage-animated = "error"\n'
    )
    policy = Policy.from_toml(path)
    assert policy.min_test_images == 30
    assert policy.reading is Reading.STRICT
    assert policy.targets == (Target("Alcohol", Goal.FALSE_NEGATIVES),)
    assert policy.severities == {"image-animated": Severity.ERROR}
    assert policy.min_false_positives == Policy().min_false_positives


def test_plain_values_come_back_as_the_same_policy():
    policy = Policy(
        targets=(Target("Alcohol", Goal.FALSE_POSITIVES),), confidence_threshold=62.5, label_level="all"
    )
    assert Policy.from_dict(policy.to_dict()) == policy


def test_plain_values_are_taken_for_what_they_say():
    policy = Policy(
        targets=["Violence:false-negatives", "alcohol:false-positives", "Alcohol:false-positives"],
        severities={"image-animated": "error"},
        reading="strict",
        confidence_threshold=50,
    )
    assert policy.targets == (
        Target.parse("Alcohol:false-positives"),
        Target.parse("Violence:false-negatives"),
    )
    assert policy.severities == {"image-animated": Severity.ERROR}
    assert policy.reading is Reading.STRICT
    assert isinstance(policy.confidence_threshold, float)
    assert (
        Policy().with_targets(["Violence:false-negatives", "Alcohol:false-positives"]).targets
        == policy.targets
    )
    assert Policy().with_targets([]) == Policy()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"targets": "Alcohol:false-positives"}, r"expected a value such as \["),
        ({"targets": ["Alchohol:false-positives"]}, "nearest: Alcohol"),
        ({"targets": [7]}, "targets is"),
        ({"reading": "both"}, "strict"),
        ({"severities": {"image-animated": "fatal"}}, "severities"),
        ({"min_test_images": 30.5}, "min_test_images is 30.5"),
        ({"min_test_images": "30"}, "min_test_images is '30'"),
        ({"safe_names": "Safe"}, "safe_names"),
        ({"definitions": {"Alcohol": 7}}, "definitions is"),
        ({"definitions": {"Alchohol": "beer"}}, "nearest: Alcohol"),
        ({"confidence_threshold": float("nan")}, "confidence_threshold"),
    ],
)
def test_bad_values_are_refused_in_python_too(values, told):
    with pytest.raises(InputError, match=told):
        Policy(**values)


def test_own_definitions_come_before_the_guides():
    taxonomy = Taxonomy.load()
    policy = Policy(definitions={"alcohol": "Brands on clothes count."})
    assert policy.definition("Alcohol", taxonomy).startswith("Brands on clothes count. Alcoholic drinks")
    assert policy.definition("Pills", taxonomy).endswith("Not: A person who takes pills.")
    assert Policy.from_dict(policy.to_dict()) == policy


def test_labels_of_an_older_taxonomy_come_back_too():
    policy = Policy.from_dict(
        {"targets": ["Nudity:false-positives"], "definitions": {"Nudity": "none at all"}},
        taxonomy=Taxonomy.load("6.1"),
    )
    assert Policy.from_dict(policy.to_dict()) == policy


def test_equal_policies_are_one_key():
    one = Policy(
        targets=["Alcohol:false-positives"], severities={"image-blank": "note", "image-animated": "error"}
    )
    two = Policy.from_dict(one.to_dict())
    assert {one: "seen"}[two] == "seen"
    assert len({one, two, Policy(), Policy(min_test_images=21)}) == 3


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("min_test_image = 3", "unknown key 'min_test_image'"),
        ('min_test_images = "many"', "min_test_images is 'many'"),
        ("min_test_images = true", "min_test_images is True"),
        ("min_test_images = -1", "min_test_images is -1"),
        ("confidence_threshold = 101", "from 0 to 100"),
        ("confidence_threshold = 0.5", "write 50 for 50 %"),
        ('label_level = "2"', "expected one of 1, all"),
        ('reading = "both"', "strict"),
        ('targets = ["Alcohol"]', "expected LABEL:GOAL"),
        ('targets = ["Alchohol:false-positives"]', "nearest: Alcohol"),
        ('targets = "Alcohol:false-positives"', "targets"),
        ('severities = { "image-animatd" = "error" }', "image-animated"),
        ('severities = { "image-animated" = "fatal" }', "severities"),
        ("= 3", "policy file"),
    ],
)
def test_a_bad_file_is_refused_with_file_key_and_what_was_expected(tmp_path, line, told):
    path = tmp_path / "policy.toml"
    path.write_text(line + "\n")
    with pytest.raises(InputError) as error:
        Policy.from_toml(path)
    assert str(path) in str(error.value)
    assert told in str(error.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="policy file"):
        Policy.from_toml(tmp_path / "none.toml")


def test_targets_of_a_label_with_a_colon_are_no_problem():
    assert str(Target.parse("Drugs & Tobacco:false-positives")) == "Drugs & Tobacco:false-positives"


def test_every_key_is_documented_with_its_default():
    text = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    for item in fields(Policy):
        assert f"`{item.name}`" in text, item.name
    for name in ("min_false_positives", "min_false_negatives", "min_test_images", "max_training_images"):
        assert f"| `{name}` | {getattr(Policy(), name)} |" in text


def test_a_threshold_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="confidence_threshold is nan"):
        Policy(confidence_threshold=float("nan"))
