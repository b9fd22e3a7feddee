"""Label Studio, out and back: the open questions as its tasks, and its annotations as answers of the journal.

A task asks for what the picture shows, out of the whole taxonomy. An annotation says that the labels that were chosen are
there, and that those that the task asks about and that were not chosen are absent; of other labels it says nothing, but
for ``Safe``. Several annotations of one task are several people's answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

import orjson

from manifest_tools.core.errors import InputError
from manifest_tools.core.files import writing
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.review.csv_sheet import OTHER_FILE, by_content, position_of
from manifest_tools.review.entries import LONGEST_LOOK, Remark, ReviewEntry, Said
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import LONGEST_NOTE, ReviewSession
from manifest_tools.sources.formats.json_files import member, objects, read_json, text, texts

_UNSURE: Final = "Unsure"
_ELSEWHERE: Final = ("s3://", "http://", "https://")


def export_tasks(review: ReviewSession, path: str | Path) -> tuple[int, Path]:
    """Write the open questions as tasks with predictions, and the labelling configuration beside them.

    Parameters
    ----------
    review : ReviewSession
        What is open, and in which order. Tasks that get a second look hold no prediction.
    path : path
        The JSON file of the tasks; the configuration is the same with ``.xml``.

    Returns
    -------
    count : int
        How many tasks were written.
    configuration : Path

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    path = Path(path)
    configuration = path.with_suffix(".xml")
    tasks = [_task(review, row) for row in review.queue(Filter())]
    files = {
        configuration: _configuration(review),
        path: orjson.dumps(tasks, option=orjson.OPT_INDENT_2) + b"\n",
    }
    for place, content in files.items():
        with writing(place, OTHER_FILE) as temporary:
            temporary.write_bytes(content)
    return len(tasks), configuration


def _task(review: ReviewSession, row: int) -> dict[str, Any]:
    state, item = review.state, review.item(row)
    facts = state.dataset.images.iloc[row]
    uri = str(facts["uri"]) or item["name"]
    asked = [question["label"] for question in item["questions"]]
    local = f"/data/local-files/?d={quote(uri.lstrip('/'))}"
    data = {
        "image": uri if uri.startswith(_ELSEWHERE) else local,
        "key": item["name"],
        "sha256": str(facts["sha256"]),
        "asked": asked,
        "question": f"Is it there: {', '.join(asked)}?" if asked else "What does the picture show?",
    }
    said = state.labels_of(row)
    scores = said[(said["source"] == PREDICTIONS) & (said["score"] >= state.policy.confidence_threshold)]
    shown = [
        (label, score)
        for label, score in zip(scores["label"], scores["score"], strict=True)
        if label in state.taxonomy
    ]
    if not shown or review.hides_score(row):
        return {"data": data}
    paths = [[*reversed(state.taxonomy.ancestors(label)), label] for label, _ in shown]
    result = {"id": "base-model", "from_name": "labels", "to_name": "image", "type": "taxonomy"}
    prediction = {
        "model_version": f"base model {facts['predicted']}".strip(),
        "score": round(float(max(score for _, score in shown)) / 100, 4),
        "result": [result | {"value": {"taxonomy": sorted(paths)}}],
    }
    return {"data": data, "predictions": [prediction]}


def _configuration(review: ReviewSession) -> bytes:
    """Return the labelling configuration of a taxonomy, as XML."""
    view, taxonomy = ET.Element("View"), review.state.taxonomy
    rule = "Choose every label that the picture shows. What is asked and not chosen counts as absent."
    ET.SubElement(view, "Header", value=rule)
    ET.SubElement(view, "Text", name="question", value="$question")
    ET.SubElement(view, "Image", name="image", value="$image")

    def choices(parent: ET.Element, names: tuple[str, ...]) -> None:
        for name in names:
            choices(ET.SubElement(parent, "Choice", value=name), taxonomy.children(name))

    choices(ET.SubElement(view, "Taxonomy", name="labels", toName="image"), taxonomy.top)
    single: dict[str, str] = {"toName": "image", "choice": "single", "showInline": "true"}
    choices(ET.SubElement(view, "Choices", single, name="whole"), (review.safe, _UNSURE))
    if review.state.policy.reasons:
        reasons = ET.SubElement(view, "Choices", single, name="reason")
        for code, words in review.state.policy.reasons.items():
            hint = "".join(sign if sign.isprintable() else " " for sign in words or code)
            ET.SubElement(reasons, "Choice", value=code, hint=hint)
    ET.SubElement(view, "TextArea", name="note", toName="image", rows="1", placeholder="Note")
    ET.indent(view)
    return bytes(ET.tostring(view, encoding="utf-8")) + b"\n"


def import_tasks(review: ReviewSession, path: str | Path) -> int:
    """Take in an export of Label Studio (JSON, with its tasks), whole or not at all.

    Parameters
    ----------
    review : ReviewSession
        Of the folder that the tasks were made of.
    path : path
        The export. Skipped annotations, drafts and predictions say nothing.

    Returns
    -------
    int
        How many annotations were new.

    Raises
    ------
    InputError
        The file is no such export, or an annotation cannot be understood.
    OutputError
        The answers cannot be written.
    """
    path = Path(path)
    document = read_json(path)
    tasks = document if isinstance(document, list) else [document]
    if not tasks or not all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks):
        raise InputError(
            f"{path}: expected an export of Label Studio as JSON: a list of tasks, each with data"
        )
    names, contents = _names(tasks), by_content(review)
    found = []
    for position, task in enumerate(tasks):
        for annotation in objects(task.get("annotations")):
            place = f"{path}, task {position + 1}, annotation {text(annotation.get('id')) or '?'}"
            entry = (
                None
                if annotation.get("was_cancelled")
                else _entry(review, task["data"], annotation, names, place)
            )
            if entry is not None:
                cells = {"image": text(task["data"].get("key")), "sha256": text(task["data"].get("sha256"))}
                row = position_of(review, cells, contents, place)
                if row is None:
                    raise InputError(
                        f"{place}: there is no image {cells['image']!r}; expected the key of the exported task"
                    )
                found.append((annotation.get("ground_truth") is True, entry.at, position, row, entry))
    # who answered first looked first; what is marked as ground truth comes last
    found.sort(key=lambda one: one[:3])
    return review.state.record_all((row, entry) for *_, row, entry in found)


def _entry(
    review: ReviewSession,
    data: Mapping[str, Any],
    annotation: Mapping[str, Any],
    names: Mapping[str, str],
    place: str,
) -> ReviewEntry | None:
    """Return what an annotation says; None when it says nothing."""
    chosen, whole, remark = _chosen(review, annotation, place)
    asked = texts(data.get("asked"))
    for label in (*chosen, *asked):
        review.state.taxonomy.require(label, place)
    if chosen and review.safe in whole:
        raise InputError(f"{place}: says {review.safe}, and {chosen[0]!r} too; expected one of them")
    covered = {name for label in chosen for name in (label, *review.state.taxonomy.ancestors(label))}
    said = [Said(label, True) for label in chosen]
    if review.safe in whole:
        said.append(Said(review.safe, True))
    else:
        rest = [label for label in asked if label not in covered]
        said += [Said(label, None if _UNSURE in whole else False) for label in rest]
        if _UNSURE in whole and not asked:
            said.append(Said(review.safe, None))
    if not said:
        return None
    at = _time(annotation, place)
    number = text(annotation.get("id")) or text(data.get("key"))
    reviewer = names[_person(annotation)]
    return ReviewEntry(
        0, reviewer, answers=tuple(said), id=f"label-studio {number} {reviewer} {at}", at=at, remark=remark
    )


def _chosen(
    review: ReviewSession, annotation: Mapping[str, Any], place: str
) -> tuple[list[str], set[str], Remark]:
    """Return the labels, what is said of the whole image, and the remark."""
    chosen: dict[str, None] = {}
    whole: set[str] = set()
    reason = note = ""
    for result in objects(annotation.get("result")):
        control, kind = text(result.get("from_name")), text(result.get("type"))
        values = member(result, "value", "text" if kind == "textarea" else kind)
        if kind == "taxonomy":
            chosen |= dict.fromkeys(steps[-1] for steps in map(texts, values or ()) if steps)
        elif control == "reason" and kind == "choices":
            reason = "".join(texts(values))
        elif control == "note" and kind == "textarea":
            note = " ".join(texts(values))
        elif control == "whole" and kind == "choices" and {review.safe, _UNSURE}.issuperset(texts(values)):
            whole.update(texts(values))
        else:
            raise InputError(
                f"{place}: {kind} {control!r} is not of our labelling configuration; for other projects, "
                "give the export to prepare as --labels"
            )
    lead = annotation.get("lead_time")
    timed = isinstance(lead, int | float) and not isinstance(lead, bool) and 0 <= lead <= LONGEST_LOOK
    try:
        remark = review.remark_of(Remark(reason, _cut(note), round(lead, 1) if timed and lead else None))
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return list(chosen), whole, remark


def _cut(note: str) -> str:
    return note if len(note) <= LONGEST_NOTE else note[: LONGEST_NOTE - 1] + "…"


def _time(annotation: Mapping[str, Any], place: str) -> str:
    written = text(annotation.get("updated_at")) or text(annotation.get("created_at"))
    try:
        when = datetime.fromisoformat(written)
    except ValueError as error:
        raise InputError(
            f"{place}: its date is {written!r}; expected created_at such as 2026-01-31T12:00:00Z"
        ) from error
    return when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC).isoformat(timespec="seconds")


def _person(annotation: Mapping[str, Any]) -> str:
    """Return by what the export tells a person from others."""
    who = annotation.get("completed_by")
    return text(who.get("id") or who.get("email")) if isinstance(who, dict) else text(who)


def _names(tasks: list[dict[str, Any]]) -> dict[str, str]:
    """Return each person's name, different people's different."""
    given = {_person(annotation): _name(annotation) for annotation in _annotations(tasks)}
    counts = Counter(given.values())
    return {who: name if counts[name] == 1 else f"{name} ({who})" for who, name in given.items()}


def _annotations(tasks: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for task in tasks:
        yield from objects(task.get("annotations"))


def _name(annotation: Mapping[str, Any]) -> str:
    who = annotation.get("completed_by")
    parts = [text(who.get(part)) for part in ("first_name", "last_name")] if isinstance(who, dict) else []
    name = " ".join(" ".join(parts).split())
    email = text(who.get("email")) if isinstance(who, dict) else ""
    return name or email or f"Label Studio user {_person(annotation)}".strip()
