"""Rules about labels: their names, what was looked for, and who disagrees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from posixpath import basename
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import Mask, Rows
from manifest_tools.dataset.ground_truth import PREDICTIONS, REVIEW, Hierarchy, source_priority
from manifest_tools.dataset.name_resolution import NameReading, NameResolution, read_names
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, LazyFindings, Location
from manifest_tools.rules.evidence import Evidence, lazy_findings

_MATCHES = 5  # of an ambiguous base name that a message lists
_ODD_NAMES = (
    (NameResolution.SPELLING, "label-spelling", None),
    (NameResolution.OLD, "label-old-taxonomy", None),
    (NameResolution.AMBIGUOUS, "label-old-taxonomy", "ambiguous"),
)


def names(evidence: Evidence) -> Iterator[LazyFindings]:
    """Label names that are not spelt as the taxonomy spells them.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/moderation-api.html
    """
    claimed = evidence.rows[_claimed(evidence.rows)]
    readings = read_names(claimed["label"].unique(), evidence.taxonomy, evidence.policy)
    unread = [
        name
        for name, reading in readings.items()
        if reading.resolution not in (NameResolution.LABEL, NameResolution.SAFE)
    ]
    odd = claimed[claimed["label"].isin(unread)]
    resolutions = np.array([readings[name].resolution for name in odd["label"]], dtype=object)
    unmapped = np.array([_unmapped(evidence, source) for source in odd["source"]], dtype=bool)

    def reading(row: Any) -> dict[str, Any]:
        return _reading(evidence, readings[row.label])

    for resolution, code, variant in _ODD_NAMES:
        yield _about_rows(evidence, odd[resolutions == resolution], code, reading, variant)
    unknown = resolutions == NameResolution.UNKNOWN
    yield _about_rows(evidence, odd[unknown & ~unmapped], "label-unknown", reading)
    yield _about_rows(evidence, odd[unknown & unmapped], "label-unknown", reading, "unmapped")


def orphans(evidence: Evidence) -> Iterator[LazyFindings]:
    """Rows of a label table that name no image, or more than one.

    They count against the manifests where labels of an image that is here may be missing for it.
    """
    lost = evidence.lost
    unplaced = {name: origin.get("unplaced", {}) for name, origin in evidence.dataset.sources.items()}
    near = [
        unplaced.get(source, {}).get(image, {})
        for source, image in zip(lost["source"], lost["image"], strict=True)
    ]
    elsewhere = np.array([not item.get("may_matter") for item in near], dtype=bool)
    order = np.argsort(elsewhere, kind="stable")  # those that matter first: no more than some are shown
    lost, elsewhere = lost.iloc[order], elsewhere[order]

    def make(number: int) -> Iterator[Finding]:
        shown = lost.iloc[:number]
        named = evidence.named_alike(map(basename, shown["image"]))
        told = zip(shown.itertuples(index=False, name=None), order, elsewhere, strict=False)
        for (source, line, image, label, size), position, is_out in told:
            data: dict[str, Any] = {
                "reference": image,
                **_near(near[position], named.get(basename(image), [])),
            }
            if is_out:
                data["left_out"] = True
            yield finding(
                "label-orphan", label=label if size == 1 else None, **evidence.place(source, line), **data
            )

    yield lazy_findings("label-orphan", elsewhere, make)


def _near(known: Mapping[str, Any], named: Sequence[str]) -> dict[str, Any]:
    """Return what a message says of the images that a lost row comes near."""
    reason = known.get("reason", "several" if len(named) > 1 else "")
    if reason in ("", "nameless"):
        return {"variant": reason} if reason else {}
    matches = known.get("images", named[:_MATCHES])
    about = {"variant": reason, "matches": matches, "count": known.get("count", len(named))}
    if reason == "elsewhere" and known["other"]:
        return about | {"variant": "stranger", "other": known["other"]}
    return about | ({"other": known["other"]} if reason in ("taken", "rivals") else {})


def contradictions(evidence: Evidence) -> Iterator[LazyFindings]:
    """Images of which one source says two things that cannot both be true."""
    rows = evidence.rows[evidence.truth.contradictory[evidence.rows["row"]]]
    rows = rows.sort_values(["row", "source"], kind="stable")
    begins = np.flatnonzero(~_repeats(rows, ["row", "source"]))  # of what each source says of each image
    inconsistent = np.flatnonzero(_contradictory(evidence, rows, begins))
    ends = np.append(begins, len(rows))[1:]

    def details(shown: Rows) -> Iterator[dict[str, Any]]:
        for number in inconsistent[: len(shown)]:
            said = rows.iloc[begins[number] : ends[number]]
            source = said["source"].iloc[0]
            label, other, lines = _contradiction(evidence, said)
            known = [int(line) for line in lines if not pd.isna(line)]
            place = evidence.place(source, lines[0])
            where = f", lines {known[0]} and {known[1]}" if len(known) == len(lines) else ""
            yield {
                "label": label,
                "source": source,
                "other": other,
                "rows": where if place["file"] else "",
                **place,
            }

    yield evidence.about("label-contradiction", rows["row"].to_numpy()[begins[inconsistent]], details)


def unchecked(evidence: Evidence) -> Iterator[LazyFindings]:
    """Labels that the base model sees where nobody looked for them."""
    outcomes = evidence.outcomes
    rows, columns = np.nonzero(outcomes.unchecked & ~evidence.truth.unsure)

    def details(shown: Rows) -> Iterator[dict[str, Any]]:
        for row, column in zip(shown, columns[: len(shown)], strict=True):
            score = round(float(outcomes.score[row, column]), 4)
            yield {"label": outcomes.labels[column], "score": score}

    yield evidence.about("label-unchecked", rows, details)


def unlabelled(evidence: Evidence) -> Iterator[LazyFindings]:
    """Images of which nobody said anything, or of which a reviewer could not say."""
    yield evidence.about("image-unlabelled", evidence.reasons["image-unlabelled"])
    rows, columns = np.nonzero(evidence.truth.unsure)

    def labels(shown: Rows) -> Iterator[dict[str, Any]]:
        return ({"label": evidence.truth.labels[column]} for column in columns[: len(shown)])

    yield evidence.about("label-unsure", rows, labels)


def levels(evidence: Evidence) -> Iterator[Finding]:
    """Labels below level 1 that will be written as they are."""
    if evidence.policy.label_level == "1":
        return
    for label, count in zip(evidence.truth.labels, evidence.tally.images[""], strict=True):
        level = evidence.taxonomy[label].level
        if count and level > 1:
            top = evidence.taxonomy.level_1(label)
            yield finding("label-level", label=label, level=level, top=top, count=int(count))


def disagreements(evidence: Evidence) -> Iterator[LazyFindings]:
    """Sources that say different things about a label of one image; the newest one counts, of several tables none."""
    said = _statements(evidence)
    newest = said.groupby(["row", "about"], sort=True)[["source", "present", "line"]].transform("last")
    against = said[(said["present"] != newest["present"]) & (said["source"] != newest["source"])]
    against = against.assign(newest=newest["source"], newest_line=newest["line"])
    against = against.groupby(["row", "about"], sort=True).last().reset_index()
    values = {True: "present", False: "absent"}

    def details(shown: Rows) -> Iterator[dict[str, Any]]:
        columns = ("about", "newest", "source", "present", "line", "newest_line")
        told = zip(*(against[name].iloc[: len(shown)].tolist() for name in columns), strict=True)
        for column, winner, other, present, line, winner_line in told:
            equals = source_priority(winner) == source_priority(other) and not winner.startswith(REVIEW)
            names = [
                _told(evidence, *of) if equals else of[0] for of in ((winner, winner_line), (other, line))
            ]
            yield {
                "label": evidence.taxonomy.names[column],
                "source": names[0],
                "value": values[not present],
                "other": names[1],
                "other_value": values[present],
                "winner": "neither" if equals else winner,
                **(evidence.place(other, line) if equals else {}),
            }

    yield evidence.about("review-disagreement", against["row"].to_numpy(dtype=np.int64), details)


def _told(evidence: Evidence, source: str, line: Any) -> str:
    """Return the file, and the line in it, that a row of a source stands in."""
    place = evidence.place(source, line)
    return str(Location(place["file"], place["line"])) or source


def repetitions(evidence: Evidence) -> Iterator[LazyFindings]:
    """Labels that one source gives more than once for an image."""
    rows = evidence.rows[_claimed(evidence.rows)]
    key = ["row", "label", "source"]
    again = np.flatnonzero(_repeats(rows, key))
    counts = (
        rows.iloc[np.union1d(again - 1, again)]
        .groupby(key, sort=True)
        .agg(times=("line", "size"), line=("line", "max"))
        .reset_index()
    )
    yield _about_rows(evidence, counts, "label-duplicate", lambda row: {"count": int(row.times)})


def strange_predictions(evidence: Evidence) -> Iterator[Finding]:
    """Predictions for images that are not here, or with labels that the taxonomy does not have."""
    origin = evidence.dataset.sources.get(PREDICTIONS, {})
    if origin.get("unmatched"):
        count, examples = origin["unmatched"], list(origin["examples"])
        file = origin.get("file") or None
        yield finding("prediction-orphan", file=file, count=count, examples=examples)
    said = evidence.predicted_names
    for name, reading in read_names(sorted(said), evidence.taxonomy, evidence.policy).items():
        if not reading.name:
            version = evidence.taxonomy.version
            yield finding("prediction-unknown", label=name, count=int(said[name]), taxonomy=version)


def _about_rows(
    evidence: Evidence,
    rows: pd.DataFrame,
    code: str,
    data_of: Callable[[Any], dict[str, Any]],
    variant: str | None = None,
) -> LazyFindings:
    """Make findings about label rows: their place is the row of the table that they stand in."""

    def details(shown: Rows) -> Iterator[dict[str, Any]]:
        row: Any
        for row in rows.iloc[: len(shown)].itertuples(index=False):
            yield data_of(row) | {"label": row.label, **evidence.place(row.source, row.line)}

    return evidence.about(code, rows["row"].to_numpy(dtype=np.int64), details, variant=variant)


def _reading(evidence: Evidence, reading: NameReading) -> dict[str, Any]:
    match reading.resolution:
        case NameResolution.SPELLING:
            return {"name": reading.name}
        case NameResolution.OLD:
            return {"name": reading.name, "version": reading.version}
        case NameResolution.AMBIGUOUS:
            return {"choices": list(reading.choices), "version": reading.version}
    return {"suggestions": list(reading.choices), "taxonomy": evidence.taxonomy.version}


def _unmapped(evidence: Evidence, source: str) -> bool:
    """Return whether a source's names are somebody's own categories."""
    origin = evidence.dataset.sources.get(source, {})
    return "mapping" in origin or origin.get("format", "table") not in ("table", "folders")


def _repeats(rows: pd.DataFrame, columns: list[str]) -> Mask:
    """Return which rows say the same in some columns as the row before them."""
    same = np.zeros(len(rows), dtype=bool)
    at = np.arange(1, len(rows))
    for name in columns:  # each only where the ones before it agree
        values = rows[name].cat.codes if rows[name].dtype == "category" else rows[name]
        at = at[values.to_numpy()[at] == values.to_numpy()[at - 1]]
    same[at] = True
    return same


def _denied(rows: pd.DataFrame) -> Mask:
    """Return which label rows say that the label is not there."""
    return ~rows["truth"].to_numpy(dtype=bool, na_value=True)


def _claimed(rows: pd.DataFrame) -> Mask:
    """Return which label rows say that the label is there."""
    return rows["truth"].to_numpy(dtype=bool, na_value=False)


def _statements(evidence: Evidence) -> pd.DataFrame:
    """Return what the sources of an image say of each label that one of them names, the newest last.

    Only for images that several sources speak of. Columns `row`, `about` (the label's column), `source`,
    `present` and `line`; a row that says Safe speaks of every label.
    """
    rows = evidence.rows
    answered = rows[(rows["truth"].notna() & rows["resolved"]).to_numpy()]
    place, source = answered["row"].to_numpy(), answered["source"].cat.codes.to_numpy()
    of_several = np.zeros(evidence.count, dtype=bool)
    other = (place[1:] == place[:-1]) & (source[1:] != source[:-1])
    of_several[place[1:][other]] = True
    answered = answered[of_several[place]].astype({"source": "str"})
    answered = answered.assign(
        age=answered["source"].map(source_priority).astype("int64"),
        present=_claimed(answered) & ~answered["safe"],
    ).sort_values(["row", "age", "line", "source"], kind="stable")
    answered = answered.assign(place=np.arange(len(answered)))
    own = answered.assign(about=answered["column"])
    named = own[own["column"] >= 0]
    safe = answered[answered["safe"]].merge(named[["row", "about"]].drop_duplicates(), on="row")
    said = pd.concat([named, safe], ignore_index=True)
    said = said.sort_values(["row", "about", "place"], kind="stable", ignore_index=True)
    columns: pd.DataFrame = said[["row", "about", "source", "present", "line"]]
    return columns


def _contradictory(evidence: Evidence, rows: pd.DataFrame, begins: Rows) -> Mask:
    """Return for which stretches of label rows :func:`_contradiction` finds something."""
    stretch = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(rows))))
    column, claimed = rows["column"].to_numpy(), _claimed(rows)
    present, absent = np.zeros((2, len(begins), len(evidence.taxonomy.names)), dtype=bool)
    for matrix, said in ((present, claimed), (absent, _denied(rows))):
        named = said & (column >= 0)
        matrix[stretch[named], column[named]] = True
    safe = np.zeros(len(begins), dtype=bool)
    safe[stretch[claimed & rows["safe"].to_numpy()]] = True
    implied = present | Hierarchy.of(evidence.taxonomy).ancestors_of(present)
    return np.asarray((safe & present.any(axis=1)) | (implied & absent).any(axis=1))


def _contradiction(evidence: Evidence, said: pd.DataFrame) -> tuple[str, str, tuple[Any, Any]]:
    """Return the first two statements of one source that cannot both be true, and their lines."""
    claimed = _claimed(said)
    safe = said[said["safe"] & claimed]
    present = said[claimed & (said["column"] >= 0)]
    if len(safe) and len(present):
        first, second = safe.iloc[0], present.iloc[0]
        return str(first["label"]), str(second["label"]), (first["line"], second["line"])
    denied = said[_denied(said) & (said["column"] >= 0)]
    all_names = evidence.taxonomy.names
    absent = {all_names[column]: line for column, line in zip(denied["column"], denied["line"], strict=True)}
    return next(
        (str(label), f"no {implied}", (line, absent[implied]))
        for label, column, line in zip(present["label"], present["column"], present["line"], strict=True)
        for implied in (all_names[column], *evidence.taxonomy.ancestors(all_names[column]))
        if implied in absent
    )
