"""Manifests into data sets: what people said, and what a model said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.core.text import is_missing
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.dataset.reported_scores import Cut, reported_from
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.content import Prediction, Said, base_prediction, what_people_said
from manifest_tools.manifests.kinds import SOURCE_REF, kind_of, parse_kind
from manifest_tools.manifests.line_reader import Source, lines, parse

SOURCE = "manifest"  # of the label rows
SAFE = "Safe"


def read_manifest(
    path: str | Path | bytes,
    *,
    kind: str = "auto",
    taxonomy: str = CURRENT,
    policy: Policy | None = None,
    label_confidence: float = 0.0,
    min_confidence: float | None = None,
) -> Dataset:
    """Read a manifest of any kind as a data set. Labels stay as found, and none is invented.

    Parameters
    ----------
    path : str, Path or bytes
        The manifest: a path, "-" for standard input, or the bytes themselves. Gzip is recognised.
    kind : str
        A manifest kind (docs/manifests.md), or "auto". Any other kind than "auto" leaves the other lines out.
    taxonomy : str
        The taxonomy that the labels are meant in.
    policy : Policy, optional
        Says which class names mean that nothing is unsafe ("Safe" by default).
    label_confidence : float
        Confidence (0-1) of the labelling job below which a label is not known instead of present.
    min_confidence : float, optional
        Confidence (0-100) that a bulk analysis was asked for; its file does not say. By default 50, or the
        lowest score in the file if that is lower, or if no score comes near 50.

    Returns
    -------
    Dataset
        One row for each distinct `source-ref`. ``judged`` is "all" for an explicit empty list (which becomes a
        label row "Safe") and for a safe class, "scope" where people were asked for other labels, and empty
        where nobody was asked or the job failed.
        A model's predictions become label rows of the source "predictions". Lines that cannot be read are
        left out and counted in ``sources["manifest"]``; :func:`validate_manifest` tells what is wrong with them.

    Raises
    ------
    InputError
        The file cannot be read, or the kind does not exist.

    Examples
    --------
    >>> from manifest_tools import read_manifest
    >>> dataset = read_manifest("sample_data/predictions.manifest")
    >>> len(dataset), dataset.sources["manifest"]["kinds"]
    (136, {'bulk-analysis': 136})
    """
    wanted = parse_kind(kind)
    source = Source(path)
    table = _Table(label_confidence, policy or Policy())
    kinds: Counter[str] = Counter()
    skipped: list[int] = []
    for number, line in _objects(source, skipped):
        found = kind_of(line)
        if wanted is not None and found is not wanted:
            skipped.append(number)
            continue
        kinds[str(found)] += 1
        table.add(number, line)
    facts: dict[str, Any] = {
        "file": source.name,
        "kinds": dict(sorted(kinds.items())),
        "lines_left_out": len(skipped),
        "first_lines_left_out": sorted(skipped)[:10],
    }
    images, labels = table.frames(min_confidence)
    if table.cut is not None:
        facts["cut"] = table.cut.to_dict()
    dataset = Dataset.from_tables(
        images, labels, taxonomy=taxonomy, scope=tuple(sorted(table.scope)), sources={SOURCE: facts}
    )
    return dataset.step("read", options={"manifest": source.name, "kind": kind})


def read_predictions(path: str | Path | bytes, *, min_confidence: float | None = None) -> Dataset:
    """Read what the base model says from a bulk analysis or from a training's output manifest.

    Parameters
    ----------
    path : str, Path or bytes
        As in :func:`read_manifest`.
    min_confidence : float, optional
        As in :func:`read_manifest`; a training's output needs none (5, documented).

    Returns
    -------
    Dataset
        The predicted images with ``predicted``, ``min_confidence`` and ``content_types``, and label rows of the source
        "predictions" alone. An image for which the model reported nothing has a row and no labels.

    Raises
    ------
    InputError
        The file cannot be read, or has no prediction of the base model.
    """
    dataset = read_manifest(path, min_confidence=min_confidence)
    images = dataset.images[dataset.images["predicted"] != ""]
    if images.empty:
        msg = (
            f"{dataset.sources[SOURCE]['file']}: no line has a prediction of the base model; give the output "
            "of a bulk analysis, the test output manifest of a training, or what 'manifest-tools predict' wrote"
        )
        raise InputError(msg)
    labels = dataset.labels[dataset.labels["source"] == PREDICTIONS]
    return Dataset.from_tables(
        images[["image", "uri", "predicted", "min_confidence", "content_types"]],
        labels,
        taxonomy=dataset.taxonomy,
        sources={PREDICTIONS: dataset.sources[SOURCE]},
    )


def _objects(source: Source, skipped: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines that are JSON objects with a `source-ref`; put the numbers of others into `skipped`."""
    for number, line in lines(source):
        value = parse(line)
        if isinstance(value, dict) and isinstance(value.get(SOURCE_REF), str) and value[SOURCE_REF]:
            yield number, value
        elif line is None or line.strip():
            skipped.append(number)


class _Table:
    """Collects lines as columns. Of an image that stands in several lines, everything said is kept."""

    def __init__(self, label_confidence: float, policy: Policy) -> None:
        self._confidence = label_confidence
        self._policy = policy
        self._images: dict[str, list[str | float]] = {}  # judged, model version, confidence asked for, types
        self._labels: dict[tuple[str, str, str], tuple[bool | None, float | None, int]] = {}
        self.scope: set[str] = set()
        self.cut: Cut | None = None

    def add(self, number: int, line: Mapping[str, Any]) -> None:
        image = line[SOURCE_REF]
        row = self._images.setdefault(image, ["", "", float("nan"), ""])
        said = what_people_said(line, self._confidence)
        self._add_said(image, row, said, number)
        prediction = base_prediction(line)
        if prediction is not None:
            row[1] = prediction.version
            row[2] = float("nan") if prediction.asked is None else prediction.asked
            row[3] = prediction.types
            self._add_prediction(image, prediction, number)

    def _add_said(self, image: str, row: list[str | float], said: Said, number: int) -> None:
        self.scope.update(name for name in said.scope if not (self._policy.is_safe(name) or is_missing(name)))
        if said.safe:
            self._labels.setdefault((image, SAFE, SOURCE), (True, None, number))
        if said.safe or any(truth and self._policy.is_safe(name) for name, truth in said.labels.items()):
            row[0] = "all"
        elif said.judged and not row[0]:
            row[0] = "scope"
        for name, truth in said.labels.items():
            before = self._labels.get((image, name, SOURCE))
            if before is None or (before[0] is None and truth):
                self._labels[image, name, SOURCE] = (truth, None, number)

    def _add_prediction(self, image: str, prediction: Prediction, number: int) -> None:
        for name, score in prediction.scores.items():
            self._labels[image, name, PREDICTIONS] = (None, score, number)

    def frames(self, min_confidence: float | None) -> tuple[pd.DataFrame, pd.DataFrame]:
        images = pd.DataFrame(
            [(image, image, *row) for image, row in self._images.items()],
            columns=["image", "uri", "judged", "predicted", "min_confidence", "content_types"],
        )
        labels = pd.DataFrame(
            [(*key, *row) for key, row in self._labels.items()],
            columns=["image", "label", "source", "truth", "score", "line"],
        )
        unsaid = (images["predicted"] != "") & images["min_confidence"].isna()
        if unsaid.any():
            open_scores = labels.loc[labels["image"].isin(set(images.loc[unsaid, "image"])), "score"]
            floor, self.cut = reported_from(open_scores.dropna().to_numpy(dtype="float64"), min_confidence)
            images.loc[unsaid, "min_confidence"] = floor
        return images, labels
