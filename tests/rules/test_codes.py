"""Every other code of the data set rules, by name: when it is said, and when it is not."""

from __future__ import annotations

import pandas as pd
import pytest

from manifest_tools.findings.catalogue import SUBJECTS
from manifest_tools.findings.findings import Severity
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.checking import check_dataset
from tests.rules.samples import ASKED, check, codes, data, mixture, one

SAFE = [("a.jpg", "Safe", True)]


def found(image, truth=SAFE, scores=(), **policy):
    return codes(check(data({"a.jpg": image}, truth, scores, scope=("Alcohol",)), **policy))


class TestImages:
    @pytest.mark.parametrize(
        ("facts", "code"),
        [
            ({"decode_error": "missing", "format": ""}, "image-missing"),
            ({"decode_error": "empty", "format": "", "bytes": 0}, "image-empty"),
            ({"decode_error": "unreadable: permission denied", "format": ""}, "image-unreadable"),
            ({"decode_error": "crashed: signal 11"}, "image-unreadable"),
            ({"decode_error": "timeout: 20 s"}, "image-unreadable"),
            ({"format": "WEBP"}, "image-format"),
            ({"format": "HEIC", "decode_error": "unsupported: HEIC"}, "image-format"),
            ({"format": "", "decode_error": "not-an-image: text", "width": 0, "height": 0}, "image-format"),
            ({"decode_error": "truncated: ends at byte 512"}, "image-truncated"),
            ({"decode_error": "corrupt: bad Huffman code"}, "image-corrupt"),
            ({"decode_error": "bomb: 30 gigapixels", "width": 200_000, "height": 150_000}, "image-bomb"),
            ({"height": 79}, "image-too-small"),
            ({"width": 10_001}, "image-too-large"),
            ({"bytes": 15_728_641}, "image-too-heavy"),
        ],
    )
    def test_unusable_images_are_errors_and_left_out_whole(self, facts, code):
        report = check(data({"a.jpg": facts}, SAFE))
        finding = one(report, code)
        assert finding.severity is Severity.ERROR
        assert finding.left_out
        assert report.facts["left_out"] == {code: 1}
        assert report.facts["images"]["usable"] == 0

    @pytest.mark.parametrize(
        "facts",
        [
            {"height": 80},
            {"width": 10_000},
            {"bytes": 15_728_640},
            {"format": "PNG"},
            {"format": "", "width": 0},
        ],
    )
    def test_limits_are_inclusive_and_what_was_not_inspected_is_not_judged(self, facts):
        assert not [code for code in found(facts) if code.startswith("image-") and code != "image-extension"]

    @pytest.mark.parametrize(
        ("facts", "code", "severity"),
        [
            ({"format": "PNG"}, "image-extension", Severity.WARNING),
            (
                {"remarks": "damaged: 12 corrupt data warnings; trailing-bytes: 104"},
                "image-damaged",
                Severity.WARNING,
            ),
            ({"frames": 2}, "image-animated", Severity.WARNING),
            ({"mode": "CMYK"}, "image-color-mode", Severity.WARNING),
            ({"remarks": "blank"}, "image-blank", Severity.WARNING),
            ({"orientation": 6}, "image-orientation", Severity.NOTE),
            ({"remarks": "alpha; metadata: owner, xmp"}, "image-metadata", Severity.NOTE),
            ({"remarks": "metadata: gps, owner"}, "image-metadata", Severity.WARNING),
        ],
    )
    def test_odd_images_are_told_and_kept(self, facts, code, severity):
        report = check(data({"a.jpg": facts}, SAFE))
        finding = one(report, code)
        assert finding.severity is severity
        assert not finding.left_out
        assert report.facts["images"]["usable"] == 1

    @pytest.mark.parametrize("name", ["a.JPG", "a.jpeg", "a", "a.jfif", "a.dat"])
    def test_names_that_fit_or_say_nothing(self, name):
        assert "image-extension" not in codes(check(data([name], [(name, "Safe", True)])))

    def test_a_bomb_is_not_also_too_large(self):
        facts = {"decode_error": "bomb: 30 gigapixels", "width": 200_000, "height": 150_000}
        assert set(found(facts)) & {"image-bomb", "image-too-large"} == {"image-bomb"}


class TestLookAlikes:
    def copies(self, first, second, **facts):
        images = {"a.jpg": {"group": "a.jpg", **facts}, "b.jpg": {"group": "a.jpg", **facts}}
        return check(
            data(images, [("a.jpg", first, True), ("b.jpg", second, True)], scope=("Alcohol", "Gambling"))
        )

    def test_duplicate_exact(self):
        finding = one(self.copies("Alcohol", "Alcohol", sha256="11"), "duplicate-exact")
        assert (finding.location.image, finding.data["other"]) == ("b.jpg", "a.jpg")

    def test_duplicate_near(self):
        report = self.copies("Alcohol", "Alcohol")
        assert one(report, "duplicate-near").data["other"] == "a.jpg"
        assert "duplicate-exact" not in codes(report)

    def test_conflict_between_exact_copies_leaves_all_of_them_out(self):
        report = self.copies("Alcohol", "Gambling", sha256="11")
        conflicts = [finding for finding in report.findings if finding.code == "duplicate-conflict"]
        assert [finding.location.image for finding in conflicts] == ["a.jpg", "b.jpg"]
        assert all(finding.severity is Severity.ERROR and finding.left_out for finding in conflicts)
        assert conflicts[0].data["labels"] == ["Alcohol"]
        assert conflicts[0].data["other_labels"] == ["Gambling"]

    def test_conflict_between_near_copies_is_a_warning_and_keeps_them(self):
        report = self.copies("Alcohol", "Gambling")
        assert {f.severity for f in report.findings if f.code == "duplicate-conflict"} == {Severity.WARNING}
        assert report.facts["images"]["usable"] == 2

    def test_every_image_of_a_conflicting_group_is_told_of_one_that_differs(self):
        images = {f"{n}.jpg": {"group": "0.jpg"} for n in range(5)}
        truth = [(f"{n}.jpg", "Alcohol" if n == 3 else "Gambling", True) for n in range(5)]
        report = check(data(images, truth, scope=("Alcohol", "Gambling")))
        others = {
            f.location.image: f.data["other"] for f in report.findings if f.code == "duplicate-conflict"
        }
        assert others == {
            "0.jpg": "3.jpg",
            "1.jpg": "3.jpg",
            "2.jpg": "3.jpg",
            "3.jpg": "0.jpg",
            "4.jpg": "3.jpg",
        }

    def test_images_without_truth_do_not_conflict(self):
        images = {"a.jpg": {"group": "a.jpg"}, "b.jpg": {"group": "a.jpg"}}
        assert "duplicate-conflict" not in codes(check(data(images, [("a.jpg", "Alcohol", True)])))

    def test_look_alikes_on_both_sides(self):
        images = {"a.jpg": {"group": "a.jpg", "split": "train"}, "b.jpg": {"group": "a.jpg", "split": "test"}}
        report = check(data(images, [("a.jpg", "Safe", True), ("b.jpg", "Safe", True)]))
        finding = one(report, "duplicate-across-splits")
        assert (finding.location.image, finding.data["other"]) == ("b.jpg", "a.jpg")
        assert not report.passed

    def test_a_new_look_alike_of_images_locked_on_both_sides_is_left_out(self):
        images = {
            "a.jpg": {"group": "a.jpg", "split": "train", "locked": True},
            "b.jpg": {"group": "a.jpg", "split": "test", "locked": True},
            "new.jpg": {"group": "a.jpg"},
        }
        report = check(data(images, [(key, "Safe", True) for key in images]))
        left_out = [f for f in report.findings if f.code == "duplicate-across-splits" and f.left_out]
        assert [finding.location.image for finding in left_out] == ["new.jpg"]


class TestLabels:
    def label(self, name, *, truth=True, **options):
        return check(
            data(["a.jpg"], [("a.jpg", name, truth, "table", 7)], sources={"table": {"file": "l.csv"}}),
            **options,
        )

    def test_label_unknown_has_a_place_and_suggestions_and_leaves_the_image_out(self):
        report = self.label("Alchohol")
        finding = one(report, "label-unknown")
        assert (finding.location.file, finding.location.line, finding.location.label) == (
            "l.csv",
            7,
            "Alchohol",
        )
        assert finding.data["suggestions"] == ["Alcohol"]
        assert finding.left_out

    def test_label_spelling_is_read_and_kept(self):
        report = self.label("drugs and tobacco")
        assert one(report, "label-spelling").data["name"] == "Drugs & Tobacco"
        assert report.facts["images"]["usable"] == 1

    def test_label_old_taxonomy(self):
        finding = one(self.label("Suggestive"), "label-old-taxonomy")
        assert finding.data["version"] == "6.1"

    def test_a_right_name_is_not_talked_about(self):
        assert not {code for code in codes(self.label("Alcohol")) if code.startswith("label-")}

    def test_an_unknown_name_that_is_denied_does_no_harm(self):
        report = check(data(["a.jpg"], [("a.jpg", "Alcohol", True), ("a.jpg", "Nonsense", False)]))
        assert report.facts["images"]["usable"] == 1

    def test_label_level_only_when_all_levels_are_written(self):
        assert "label-level" not in codes(self.label("Alcoholic Beverages"))
        assert (
            one(self.label("Alcoholic Beverages", label_level="all"), "label-level").data["top"] == "Alcohol"
        )

    def test_label_orphan(self):
        finding = one(check(data(["a.jpg"], [*SAFE, ("gone.jpg", "Alcohol", True)])), "label-orphan")
        assert finding.data["reference"] == "gone.jpg"

    def test_label_orphan_with_several_candidates(self):
        rows = [("x/a.jpg", "Safe", True), ("y/a.jpg", "Safe", True), ("a.jpg", "Alcohol", True)]
        assert one(check(data(["x/a.jpg", "y/a.jpg"], rows)), "label-orphan").data["matches"] == [
            "x/a.jpg",
            "y/a.jpg",
        ]

    def test_label_unchecked_leaves_the_image_out_unless_it_is_kept(self):
        split = data(
            {"a.jpg": ASKED}, [("a.jpg", "Alcohol", True)], [("a.jpg", "Violence", 80.6)], scope=("Alcohol",)
        )
        report = check(split)
        finding = one(report, "label-unchecked")
        assert (finding.location.label, finding.data["score"]) == ("Violence", 80.6)
        assert report.facts["images"]["usable"] == 0
        kept = check(split, keep_unchecked=True)
        assert kept.facts["images"]["usable"] == 1
        (row,) = (row for row in kept.labels if row["label"] == "Violence")
        assert row["outcomes"]["train"] == dict.fromkeys(row["outcomes"]["train"], 0)

    def test_an_explicit_safe_looked_for_everything(self):
        split = data({"a.jpg": ASKED}, SAFE, [("a.jpg", "Violence", 80.6)], scope=("Alcohol",))
        report = check(split)
        assert "label-unchecked" not in codes(report)
        (row,) = report.labels
        assert row["outcomes"]["train"]["false_positives"] == 1

    def test_below_the_threshold_nothing_is_unchecked(self):
        split = data(
            {"a.jpg": ASKED}, [("a.jpg", "Alcohol", True)], [("a.jpg", "Violence", 49.9)], scope=("Alcohol",)
        )
        assert "label-unchecked" not in codes(check(split))

    @pytest.mark.parametrize("truth", [[], [("a.jpg", "Alcohol", None)]])
    def test_image_unlabelled_is_never_safe(self, truth):
        report = check(data(["a.jpg"], truth, scope=("Alcohol",)))
        assert one(report, "image-unlabelled").left_out
        assert report.facts["images"]["usable"] == 0

    def test_label_unsure(self):
        truth = [("a.jpg", "Alcohol", True), ("a.jpg", "Alcohol", None, "review:ann", 1)]
        assert one(check(data(["a.jpg"], truth)), "label-unsure").left_out

    def test_label_contradiction(self):
        report = check(data(["a.jpg"], [("a.jpg", "Alcohol", True), ("a.jpg", "Safe", True)]))
        finding = one(report, "label-contradiction")
        assert (finding.location.label, finding.data["other"]) == ("Alcohol", "Safe")[
            ::-1
        ] or finding.left_out

    def test_review_disagreement_names_both_and_the_newest_wins(self):
        truth = [("a.jpg", "Alcohol", True), ("a.jpg", "Alcohol", False, "review:ann", 1)]
        report = check(data(["a.jpg"], truth, scope=("Alcohol",)))
        finding = one(report, "review-disagreement")
        assert (finding.data["winner"], finding.data["value"]) == ("review:ann", "absent")
        assert not [row for row in report.labels if row["images"]]

    def test_agreement_is_quiet(self):
        truth = [("a.jpg", "Alcohol", True), ("a.jpg", "Alcohol", True, "review:ann", 1)]
        assert "review-disagreement" not in codes(check(data(["a.jpg"], truth)))

    def test_label_duplicate(self):
        truth = [("a.jpg", "Alcohol", True, "table", 2), ("a.jpg", "Alcohol", True, "table", 9)]
        assert one(check(data(["a.jpg"], truth)), "label-duplicate").data["count"] == 2

    def test_predictions_for_other_images_and_other_taxonomies(self):
        sources = {"predictions": {"file": "p.jsonl", "unmatched": 3, "examples": ["x.jpg"]}}
        split = data({"a.jpg": ASKED}, SAFE, [("a.jpg", "Nonsense", 99.0)], sources=sources)
        report = check(split)
        assert one(report, "prediction-orphan").data["count"] == 3
        assert one(report, "prediction-unknown").location.label == "Nonsense"


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "severity"), [("x" * 1024, "error"), ("a//b.jpg", "error"), ("a#b.jpg", "warning")]
    )
    def test_object_key(self, key, severity):
        report = check(data([key], [(key, "Safe", True)], destination="s3://bucket/p"))
        finding = one(report, "object-key")
        assert finding.severity == severity
        assert finding.left_out is (severity == "error")

    def test_hashed_keys_are_fine_whatever_the_name(self):
        facts = {"a#b.jpg": {"sha256": "ab" * 32}}
        split = data(facts, [("a#b.jpg", "Safe", True)], destination="s3://bucket/p", keys="sha256")
        assert "object-key" not in codes(check(split))


class TestReport:
    def test_left_out_images_do_not_fail_the_report(self):
        sound = mixture(fp=20, tn=20, split="")
        broken = data({"z.gif": {"format": "GIF"}}, [("z.gif", "Safe", True)])
        both = sound.step(
            "x",
            images=pd.concat([sound.images, broken.images]),
            labels=pd.concat([sound.labels, broken.labels]),
        )
        report = check(both)
        assert codes(report)["image-format"] == 1
        assert report.passed

    @pytest.mark.parametrize(
        ("fail_on", "passed"), [("error", True), ("warning", False), ("note", False), ("never", True)]
    )
    def test_fail_on(self, fail_on, passed):
        split = mixture(fp=20, tn=20, split="")
        split = split.step("x", images=split.images.assign(mode="CMYK"))
        assert check(split, fail_on=fail_on).passed is passed

    def test_severities_of_the_policy_count(self):
        split = mixture(fp=20, tp=20, split="")
        split = split.step("x", images=split.images.assign(mode="CMYK"))
        assert check(split).passed
        assert not check(split, severities={"image-color-mode": Severity.ERROR}).passed

    def test_counts_are_exact_however_few_findings_are_kept(self):
        split = mixture(fp=20, tn=20, split="")
        split = split.step("x", images=split.images.assign(mode="CMYK"))
        report = check_dataset(split, policy=Policy(), max_findings=3)
        assert codes(report)["image-color-mode"] == 40
        assert len([f for f in report.findings if f.code == "image-color-mode"]) == 3

    def test_the_order_of_the_tables_does_not_matter(self):
        split = mixture(fp=9, fn=4, tp=5, tn=6, split="train")
        shuffled = data([], [], scope=split.scope)
        shuffled = type(split).from_tables(
            split.images.sample(frac=1, random_state=1),
            split.labels.sample(frac=1, random_state=2),
            scope=split.scope,
        )
        assert check(shuffled).to_dict() == check(split).to_dict()

    def test_an_empty_data_set_is_judged_and_fails(self):
        report = check(data([]))
        assert not report.passed
        assert report.facts["images"]["found"] == 0

    def test_every_finding_of_the_rules_is_in_the_catalogue(self):
        known = {entry.code for entries in SUBJECTS.values() for entry in entries}
        assert {"label-contradiction", "image-set-aside", "prediction-orphan"} <= known
