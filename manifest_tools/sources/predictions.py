"""What the base model says, laid beside the labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.percent import percent
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.dataset.reported_scores import Doubt, doubt_about_unit, reported_from
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.in_memory import Table, as_files
from manifest_tools.sources.matching import match_references
from manifest_tools.sources.prediction_files import read_prediction_files

EXAMPLES = 3  # unmatched images that are kept by name


def attach_predictions(
    dataset: Dataset, predictions: str | Path | Dataset | Table, *, min_confidence: float | None = None
) -> Dataset:
    """Lay the base model's answers over a data set; earlier answers go.

    Parameters
    ----------
    dataset : Dataset
        The images.
    predictions : path, DataFrame, list of mappings, or Dataset
        A DataFrame of image, label and confidence, or a list of such mappings or of answers; or
        A `bulk-analysis` or `moderation-output` manifest; answers of DetectModerationLabels as JSON or JSON Lines
        in any wrapper that names the image, or a folder with a file for each; the output of Augmented AI; a table
        of image, label and confidence (0-100; an image with an empty label was asked about and nothing was
        reported); or a data set that `read_predictions` gave, which is taken as it is.
    min_confidence : float, optional
        Confidence (0-100) from which the model reported, where the file does not say; by default 50, the
        service's default, or the lowest confidence in the file if that is lower. Where no score comes near 50, what
        was not reported counts as unknown, and `predictions-cut` asks.

    Returns
    -------
    Dataset
        With `predicted`, `min_confidence` and `content_types` for the images that were asked about, and label rows of the source
        "predictions". Answers about other images are counted in ``sources["predictions"]``.

    Raises
    ------
    InputError
        The file cannot be read, holds no predictions, or has confidences that are no per cent.

    Examples
    --------
    >>> from manifest_tools import attach_predictions, read_images
    >>> dataset = attach_predictions(read_images("sample_data/images"), "sample_data/predictions.manifest")
    >>> int((dataset.images["predicted"] == "7.0").sum())
    136
    """
    with as_files(predictions, "the table of predictions") as files:
        return files.told(_attach(dataset, files.given, min_confidence))


def _attach(dataset: Dataset, predictions: str | Path | Dataset, min_confidence: float | None) -> Dataset:
    asked_from = None if min_confidence is None else percent(min_confidence, "min_confidence")
    facts: dict[str, Any] = {}
    if isinstance(predictions, Dataset):
        images, labels = predictions.images, predictions.labels
        name = str(predictions.sources.get(PREDICTIONS, {}).get("file", ""))
    else:
        name = str(predictions)
        images, labels, facts = _read(Path(predictions), asked_from)
    index = ImageIndex(dataset.images["image"].tolist(), dataset.root)
    by_reference = dict(zip(source_refs(dataset), dataset.images["image"].tolist(), strict=True))
    folder = "" if isinstance(predictions, Dataset) else _folder(Path(predictions))
    matches = match_references(index, images["image"].unique(), folder, known=by_reference)
    found = {reference: match.image for reference, match in matches.items()}
    unmatched = sorted(key for key, image in found.items() if image is None)
    asked = images.assign(image=images["image"].map(found)).dropna(subset="image")
    asked = asked.drop_duplicates("image", keep="last").set_index("image")
    model, floor = asked["predicted"].to_dict(), asked["min_confidence"].to_dict()
    types = asked["content_types"].to_dict()
    rows = labels.assign(image=labels["image"].map(found)).dropna(subset="image")
    images = dataset.images
    images = images.assign(
        predicted=[model.get(key, "") for key in images["image"]],
        min_confidence=[floor.get(key, math.nan) for key in images["image"]],
        content_types=[types.get(key, "") for key in images["image"]],
    )
    kept = dataset.labels[dataset.labels["source"] != PREDICTIONS]
    origin = {"file": name, "unmatched": len(unmatched), "examples": unmatched[:EXAMPLES], **facts}
    return dataset.step(
        "predict",
        images=images,
        labels=pd.concat([kept, rows[kept.columns.intersection(rows.columns)]], ignore_index=True),
        options={"min_confidence": min_confidence},
        sources={**_without_cut(dataset.sources), PREDICTIONS: origin},
    )


def refuse_other_units(labels: pd.DataFrame, name: str, known: float | None) -> None:
    """Refuse scores that are no per cent.

    Parameters
    ----------
    labels : pandas.DataFrame
        Predictions with `score` and `line`; where they come from several files with `file`.
    name : str
        The file or folder, for the message.
    known : float or None
        The confidence from which the model reported, where somebody says it.

    Raises
    ------
    InputError
        All scores are at most 1; or some are, and no other comes near them.
    """
    scores = labels["score"].dropna().to_numpy(dtype="float64")
    doubt = doubt_about_unit(scores, known)
    if doubt is Doubt.FRACTIONS:
        msg = (
            f"{name}: the highest of {len(scores):,} confidences is {scores.max():g}, so they are fractions; "
            "confidences are per cent here: multiply them by 100 (in a table or in JSON, '0.9%' is less than 1 %)"
        )
        raise InputError(msg)
    if doubt is Doubt.MIXED:
        low = labels[(labels["score"] > 0) & (labels["score"] <= 1)].iloc[0]
        line = "" if pd.isna(low["line"]) else f":{int(low['line'])}"
        msg = (
            f"{low.get('file', name)}{line}: the confidence {low['score']:g} stands among others such as "
            f"{scores.max():g}; is it a fraction? Multiply fractions by 100. If the model was asked for answers from "
            "0 % on, say --min-confidence 0"
        )
        raise InputError(msg)


def _read(path: Path, asked_from: float | None) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Return what a source says, and the facts about it that rules and messages need."""
    said = read_prediction_files(path)
    images, labels = said.frames()
    told = images["min_confidence"]
    known = asked_from if asked_from is not None or told.isna().any() else float(told.min())
    refuse_other_units(labels[~labels["signed"].astype(bool)], str(path), known)
    open_images = set(images.loc[told.isna(), "image"])
    open_scores = labels.loc[labels["image"].isin(open_images), "score"].to_numpy(dtype="float64")
    floor, cut = reported_from(open_scores, asked_from)
    facts = {"respelled": said.respelled, "unread": said.unread, "cut": cut.to_dict() if cut else None}
    return (
        images.assign(min_confidence=told.fillna(floor)),
        labels,
        {key: fact for key, fact in facts.items() if fact},
    )


def _without_cut(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the sources, without what was doubtful in answers that go."""
    return {
        name: {key: fact for key, fact in facts.items() if key != "cut"} for name, facts in sources.items()
    }


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent
