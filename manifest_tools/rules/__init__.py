"""The rules: plain functions from the evidence to findings, in one explicit tuple.

Adding a rule means writing a function and naming it here.
"""

from __future__ import annotations

from manifest_tools.rules import (
    groups,
    images,
    keys,
    labels,
    lookalikes,
    power,
    predictions,
    readiness,
    slices,
    sources,
    suspects,
)
from manifest_tools.rules.evidence import Evidence, Rule

IMAGE_RULES: tuple[Rule, ...] = (
    images.unusable_images,
    images.wrong_extensions,
    images.odd_pixels,
    images.metadata,
    images.derived,
    lookalikes.copies,
)
RULES: tuple[Rule, ...] = (
    *IMAGE_RULES,
    lookalikes.conflicting_labels,
    lookalikes.split_copies,
    groups.groups_across,
    groups.large_groups,
    groups.uneven_labels,
    slices.small_slices,
    sources.unread_entries,
    labels.names,
    labels.orphans,
    labels.contradictions,
    labels.unchecked,
    labels.unlabelled,
    labels.levels,
    labels.disagreements,
    labels.repetitions,
    labels.strange_predictions,
    suspects.probably_wrong,
    predictions.cut_answers,
    predictions.no_agreement,
    keys.object_keys,
    readiness.minimum_samples,
    readiness.missing_predictions,
    readiness.size_of_test_set,
    power.small_tests,
    readiness.training_size,
    readiness.selection,
    readiness.effective_samples,
    readiness.missing_labels,
    readiness.relaxed_constraints_of_the_split,
    readiness.locked_images,
    readiness.balance,
)
# What two finished manifests show beyond what validating each of them tells.
PAIR_RULES: tuple[Rule, ...] = (
    *IMAGE_RULES,
    lookalikes.conflicting_labels,
    lookalikes.split_copies,
    groups.groups_across,
    groups.large_groups,
    readiness.minimum_samples,
    readiness.size_of_test_set,
    power.small_tests,
    readiness.training_size,
    readiness.effective_samples,
    readiness.missing_labels,
    readiness.balance,
)

__all__ = ["IMAGE_RULES", "PAIR_RULES", "RULES", "Evidence", "Rule"]
