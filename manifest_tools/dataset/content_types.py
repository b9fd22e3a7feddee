"""Content types: animations and drawings, of which the base model's answers tell beside the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from manifest_tools.core.arrays import Mask

TYPES_COLUMN = "content_types"  # of the images table
CONTENT_TYPES = ("Animated", "Illustrated")  # as the service names them
NO_TYPE = "none"  # the answer tells of types, and there is none
NOT_ASKED = "not asked"
NOT_TOLD = "not told"  # an answer that does not tell of types, such as a table of labels and confidences
_BETWEEN = "; "
_FROM = 50.0  # confidence from which a type counts


def types_named(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the types that an answer's `ContentTypes` name with enough confidence.

    >>> sorted(types_named([{"Name": "Animated", "Confidence": 98.0}, {"Name": "Illustrated", "Confidence": 9.0}]))
    ['Animated']
    """
    return {str(entry["Name"]) for entry in entries if float(entry["Confidence"]) >= _FROM}


def types_cell(entries: Any) -> str:
    """Return what the images table holds of an answer's `ContentTypes`; "" where they are missing or cannot be read.

    >>> types_cell([{"Name": "Illustrated", "Confidence": 98.0}]), types_cell([]), types_cell(None)
    ('Illustrated', 'none', '')
    """
    if not isinstance(entries, list):
        return ""
    try:
        named = types_named(entries)
    except (KeyError, TypeError, ValueError):
        return ""
    return "" if "" in named else _BETWEEN.join(sorted(named)) or NO_TYPE


def masks_of_types(images: pd.DataFrame) -> dict[str, Mask]:
    """Return which images are of each content type, were not asked about, or have an answer that tells of none.

    Parameters
    ----------
    images : pandas.DataFrame
        An images table. An image of two types is in both masks.
    """
    import numpy as np  # noqa: PLC0415 - slow to load, and decisions on single images need no tables
    import pandas as pd  # noqa: PLC0415

    asked = (images["predicted"] != "").to_numpy()
    cells = images[TYPES_COLUMN].to_numpy(dtype=object)
    cells = np.where(asked, np.where(cells == "", NOT_TOLD, cells), NOT_ASKED)
    codes, distinct = pd.factorize(cells)
    masks: dict[str, Mask] = {}
    for code, cell in enumerate(distinct):
        for name in str(cell).split(_BETWEEN):
            masks[name] = masks.get(name, np.zeros(len(images), dtype=bool)) | (codes == code)
    return dict(sorted(masks.items()))
