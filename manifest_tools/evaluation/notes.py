"""What a reader of a comparison has to know beside its figures."""

from __future__ import annotations

from collections.abc import Sequence

from manifest_tools.core.text import counted
from manifest_tools.evaluation.counts import LabelComparison
from manifest_tools.evaluation.decisions import DecisionPlan
from manifest_tools.evaluation.files import Evaluated, Results
from manifest_tools.evaluation.mistakes import TestSet

COUNTS_ALONE = (
    "Only counts are known: what is newly caused cannot be told from what was not fixed, and the intervals hold if "
    "nothing is newly caused. The test set's output manifest tells."
)


GUARD_UNSEEN = "Whether images of the guard were trained on cannot be told without the data set; --data DIR refuses those."


def model_notes(item: Evaluated, evaluated: Sequence[Evaluated]) -> list[str]:
    """Say when base models differ, between adapters or from the adapter's own."""
    notes = []
    versions = {other.base_model for other in evaluated if other.base_model}
    if len(versions) > 1:
        notes.append(
            f"The adapters were compared with different base models ({', '.join(sorted(versions))})."
        )
    if item.base_model != item.adapter_model:
        notes.append(
            f"The base model is {item.base_model or 'unknown'}, the adapter answered with {item.adapter_model}."
        )
    return notes


def unknown_notes(tests: TestSet) -> list[str]:
    """Say how often nobody looked for a label, which then counts for nothing."""
    pairs = int(tests.unknown.sum())
    if not pairs:
        return []
    images = int(tests.unknown.any(axis=1).sum())
    told = f"{counted(pairs, 'pair')} of image and label, in {counted(images, 'image')}, count for nothing"
    return [f"{told}: nobody looked for the label there. Amazon's own figures take them for absent."]


def undecided_notes(plan: DecisionPlan, wanted: Sequence[str]) -> list[str]:
    """Say which labels get no threshold because the test set cannot tell of them."""
    decided = {item.label for item in plan.labels}
    left_out = [label for label in wanted if label not in decided]
    if not left_out:
        return []
    return [
        f"No thresholds for {', '.join(left_out)}: not in the test set. The decisions allow what shows such labels alone."
    ]


def differences(results: Results, compared: tuple[LabelComparison, ...], threshold: float) -> list[str]:
    """Say where our counts and Amazon's differ, rather than hide one of them."""
    given = results.at.get(threshold, {})
    notes = []
    for item in compared:
        theirs = given.get(item.label)
        if theirs is not None and theirs != (item.base, item.adapter):
            name = item.label or "The total"
            mistakes = [
                (counts.false_positives, counts.false_negatives)
                for counts in (*theirs, item.base, item.adapter)
            ]
            notes.append(
                f"{name}: Amazon's results file counts otherwise than the manifest gives (false positives, false "
                f"negatives of base model and adapter: {mistakes[0]}, {mistakes[1]}; from the manifest: "
                f"{mistakes[2]}, {mistakes[3]}). The manifest's are used."
            )
    return notes
