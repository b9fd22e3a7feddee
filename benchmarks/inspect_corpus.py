"""Photographs to measure with: made on the spot, or taken from a folder."""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = ((1280, 960), (1600, 1200), (2048, 1365), (2272, 1704))  # 1.2 to 3.9 megapixels


@lru_cache(maxsize=16)  # as many as `make` has
def photograph(width: int, height: int, seed: int) -> Image.Image:
    """Return something with the statistics of a photograph: shapes of all sizes, edges and fine grain."""
    state = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((3, 0.4), (9, 0.3), (40, 0.2), (200, 0.12)):
        coarse = state.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        smooth = Image.Resampling.NEAREST if cells == 9 else Image.Resampling.BICUBIC
        picture += weight * np.asarray(Image.fromarray(coarse).resize((width, height), smooth), np.float32)
    picture += state.normal(0, 3, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def make(
    folder: Path, count: int, *, sizes: tuple[tuple[int, int], ...] = SIZES, progressive: float = 0.1
) -> list[Path]:
    """Write `count` JPEG files, of which a share is progressive; files that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(count):
        path = folder / f"{seed:05}.jpg"
        paths.append(path)
        if path.exists():
            continue
        buffer = io.BytesIO()
        photograph(*sizes[seed % len(sizes)], seed % 16).rotate(0).save(
            buffer,
            "JPEG",
            quality=75 + seed % 21,
            progressive=seed % 10 < 10 * progressive,
            subsampling=0 if seed % 5 == 4 else 2,
        )
        path.write_bytes(buffer.getvalue())
    return paths


def commented(jpeg: bytes, number: int) -> bytes:
    """Return the same picture in bytes that no other object has."""
    comment = f"{number:07}".encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(comment)) + comment + jpeg[2:]
