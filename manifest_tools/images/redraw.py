"""What becomes of a picture that the service refuses: one table of rules, and the drawing.

A copy has one frame, 8 bits, RGB or grey, stands upright, keeps its colour profile, and holds no metadata.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from PIL import Image, ImageCms, ImageOps

from manifest_tools.core.two_views import eight_bits, is_wide, levels_of
from manifest_tools.images.facts import MAX_PIXELS

MAX_SAMPLES: Final = 600_000_000  # of one decoded picture, in bytes
_WHITE: Final = (255, 255, 255)
_QUALITIES: Final = (95, 90, 85, 75)
_SMALLER: Final = 0.8  # of each side, where no quality is enough


class Limits(NamedTuple):
    """What the service takes: pixels of the longer side, and bytes."""

    side: int
    bytes: int


class Rule(NamedTuple):
    """What is done to a picture, when, and in what words it is told."""

    applies: Callable[[Mapping[str, Any], Limits], bool]
    becomes: str  # a format; "" where it stays
    why: Callable[[Mapping[str, Any]], str]


def _of_format(name: str, becomes: str) -> Rule:
    return Rule(lambda facts, _: facts["format"] == name, becomes, lambda facts: str(facts["format"]))


# The only place that says what becomes what. JPEG where the source has lost something already, PNG where it has not;
# a picture with transparency becomes PNG, and one that is too heavy as PNG becomes JPEG, on white.
RULES: Final[tuple[Rule, ...]] = (
    _of_format("WEBP", "JPEG"),
    _of_format("AVIF", "JPEG"),
    _of_format("HEIC", "JPEG"),
    _of_format("GIF", "PNG"),
    _of_format("BMP", "PNG"),
    _of_format("TIFF", "PNG"),
    Rule(lambda facts, _: facts["mode"] == "CMYK", "", lambda _: "CMYK"),
    Rule(
        lambda facts, _: "16-bit" in facts["remarks"].split("; ") or facts["mode"] in {"I", "F"},
        "",
        lambda _: "more than 8 bits",
    ),
    Rule(
        lambda facts, limits: max(facts["width"], facts["height"]) > limits.side,
        "",
        lambda facts: f"{facts['width']:,} x {facts['height']:,} pixels",
    ),
    Rule(lambda facts, limits: facts["bytes"] > limits.bytes, "", lambda facts: f"{facts['bytes']:,} bytes"),
)
FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "HEIC", "GIF", "BMP", "TIFF")  # that copies are made of
_PLUGINS: Final = {"JPEG": ("JPEG",), "HEIC": ("HEIF",)}


class CannotRedrawError(Exception):
    """No copy can be made of a picture; the words say why."""


def reasons(facts: Mapping[str, Any], limits: Limits) -> list[str]:
    """Return in words what a picture cannot be sent for as it is; nothing where no rule applies."""
    if facts["format"] not in FORMATS:
        return []
    return [rule.why(facts) for rule in RULES if rule.applies(facts, limits)]


def redrawn(data: bytes, facts: Mapping[str, Any], limits: Limits) -> tuple[bytes, str]:
    """Return the copy of a picture that the rules ask for, and its format. The same bytes give the same copy.

    Raises
    ------
    CannotRedrawError
        It cannot be decoded in bounds or without an extra, or not be made small enough.
    """
    becomes = next(
        (rule.becomes for rule in RULES if rule.becomes and rule.applies(facts, limits)), facts["format"]
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image, profile = _opened(data, facts["format"], limits)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise CannotRedrawError(" ".join(str(error).split())[:200] or type(error).__name__) from error
    if becomes == "JPEG" and facts["format"] != "JPEG" and image.mode in {"RGBA", "LA"}:
        becomes = "PNG"
    for kind, made in _tries(image, profile, becomes):
        if len(made) <= limits.bytes:
            return made, kind
    raise CannotRedrawError(f"no quality makes it smaller than {limits.bytes:,} bytes")


def _opened(data: bytes, kind: str, limits: Limits) -> tuple[Image.Image, bytes | None]:
    """Return the first picture of a file, upright, with 8 bits and within the limit of its sides; and its profile."""
    if kind == "HEIC":
        _register_heif()
    with Image.open(io.BytesIO(data), formats=_PLUGINS.get(kind, (kind,))) as image:
        pixels = image.width * image.height
        if kind == "JPEG" and max(image.size) > limits.side:
            image.draft(None, (limits.side // 2, limits.side // 2))
        if pixels > MAX_PIXELS or image.width * image.height * len(image.getbands()) > MAX_SAMPLES:
            raise CannotRedrawError(f"{pixels:,} pixels are too many to be decoded")
        image.load()
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
    plain, profile = _eight_bits(upright, profile)
    if max(plain.size) > limits.side:
        plain.thumbnail((limits.side, limits.side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return plain, profile


def _register_heif() -> None:
    try:
        import pillow_heif  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise CannotRedrawError("HEIC needs an extra: pip install 'manifest-tools[heif]'") from error
    pillow_heif.register_heif_opener(thumbnails=False)


def _eight_bits(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """Return a picture in grey, RGB or either with transparency; and its colour profile, if that still fits."""
    if is_wide(image):
        return eight_bits(image, levels_of(image)).convert("RGB"), None
    if image.mode == "CMYK":
        return _from_print(image, profile), None
    if image.has_transparency_data:
        image = image if image.mode in {"RGBA", "LA"} else image.convert("RGBA")
    elif image.mode not in {"L", "RGB"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    wanted = "GRAY" if image.mode in {"L", "LA"} else "RGB"
    return image, profile if _space(profile) == wanted else None


def _space(profile: bytes | None) -> str:
    """Return the colour space that a profile is for, as its header says."""
    return profile[16:20].decode("latin-1").strip() if profile else ""


def _from_print(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return a CMYK picture in sRGB: by its profile, where it has a sound one."""
    if _space(profile) == "CMYK":
        try:
            source, target = (
                ImageCms.ImageCmsProfile(io.BytesIO(profile or b"")),
                ImageCms.createProfile("sRGB"),
            )
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # as without one
    return image.convert("RGB")


def _tries(image: Image.Image, profile: bytes | None, becomes: str) -> Iterator[tuple[str, bytes]]:
    """Yield copies, each smaller than the one before."""
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if becomes == "PNG":
        yield "PNG", _saved(image, "PNG", options)
    if image.mode in {"RGBA", "LA"}:
        ground = Image.new("RGBA", image.size, (*_WHITE, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
        options = options if _space(profile) == "RGB" else {}
    while min(image.size) > 1:
        for quality in _QUALITIES:
            yield "JPEG", _saved(image, "JPEG", {**options, "quality": quality, "subsampling": 0})
        image = image.resize(
            [max(1, round(side * _SMALLER)) for side in image.size], Image.Resampling.LANCZOS
        )


def _saved(image: Image.Image, kind: str, options: Mapping[str, Any]) -> bytes:
    image.info.clear()  # else writers take what they know from it
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
