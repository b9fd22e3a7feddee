"""Rules about single images: what the service refuses, and what merely trains badly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import splitext
from typing import Any

from manifest_tools.findings import Finding
from manifest_tools.policy import Policy
from manifest_tools.rules.evidence import Evidence
from manifest_tools.usable import IMAGE_REASONS

_EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "AVIF": (".avif",),
    "HEIC": (".heic", ".heif"),
}
_KNOWN = frozenset(extension for known in _EXTENSIONS.values() for extension in known)
_UNUSUAL = {"12-bit": "12 bits", "16-bit": "16 bits", "cmyk-inverted": "inverted", "coding": "{} coding"}
_PLAIN_MODES = frozenset({"", "RGB", "RGBA", "L", "LA", "P", "PA", "1"})  # every tool agrees on these


def unusable_images(evidence: Evidence) -> Iterator[Finding]:
    """Images that the service would refuse.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/limits.html, and decoding itself.
    """
    for code in IMAGE_REASONS:
        for row, facts in evidence.facts(evidence.reasons[code]):
            yield evidence.about(row, code, **_numbers(code, facts, evidence.policy))


def wrong_extensions(evidence: Evidence) -> Iterator[Finding]:
    """Names whose extension says another format than the content."""
    names = zip(evidence.images["image"], evidence.images["format"], strict=True)
    for row, (name, found) in enumerate(names):
        extension = splitext(name)[1].lower()
        if found and extension in _KNOWN and extension not in _EXTENSIONS.get(found, ()):
            yield evidence.about(row, "image-extension", extension=extension, found=found)


def odd_pixels(evidence: Evidence) -> Iterator[Finding]:
    """Damage, animation, blankness, colour modes and orientation: facts that inspection recorded."""
    images = evidence.images
    interesting = (
        (images["remarks"] != "")
        | (images["frames"] > 1)
        | ~images["mode"].isin(_PLAIN_MODES)
        | (images["orientation"] != 1)
    )
    for row, facts in evidence.facts(interesting.to_numpy()):
        remarks = dict(_remarks(facts["remarks"]))
        if "damaged" in remarks:
            yield evidence.about(row, "image-damaged", reason=remarks["damaged"])
        if facts["frames"] > 1:
            variant = "several-pictures" if "multi-picture" in remarks else None
            yield evidence.about(row, "image-animated", variant=variant, frames=int(facts["frames"]))
        unusual = [_UNUSUAL[key].format(remarks[key]) for key in _UNUSUAL if key in remarks]
        if unusual or facts["mode"] not in _PLAIN_MODES:
            yield evidence.about(row, "image-color-mode", mode=", ".join([facts["mode"], *unusual]))
        if "blank" in remarks:
            yield evidence.about(row, "image-blank")
        if facts["orientation"] != 1:
            yield evidence.about(row, "image-orientation", orientation=int(facts["orientation"]))


def _numbers(code: str, facts: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """Return what the message of an unusable image names: the number, and the limit that it misses."""
    kind, _, detail = facts["decode_error"].partition(": ")
    size = {"width": int(facts["width"]), "height": int(facts["height"])}
    match code:
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
