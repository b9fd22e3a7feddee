"""Amazon's side: list, publish, ask, train, evaluate, moderate. Names load when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifest_tools.aws.evaluation_files import fetch_evaluation
    from manifest_tools.aws.moderation import moderate
    from manifest_tools.aws.prediction import predict_labels
    from manifest_tools.aws.publishing import publish
    from manifest_tools.aws.reading import list_images
    from manifest_tools.aws.training import train_adapter

_HOMES = {
    "fetch_evaluation": "evaluation_files",
    "list_images": "reading",
    "moderate": "moderation",
    "predict_labels": "prediction",
    "publish": "publishing",
    "train_adapter": "training",
}

__all__ = ["fetch_evaluation", "list_images", "moderate", "predict_labels", "publish", "train_adapter"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
