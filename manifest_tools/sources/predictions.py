"""What the base model says, from a manifest or a table, laid beside the labels."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import DEFAULT_MIN_CONFIDENCE, PREDICTIONS
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.sources.formats.tables import (
    IMAGE_NAMES,
    LABEL_NAMES,
    csv_records,
    find_column,
    looks_like_json_lines,
    read_text,
)
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.matching import match_references

CONFIDENCE_NAMES = ("confidence", "score", "probability")
MODEL_NAMES = ("model_version", "moderation_model_version", "model")
UNNAMED_MODEL = "unknown"  # a table need not say which model version it asked
EXAMPLES = 3  # unmatched images that are kept by name


def attach_predictions(
    dataset: Dataset, predictions: str | Path | Dataset, *, min_confidence: float | None = None
) -> Dataset:
    """Lay the base model's answers over a data set; earlier answers go.

    Parameters
    ----------
    dataset : Dataset
        The images.
    predictions : path or Dataset
        A `bulk-analysis` or `moderation-output` manifest, a CSV table of image, label and confidence (0-100;
        an image with an empty label was asked about and nothing was reported), or a data set that
        `read_predictions` gave.
    min_confidence : float, optional
        Confidence (0-100) from which the model reported, where the file does not say; by default 50, the
        service's default, or the lowest confidence in the file if that is lower.

    Raises
    ------
    InputError
        The file cannot be read, or holds no predictions.
    """
    if isinstance(predictions, Dataset):
        answers, name = predictions, str(predictions.sources.get(PREDICTIONS, {}).get("file", ""))
    else:
        answers, name = _read(predictions, min_confidence), str(predictions)
    index = ImageIndex(dataset.images["image"], dataset.root)
    by_reference = dict(zip(source_refs(dataset), dataset.images["image"], strict=True))
    folder = "" if isinstance(predictions, Dataset) else Path(predictions).parent
    matches = match_references(index, answers.images["image"].unique(), folder, known=by_reference)
    found = {reference: match.image for reference, match in matches.items()}
    unmatched = sorted(key for key, image in found.items() if image is None)
    asked = answers.images.assign(image=answers.images["image"].map(found)).dropna(subset="image")
    asked = asked.drop_duplicates("image", keep="last").set_index("image")
    model, reported_from = asked["predicted"].to_dict(), asked["min_confidence"].to_dict()
    rows = answers.labels.assign(image=answers.labels["image"].map(found)).dropna(subset="image")
    images = dataset.images
    images = images.assign(
        predicted=[model.get(key, "") for key in images["image"]],
        min_confidence=[reported_from.get(key, math.nan) for key in images["image"]],
    )
    kept = dataset.labels[dataset.labels["source"] != PREDICTIONS]
    origin = {"file": name, "unmatched": len(unmatched), "examples": unmatched[:EXAMPLES]}
    return dataset.step(
        "predict",
        images=images,
        labels=pd.concat([kept, rows], ignore_index=True),
        options={"min_confidence": min_confidence},
        sources={**dataset.sources, PREDICTIONS: origin},
    )


def _read(path: str | Path, min_confidence: float | None) -> Dataset:
    text = read_text(path)
    if looks_like_json_lines(text):
        from manifest_tools.manifests.reading import read_predictions  # noqa: PLC0415 - only for manifests

        return read_predictions(path, min_confidence=min_confidence)
    return _read_table(text, path, min_confidence)


def _read_table(text: str, path: str | Path, min_confidence: float | None) -> Dataset:
    records = csv_records(text, path)
    columns = list(records[0].cells) if records else []
    image, label, score = (find_column(columns, n) for n in (IMAGE_NAMES, LABEL_NAMES, CONFIDENCE_NAMES))
    if image is None or label is None or score is None:
        found = ", ".join(map(repr, columns)) or "no rows"
        msg = f"{path}: predictions need the columns image, label and confidence; found {found}"
        raise InputError(msg)
    model = find_column(columns, MODEL_NAMES)
    asked: dict[str, str] = {}
    rows = []
    for line, cells in records:
        key = cells.get(image, "").strip()
        asked[key] = (cells.get(model, "") if model else "") or UNNAMED_MODEL
        name = cells.get(label, "").strip()
        if name:
            rows.append((key, name, _confidence(cells.get(score, ""), path, line), line))
    labels = pd.DataFrame(rows, columns=["image", "label", "score", "line"]).assign(source=PREDICTIONS)
    lowest = float(labels["score"].min()) if rows else math.inf
    reported_from = min(DEFAULT_MIN_CONFIDENCE, lowest) if min_confidence is None else min_confidence
    images = pd.DataFrame({"image": list(asked), "predicted": list(asked.values())})
    return Dataset.from_tables(images.assign(min_confidence=reported_from), labels)


def _confidence(cell: str, path: str | Path, line: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        msg = f"{path}:{line}: confidence is {cell!r}; expected a number from 0 to 100"
        raise InputError(msg)
    return value
