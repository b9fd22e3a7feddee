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
    from manifest_tools.splits.relaxed import GaveWay
    from manifest_tools.splits.solver import Solution, solve
    from manifest_tools.splits.step import LabelShare, SplitReport, split_dataset, split_report

_HOMES = {
    "GaveWay": "relaxed",
    "LabelShare": "step",
    "MultilabelStratifiedGroupKFold": "model_selection",
    "MultilabelStratifiedGroupSplit": "model_selection",
    "Solution": "solver",
    "SplitReport": "step",
    "count_deviation": "measures",
    "groups_across": "measures",
    "label_distribution": "measures",
    "label_pair_distribution": "measures",
    "rounding_floor": "measures",
    "solve": "solver",
    "split_dataset": "step",
    "split_report": "step",
}

__all__ = [
    "GaveWay",
    "LabelShare",
    "MultilabelStratifiedGroupKFold",
    "MultilabelStratifiedGroupSplit",
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
