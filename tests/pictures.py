"""Small pictures that differ from each other, made where a test needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (120, 96)) -> Image.Image:
    """Return a picture of smooth random shapes: different for each seed, the same for the same one."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def save(path: Path, seed: int, **options: object) -> Path:
    """Save the picture of a seed under `path`, making folders as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path, **options)
    return path
