"""The file of known answers that makes images gold."""

from __future__ import annotations

from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.review.csv_sheet import by_content, cells_of, read_row
from manifest_tools.review.entries import Said
from manifest_tools.review.looks import View
from manifest_tools.review.session import ReviewSession


def take_gold(review: ReviewSession, path: str | Path) -> int:
    """Write the known answers of a file to the journal, in place of those before; the same ones are not written again.

    They are in force for sessions that begin from then on.

    Parameters
    ----------
    review : ReviewSession
        Of the folder.
    path : path
        A CSV table with the columns `image`, `label` and `answer` (yes or no; safe without a label), as in a review sheet.
        One without rows ends it.

    Returns
    -------
    int
        How many images have a known answer.

    Raises
    ------
    InputError
        The file cannot be read, a row cannot be understood, or two rows contradict each other.
    OutputError
        The journal cannot be written.
    """
    state, by_digest = review.state, by_content(review)
    answers: dict[int, dict[Said, None]] = {}
    views: dict[int, View] = {}
    for line, cells in cells_of(path):
        place = f"{path}, line {line}"
        found = read_row(review, cells, by_digest, place)
        if not found.answers or any(said.truth is None for said in found.answers):
            msg = f"{place}: answer is {cells['answer']!r}; what is known is yes, no, or safe for the whole image"
            raise InputError(msg)
        view = views.setdefault(found.row, {})
        for said in found.answers:
            follows = state.assignment.reading.follows(said)
            against = next(
                (label for label, truth in follows.items() if view.get(label, truth) is not truth), ""
            )
            if against:
                msg = (
                    f"{place}: {cells['image']!r} has {against} by this row or by an earlier one, and not by the other; "
                    "leave out the row that is wrong"
                )
                raise InputError(msg)
            view |= follows
            answers.setdefault(found.row, {})[said] = None
    anew = {row: tuple(said) for row, said in answers.items()}
    state.replace_known(anew)
    return len(anew)
