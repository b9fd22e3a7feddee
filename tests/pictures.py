"""Pictures made of noise and shapes, for tests that need many different ones."""

from __future__ import annotations

import numpy as np


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
