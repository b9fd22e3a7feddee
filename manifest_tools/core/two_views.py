"""A picture as the model sees it, and as people do, where that is another one.

That a model reads the colours alone is what Amazon says of images in general
(https://docs.aws.amazon.com/rekognition/latest/dg/images.html). That training does so too, that colour profiles are
passed over, and that PNG files are read as they are stored, is inferred.
"""

from __future__ import annotations

import io
from typing import Final, NamedTuple

import numpy as np
from PIL import Image

NAMES: Final = ("what the model sees", "what people see")
_ORIENTATION: Final = 0x0112
# EXIF orientation -> transposition
_TURNS: Final = dict(enumerate(map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), start=2))
# grey levels, in the mean, by which transparency may change a picture that is still the same one
_NOISE: Final = 2.0
_PROFILE: Final = 16.0  # likewise a colour profile: those of cameras and screens change less
_BAND: Final = 1 << 20  # samples that are looked at together
_COMPARED: Final = 64  # pixels of the longer side


class TwoViews(NamedTuple):
    """What is seen, as RGB. `people` is None where people see the same as the model."""

    model: Image.Image
    people: Image.Image | None = None


def two_views(image: Image.Image, side: int) -> TwoViews:
    """Return an opened picture in both views, upright, the longer side at most `side` pixels."""
    image.load()
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    plain = eight_bits(image, levels_of(image)) if is_wide(image) else image
    model = plain if plain.mode in {"RGB", "L", "CMYK"} else plain.convert("RGBA").convert("RGB")
    model = model.copy()
    model.thumbnail((side, side))
    profile = image.info.get("icc_profile")
    people = _by_profile(model, profile) if profile else model
    clear = plain.has_transparency_data
    if clear:
        shown = plain.convert("RGBA")
        shown.thumbnail((side, side))
        colours = people.convert("RGB") if people is not model else shown.convert("RGB")
        people = Image.composite(colours, Image.new("RGB", shown.size, "white"), shown.getchannel("A"))
    model, people = model.convert("RGB"), people.convert("RGB")
    differ = _distance(model, people) > (_NOISE if clear else _PROFILE)
    if turn is not None:
        people = people.transpose(turn)
        if image.format != "PNG":
            model = model.transpose(turn)
    return TwoViews(model, people if differ or (turn is not None and image.format == "PNG") else None)


def side_by_side(views: TwoViews) -> Image.Image:
    """Return both views as one picture, the model's on the left."""
    if views.people is None:
        return views.model
    gap, size = 4, (views.model.width + 4 + views.people.width, max(views.model.height, views.people.height))
    both = Image.new("RGB", size, "white")
    both.paste(views.model, (0, 0))
    both.paste(views.people, (views.model.width + gap, 0))
    return both


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture as a browser shows it; as it is, when the profile cannot be used."""
    from PIL import ImageCms  # noqa: PLC0415 - few pictures need it

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return found or image


def is_wide(image: Image.Image) -> bool:
    """Whether a sample of a picture takes more than 8 bits."""
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def eight_bits(image: Image.Image, levels: tuple[float, float]) -> Image.Image:
    """Return wide samples as 0-255, with the transparency that they have; `levels` are black and white."""
    samples = np.asarray(image)
    low, high = levels
    wide = np.nan_to_num(samples.astype(np.float32))
    grey = Image.fromarray(np.clip((wide - low) * (255.0 / (high - low or 1.0)), 0, 255).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        alpha = Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8))
        grey = Image.merge("LA", (grey, alpha))
    return grey


def levels_of(image: Image.Image) -> tuple[float, float]:
    """Return what black and white are: 0 and 65,535 of whole numbers, as 16-bit files mean them; else the range."""
    if image.mode != "F":
        return 0.0, 65_535.0
    step = max(1, _BAND // image.width)
    bands = (
        image.crop((0, at, image.width, min(at + step, image.height))) for at in range(0, image.height, step)
    )
    ranges = [
        (float(wide.min()), float(wide.max())) for wide in (np.nan_to_num(np.asarray(band)) for band in bands)
    ]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _distance(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures of one size, in grey levels."""
    if one is other:
        return 0.0
    small = [
        np.asarray(image.reduce(max(1, max(image.size) // _COMPARED)), dtype=np.int16)
        for image in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())
