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


def scene(seed, height=120, width=160):
    """Return a grey picture with detail at every scale, unlike that of any other seed."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width))
    for cells in (3, 6, 12, 24):
        grid = random.normal(size=(cells, cells)) / np.sqrt(cells)
        rows, columns = np.linspace(0, cells - 1, height), np.linspace(0, cells - 1, width)
        across = np.stack([np.interp(columns, np.arange(cells), line) for line in grid])
        total += np.stack([np.interp(rows, np.arange(cells), line) for line in across.T], axis=1)
    total -= total.min()
    return (total * (255 / total.max())).astype(np.uint8)
