"""Whether an adapter is better, in one sentence, and whether that can be told."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation import Comparison, EvaluationFiles, compare_evaluation
from manifest_tools.evaluation.text import text_lines
from tests.evaluation.samples import ARN, alcohol_lines, counts, line, manifest, results

MISSED = "Alcohol:false-negatives"


def compared(lines: list[dict[str, object]], **options: object) -> Comparison:
    return compare_evaluation(EvaluationFiles(ARN, manifest=manifest(lines)), **options).adapters[0]


def caused(number: int) -> list[dict[str, object]]:
    return [line(f"caused-{n}.jpg", [], {}, {"Gambling": 90.0}) for n in range(number)]


@pytest.mark.parametrize(
    ("lines", "targets", "answer", "said"),
    [
        (alcohol_lines(), [MISSED], "better", "73 % fewer false negatives"),
        (alcohol_lines(), [], "better", "All labels: 73 % fewer mistakes"),
        (alcohol_lines(), ["Alcohol"], "better", "Target Alcohol: 73 % fewer mistakes"),
        ([*alcohol_lines(), *caused(8)], [MISSED], "partly", "Worse at Gambling: 8 false positives"),
        (
            [*alcohol_lines(), *caused(2)],
            [MISSED],
            "better",
            "may be chance: Gambling (false positives 0 to 2)",
        ),
        (alcohol_lines(), [MISSED, "Alcohol:false-positives"], "partly", "there is nothing to repair"),
        (alcohol_lines(found=2, missed=2), [MISSED], "unknown", "it takes 15"),
        (
            alcohol_lines(found=0, missed=15),
            [MISSED],
            "not-better",
            "as many false negatives as the base model",
        ),
        (caused(8), ["Gambling:false-positives"], "worse", "Worse at Gambling"),
        (alcohol_lines(), ["Violence:false-positives"], "unknown", "does not occur in the test set"),
    ],
)
def test_the_answer(lines: list[dict[str, object]], targets: list[str], answer: str, said: str) -> None:
    verdict = compared(lines, targets=targets).verdict
    assert verdict is not None
    assert str(verdict.answer) == answer
    assert said in " ".join(verdict.reasons)
    json.dumps(verdict.to_dict())


def test_what_becomes_worse_in_ordinary_traffic_is_told_also_where_the_test_set_shows_just_the_same(
    tmp_path: Path,
) -> None:
    guard = tmp_path / "traffic.manifest"
    guard.write_bytes(manifest(caused(8)))
    verdict = compared(caused(8), targets=[MISSED], guard=guard).verdict
    assert verdict is not None
    places = [reason.partition(":")[0] for reason in verdict.worse]
    assert places[:2] == ["Worse at Gambling", "Worse at Gambling in ordinary traffic"]


def test_counts_alone_do_not_tell() -> None:
    files = EvaluationFiles(ARN, results(counts(0, 45, 0, 15), counts(11, 45, 0, 4)))
    (adapter,) = compare_evaluation(files, targets=[MISSED]).adapters
    assert adapter.verdict is not None
    assert str(adapter.verdict.answer) == "unknown"


def test_the_text_begins_with_name_date_and_verdict_and_ends_with_the_verdict() -> None:
    lines = list(text_lines(compare_evaluation(EvaluationFiles(ARN, manifest=manifest(alcohol_lines())))))
    assert lines[:2] == ["bar / v3, made 2024-10-27", "Better than the base model"]
    assert lines[-1] == f"verdict     {lines[1]}"


def test_what_nobody_looked_for_is_no_mistake(tmp_path: Path) -> None:
    """The list only knew alcohol; that the adapter reports violence there is neither right nor wrong."""
    names = [f"{n}.jpg" for n in range(12)]
    images = pd.DataFrame(
        {"image": names, "judged": "scope", "predicted": "7.0", "min_confidence": 5.0, "split": "test"}
    )
    table = pd.DataFrame({"image": names, "label": "Alcohol", "source": "table", "truth": False})
    dataset = Dataset.from_tables(
        images,
        table,
        destination="s3://acme-mod",
        scope=("Alcohol",),
        sources={"table": {"scope": ["Alcohol"]}},
    )
    lines = [line(name, [], {"Alcohol": 80.0}, {"Violence": 90.0}) for name in names]
    lines[0]["content-moderation-groundtruth"] = {"ModerationLabels": [{"Name": "Violence"}]}

    def violence(item: Comparison) -> tuple[int, int, int]:
        found = next(one.adapter for one in item.labels if one.label == "Violence")
        return found.true_positives, found.false_positives, found.true_negatives

    assert violence(compared(lines)) == (1, 11, 0)
    known = compared(lines, dataset=dataset)
    assert violence(known) == (1, 0, 0)  # the manifest says so of the one
    assert {flip.label for flip in known.flips if flip.image != "s3://acme-mod/0.jpg"} == {"Alcohol"}
    assert any("nobody looked for the label there" in note for note in known.notes)
