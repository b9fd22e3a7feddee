"""Base model against adapter: what was fixed, what was newly caused, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.evaluation.counts import Change, Counts, LabelComparison, Point
from manifest_tools.evaluation.files import TOTAL, Evaluated, Judged
from manifest_tools.evaluation.statistics import Interval, bootstrap_improvements, mcnemar_exact, wilson

THRESHOLDS = tuple(float(step) for step in range(5, 101, 5))  # those of Amazon's own file
FALSE_POSITIVES, FALSE_NEGATIVES, MISTAKES = "false positives", "false negatives", "mistakes"

_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Flip:
    """An image on which the two models differ about a label; `became` is "fixed" or "caused"."""

    image: str
    label: str
    became: str
    mistake: str  # FALSE_POSITIVES or FALSE_NEGATIVES
    base_score: float
    adapter_score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the flip as its JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class TestSet:
    """Judged images as arrays: `truth` (images, labels); scores (images, labels), 0 where nothing was reported."""

    __test__ = False  # not a test, whatever its name begins with

    images: tuple[str, ...]
    labels: tuple[str, ...]
    truth: _Flags
    base: NDArray[np.float64]
    adapter: NDArray[np.float64]
    groups: NDArray[np.int64]  # number of each image's group of look-alikes
    unknown: _Flags  # (images, labels): nobody looked for it, so that it is no mistake of either model

    @property
    def group_count(self) -> int:
        """How many groups of look-alikes there are."""
        return int(self.groups.max()) + 1 if self.groups.size else 0


def arrange(
    judged: Sequence[Judged],
    labels: Sequence[str],
    groups: Mapping[str, str],
    unknown: Mapping[str, frozenset[str]] | None = None,
) -> TestSet:
    """Turn judged images into arrays. A label that the manifest says is known, whatever `unknown` says of the image."""
    order = {label: column for column, label in enumerate(labels)}
    shape = (len(judged), len(labels))
    truth, base, adapter = np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape)
    for row, image in enumerate(judged):
        for label in image.truth or ():
            if label in order:
                truth[row, order[label]] = True
        for scores, table in ((image.base, base), (image.adapter, adapter)):
            for label, score in scores.items():
                if label in order:
                    table[row, order[label]] = score
    names = [groups.get(image.image, image.image) for image in judged]
    _, numbers = np.unique(np.array(names, dtype=object), return_inverse=True)
    not_known = np.zeros(shape, dtype=bool)
    for row, image in enumerate(judged):
        for label in (unknown or {}).get(image.image, ()):
            if label in order:
                not_known[row, order[label]] = not truth[row, order[label]]
    return TestSet(
        tuple(image.image for image in judged), tuple(labels), truth, base, adapter, numbers, not_known
    )


def evaluated_labels(evaluated: Evaluated, threshold: float, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the labels that a test set is judged by.

    Those that Amazon names; else those that are true somewhere, and the top levels of what either model
    reports at the threshold: an adapter against false positives need not have a true one.
    """
    if evaluated.results and evaluated.results.labels:
        return evaluated.results.labels
    found: set[str] = set()
    for image in evaluated.judged:
        found |= image.truth or frozenset()
        for scores in (image.base, image.adapter):
            found |= top_labels((name for name, score in scores.items() if score >= threshold), taxonomy)
    return tuple(sorted(found))


def top_labels(names: Iterable[str], taxonomy: Taxonomy) -> set[str]:
    """Return the labels of level 1 that names belong to; what the taxonomy does not know stays."""
    return {taxonomy.level_1(name) if name in taxonomy else name for name in names}


def compare_images(tests: TestSet, threshold: float, *, seed: int = 0) -> tuple[LabelComparison, ...]:
    """Compare image by image at a threshold: the sum over labels first, then each label."""
    said_base, said_adapter = tests.base >= threshold, tests.adapter >= threshold
    wrong = {
        FALSE_POSITIVES: (said_base & ~tests.truth, said_adapter & ~tests.truth),
        FALSE_NEGATIVES: (~said_base & tests.truth, ~said_adapter & tests.truth),
        MISTAKES: (said_base != tests.truth, said_adapter != tests.truth),
    }
    wrong = {
        kind: (base & ~tests.unknown, adapter & ~tests.unknown) for kind, (base, adapter) in wrong.items()
    }
    changes = {kind: _changes(kind, *flags, tests, seed) for kind, flags in wrong.items()}
    return tuple(
        LabelComparison(
            point.label, threshold, point.base, point.adapter, tuple(changes[kind][column] for kind in wrong)
        )
        for column, point in enumerate(points_of_images(tests, [threshold]))
    )


def points_of_images(tests: TestSet, thresholds: Iterable[float] = THRESHOLDS) -> list[Point]:
    """Count at each threshold: the sum over labels first, then each label."""
    points = []
    for threshold in thresholds:
        said_base, said_adapter = tests.base >= threshold, tests.adapter >= threshold
        for column, label in enumerate((TOTAL, *tests.labels)):
            chosen = slice(None) if label == TOTAL else slice(column - 1, column)
            known = ~tests.unknown[:, chosen]
            truth = tests.truth[:, chosen][known]
            counts = (count(said[:, chosen][known], truth) for said in (said_base, said_adapter))
            points.append(Point(label, threshold, *counts))
    return points


def count(said: _Flags, truth: _Flags) -> Counts:
    """Count right and wrong answers."""
    return Counts(
        true_positives=int((said & truth).sum()),
        true_negatives=int((~said & ~truth).sum()),
        false_positives=int((said & ~truth).sum()),
        false_negatives=int((~said & truth).sum()),
    )


def _changes(kind: str, base: _Flags, adapter: _Flags, tests: TestSet, seed: int) -> list[Change]:
    """Return the change of one kind of mistake: in total, then for each label."""
    before, after = _by_group(base, tests), _by_group(adapter, tests)
    hit = before.any(axis=1) | after.any(axis=1)
    bootstrap = bootstrap_improvements(before[hit], after[hit], tests.group_count, seed=seed)
    fixed, caused = base & ~adapter, adapter & ~base
    gain = before - after
    changes = []
    for column in range(before.shape[1]):
        chosen = slice(None) if column == 0 else slice(column - 1, column)
        mended, new = int(fixed[:, chosen].sum()), int(caused[:, chosen].sum())
        total = int(before[:, column].sum())
        changes.append(
            Change(
                kind,
                total,
                int(after[:, column].sum()),
                mended,
                new,
                # Nothing new: a share of the base model's mistakes, of as many as are independent.
                bootstrap[column] if new else _independent_wilson(mended, total, before[:, column]),
                bootstrap[column],
                # A group counts once, for or against: its pictures are no independent witnesses.
                mcnemar_exact(int((gain[:, column] > 0).sum()), int((gain[:, column] < 0).sum())),
                int((before[:, column] > 0).sum()),
            )
        )
    return changes


def _by_group(flags: _Flags, tests: TestSet) -> NDArray[np.int64]:
    """Add up flags by group of look-alikes: column 0 the sum over the labels, then each label."""
    sums = np.zeros((tests.group_count, flags.shape[1]), dtype=np.int64)
    np.add.at(sums, tests.groups, flags)
    return np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)


def _independent_wilson(fixed: int, total: int, by_group: NDArray[np.int64]) -> Interval | None:
    independent = int((by_group > 0).sum())
    return wilson(independent * fixed / total, independent) if total else None


def compare_counts(label: str, threshold: float, base: Counts, adapter: Counts) -> LabelComparison:
    """Compare when only counts are known: what was newly caused cannot be told from what was not fixed."""
    return LabelComparison(
        label,
        threshold,
        base,
        adapter,
        (
            _counted_change(FALSE_POSITIVES, base.false_positives, adapter.false_positives),
            _counted_change(FALSE_NEGATIVES, base.false_negatives, adapter.false_negatives),
            _counted_change(MISTAKES, base.mistakes, adapter.mistakes),
        ),
    )


def _counted_change(kind: str, base: int, adapter: int) -> Change:
    return Change(kind, base, adapter, interval=wilson(base - adapter, base) if adapter <= base else None)


def find_flips(tests: TestSet, threshold: float) -> tuple[Flip, ...]:
    """Return where the models differ: what the adapter caused first, each by image and label."""
    said_base, said_adapter = tests.base >= threshold, tests.adapter >= threshold
    flips = [
        Flip(
            tests.images[row],
            tests.labels[column],
            "fixed" if said_adapter[row, column] == tests.truth[row, column] else "caused",
            FALSE_NEGATIVES if tests.truth[row, column] else FALSE_POSITIVES,
            float(tests.base[row, column]),
            float(tests.adapter[row, column]),
        )
        for row, column in np.argwhere((said_base != said_adapter) & ~tests.unknown)
    ]
    return tuple(sorted(flips, key=lambda flip: (flip.became, flip.image, flip.label)))
