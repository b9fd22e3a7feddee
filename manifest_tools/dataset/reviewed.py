"""What reviewers said already: such labels are neither asked about nor doubted again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.ground_truth import REVIEW


def reviewed_cells(rows: pd.DataFrame, labels: tuple[str, ...], taxonomy: Taxonomy, images: int) -> Mask:
    """Return where a reviewer said something about a label, shape (images, labels).

    Parameters
    ----------
    rows : pandas.DataFrame
        As :func:`manifest_tools.dataset.ground_truth.truth_rows` returns them.
    labels : tuple of str
        The columns.
    taxonomy : Taxonomy
        Who speaks of a label speaks of those above it; who says Safe speaks of all.
    images : int
        How many images there are.
    """
    column = {name: number for number, name in enumerate(labels)}
    reviewed = np.zeros((images, len(labels)), dtype=bool)
    rows = rows[rows["source"].str.startswith(REVIEW)]
    reviewed[rows.loc[rows["safe"], "row"]] = True
    for name, said in rows[~rows["safe"]].groupby("label", observed=True)["row"]:
        if name in taxonomy:
            about = (str(name), *taxonomy.ancestors(str(name)))
            for label in about:
                if label in column:
                    reviewed[said, column[label]] = True
    return reviewed
