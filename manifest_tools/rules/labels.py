"""Rules about labels: their names, what was looked for, and who disagrees."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.catalogue import finding
from manifest_tools.findings import Finding
from manifest_tools.rules.evidence import Evidence, positions
from manifest_tools.truth import PREDICTIONS, NameReading, Sense, age_of, read_names

_MATCHES = 5  # of an ambiguous base name that a message lists


def names(evidence: Evidence) -> Iterator[Finding]:
    """Label names that are not spelt as the taxonomy spells them.

    Source: https://docs.aws.amazon.com/rekognition/latest/dg/moderation-api.html
    """
    claimed = evidence.rows[evidence.rows["truth"].fillna(value=False).astype(bool)]
    readings = read_names(claimed["label"].unique(), evidence.taxonomy, evidence.policy)
    unread = [name for name, reading in readings.items() if reading.sense not in (Sense.LABEL, Sense.SAFE)]
    odd = claimed[claimed["label"].isin(unread)]
    for row, label, source, line in zip(odd["row"], odd["label"], odd["source"], odd["line"], strict=True):
        yield _name_finding(evidence, row, readings[label], source, line)


def orphans(evidence: Evidence) -> Iterator[Finding]:
    """Rows of a label table that name no image, or more than one."""
    labels = evidence.dataset.labels
    known = labels["image"].isin(evidence.images["image"])
    lost = labels[~known & (labels["source"] != PREDICTIONS)]
    if lost.empty:
        return
    by_name: dict[str, list[str]] = {}
    for key in evidence.images["image"]:
        by_name.setdefault(basename(key), []).append(key)
    # One finding for each row of the table: a wide one has many labels in it.
    in_table = lost.groupby(["source", "line", "image"], dropna=False, sort=True)["label"]
    rows = in_table.agg(["first", "size"]).reset_index()
    for source, line, image, label, size in rows.itertuples(index=False, name=None):
        matches = by_name.get(basename(image), [])
        data: dict[str, Any] = {"reference": image, "left_out": True}
        if len(matches) > 1:
            data |= {"variant": "several", "matches": matches[:_MATCHES], "count": len(matches)}
        yield finding(
            "label-orphan", label=label if size == 1 else None, **evidence.place(source, line), **data
        )


def contradictions(evidence: Evidence) -> Iterator[Finding]:
    """Images of which one source says two things that cannot both be true."""
    rows = evidence.rows
    for row in positions(evidence.truth.contradictory):
        for source, said in rows[rows["row"] == row].groupby("source"):
            pair = _contradiction(evidence, said)
            if pair is not None:
                label, other = pair
                yield evidence.about(row, "label-contradiction", label=label, source=source, other=other)


def unchecked(evidence: Evidence) -> Iterator[Finding]:
    """Labels that the base model sees where nobody looked for them."""
    for row, column in np.argwhere(evidence.outcomes.unchecked & ~evidence.truth.unsure):
        score = round(float(evidence.outcomes.score[row, column]), 4)
        label = evidence.outcomes.labels[column]
        yield evidence.about(int(row), "label-unchecked", label=label, score=score)


def unlabelled(evidence: Evidence) -> Iterator[Finding]:
    """Images of which nobody said anything, or of which a reviewer could not say."""
    for row in positions(evidence.reasons["image-unlabelled"]):
        yield evidence.about(row, "image-unlabelled")
    for row, column in np.argwhere(evidence.truth.unsure):
        yield evidence.about(int(row), "label-unsure", label=evidence.truth.labels[column])


def levels(evidence: Evidence) -> Iterator[Finding]:
    """Labels below level 1 that will be written as they are."""
    if evidence.policy.label_level == "1":
        return
    counts = evidence.truth.present[evidence.usable].sum(axis=0)
    for label, count in zip(evidence.truth.labels, counts, strict=True):
        level = evidence.taxonomy[label].level
        if count and level > 1:
            top = evidence.taxonomy.level_1(label)
            yield finding("label-level", label=label, level=level, top=top, count=int(count))


def disagreements(evidence: Evidence) -> Iterator[Finding]:
    """Sources that say different things about a label of one image."""
    rows = evidence.rows
    answered = rows[rows["truth"].notna() & rows["resolved"]]
    several = answered.groupby("row")["source"].nunique()
    answered = answered[answered["row"].isin(several.index[several > 1])]
    for row, said in answered.groupby("row"):
        yield from _disagreements(evidence, int(str(row)), said)


def repetitions(evidence: Evidence) -> Iterator[Finding]:
    """Labels that one source gives more than once for an image."""
    rows = evidence.rows[evidence.rows["truth"].fillna(value=False).astype(bool)]
    counts = rows.groupby(["row", "label", "source"], sort=True).agg(
        count=("line", "size"), line=("line", "max")
    )
    repeated = counts[counts["count"] > 1].reset_index()
    for row, label, source, count, line in repeated.itertuples(index=False, name=None):
        place = evidence.place(source, line)
        yield evidence.about(row, "label-duplicate", label=label, count=int(count), **place)


def strange_predictions(evidence: Evidence) -> Iterator[Finding]:
    """Predictions for images that are not here, or with labels that the taxonomy does not have."""
    origin = evidence.dataset.sources.get(PREDICTIONS, {})
    if origin.get("unmatched"):
        count, examples = origin["unmatched"], list(origin["examples"])
        file = origin.get("file") or None
        yield finding("prediction-orphan", file=file, count=count, examples=examples)
    labels = evidence.dataset.labels
    said = labels[labels["source"] == PREDICTIONS]["label"].value_counts()
    for name, reading in read_names(sorted(said.index), evidence.taxonomy, evidence.policy).items():
        if not reading.name:
            version = evidence.taxonomy.version
            yield finding("prediction-unknown", label=name, count=int(said[name]), taxonomy=version)


def _name_finding(evidence: Evidence, row: int, reading: NameReading, source: str, line: Any) -> Finding:
    place = {"label": reading.found, **evidence.place(source, line)}
    match reading.sense:
        case Sense.SPELLING:
            return evidence.about(row, "label-spelling", name=reading.name, **place)
        case Sense.OLD:
            data: dict[str, Any] = {"name": reading.name, "version": reading.version}
            return evidence.about(row, "label-old-taxonomy", **data, **place)
        case Sense.AMBIGUOUS:
            data = {"variant": "ambiguous", "choices": list(reading.choices), "version": reading.version}
            return evidence.about(row, "label-old-taxonomy", **data, **place)
    data = {"suggestions": list(reading.choices), "taxonomy": evidence.taxonomy.version}
    origin = evidence.dataset.sources.get(source, {})
    if "mapping" in origin or origin.get("format", "table") not in ("table", "folders"):
        data["variant"] = "unmapped"  # somebody's own categories
    return evidence.about(row, "label-unknown", **data, **place)


def _contradiction(evidence: Evidence, said: pd.DataFrame) -> tuple[str, str] | None:
    """Return the first two statements of one source that cannot both be true."""
    claimed = said["truth"].fillna(value=False).astype(bool)
    safe = said[said["safe"] & claimed]
    present = said[claimed & (said["column"] >= 0)]
    if len(safe) and len(present):
        return str(safe["label"].iloc[0]), str(present["label"].iloc[0])
    denied = said[said["truth"].eq(other=False).fillna(value=False) & (said["column"] >= 0)]
    all_names = evidence.taxonomy.names
    absent = {all_names[column] for column in denied["column"]}
    for label, column in zip(present["label"], present["column"], strict=True):
        name = all_names[column]
        for implied in (name, *evidence.taxonomy.ancestors(name)):
            if implied in absent:
                return str(label), f"no {implied}"
    return None


def _disagreements(evidence: Evidence, row: int, said: pd.DataFrame) -> Iterator[Finding]:
    """Compare what the sources of one image say of each label; the newest one counts."""
    said = said.assign(age=said["source"].map(age_of)).sort_values(["age", "line", "source"], kind="stable")
    columns = sorted(set(said.loc[said["column"] >= 0, "column"]))
    for column in columns:
        about = said[(said["column"] == column) | said["safe"]]
        about = about.assign(present=about["truth"].astype(bool) & ~about["safe"])
        newest = about.iloc[-1]
        others = about[(about["present"] != newest["present"]) & (about["source"] != newest["source"])]
        if len(others):
            other = others.iloc[-1]
            values = {True: "present", False: "absent"}
            yield evidence.about(
                row,
                "review-disagreement",
                label=evidence.taxonomy.names[column],
                source=newest["source"],
                value=values[bool(newest["present"])],
                other=other["source"],
                other_value=values[bool(other["present"])],
                winner=newest["source"],
            )
