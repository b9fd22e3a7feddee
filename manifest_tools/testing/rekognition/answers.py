"""What the local model sees in a picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from manifest_tools.core.taxonomy import Label, Taxonomy
from manifest_tools.sources.predictions import attach_predictions
from manifest_tools.sources.reading import read_images

IMAGE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG
_COMMON = (
    "Alcoholic Beverages",
    "Smoking",
    "Weapon Violence",
    "Exposed Buttocks or Anus",
    "Gambling",
    "Kissing on the Lips",
)


@dataclass(frozen=True)
class Picture:
    """What one call asks about.

    Attributes
    ----------
    content : bytes
    uri : str
        ``s3://bucket/key``, or empty when the bytes came with the call.
    adapter : str
        ARN of the adapter in use, or empty for the base model.

    Examples
    --------
    >>> from manifest_tools.testing import Picture
    >>> Picture(b"...", uri="s3://my-bucket/cat.jpg").sha256[:8]
    'ab5df625'
    """

    content: bytes = field(repr=False)
    uri: str = ""
    adapter: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the content, hex."""
        return hashlib.sha256(self.content).hexdigest()


Answer = Callable[[Picture], Mapping[str, float]]
"""Returns the confidence (0-100) of each label seen; labels of level 3 or 2 bring their parents along."""


def by_content(picture: Picture) -> dict[str, float]:
    """Answer from the picture's hash alone: always the same for the same bytes, and about half see nothing."""
    digest = hashlib.sha256(picture.content).digest()
    if digest[0] < 120:
        return {}
    seen = {_COMMON[digest[1] % len(_COMMON)]: 5 + digest[2] * 95 / 256}
    if digest[3] < 40:
        seen[_COMMON[digest[4] % len(_COMMON)]] = 5 + digest[5] * 95 / 256
    return seen


def from_predictions(predictions: str | Path, images: str | Path) -> Answer:
    """Return an answer that repeats what a model once said of the pictures of a folder.

    Parameters
    ----------
    predictions : path
        A `bulk-analysis` manifest, or anything else that ``attach_predictions`` reads.
    images : path
        The folder. Of pictures that are not in it, or were not asked about, nothing is seen.

    Returns
    -------
    callable
        For the `answer` of :func:`local_rekognition`.

    Raises
    ------
    InputError
        The predictions or the folder cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from manifest_tools.testing import Picture, from_predictions
    >>> answer = from_predictions("sample_data/predictions.manifest", "sample_data/images")
    >>> answer(Picture(Path("sample_data/images/bar/beer mug.jpg").read_bytes()))
    {'Alcohol': 84.7942, 'Alcoholic Beverages': 84.7942}
    """
    dataset = attach_predictions(read_images(images), predictions)
    names = dataset.images.loc[dataset.images["predicted"] != "", "image"]
    digest_of = {name: hashlib.sha256(dataset.path_of(name).read_bytes()).hexdigest() for name in names}
    rows = dataset.labels[dataset.labels["image"].isin(digest_of)]
    seen: dict[str, dict[str, float]] = {}
    for image, label, score in zip(rows["image"], rows["label"], rows["score"], strict=True):
        seen.setdefault(digest_of[image], {})[label] = score
    return lambda picture: seen.get(picture.sha256, {})


def moderation_labels(seen: Mapping[str, float], min_confidence: float) -> list[dict[str, Any]]:
    """Return `ModerationLabels` as the service words them: parents first, each with its highest confidence."""
    taxonomy = _taxonomy()
    scores: dict[str, float] = {}
    for name, confidence in seen.items():
        above = taxonomy.ancestors(name) if name in taxonomy else ()
        for label in (name, *above):
            scores[label] = max(scores.get(label, 0.0), float(confidence))
    labels = [
        _described(name, confidence) for name, confidence in scores.items() if confidence >= min_confidence
    ]
    return sorted(labels, key=lambda label: (label["TaxonomyLevel"], label["Name"]))


def _described(name: str, confidence: float) -> dict[str, Any]:
    known = _taxonomy()[name] if name in _taxonomy() else Label(name, "", 1)  # of a taxonomy to come
    return {"Confidence": confidence, "Name": name, "ParentName": known.parent, "TaxonomyLevel": known.level}


@cache
def _taxonomy() -> Taxonomy:
    return Taxonomy.load("7")
