"""Whether an adapter is better than the base model: Amazon's result files to a comparison with intervals."""

from __future__ import annotations

from manifest_tools.evaluation.compared import Comparison, Evaluation
from manifest_tools.evaluation.comparison import compare_evaluation
from manifest_tools.evaluation.files import EvaluationFiles

__all__ = ["Comparison", "Evaluation", "EvaluationFiles", "compare_evaluation"]
