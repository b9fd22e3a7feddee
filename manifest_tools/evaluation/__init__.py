"""Whether an adapter is better than the base model: Amazon's result files to a comparison with intervals.

Names load when they are first used: the rules need little of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools.evaluation.compared import Comparison, Evaluation
    from manifest_tools.evaluation.comparison import compare_evaluation
    from manifest_tools.evaluation.files import EvaluationFiles

__all__ = ["Comparison", "Evaluation", "EvaluationFiles", "compare_evaluation"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Comparison": "manifest_tools.evaluation.compared",
        "Evaluation": "manifest_tools.evaluation.compared",
        "EvaluationFiles": "manifest_tools.evaluation.files",
        "compare_evaluation": "manifest_tools.evaluation.comparison",
    },
)
