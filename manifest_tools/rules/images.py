"""Rules about single images: what the service refuses, and what merely trains badly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import splitext
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask, Rows, blocks
from manifest_tools.core.content_type import ACCEPTED_FORMATS, SUFFIXES
from manifest_tools.core.metadata_kinds import KINDS
from manifest_tools.dataset.copies import FAILED, as_sent, copied, has_copies, redrawn
from manifest_tools.dataset.eligibility import IMAGE_REASONS
from manifest_tools.findings.findings import LazyFindings
from manifest_tools.findings.policy import Policy
from manifest_tools.rules.evidence import Evidence

_KNOWN = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_UNUSUAL = {"12-bit": "12 bits", "16-bit": "16 bits", "cmyk-inverted": "inverted"}
_PLAIN_MODES = frozenset({"", "RGB", "RGBA", "L", "LA", "P", "PA", "1"})  # every tool agrees on these


def unusable_images(evidence: Evidence) -> Iterator[LazyFindings]:
    """Images that the service would refuse.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/limits.html, and decoding itself.
    """
    for code in IMAGE_REASONS:

        def numbers(rows: Rows, code: str = code) -> Iterator[dict[str, Any]]:
            sent = as_sent(evidence.images.iloc[rows]).to_dict("records")
            return (
                _numbers(code, {str(key): value for key, value in facts.items()}, evidence.policy)
                for facts in sent
            )

        yield evidence.about(code, evidence.reasons[code], numbers)


def wrong_extensions(evidence: Evidence) -> Iterator[LazyFindings]:
    """Names whose extension says another format than the content."""
    images = evidence.images
    suspect = (images["format"] != "").to_numpy(copy=True)
    for here in blocks(len(images)):
        names, formats = images["image"].iloc[here].str.lower(), images["format"].iloc[here]
        for found in formats.unique():
            fitting = SUFFIXES.get(found)
            if fitting:
                suspect[here] &= ~(formats.eq(found) & names.str.endswith(fitting)).to_numpy()
    rows = np.flatnonzero(suspect)
    extensions = (splitext(name)[1].lower() for name in images["image"].iloc[rows])
    said = {
        row: extension
        for row, extension in zip(rows.tolist(), extensions, strict=True)
        if extension in _KNOWN
    }

    def details(rows: Rows) -> Iterator[dict[str, Any]]:
        for row, found in zip(rows.tolist(), images["format"].iloc[rows], strict=True):
            yield {"extension": said[row], "found": found}

    yield evidence.about("image-extension", np.fromiter(said, dtype=np.int64), details)


def odd_pixels(evidence: Evidence) -> Iterator[LazyFindings]:
    """Damage, animation, blankness, transparency, colour modes and orientation: facts that inspection recorded."""
    images = evidence.images
    odd = Remarks.of(images["remarks"])
    plain = ~redrawn(images)  # a copy in the place of the others is upright, of one frame and in 8 bits
    several = (images["frames"] > 1).to_numpy() & plain
    unusual = np.logical_or.reduce([odd.have(key) for key in _UNUSUAL])
    turned = (images["orientation"] != 1).to_numpy() & plain

    def frames(rows: Rows) -> Iterator[dict[str, Any]]:
        return ({"frames": count} for count in images["frames"].iloc[rows].tolist())

    def modes(rows: Rows) -> Iterator[dict[str, Any]]:
        for row, mode in zip(rows, images["mode"].iloc[rows], strict=True):
            remarks = odd.at(row)
            others = [_UNUSUAL[key].format(remarks[key]) for key in _UNUSUAL if key in remarks]
            yield {"mode": ", ".join([mode, *others])}

    yield evidence.about(
        "image-damaged",
        odd.have("damaged"),
        lambda rows: ({"reason": odd.at(row)["damaged"]} for row in rows),
    )
    yield evidence.about(
        "image-text-damaged",
        odd.have("text-checksum"),
        lambda rows: ({"chunks": odd.at(row)["text-checksum"]} for row in rows),
    )
    stacked = odd.have("multi-picture")
    yield evidence.about("image-animated", several & ~stacked, frames)
    yield evidence.about("image-animated", several & stacked, frames, variant="several-pictures")
    yield evidence.about(
        "image-color-mode", plain & (unusual | ~images["mode"].isin(_PLAIN_MODES).to_numpy()), modes
    )
    yield evidence.about(
        "image-color-mode",
        odd.have("coding") & plain,
        lambda rows: ({"coding": odd.at(row)["coding"]} for row in rows),
        variant="coding",
    )
    yield evidence.about("image-blank", odd.have("blank"))
    yield from _hidden(evidence, odd)
    yield evidence.about(
        "image-orientation",
        turned,
        lambda rows: ({"orientation": value} for value in images["orientation"].iloc[rows].tolist()),
    )


def metadata(evidence: Evidence) -> Iterator[LazyFindings]:
    """What would leave with the files: counted by kind, without a value."""
    images = evidence.images
    odd = Remarks.of(images["remarks"])

    def kinds(rows: Rows) -> Iterator[dict[str, Any]]:
        for row in rows:
            yield {"kinds": [KINDS.get(kind, kind) for kind in odd.at(row)["metadata"].split(", ")]}

    sent = ~copied(images)  # copies hold none
    held = odd.have("metadata") & sent
    places = odd.having("metadata", "gps") & sent
    yield evidence.about("image-metadata", held & ~places, kinds)
    yield evidence.about("image-metadata", places, kinds, variant="gps")


def _hidden(evidence: Evidence, odd: Remarks) -> Iterator[LazyFindings]:
    """What transparency hides, by kind."""
    kinds = np.array([text.get("hidden-by-alpha", "") for text in odd.texts], dtype=object)
    yield evidence.about("image-hidden-by-alpha", (kinds == "hidden-scene")[odd.codes])
    for kind in ("two-scenes", "unseen-scene", "shape-alone", "cut-out"):
        yield evidence.about("image-hidden-by-alpha", (kinds == kind)[odd.codes], variant=kind)


def derived(evidence: Evidence) -> Iterator[LazyFindings]:
    """Copies that are sent in the place of images, and those that could not be made."""
    images = evidence.images
    if not has_copies(images):
        return

    def told(rows: Rows) -> Iterator[dict[str, Any]]:
        for made, why in zip(
            images["derived_format"].iloc[rows], images["derived_why"].iloc[rows], strict=True
        ):
            yield {"format": made, "reason": why.removeprefix(FAILED)}

    failed = images["derived_why"].astype("str").str.startswith(FAILED).to_numpy()
    yield evidence.about("image-derived", copied(images), told)
    kept = (
        failed
        & Remarks.of(images["remarks"]).have("metadata")
        & images["format"].isin(ACCEPTED_FORMATS).to_numpy()
    )
    wanted = evidence.policy.derive.get("strip_metadata", False)
    yield evidence.about("image-not-derived", failed & ~(kept & wanted), told)
    yield evidence.about("image-not-derived", failed & kept & wanted, told, variant="metadata")


@dataclass(frozen=True)
class Remarks:
    """What inspection remarked: few texts, which many images share."""

    codes: Rows
    texts: tuple[dict[str, str], ...]

    @classmethod
    def of(cls, remarks: pd.Series[str]) -> Remarks:
        """Read a column of remarks."""
        codes, texts = pd.factorize(remarks)
        return cls(codes, tuple(dict(_remarks(text)) for text in texts))

    def have(self, key: str) -> Mask:
        """Return the images with this remark."""
        return np.array([key in text for text in self.texts], dtype=bool)[self.codes]

    def having(self, key: str, word: str) -> Mask:
        """Return the images with this remark, and this word in its list."""
        return np.array([word in text.get(key, "").split(", ") for text in self.texts], dtype=bool)[
            self.codes
        ]

    def at(self, row: int) -> dict[str, str]:
        """Return the remarks about one image."""
        return self.texts[int(self.codes[row])]


def _numbers(code: str, facts: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """Return what the message of an unusable image names: the number, and the limit that it misses."""
    kind, _, detail = facts["decode_error"].partition(": ")
    size = {"width": int(facts["width"]), "height": int(facts["height"])}
    match code:
        case "image-on-stop-list":
            return {"sha256": detail}
        case "image-missing":
            return {"uri": facts["uri"]}
        case "image-empty":
            return {}
        case "image-format":
            return {"found": facts["format"] or detail or "no image"}
        case "image-bomb":
            return size | {"reason": detail}
        case "image-too-small":
            return size | {"limit": policy.min_image_side}
        case "image-too-large":
            return size | {"limit": policy.max_image_side}
        case "image-too-heavy":
            return {"bytes": int(facts["bytes"]), "limit": policy.max_image_bytes}
    return {"reason": detail or kind}


def _remarks(text: str) -> Iterator[tuple[str, str]]:
    for remark in filter(None, text.split("; ")):
        key, _, detail = remark.partition(": ")
        yield key, detail
