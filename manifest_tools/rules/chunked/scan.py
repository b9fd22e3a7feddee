"""The first look at a piece: everything that a rule about all images needs to know of each, as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.arrays import Mask, Rows, first_equal, order_of
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.eligibility import (
    group_names,
    image_exclusion_reasons,
    side_numbers,
    unusable_content,
)
from manifest_tools.dataset.outcomes import compare
from manifest_tools.rules.chunked.scratch import ORDER, Scratch, job_in
from manifest_tools.rules.evidence import Evidence

COPIES = ("image", "sha256", "group")  # the columns that tell copies and look-alikes apart


class PassResult(NamedTuple):
    """What a first look at a piece found besides the arrays."""

    lost: pd.DataFrame
    predicted_names: dict[str, int]
    unread: int


def look(item: tuple[Path, int]) -> PassResult:
    """Look at one piece, given by the scratch folder and its number, and fill its rows of the arrays."""
    folder, number = item
    scratch = job_in(folder)
    saved, rows = scratch.saved, scratch.saved.span(number)
    piece = saved.piece(number) if scratch.labelled else saved.piece_of_images(number)
    evidence = Evidence(piece, scratch.policy, labelled=scratch.labelled)
    images = piece.images
    found: dict[str, npt.NDArray[np.generic]] = {
        "hashed": (images["sha256"] != "").to_numpy(),
        "grouped": (images["group"] != "").to_numpy(),
        "followers": evidence.followers,
        "locked": images["locked"].to_numpy(),
        "sides": side_numbers(images),
        "files": _hashes(images["sha256"]),
        "groups": _hashes(group_names(images)),
    }
    if scratch.labelled:
        outcomes = compare(piece, scratch.policy, evidence.rows)
        truth = outcomes.truth
        found |= image_exclusion_reasons(piece, scratch.policy, outcomes)
        found |= {
            name: getattr(outcomes, name)
            for name in ("predicted_positive", "predicted_negative", "outcome", "score", "asked")
        }
        found |= {name: getattr(truth, name) for name in ("present", "absent", "unsure", "judged")}
        found |= {"unresolved": truth.unresolved, "contradictory": truth.contradictory}
    else:
        found |= unusable_content(images, scratch.policy)
    if scratch.seed is not None:
        found |= dict(zip(ORDER, order_of(images["image"], scratch.seed).T, strict=True))
    for name, values in found.items():
        scratch.write(name, values, rows)
    return PassResult(evidence.lost, dict(evidence.predicted_names), evidence.unread)


def _hashes(values: pd.Series[str]) -> npt.NDArray[np.uint64]:
    return np.asarray(pd.util.hash_array(values.to_numpy(dtype=object), categorize=False))


def first_alike(scratch: Scratch, column: str, among: Mask) -> Rows:
    """Return, for each image, the first one with the same text in "files" or "groups"; itself where not `among`.

    Texts are compared only where their hashes agree: the texts of a few are read again.
    """
    saved, hashes = scratch.saved, scratch.read(column)
    rows = np.flatnonzero(among)
    order = rows[np.argsort(hashes[rows], kind="stable")]
    same = hashes[order][1:] == hashes[order][:-1]
    again = np.zeros(saved.rows, dtype=bool)
    again[order[1:][same]] = again[order[:-1][same]] = True
    first = np.arange(saved.rows)
    candidates = np.flatnonzero(again)
    if len(candidates):
        texts = pd.concat(_texts(saved, column, again), ignore_index=True)
        first[candidates] = candidates[first_equal(texts)]
    return first


def _texts(saved: SavedDataset, column: str, wanted: Mask) -> Iterable[pd.Series[str]]:
    for number in range(saved.pieces):
        here = wanted[saved.span(number)]
        if here.any():
            images = saved.texts(number, COPIES)
            yield (images["sha256"] if column == "files" else group_names(images))[here]
