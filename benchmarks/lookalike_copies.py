"""Copies of pictures as people make them, for measuring how many are found again."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps


def flattened(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, transparency on white."""
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Cut a share off each side."""
    width, height = image.size
    across, down = round(width * share), round(height * share)
    return image.crop((across, down, width - across, height - down))


def resized(image: Image.Image, factor: float) -> Image.Image:
    size = tuple(max(1, round(side * factor)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def bordered(image: Image.Image, share: float, colour: str) -> Image.Image:
    return ImageOps.expand(image, max(2, round(share * min(image.size))), colour)


def captioned(image: Image.Image) -> Image.Image:
    """Write one line of text, a sixteenth of the height, at the bottom."""
    image = image.copy()
    width, height = image.size
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(8, min(height // 16, width // 14)))
    place = (width / 2, height * 0.97)
    draw.text(place, "When the weekend comes", "white", font, "mb", stroke_width=1, stroke_fill="black")
    return image


# Copies that any tool should find, and two harder ones.
EASY: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 40": lambda image: image,
    "half size": lambda image: resized(image, 0.5),
    "quarter size": lambda image: resized(image, 0.25),
    "brightness +20 %": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "brightness -20 %": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "contrast +20 %": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
    "contrast -20 %": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "crop 3 % a side": lambda image: cropped(image, 0.03),
    "mirrored": ImageOps.mirror,
    "turned left": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned round": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned right": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "black border 2 %": lambda image: bordered(image, 0.02, "black"),
    "white border 3 %": lambda image: bordered(image, 0.03, "white"),
}
HARD: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "crop 8 % a side": lambda image: cropped(image, 0.08),
    "caption": captioned,
}
COPIES = {**EASY, **HARD}


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return a copy as JPEG bytes."""
    buffer = io.BytesIO()
    COPIES[kind](image).save(buffer, "JPEG", quality=40 if kind == "JPEG quality 40" else 85)
    return buffer.getvalue()
