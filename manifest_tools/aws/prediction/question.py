"""What is asked about images, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from manifest_tools.aws.prediction.payload import AskedPicture
from manifest_tools.core.errors import RemoteError
from manifest_tools.core.percent import percent
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each image.

    Parameters
    ----------
    adapter : str
        ARN of the adapter to ask; empty for the base model.
    min_confidence : float
        Confidence (0-100) from which labels are reported.
    """

    adapter: str = ""
    min_confidence: float = 5.0

    def __post_init__(self) -> None:
        """Refuse a fraction."""
        percent(self.min_confidence, "min_confidence")

    @property
    def parameters(self) -> dict[str, Any]:
        """The call's parameters, less the image."""
        version = {"ProjectVersion": self.adapter} if self.adapter else {}
        return {"MinConfidence": float(self.min_confidence), **version}

    @property
    def fingerprint(self) -> str:
        """The same for the same question: answers to other ones are none to this."""
        return hashlib.sha256(f"{self.adapter}\n{float(self.min_confidence)}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CallFailure:
    """Why an image has no answer. `code` is Amazon's, or ``"unreadable"``."""

    code: str
    message: str


UNSUITABLE = CallFailure("unsuitable", "not asked about: no readable JPEG or PNG of at most 15 MB")


@dataclass
class Answers:
    """What came of a run, by picture. `asked` counts the answers that this run brought."""

    found: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    failed: dict[str, CallFailure] = field(default_factory=dict)
    asked: int = 0

    def left(self, pictures: Iterable[AskedPicture]) -> list[AskedPicture]:
        """Return the pictures about which nothing is known yet."""
        return [one for one in pictures if one.key not in self.found and one.key not in self.failed]


class AdapterIgnoredError(RemoteError):
    """The base model answered in place of the adapter, which is all that it is made with: so it comes back from workers."""

    @property
    def finding(self) -> Finding:
        """What is told of it."""
        return finding("adapter-ignored", adapter=self.args[0])

    def __str__(self) -> str:
        """Return what is told of it, as a sentence."""
        found = self.finding
        return f"{found.message}. {found.fix}"


def recall(records: Iterable[Mapping[str, Any]], question: Question) -> Answers:
    """Return the answers to a question that a journal holds."""
    answers = Answers()
    for record in records:
        if record.get("question") != question.fingerprint:
            continue
        if "answer" in record:
            answers.found[record["picture"]] = record["answer"]
        elif "failure" in record:
            answers.failed[record["picture"]] = CallFailure(**record["failure"])
    return answers
