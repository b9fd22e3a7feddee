"""What an adapter was to change: targets, or labels alone."""

from __future__ import annotations

from collections.abc import Sequence

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation.files import Evaluated
from manifest_tools.findings.policy import Goal, Policy, Target

Aim = Target | str  # a kind of mistake with a label, or all mistakes with it


def aims_named(targets: Sequence[Aim], taxonomy: Taxonomy) -> tuple[Aim, ...]:
    """Return targets as values, each once; a label may stand by itself.

    Raises
    ------
    InputError
        A target names no label of the taxonomy.
    """
    found: list[Aim] = []
    for target in targets:
        is_text = isinstance(target, str) and target.rpartition(":")[2] in set(Goal)
        found.append(Target.parse(str(target), taxonomy) if is_text else target)
    return tuple(dict.fromkeys(found))


def aims_declared(dataset: Dataset | None) -> tuple[Aim, ...]:
    """Return the targets of a data set's policy."""
    return tuple(Policy.from_dict(dataset.policy).targets) if dataset is not None else ()


def labels_of(aims: Sequence[Aim]) -> tuple[str, ...]:
    """Return the labels of targets, each once."""
    return tuple(dict.fromkeys(aim if isinstance(aim, str) else aim.label for aim in aims))


def labels_changed(aims: Sequence[Aim], item: Evaluated) -> tuple[str, ...]:
    """Return the labels that an adapter was to change; without targets, those that it was tested on."""
    if aims:
        return labels_of(aims)
    if item.results and item.results.labels:
        return item.results.labels
    return tuple(sorted({label for image in item.judged for label in image.truth or ()}))
