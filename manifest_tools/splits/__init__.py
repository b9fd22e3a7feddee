"""Splits into train and test: multi-label, grouped, minimum-aware.

Names load when they are first used: the main job never loads scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools.splits.measures import (
        count_deviation,
        groups_across,
        label_distribution,
        label_pair_distribution,
        rounding_floor,
    )
    from manifest_tools.splits.model_selection import (
        MultilabelStratifiedGroupKFold,
        MultilabelStratifiedGroupSplit,
    )
    from manifest_tools.splits.relaxed import RelaxedConstraint
    from manifest_tools.splits.solver import Solution, solve
    from manifest_tools.splits.step import LabelShare, SplitReport, split_dataset, split_report

_HOMES = {
    "RelaxedConstraint": "manifest_tools.splits.relaxed",
    "LabelShare": "manifest_tools.splits.step",
    "MultilabelStratifiedGroupKFold": "manifest_tools.splits.model_selection",
    "MultilabelStratifiedGroupSplit": "manifest_tools.splits.model_selection",
    "Solution": "manifest_tools.splits.solver",
    "SplitReport": "manifest_tools.splits.step",
    "count_deviation": "manifest_tools.splits.measures",
    "groups_across": "manifest_tools.splits.measures",
    "label_distribution": "manifest_tools.splits.measures",
    "label_pair_distribution": "manifest_tools.splits.measures",
    "rounding_floor": "manifest_tools.splits.measures",
    "solve": "manifest_tools.splits.solver",
    "split_dataset": "manifest_tools.splits.step",
    "split_report": "manifest_tools.splits.step",
}

__all__ = [
    "LabelShare",
    "MultilabelStratifiedGroupKFold",
    "MultilabelStratifiedGroupSplit",
    "RelaxedConstraint",
    "Solution",
    "SplitReport",
    "count_deviation",
    "groups_across",
    "label_distribution",
    "label_pair_distribution",
    "rounding_floor",
    "solve",
    "split_dataset",
    "split_report",
]
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
