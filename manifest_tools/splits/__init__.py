"""Splits into train and test: multi-label, grouped, minimum-aware."""

from manifest_tools.splits.constraints import GaveWay
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
from manifest_tools.splits.solver import Solution, solve
from manifest_tools.splits.step import LabelShare, SplitReport, split_dataset, split_report

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
