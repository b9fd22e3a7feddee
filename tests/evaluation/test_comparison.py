from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation import Comparison, EvaluationFiles, compare_evaluation
from manifest_tools.evaluation.text import text_lines
from manifest_tools.findings.policy import Target
from tests.evaluation.samples import ARN, OTHER_ARN, alcohol_lines, counts, line, manifest, results


def compare(*lines: dict[str, object], **options: object) -> Comparison:
    files = EvaluationFiles("test.manifest", manifest=manifest(lines))
    return compare_evaluation(files, **options).adapters[0]  # type: ignore[arg-type]


def test_a_share_comes_with_its_size_and_its_uncertainty() -> None:
    found = compare(*alcohol_lines())

    assert str(found.total.changes[1]) == "73 % fewer false negatives (11 of 15; 95 % interval 48 to 89 %)"


def test_counts_alone_give_the_same_sentence() -> None:
    files = EvaluationFiles(ARN, results=results(counts(0, 45, 0, 15), counts(11, 45, 0, 4)))

    found = compare_evaluation(files).adapters[0]

    assert str(found.total.changes[1]) == "73 % fewer false negatives (11 of 15; 95 % interval 48 to 89 %)"
    assert found.total.changes[1].p_value is None
    assert found.flips == ()
    assert any("Only counts are known" in note for note in found.notes)
    assert found.f1_given == 0.92


def test_every_kind_of_change_has_its_sentence() -> None:
    def sentence(base: int, adapter: int) -> str:
        files = EvaluationFiles(ARN, results=results(counts(9, 9, base, 0), counts(9, 9, adapter, 0)))
        return str(compare_evaluation(files).adapters[0].total.changes[0])

    assert sentence(0, 0) == "no false positives"
    assert sentence(0, 3) == "3 false positives, where the base model has none"
    assert sentence(300, 1).startswith("99 % fewer false positives (299 of 300;")
    assert sentence(7, 7) == "as many false positives as the base model (7)"
    assert sentence(10, 12) == "20 % more false positives (2 on top of 10)"


def test_newly_caused_mistakes_are_told_and_widen_the_interval() -> None:
    caused = [line(f"new-{i}.jpg", ["Alcohol"], {"Alcohol": 90.0}, {"Alcohol": 10.0}) for i in range(3)]

    found = compare(*alcohol_lines(), *caused)

    change = found.total.changes[1]
    assert (change.base, change.adapter, change.fixed, change.caused) == (15, 7, 11, 3)
    assert change.interval is not None
    assert change.interval.method == "bootstrap"
    assert change.interval.low < change.improvement < change.interval.high  # type: ignore[operator]
    assert str(change).startswith("53 % fewer false negatives (8 of 15: 11 fixed, 3 new; 95 % interval ")
    assert [flip.image for flip in found.flips[:3]] == [f"s3://acme-mod/new-{i}.jpg" for i in range(3)]
    assert {flip.became for flip in found.flips[3:]} == {"fixed"}


def test_look_alikes_count_as_one(tmp_path: Path) -> None:
    """Eleven copies of one picture prove what one picture proves."""
    names = [f"found-{i}.jpg" for i in range(11)] + [f"missed-{i}.jpg" for i in range(4)]
    images = pd.DataFrame({"image": names, "group": ["found-0.jpg"] * 11 + names[11:]})
    dataset = Dataset.from_tables(images, destination="s3://acme-mod")

    alone, grouped = compare(*alcohol_lines()), compare(*alcohol_lines(), dataset=dataset)

    ours, theirs = grouped.total.changes[1].interval, alone.total.changes[1].interval
    assert ours is not None
    assert theirs is not None
    assert ours.high - ours.low > 1.5 * (theirs.high - theirs.low)
    assert (grouped.images, grouped.groups) == (25, 15)
    assert grouped.total.changes[1].p_value == 1.0  # one group against none
    assert alone.total.changes[1].p_value == 2 / 2**11
    assert alone.groups == 0


def test_false_positives_of_a_label_that_is_never_true() -> None:
    lines = [
        line(f"{i}.jpg", [], {"Violence": 80.0}, {"Violence": 10.0} if i else {"Violence": 70.0})
        for i in range(8)
    ]

    found = compare(*lines)

    assert [item.label for item in found.labels] == ["", "Violence"]
    assert str(found.labels[1].changes[0]).startswith("88 % fewer false positives (7 of 8;")


def test_a_childs_score_counts_for_its_ancestors() -> None:
    entry = {"Confidence": 77.0, "Name": "Alcoholic Beverages"}
    made = line("a.jpg", ["Alcohol"], {}, {})
    made["detect-moderation-labels"]["ModerationLabels"] = [entry | {"ParentName": "Alcohol"}]

    found = compare(made)

    assert found.labels[1].label == "Alcohol"
    assert found.labels[1].adapter.true_positives == 1


def test_the_threshold_itself_counts_as_reported() -> None:
    found = compare(line("a.jpg", ["Alcohol"], {"Alcohol": 50.0}, {"Alcohol": 49.99}))

    assert found.total.base.true_positives == 1
    assert found.total.adapter.false_negatives == 1


def test_every_threshold_of_amazons_file_is_counted() -> None:
    found = compare(*alcohol_lines())

    totals = {point.threshold: point for point in found.points if not point.label}
    assert sorted(totals) == [float(at) for at in range(5, 101, 5)]
    assert totals[20.0].base.false_negatives == 0
    assert totals[25.0].base.false_negatives == 15


def test_best_threshold_for_a_goal() -> None:
    lines = [
        *(
            line(f"beer-{i}.jpg", ["Alcohol"], {"Alcohol": 60.0 + i}, {"Alcohol": 70.0 + i})
            for i in range(10)
        ),
        *(line(f"juice-{i}.jpg", [], {"Alcohol": 55.0 + i}, {"Alcohol": 62.0 + i}) for i in range(10)),
    ]

    choices = {
        (item.label, item.model): item for item in compare(*lines, max_false_positive_rate=0.1).choices
    }

    best = choices["Alcohol", "adapter"]
    assert best.threshold == 71.0  # at 70 two of ten juices are reported
    assert best.counts is not None
    assert (best.counts.recall, best.counts.false_positive_rate) == (0.9, 0.1)
    assert choices["Alcohol", "base"].threshold == 64.0


def test_a_goal_that_no_threshold_meets() -> None:
    found = compare(line("a.jpg", [], {"Alcohol": 100.0}, {}), max_false_positive_rate=0.0)

    choices = {(item.label, item.model): item.threshold for item in found.choices}
    assert choices["Alcohol", "base"] is None
    assert choices["Alcohol", "adapter"] == 100.0


def test_files_of_one_adapter_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes(results(counts(0, 10, 0, 15), counts(11, 10, 0, 4), images=25))
    (tmp_path / "out.manifest").write_bytes(manifest(alcohol_lines()))

    evaluation = compare_evaluation(tmp_path / "out.manifest", tmp_path / "results.json")

    (found,) = evaluation.adapters
    assert found.adapter == ARN
    assert found.by_image
    assert (found.training_images, found.f1_given) == (240, 0.92)
    assert found.notes == ()


def test_a_manifest_that_contradicts_the_results_is_said_to(tmp_path: Path) -> None:
    files = EvaluationFiles(
        ARN, results(counts(1, 10, 0, 14), counts(11, 10, 0, 4), images=25), manifest(alcohol_lines())
    )

    (found,) = compare_evaluation(files).adapters

    assert any("counts otherwise" in note for note in found.notes)


def test_the_threshold_of_the_training_is_the_default() -> None:
    files = EvaluationFiles(ARN, results(counts(0, 10, 0, 15), counts(11, 10, 0, 4), threshold=95.0))

    assert compare_evaluation(files).adapters[0].threshold == 95.0
    assert compare_evaluation(files, threshold=5).adapters[0].threshold == 5.0
    with pytest.raises(InputError, match="no counts at threshold 42, only at 5, 50, 95"):
        compare_evaluation(files, threshold=42)


def test_adapters_side_by_side() -> None:
    one = EvaluationFiles("one", manifest=manifest(alcohol_lines(found=11, missed=4)))
    lines = alcohol_lines(found=11, missed=4, arn=OTHER_ARN)
    for item in lines[11:15]:
        item["detect-moderation-labels"]["ModerationLabels"] = [{"Name": "Alcohol", "Confidence": 80.0}]
    two = EvaluationFiles("two", manifest=manifest(lines))

    evaluation = compare_evaluation(one, two)

    assert [item.total.adapter.false_negatives for item in evaluation.adapters] == [4, 0]
    assert "Adapters on the same test set" in next(text_lines(evaluation))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (alcohol_lines(arn=OTHER_ARN), None),
        (alcohol_lines(found=10, arn=OTHER_ARN), r"24 test images .*v3/\d+ has 1 other; two has 0 others"),
        (
            [*alcohol_lines(arn=OTHER_ARN)[:-1], line("clean-9.jpg", ["Violence"], {}, {}, arn=OTHER_ARN)],
            "24 test images .*two has 0 others; 1 image whose labels were corrected",
        ),
        (
            [
                *alcohol_lines(arn=OTHER_ARN),
                line("new.jpg", ["Alcohol"], {}, {"Alcohol": 90.0}, arn=OTHER_ARN),
            ],
            r"25 test images .*v3/\d+ has 0 others; two has 1 other",
        ),
    ],
    ids=["the same", "one has more", "other truth", "the other has more"],
)
def test_adapters_are_compared_on_the_images_that_they_have_in_common(
    other: list[dict[str, object]], said: str | None
) -> None:
    ones = EvaluationFiles(
        ARN, results(counts(0, 45, 0, 15), counts(11, 45, 0, 4)), manifest(alcohol_lines())
    )
    evaluation = compare_evaluation(ones, EvaluationFiles("two", manifest=manifest(other)))
    one, two = evaluation.adapters
    assert (one.images, one.total.base) == (two.images, two.total.base)
    if said is None:
        assert evaluation.common is evaluation.to_dict()["common_tests"] is None
        return
    assert re.search(said, next(text_lines(evaluation)))
    assert evaluation.to_dict()["common_tests"]["images"] == one.images
    assert not [note for note in one.notes if "Amazon's results file" in note]  # which is about other images


def test_adapters_without_an_image_in_common_are_refused() -> None:
    other = [line(f"other-{number}.jpg", [], {}, {}, arn=OTHER_ARN) for number in range(3)]
    with pytest.raises(InputError, match="no image in common, so"):
        compare_evaluation(
            EvaluationFiles("one", manifest=manifest(alcohol_lines())),
            EvaluationFiles("two", manifest=manifest(other)),
        )


def test_differing_test_sets_are_refused_by_counts_too() -> None:
    one = EvaluationFiles("one", results(counts(0, 45, 0, 15), counts(11, 45, 0, 4)))
    two = EvaluationFiles("two", results(counts(1, 45, 0, 14), counts(11, 45, 0, 4), arn=OTHER_ARN))

    with pytest.raises(InputError, match="base model's counts differ"):
        compare_evaluation(one, two)


@pytest.mark.parametrize(
    "target",
    [
        "Alcohol",
        "Alcohol:false-positives",
        "alcohol:false-negatives",
        Target.parse("Alcohol:false-positives"),
    ],
)
def test_guard_takes_a_target_in_any_form(tmp_path: Path, target: Target | str) -> None:
    (tmp_path / "guard.manifest").write_bytes(manifest(alcohol_lines()))
    guard = compare(*alcohol_lines(), guard=tmp_path / "guard.manifest", targets=[target]).guard
    assert guard is not None
    assert guard.targets == ("Alcohol",)


def test_a_guard_that_overlaps_training_is_refused_by_content_too(tmp_path: Path) -> None:
    digest = "ab" * 32
    images = pd.DataFrame(
        {
            "image": ["a.jpg", "b.jpg", "t.jpg"],
            "sha256": [digest, "cd" * 32, "ef" * 32],
            "split": ["train", "train", "test"],
        }
    )
    dataset = Dataset.from_tables(images, destination="s3://acme-mod/data")
    path = tmp_path / "guard.manifest"

    def guard(*lines: dict[str, object]) -> list[str]:
        path.write_bytes(manifest([line("innocent.jpg", None, {}, {}), *lines]))
        return list(compare(*alcohol_lines(), guard=path, dataset=dataset).notes)

    for overlapping in (
        line("data/a.jpg", None, {}, {}),
        line("another-name.jpg", None, {}, {}) | {"content-sha256": digest.upper()},
    ):
        with pytest.raises(InputError, match="1 image of 2 were trained on, first s3://acme-mod/"):
            guard(overlapping)
    assert not guard(
        line("data/t.jpg", None, {}, {}), line("a.jpg", None, {}, {}) | {"content-sha256": "00" * 32}
    )
    assert any("--data" in note for note in compare(*alcohol_lines(), guard=path).notes)


def test_guard_tells_what_happens_to_other_labels(tmp_path: Path) -> None:
    traffic = [
        line("a.jpg", None, {"Violence": 90.0, "Alcohol": 80.0}, {"Alcohol": 80.0}),
        line("b.jpg", [], {}, {"Violence": 60.0}),
        line("c.jpg", ["Violence"], {"Violence": 90.0}, {}),
        *(line(f"{i}.jpg", None, {}, {}) for i in range(17)),
    ]
    (tmp_path / "guard.manifest").write_bytes(manifest(traffic))

    guard = compare(*alcohol_lines(), guard=tmp_path / "guard.manifest").guard

    assert guard is not None
    assert (guard.images, guard.judged, guard.targets) == (20, 2, ("Alcohol",))
    assert [str(item) for item in guard.reported] == [
        "Violence: reported in 1 of 20 images instead of 2 (1 newly, 2 no longer)"
    ]
    assert [item.label for item in guard.comparisons] == ["", "Violence"]
    assert str(guard.comparisons[1].changes[1]) == "1 false negative, where the base model has none"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "No line of"),
        (b'{"a": 1}', "not an evaluation results file"),
        (b"[1, 2]", "JSON object"),
        (b'{"source-ref": "s3://b/k"}\n', "has the answers of both models"),
        (b'{"source-ref": "s3://b/k"}\nnonsense\n', "line 2: not valid JSON"),
        (
            json.dumps(line("a", [], {}, {}) | {"detect-moderation-labels": {"Labels": []}}).encode(),
            "line 1: not a line of an output manifest",
        ),
    ],
)
def test_other_files_are_refused_with_a_reason(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        compare_evaluation(path)


def test_an_arn_is_no_file() -> None:
    with pytest.raises(InputError, match="fetch_evaluation"):
        compare_evaluation(ARN)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        compare_evaluation(tmp_path / "absent")


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="threshold is 101"):
        compare(*alcohol_lines(), threshold=101.0)
    with pytest.raises(InputError, match="max_false_positive_rate is 5"):
        compare(*alcohol_lines(), max_false_positive_rate=5)


def test_answers_that_name_no_adapter_are_noticed() -> None:
    lines = [*alcohol_lines(), line("expired.jpg", [], {}, {}, arn=None)]

    assert any("1 answers do not name the adapter" in note for note in compare(*lines).notes)


def test_two_adapters_in_one_manifest_are_refused() -> None:
    with pytest.raises(InputError, match="mixes the answers of 2 adapters"):
        compare(line("a.jpg", [], {}, {}), line("b.jpg", [], {}, {}, arn=OTHER_ARN))


_scores = st.dictionaries(st.sampled_from(["Alcohol", "Violence"]), st.floats(5, 100), max_size=2)
_lines = st.lists(
    st.tuples(st.lists(st.sampled_from(["Alcohol", "Violence"]), unique=True), _scores, _scores),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=40)
@given(_lines, st.floats(5, 100))
def test_counts_add_up(
    rows: list[tuple[list[str], dict[str, float], dict[str, float]]], threshold: float
) -> None:
    found = compare(*(line(f"{i}.jpg", *row) for i, row in enumerate(rows)), threshold=threshold)

    pairs = len(rows) * (len(found.labels) - 1)
    for counted in (found.total.base, found.total.adapter):
        assert (
            counted.true_positives
            + counted.true_negatives
            + counted.false_positives
            + counted.false_negatives
            == pairs
        )
    for change in found.total.changes:
        assert change.base - change.adapter == change.fixed - change.caused  # type: ignore[operator]
    assert len(found.flips) == found.total.changes[2].fixed + found.total.changes[2].caused  # type: ignore[operator]
    assert json.dumps(found.to_dict())


def test_the_order_of_lines_does_not_matter() -> None:
    lines = alcohol_lines()

    assert compare(*lines).to_dict() == compare(*reversed(lines)).to_dict()


def test_fractions_are_refused_and_small_confidences_are_not() -> None:
    fractions = [line(f"{n}.jpg", ["Alcohol"], {"Alcohol": 0.93}, {"Alcohol": 0.5}) for n in range(30)]
    with pytest.raises(InputError, match="are fractions"):
        compare_evaluation(EvaluationFiles(ARN, manifest=manifest(fractions)))
    small = [line(f"{n}.jpg", ["Alcohol"], {"Alcohol": 5.1 + n}, {"Alcohol": 0.9}) for n in range(30)]
    assert compare_evaluation(EvaluationFiles(ARN, manifest=manifest(small)))
