"""Arrays over all images, in files of a scratch folder, which several processes fill piece by piece."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from manifest_tools.core.errors import OutputError
from manifest_tools.core.output_folder import reserve
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.eligibility import (
    COPY_EXCLUSION_REASONS,
    all_exclusion_reasons,
    image_exclusion_reasons,
    unusable_content,
)
from manifest_tools.dataset.ground_truth import Truth
from manifest_tools.dataset.outcomes import Outcomes, compare
from manifest_tools.findings.policy import Policy

_OF_LABELS = {
    "present": "?",
    "absent": "?",
    "unsure": "?",
    "predicted_positive": "?",
    "predicted_negative": "?",
    "outcome": "i1",
    "score": "f8",
}
_OF_TRUTH = {"judged": "?", "unresolved": "?", "contradictory": "?", "asked": "?"}
_OF_IMAGES = {
    "usable": "?", "hashed": "?", "grouped": "?", "followers": "?", "locked": "?", "sides": "i1",
    "files": "u8", "groups": "u8",
}  # fmt: skip
ORDER = {"order": "u8", "order_more": "u8"}  # the two numbers of a selection's order
_JOB = "job.pickle"


@dataclass(frozen=True)
class Scratch:
    """The arrays of one judgement.

    Parameters
    ----------
    folder : Path
        Where the files are; the caller makes and removes it.
    saved, policy, labelled
        What is judged, as in :class:`manifest_tools.rules.evidence.Evidence`.
    seed : int or None
        Of the order of a selection, if there will be one.
    labels : tuple of str
        The columns of the arrays with a place for each image and label.
    reasons : tuple of str
        Reasons to leave images out, each an array of its own.
    """

    folder: Path
    saved: SavedDataset
    policy: Policy
    labelled: bool
    seed: int | None
    labels: tuple[str, ...]
    reasons: tuple[str, ...]

    @classmethod
    def make(
        cls, folder: Path, saved: SavedDataset, policy: Policy, *, labelled: bool, seed: int | None
    ) -> Scratch:
        """Make the files.

        Raises
        ------
        OutputError
            There is no room for them.
        """
        labels: tuple[str, ...] = ()
        if labelled:
            nothing = compare(saved.frame, policy)
            empty, labels = image_exclusion_reasons(saved.frame, policy, nothing), nothing.labels
            empty = all_exclusion_reasons(empty, dict.fromkeys(COPY_EXCLUSION_REASONS, nothing.asked))
        else:
            empty = unusable_content(saved.frame.images, policy)
        scratch = cls(folder, saved, policy, labelled, seed, labels, tuple(empty))
        images = (
            _OF_IMAGES
            | (_OF_TRUTH if labelled else {})
            | ({} if seed is None else ORDER)
            | dict.fromkeys(scratch.reasons, "?")
        )
        shapes: list[tuple[str, str, tuple[int, ...]]]
        shapes = [(name, kind, (saved.rows,)) for name, kind in images.items()]
        shapes += [(name, kind, (saved.rows, len(labels))) for name, kind in _OF_LABELS.items() if labels]
        try:
            for name, kind, shape in shapes:
                _allocate(scratch.path(name), np.dtype(kind), shape)
        except OSError as error:
            msg = (
                f"cannot write {folder}: {error.strerror or error}; {saved.rows:,} images need about "
                f"{sum(np.dtype(kind).itemsize * math.prod(shape) for _, kind, shape in shapes) / 1e9:.1f} GB there, "
                "or in the folder that TMPDIR names"
            )
            raise OutputError(msg) from error
        (folder / _JOB).write_bytes(pickle.dumps(scratch))
        return scratch

    def path(self, name: str) -> Path:
        """Return the file of an array."""
        return self.folder / f"{name}.npy"

    def read(self, name: str) -> npt.NDArray[Any]:
        """Return an array, backed by its file."""
        return np.asarray(np.load(self.path(name), mmap_mode="r"))

    def write(self, name: str, values: npt.NDArray[Any], rows: slice = slice(None)) -> None:
        """Fill an array, or some rows of it."""
        array = np.load(self.path(name), mmap_mode="r+")
        array[rows] = values  # seen at once by the other processes, which map the same file

    def outcomes(self, rows: slice = slice(None)) -> Outcomes:
        """Return the comparison of all images, or of some."""
        of = {name: self.read(name)[rows] for name in (*_OF_LABELS, *_OF_TRUTH)}
        said = (of[name] for name in ("present", "absent", "unsure", "judged", "unresolved", "contradictory"))
        truth = Truth(self.labels, *said)
        return Outcomes(
            truth, of["score"], of["asked"], of["predicted_positive"], of["predicted_negative"], of["outcome"]
        )


def _allocate(path: Path, kind: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Make the file of an array, with its room on the disk."""
    array = np.lib.format.open_memmap(
        path, "w+", kind, shape, fortran_order=True
    )  # label by label, as they are read
    reserve(path, array.offset + array.nbytes)


@lru_cache(maxsize=1)
def job_in(folder: Path) -> Scratch:
    """Return the scratch of a folder, in a worker process."""
    scratch: Scratch = pickle.loads((folder / _JOB).read_bytes())  # noqa: S301 - our own file
    return scratch
