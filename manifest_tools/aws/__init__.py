"""Amazon's side: list, publish, ask, train, evaluate, moderate. Names load when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools.aws.evaluation_results import fetch_evaluation
    from manifest_tools.aws.moderation.decision_policy import Decisions
    from manifest_tools.aws.moderation.moderate import moderate
    from manifest_tools.aws.moderation.moderate_one import moderate_one
    from manifest_tools.aws.prediction.predict import predict_labels
    from manifest_tools.aws.publishing.apply import publish
    from manifest_tools.aws.training.train import train_adapter
    from manifest_tools.sources.s3_listing import list_images

_HOMES = {
    "Decisions": "manifest_tools.aws.moderation.decision_policy",
    "fetch_evaluation": "manifest_tools.aws.evaluation_results",
    "list_images": "manifest_tools.sources.s3_listing",
    "moderate": "manifest_tools.aws.moderation.moderate",
    "moderate_one": "manifest_tools.aws.moderation.moderate_one",
    "predict_labels": "manifest_tools.aws.prediction.predict",
    "publish": "manifest_tools.aws.publishing.apply",
    "train_adapter": "manifest_tools.aws.training.train",
}

__all__ = [
    "Decisions",
    "fetch_evaluation",
    "list_images",
    "moderate",
    "moderate_one",
    "predict_labels",
    "publish",
    "train_adapter",
]
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
