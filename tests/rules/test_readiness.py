"""The 20/50 readings: where users get hurt when a number is read wrongly."""

from __future__ import annotations

import pytest

from manifest_tools.findings.policy import Goal, Reading, Target
from tests.rules.samples import ASKED, check, codes, data, for_testing, mixture, one, together

ALCOHOL_FP = Target("Alcohol", Goal.FALSE_POSITIVES)
ALCOHOL_FN = Target("Alcohol", Goal.FALSE_NEGATIVES)
MINIMUM = ("too-few-false-positives", "too-few-false-negatives")


def state(report):
    return report.facts["readiness"]["state"]


def minimums(report):
    return {code: count for code, count in codes(report).items() if code in MINIMUM}


def severities(report, code):
    return {str(finding.severity) for finding in report.findings if finding.code == code}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"fp": 20}, "ready"),
        ({"fp": 19}, "not-ready"),
        ({"fn": 50}, "ready"),
        ({"fn": 49}, "not-ready"),
        ({"fp": 19, "fn": 49}, "not-ready"),
        ({"fp": 20, "fn": 50}, "ready"),
        ({"tp": 500, "tn": 500}, "not-ready"),
    ],
)
def test_any_reading_counts_one_kind_of_one_label(outcomes, expected):
    report = check(together(mixture(**outcomes), for_testing()))
    assert state(report) == expected
    assert report.passed is (expected == "ready")


def test_any_reading_warns_of_what_the_ready_label_still_lacks():
    report = check(together(mixture(fp=20, fn=3), for_testing()))
    finding = one(report, "too-few-false-negatives")
    assert str(finding.severity) == "warning"
    assert (finding.data["count"], finding.data["missing"]) == (3, 47)
    assert "47 more false negatives" in finding.message
    assert report.passed


def test_any_reading_says_nothing_of_goals_without_a_single_sample():
    report = check(together(mixture(fp=20), for_testing()))
    assert minimums(report) == {}


def test_missed_minimum_is_an_error_that_names_the_number():
    report = check(together(mixture(fp=13), for_testing()))
    finding = one(report, "too-few-false-positives")
    assert str(finding.severity) == "error"
    assert (finding.data["count"], finding.data["limit"], finding.data["missing"]) == (13, 20, 7)
    assert not report.passed


def test_samples_are_counted_in_training_only():
    report = check(together(mixture(fp=19), mixture(fp=30, split="test", prefix="t/")))
    assert state(report) == "not-ready"
    (row,) = (row for row in report.labels if row["label"] == "Alcohol")
    assert row["outcomes"]["train"]["false_positives"] == 19
    assert row["outcomes"]["test"]["false_positives"] == 30


def test_before_a_split_every_usable_image_counts_as_training():
    assert state(check(mixture(fp=20, split=""))) == "ready"
    assert "nothing is split yet" in " ".join(check(mixture(fp=20, split="")).facts["not_checked"])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"fp": 12}, {"fp": 8}, "ready"),
        ({"fp": 12}, {"fp": 7}, "not-ready"),
        ({"fp": 19}, {"fn": 31}, "not-ready"),
    ],
)
def test_total_reading_adds_labels_up_but_not_the_two_kinds(first, second, expected):
    split = together(mixture("Alcohol", **first), mixture("Gambling", **second, prefix="g/"), for_testing())
    report = check(split, reading=Reading.TOTAL)
    assert state(report) == expected
    if expected != "ready":
        assert {finding.data["variant"] for finding in report.findings if finding.code in MINIMUM} == {"sum"}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [({"fp": 20, "fn": 50}, "ready"), ({"fp": 20, "fn": 49}, "not-ready"), ({"fp": 20}, "not-ready")],
)
def test_strict_reading_wants_both_kinds_for_each_target(outcomes, expected):
    policy = {"reading": Reading.STRICT, "targets": (ALCOHOL_FP,)}
    report = check(together(mixture(**outcomes), for_testing()), **policy)
    assert state(report) == expected


def test_strict_reading_wants_every_target():
    both = together(
        mixture("Alcohol", fp=20, fn=50), mixture("Gambling", fp=20, fn=1, prefix="g/"), for_testing()
    )
    targets = (ALCOHOL_FP, Target("Gambling", Goal.FALSE_POSITIVES))
    assert state(check(both, reading=Reading.STRICT, targets=targets)) == "not-ready"
    assert state(check(both, reading=Reading.STRICT, targets=(ALCOHOL_FP,))) == "ready"


def test_a_target_is_not_served_by_other_labels_or_the_other_goal():
    split = together(mixture("Gambling", fp=40, prefix="g/"), mixture("Alcohol", fp=3, fn=60), for_testing())
    assert state(check(split, targets=(ALCOHOL_FP,))) == "not-ready"
    assert state(check(split, targets=(ALCOHOL_FN,))) == "ready"
    assert state(check(split)) == "ready"


def test_with_targets_the_rest_is_quiet():
    split = together(mixture("Gambling", fp=4, fn=4, prefix="g/"), mixture("Alcohol", fp=20), for_testing())
    report = check(split, targets=(ALCOHOL_FP,))
    assert minimums(report) == {}
    assert {entry["label"] for entry in report.facts["plan"]["samples"]} == {"Alcohol"}


def test_any_of_two_targets_is_enough_and_the_other_is_a_warning():
    split = together(mixture("Alcohol", fp=20), mixture("Gambling", fn=5, prefix="g/"), for_testing())
    targets = (ALCOHOL_FP, Target("Gambling", Goal.FALSE_NEGATIVES))
    report = check(split, targets=targets)
    assert report.passed
    assert one(report, "too-few-false-negatives").location.label == "Gambling"
    assert severities(report, "too-few-false-negatives") == {"warning"}


def test_a_declared_target_without_a_single_sample_is_told():
    split = together(mixture("Alcohol", fp=20), for_testing())
    report = check(split, targets=(ALCOHOL_FP, Target("Gambling", Goal.FALSE_POSITIVES)))
    assert one(report, "too-few-false-positives").location.label == "Gambling"


def test_a_target_of_a_lower_level_counts_at_level_1():
    split = together(mixture("Alcohol", fp=20), for_testing())
    report = check(split, targets=(Target("Alcoholic Beverages", Goal.FALSE_POSITIVES),))
    assert state(report) == "ready"


def test_policy_numbers_and_threshold_are_obeyed():
    split = together(mixture(fp=5), for_testing())
    assert state(check(split, min_false_positives=5)) == "ready"
    assert state(check(split, min_false_positives=5, confidence_threshold=90.0)) == "ready"
    assert state(check(split, min_false_positives=5, confidence_threshold=90.5)) == "not-ready"


class TestWithoutPredictions:
    def test_enough_labelled_images_leave_it_open(self):
        report = check(
            together(
                mixture(tp=60, tn=5, asked=False), mixture(tp=20, split="test", prefix="t/", asked=False)
            )
        )
        assert state(report) == "unknown"
        assert report.passed
        assert one(report, "predictions-missing").data["count"] == 85
        assert minimums(report) == {}

    def test_images_with_the_label_bound_its_false_negatives(self):
        report = check(mixture(tp=49, asked=False), targets=(ALCOHOL_FN,))
        finding = one(report, "too-few-false-negatives")
        assert finding.data["variant"] == "bound"
        assert finding.data["count"] == 49
        assert "at most 49" in finding.message
        assert not report.passed
        enough = together(mixture(tp=50, asked=False), for_testing())
        assert state(check(enough, targets=(ALCOHOL_FN,))) == "unknown"

    def test_images_judged_free_of_it_bound_its_false_positives(self):
        for count, expected in ((19, "not-ready"), (20, "unknown")):
            split = together(mixture(tn=count, asked=False), for_testing())
            assert state(check(split, targets=(ALCOHOL_FP,))) == expected

    def test_a_test_set_that_is_too_small_is_not_ready_whatever_training_has(self):
        report = check(mixture(tp=50, asked=False), targets=(ALCOHOL_FN,))
        assert str(report.verdict) == state(report) == "not-ready"

    def test_images_that_nobody_judged_bound_nothing(self):
        images = {f"{n}.jpg": {"split": "train"} for n in range(100)}
        truth = [(key, "Gambling", True) for key in images]
        report = check(data(images, truth, scope=("Gambling",)), targets=(ALCOHOL_FP,))
        assert state(report) == "not-ready"

    def test_known_samples_and_open_images_add_up(self):
        split = together(mixture(fp=12), mixture(tn=8, prefix="open/", asked=False), for_testing())
        assert state(check(split, targets=(ALCOHOL_FP,))) == "unknown"
        split = together(mixture(fp=12), mixture(tn=7, prefix="open/", asked=False))
        assert state(check(split, targets=(ALCOHOL_FP,))) == "not-ready"

    def test_a_model_that_reported_from_above_the_threshold_leaves_the_rest_open(self):
        images = {
            f"{n}.jpg": {"split": "train", "predicted": "7.0", "min_confidence": 80.0} for n in range(50)
        }
        truth = [(key, "Alcohol", True) for key in images]
        split = together(data(images, truth), for_testing())
        assert state(check(split, targets=(ALCOHOL_FN,))) == "unknown"
        assert state(check(split, targets=(ALCOHOL_FN,), confidence_threshold=80.0)) == "ready"

    def test_labels_that_occur_nowhere_make_no_noise(self):
        report = check(mixture(tn=3, split="", asked=False))
        assert codes(report)["too-few-false-positives"] == 1
        assert one(report, "too-few-false-positives").data["variant"] == "sum"


class TestSizes:
    @pytest.mark.parametrize(("count", "found"), [(19, True), (20, False)])
    def test_test_set(self, count, found):
        report = check(together(mixture(fp=20), for_testing(count)))
        assert ("too-few-test-images" in codes(report)) is found
        assert report.passed is not found

    def test_test_images_may_be_of_any_kind_but_copies_are_told(self):
        test = mixture(tn=20, split="test", prefix="t/")
        test = test.step("x", images=test.images.assign(group="t/tn000.jpg"))
        report = check(together(mixture(fp=20, tp=20), test))
        finding = one(report, "too-few-effective")
        assert (finding.data["variant"], finding.data["effective"]) == ("test", 1)
        assert report.passed

    @pytest.mark.parametrize(("count", "found"), [(41, True), (40, False)])
    def test_training_set(self, count, found):
        report = check(together(mixture(fp=20, tn=count - 20), for_testing()), max_training_images=40)
        assert ("too-many-images" in codes(report)) is found

    def test_the_remedy_for_too_many_images_can_be_typed(self):
        report = check(together(mixture(fp=20, tn=1200), for_testing()), max_training_images=1200)
        assert "--limit 1200'" in one(report, "too-many-images").fix


class TestEffective:
    def test_minimum_reached_by_copies_only(self):
        split = mixture(fp=20)
        split = split.step(
            "x", images=split.images.assign(group=["fp000.jpg"] * 5 + list(split.images["image"][5:]))
        )
        report = check(together(split, for_testing()))
        finding = one(report, "too-few-effective")
        assert (finding.data["count"], finding.data["effective"], finding.data["limit"]) == (20, 16, 20)
        assert report.passed

    def test_ungrouped_images_stand_alone(self):
        split = mixture(fp=20)
        split = split.step("x", images=split.images.assign(group=""))
        assert "too-few-effective" not in codes(check(together(split, for_testing())))

    def test_the_label_table_counts_look_alikes_once(self):
        split = mixture(fp=4)
        split = split.step(
            "x", images=split.images.assign(group=["fp000.jpg", "fp000.jpg", "fp002.jpg", "fp002.jpg"])
        )
        (row,) = check(split).labels
        assert row["outcomes"]["train"]["false_positives"] == 4
        assert row["effective"]["train"]["false_positives"] == 2


class TestSides:
    def test_label_in_the_test_set_only(self):
        report = check(
            together(mixture(fp=20), mixture("Gambling", tp=2, split="test", prefix="t/"), for_testing())
        )
        finding = one(report, "label-missing-from-train")
        assert (finding.location.label, finding.data["count"]) == ("Gambling", 2)
        assert not report.passed

    def test_label_in_the_training_set_only(self):
        report = check(together(mixture("Gambling", tp=2, prefix="g/"), mixture(fp=20), for_testing()))
        assert one(report, "label-missing-from-test").location.label == "Gambling"
        assert report.passed

    def test_unsplit_images_miss_no_side(self):
        found = codes(check(mixture(fp=20, tp=3, split="")))
        assert not {"label-missing-from-train", "label-missing-from-test", "too-few-test-images"} & set(found)

    def test_what_gave_way_is_told_as_the_split_recorded_it(self):
        gave_way = {"constraint": "both sides", "label": "Gambling", "detail": "all images are look-alikes"}
        split = together(mixture(fp=20), for_testing())
        split = split.step("split", sources={"split": {"gave_way": [gave_way]}})
        finding = one(check(split), "split-infeasible")
        assert finding.location.label == "Gambling"
        assert "all images are look-alikes" in finding.message


class TestBalance:
    def test_true_positives_are_wanted_beside_false_positives(self):
        finding = one(check(together(mixture(fp=20, tp=5), for_testing())), "balance")
        assert "15 more true positives" in finding.fix
        assert str(finding.severity) == "note"

    def test_true_negatives_are_wanted_beside_false_negatives(self):
        assert (
            "40 more true negatives"
            in one(check(together(mixture(fn=50, tn=10), for_testing())), "balance").fix
        )

    def test_balanced_sets_are_left_in_peace(self):
        assert "balance" not in codes(check(together(mixture(fp=20, tp=20, fn=50, tn=50), for_testing())))


class TestPlan:
    def test_what_is_missing_is_scaled_by_the_share_of_training(self):
        report = check(together(mixture(fp=10, tn=70), mixture(tn=20, split="test", prefix="t/")))
        (entry,) = (e for e in report.facts["plan"]["samples"] if e["goal"] == "false-positives")
        assert (entry["count"], entry["needed"], entry["missing"], entry["collect"]) == (10, 20, 10, 13)
        assert entry["side"] == "train"

    def test_a_test_side_that_is_full_takes_nothing_of_what_is_added(self):
        small = together(mixture(fp=2), mixture(tn=20, split="test", prefix="t/"))
        report = check(small.step("split", options={"test_size": 0.2}))
        (entry,) = (e for e in report.facts["plan"]["samples"] if e["goal"] == "false-positives")
        assert (entry["missing"], entry["collect"]) == (18, 18)

    def test_images_to_confirm_come_by_score_and_once_a_group(self):
        scores = {"high.jpg": 99.0, "copy.jpg": 98.5, "middle.jpg": 70.0, "low.jpg": 51.0, "known.jpg": 100.0}
        images = {key: dict(ASKED) for key in scores}
        images["copy.jpg"] |= {"group": "high.jpg"}
        images["high.jpg"] |= {"group": "high.jpg"}
        split = data(
            images, [("known.jpg", "Safe", True)], [(key, "Alcohol", s) for key, s in scores.items()]
        )
        (entry,) = (e for e in check(split).facts["plan"]["samples"] if e["goal"] == "false-positives")
        assert entry["confirm"]["count"] == 4
        assert [image["image"] for image in entry["confirm"]["first"]] == [
            "high.jpg",
            "middle.jpg",
            "low.jpg",
        ]

    def test_near_misses_are_the_false_negatives_to_confirm(self):
        images = {key: {"predicted": "7.0", "min_confidence": 10.0} for key in ("a.jpg", "b.jpg", "c.jpg")}
        split = data(images, [], [("a.jpg", "Alcohol", 20.0), ("b.jpg", "Alcohol", 49.0)])
        report = check(split, targets=(ALCOHOL_FN,))
        (entry,) = report.facts["plan"]["samples"]
        assert [image["image"] for image in entry["confirm"]["first"]] == ["b.jpg", "a.jpg"]

    @pytest.mark.parametrize("broken", [{"decode_error": "truncated: x"}, {"width": 20}, {"format": "GIF"}])
    def test_images_that_cannot_be_used_are_not_worth_confirming(self, broken):
        split = data({"a.jpg": {**ASKED, **broken}}, [], [("a.jpg", "Alcohol", 99.0)])
        assert all(not entry["confirm"]["count"] for entry in check(split).facts["plan"]["samples"])

    def test_images_that_only_need_the_model_are_counted(self):
        report = check(mixture(tp=30, asked=False, split=""), targets=(ALCOHOL_FN,))
        (entry,) = report.facts["plan"]["samples"]
        assert (entry["predict"], entry["missing"]) == (30, 50)

    def test_nothing_missing_nothing_planned(self):
        report = check(together(mixture(fp=20, tp=20, tn=50), for_testing()), targets=(ALCOHOL_FP,))
        assert report.facts["plan"] == {
            "samples": [],
            "test": {"count": 25, "needed": 20, "missing": 0, "collect": 0},
        }
