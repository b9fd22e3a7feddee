"""What is decided on one image, and on what grounds: a line of ``moderation.jsonl``, or an answer to an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from manifest_tools.aws.moderation.decision_policy import Action, Decisions, Reason
from manifest_tools.aws.prediction.question import UNSUITABLE, CallFailure
from manifest_tools.findings.findings import Finding, Severity

ON_STOP_LIST = CallFailure("on-stop-list", "the image is on a stop list; nobody was asked about it")


@dataclass(frozen=True)
class DecidedImage:
    """What is decided on one image.

    Attributes
    ----------
    decision : Action
        ``"allow"``, ``"review"`` or ``"block"``.
    reasons : tuple of Reason
        The labels that led to this very decision, the most confident first.
    labels, content_types : sequence of mapping
        `ModerationLabels` and `ContentTypes` of the answer.
    model, adapter : str
        Version of the base model that answered, and ARN of the adapter.
    failure : CallFailure or None
        Why there is no answer; then `decision` is what the policy says of that, and to block what is on a stop list.
    findings : tuple of Finding
        About the adapter: expired, ignored, deprecated, or of another base model.
    """

    decision: Action
    reasons: tuple[Reason, ...] = ()
    labels: Sequence[Mapping[str, Any]] = ()
    content_types: Sequence[Mapping[str, Any]] = ()
    model: str = ""
    adapter: str = ""
    failure: CallFailure | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the adapter can be relied on; where not, somebody has to be told."""
        return all(found.severity is not Severity.ERROR for found in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the decision, ready for JSON."""
        told = {"findings": [found.to_dict() for found in self.findings]} if self.findings else {}
        if self.failure is not None:
            return {"decision": str(self.decision), "failure": asdict(self.failure), **told}
        return {
            "decision": str(self.decision),
            "reasons": [{"label": why.label, "confidence": why.confidence} for why in self.reasons],
            "labels": list(self.labels),
            "content_types": list(self.content_types),
            "model": self.model,
            "adapter": self.adapter,
            **told,
        }


def decide(
    answer: Mapping[str, Any] | None,
    failure: CallFailure | None,
    decisions: Decisions,
    findings: Sequence[Finding] = (),
) -> DecidedImage:
    """Decide on an image by its answer, or by why there is none."""
    if answer is None:
        action = Action.BLOCK if failure == ON_STOP_LIST else decisions.failed
        return DecidedImage(action, failure=failure or UNSUITABLE, findings=tuple(findings))
    labels, content_types = answer["ModerationLabels"], answer.get("ContentTypes", [])
    decided = decisions.decide(labels, content_types)
    return DecidedImage(
        decided.action,
        decided.reasons,
        labels,
        content_types,
        answer.get("ModerationModelVersion", ""),
        answer["ProjectVersion"],
        findings=tuple(findings),
    )
