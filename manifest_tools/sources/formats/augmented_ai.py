"""Amazon Augmented AI: what people said in reviews of DetectModerationLabels, a file for each image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.sources.formats.annotations import AnnotationBuilder, Annotations, read_one_or_all
from manifest_tools.sources.formats.json_files import member, objects, read_json, text

NAME = "augmented-ai"
_ANSWERS = "humanAnswers"
_TASK = "AWS/Rekognition/DetectModerationLabels/"  # begins the name of the task's kind


def recognise(value: Any) -> bool:
    """Whether a JSON value is laid out like the output of a human loop."""
    return isinstance(value, dict) and isinstance(value.get(_ANSWERS), list) and "inputContent" in value


def read(path: Path) -> Annotations:
    """Read one ``output.json``, or a folder of them.

    The reviewers of this task see the labels that the model reported, and say which of them are there. So of these
    labels it is known whether they are present, and of no other. What most reviewers say counts; where they are
    divided it is not known.

    Raises
    ------
    InputError
        The file is no such output, or of another task.
    """
    builder = AnnotationBuilder(NAME, str(path), open_world=True)
    read_one_or_all(path, builder, _read_file, suffix=".json", expected="the output of Augmented AI")
    return builder.close()


def _read_file(path: Path, builder: AnnotationBuilder, _: Path) -> None:
    value = read_json(path)
    if not recognise(value):
        msg = f"{path}: expected the output of Augmented AI, with humanAnswers and inputContent"
        raise InputError(msg)
    content = value["inputContent"]
    place = member(content, "aiServiceRequest", "image", "s3Object")
    bucket, name = text(member(place, "bucket")), text(member(place, "name"))
    source = text(value.get("awsManagedHumanLoopRequestSource"))
    if not bucket or not name or (source and not source.startswith(_TASK)):
        msg = f"{path}: no review of DetectModerationLabels about an image in S3 ({source or 'its task is not named'})"
        raise InputError(msg)
    asked = {
        text(label.get("name")): True
        for key in ("selectedAiServiceResponse", "aiServiceResponse")
        for label in objects(member(content, key, "moderationLabels"))
        if member(content, "selectedAiServiceResponse") is None or key == "selectedAiServiceResponse"
    }
    answers = [found for answer in objects(value[_ANSWERS]) if (found := _labels(answer)) is not None]
    reference = f"s3://{bucket}/{name}"
    if not answers:
        builder.problem("nobody's answer can be read", file=str(path), image=reference)
        return
    builder.image(reference)
    for label in dict.fromkeys([*asked, *(name for answer in answers for name in answer)]):
        if label:
            _say(builder, reference, label, [label in answer for answer in answers])


def _say(builder: AnnotationBuilder, reference: str, label: str, votes: list[bool]) -> None:
    present = sum(votes)
    absent = len(votes) - present
    builder.say(reference, label, None if present == absent else present > absent)
    if present and absent:
        builder.disagree(
            reference,
            label,
            source=f"{present} of {len(votes)} reviewers",
            other="the others",
            present=True,
            winner="neither" if present == absent else "the majority",
        )


def _labels(answer: Mapping[str, Any]) -> list[str] | None:
    """Return the labels that one reviewer found; None when the answer is of another kind."""
    for task, content in (member(answer, "answerContent") or {}).items():
        found = member(content, "moderationLabels")
        if task.startswith(_TASK) and isinstance(found, list):
            return [text(label.get("name")) for label in objects(found)]
    return None
