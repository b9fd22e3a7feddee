"""What came of asking about very many images: a table for each batch, and from all of them one data set."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.aws.prediction.distributed import BatchResult
from manifest_tools.aws.prediction.payload import AskedPicture
from manifest_tools.core.arrays import cumcount
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.chunks import DatasetWriter, SavedDataset
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.manifests.content import base_prediction

Rows = npt.NDArray[np.int64]

ANSWER_COLUMNS: Final = {
    "row": ("int64", 0),
    **dict.fromkeys(("image", "model", "types", "label"), ("str", "")),
    "score": ("float64", np.nan),
    "code": ("str", ""),
    "message": ("str", ""),
}
LATER: Final = ("types",)  # not in runs that were begun before answers' content types were kept
_SHOWN: Final = 10  # failures that are kept by name
_UNNAMED: Final = "unknown"  # model version of an answer without one


def answer_table(rows: Sequence[int], pictures: Sequence[AskedPicture], result: BatchResult) -> pd.DataFrame:
    """Return what a batch was told, for the images at some positions: a row for each label.

    An answer without labels has one row; so has an image without an answer, with the reason in `code` and `message`.
    """
    found = {record["picture"]: record["answer"] for record in result.records if "answer" in record}
    lines = [
        line
        for row, picture in zip(rows, pictures, strict=True)
        for line in _lines(row, picture, found, result)
    ]
    return pd.DataFrame(lines, columns=list(ANSWER_COLUMNS))


def _lines(
    row: int, picture: AskedPicture, found: dict[str, Any], result: BatchResult
) -> Iterator[tuple[Any, ...]]:
    answer = found.get(picture.key)
    if answer is None:
        failure = result.failed[picture.key]
        yield row, picture.image, "", "", "", np.nan, failure.code, failure.message
        return
    prediction = base_prediction({"detect-moderation-labels": answer})
    assert prediction is not None
    for label, score in [*prediction.scores.items()] or [("", np.nan)]:
        yield row, picture.image, prediction.version or _UNNAMED, prediction.types, label, score, "", ""


@dataclass
class Collected:
    """What came of a run.

    Attributes
    ----------
    answered : int
        Images with an answer, copies included.
    models : dict
        Answers by model version.
    failures : list of mapping
        The first images without an answer: `image`, `code`, `message`.
    failed : int
        How many there are.
    """

    answered: int = 0
    models: dict[str, int] = field(default_factory=dict)
    failures: list[dict[Hashable, Any]] = field(default_factory=list)
    failed: int = 0


def collect_answers(
    batches: Iterable[pd.DataFrame],
    saved: SavedDataset,
    owner: Rows,
    min_confidence: float,
    progress: Progress | None = None,
) -> Collected:
    """Lay the answers of a finished run over its data set, which is replaced; earlier answers stay where none is new.

    Parameters
    ----------
    batches : iterable of DataFrame
        As :func:`answer_table` makes them, in ascending order of the rows.
    saved : SavedDataset
    owner : int array, shape (images,)
        For each image the one whose answer it shares.
    min_confidence : float
        Confidence from which the model reported.
    """
    result = Collected()
    answers = _answers(batches, result)
    starts = np.searchsorted(answers["row"].to_numpy(), np.arange(saved.rows + 1))
    with DatasetWriter(saved.folder) as writer:
        for number in range(saved.pieces):
            piece, span = saved.piece(number, columns=None), saved.span(number)
            images, first = piece.images, owner[span]
            counts = starts[first + 1] - starts[first]  # lines of each image's answer
            at = np.flatnonzero(counts)
            result.answered += len(at)
            lines = np.repeat(starts[first[at]], counts[at]) + cumcount(np.repeat(at, counts[at]))
            said = answers.iloc[lines].assign(
                image=np.repeat(images["image"].to_numpy(object)[at], counts[at])
            )
            said = said.loc[said["label"] != "", ["image", "label", "score"]].assign(source=PREDICTIONS)
            images.loc[at, "predicted"] = answers["model"].iloc[starts[first[at]]].astype("str").to_numpy()
            images.loc[at, "content_types"] = (
                answers["types"].iloc[starts[first[at]]].astype("str").to_numpy()
            )
            images.loc[at, "min_confidence"] = float(min_confidence)
            old = (piece.labels["source"] == PREDICTIONS) & piece.labels["image"].isin(
                images["image"].iloc[at]
            )
            labels = pd.concat([piece.labels[~old], said.astype({"label": "str"})], ignore_index=True)
            writer.write(images, labels)
            if progress is not None:
                progress(span.stop, saved.rows)
        origin = {"file": "", "unmatched": 0, "examples": []}
        frame = replace(saved.frame, sources={**saved.frame.sources, PREDICTIONS: origin})
        writer.finish(frame, "predict", {"min_confidence": float(min_confidence)})
    return result


def _answers(batches: Iterable[pd.DataFrame], result: Collected) -> pd.DataFrame:
    """Return all answers as one lean table, sorted by row: models, types and labels are few, and held by number."""
    numbers: dict[str, dict[str, int]] = {"model": {}, "types": {}, "label": {}}
    parts = [pd.DataFrame({"row": np.zeros(0, np.int64), "model": 0, "types": 0, "label": 0, "score": 0.0})]
    for table in batches:
        noted = _noted(table, result)
        for name, known in numbers.items():
            known |= {text: len(known) + at for at, text in enumerate(set(noted[name]) - set(known))}
            noted[name] = noted[name].map(known).astype("int32")
        parts.append(noted)
    answers = pd.concat(parts, ignore_index=True)
    for name, known in numbers.items():
        answers[name] = pd.Categorical.from_codes(
            answers[name].to_numpy(np.int32), pd.Index(list(known), dtype="str")
        )
    return answers


def _noted(table: pd.DataFrame, result: Collected) -> pd.DataFrame:
    """Count what a batch says; return its answers."""
    missed = table[table["code"] != ""]
    result.failed += len(missed)
    room = _SHOWN - len(result.failures)
    result.failures += missed[["image", "code", "message"]].head(room).to_dict("records")
    answers = table.loc[table["code"] == "", ["row", "model", "types", "label", "score"]]
    for model, count in answers.drop_duplicates("row")["model"].value_counts().items():
        result.models[str(model)] = result.models.get(str(model), 0) + int(count)
    return answers
