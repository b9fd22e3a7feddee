"""Amazon's side: list, publish, ask, train, evaluate, moderate. Names load when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifest_tools.core.lazy import lazy_names

if TYPE_CHECKING:
    from manifest_tools.aws.evaluation_results import fetch_evaluation
    from manifest_tools.aws.moderation.moderate import moderate
    from manifest_tools.aws.prediction.predict import predict_labels
    from manifest_tools.aws.publishing.apply import publish
    from manifest_tools.aws.training.train import train_adapter
    from manifest_tools.storage.s3_images import list_images

_HOMES = {
    "fetch_evaluation": "evaluation_results",
    "list_images": "reading",
    "moderate": "moderation.moderate",
    "predict_labels": "prediction.predict",
    "publish": "publishing.apply",
    "train_adapter": "training.train",
}

__all__ = ["fetch_evaluation", "list_images", "moderate", "predict_labels", "publish", "train_adapter"]
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
