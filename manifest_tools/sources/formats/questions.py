"""Questions whose answers name nothing by themselves: "alcohol: yes" says something of alcohol, "yes" of nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

_YES = frozenset({"yes", "y", "true", "1", "present", "positive"})
_NO = frozenset({"no", "n", "false", "0", "absent", "not present", "negative"})
_UNSURE = frozenset(
    {"unsure", "not sure", "maybe", "unclear", "unknown", "don't know", "can't tell", "skip", "n/a"}
)
_GRADES = frozenset(
    {"none", "low", "medium", "high", "mild", "moderate", "severe", "very low", "very high", "very unlikely", "unlikely",
     "possible", "likely", "very likely"}
)  # fmt: skip

Statements = tuple[tuple[str, bool | None], ...]


def statements(answers: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Statements]:
    """Return what each answer to each question says: categories, and whether they are there.

    An answer that names something ("beer") is the category, as it stands. Where every answer that a question
    was given is a bare word ("yes", "2", "likely"), the question stands with it: ``alcohol = yes``. No says
    that what yes would say is absent; unsure says that nobody knows.

    Parameters
    ----------
    answers : iterable of (question, answer)
        Every answer in the file.

    >>> statements([("alcohol?", "No"), ("what?", "beer")])[("alcohol?", "No")]
    (('alcohol = no', True), ('alcohol = yes', False))
    """
    by_question: dict[str, set[str]] = defaultdict(set)
    for question, answer in answers:
        by_question[question].add(answer)
    return {
        (question, answer): _statements(question.rstrip("? "), _plain(answer), closed=_closed(given))
        if question and all(map(is_bare, given))
        else ((answer, True),)
        for question, given in by_question.items()
        for answer in given
    }


def subject(category: str) -> tuple[str, str]:
    """Return question and answer of a category that :func:`statements` made; two empty texts for any other.

    >>> subject("alcohol = yes")
    ('alcohol', 'yes')
    """
    question, sign, answer = category.rpartition(" = ")
    return (question, answer) if sign and is_bare(answer) else ("", "")


def _statements(question: str, answer: str, *, closed: bool) -> Statements:
    if closed and answer in _YES:
        return ((f"{question} = yes", True),)
    if closed and answer in _NO:
        return (f"{question} = no", True), (f"{question} = yes", False)
    if closed:
        return ((f"{question} = yes", None),)
    return ((f"{question} = {answer}", True),)


def _plain(answer: str) -> str:
    return " ".join(answer.replace("_", " ").casefold().replace("\u2019", "'").split())


def _closed(given: Iterable[str]) -> bool:
    """Whether the answers to a question are yes and no, and perhaps that nobody knows."""
    plain = set(map(_plain, given))
    return bool(plain & (_YES | _NO)) and plain <= _YES | _NO | _UNSURE


def is_no(answer: str) -> bool:
    """Whether an answer says no."""
    return _plain(answer) in _NO


def is_bare(answer: str) -> bool:
    """Whether an answer names nothing by itself."""
    plain = _plain(answer)
    return plain in _YES | _NO | _UNSURE | _GRADES or plain.isdigit()
