"""Check a data set: every rule on everything known, closed as a report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from manifest_tools.core.arrays import distinct
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.core.version import library_version
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import unusable_content
from manifest_tools.dataset.ground_truth import REVIEW
from manifest_tools.dataset.tables import kept_columns
from manifest_tools.findings.collector import FindingCollector
from manifest_tools.findings.findings import MAX_FINDINGS, Report
from manifest_tools.findings.policy import Policy, Reading
from manifest_tools.rules import IMAGE_RULES, RULES, Evidence, Rule
from manifest_tools.rules.counts import label_table, readiness
from manifest_tools.rules.groups import group_facts
from manifest_tools.rules.plan import plan
from manifest_tools.rules.power import power_by_target
from manifest_tools.rules.slices import slice_facts


def check_dataset(
    dataset: Dataset,
    *,
    policy: Policy | None = None,
    max_findings: int = MAX_FINDINGS,
    rules: tuple[Rule, ...] = RULES,
) -> Report:
    """Judge a data set by every rule.

    Parameters
    ----------
    dataset : Dataset
        As far as it is known: rules about what was not done yet say nothing.
    policy : Policy, optional
        By default the policy that the data set carries.
    max_findings : int
        How many findings of each code the report keeps; counts are always exact.
    rules : tuple of Rule
        The rules to judge by.

    Returns
    -------
    Report
        `passed` judges the manifests as they would be written: findings about images that are left out do
        not count against it.

    Raises
    ------
    InputError
        The policy that the data set carries cannot be read.

    Examples
    --------
    >>> from manifest_tools import Policy, check_dataset, read_images
    >>> dataset = read_images("sample_data/images", labels="sample_data/labels.csv")
    >>> report = check_dataset(dataset, policy=Policy(targets=["Alcohol:false-positives"]))
    >>> report.passed
    True
    >>> sorted({finding.code for finding in report.findings if finding.left_out})
    ['image-unlabelled', 'label-orphan', 'label-unknown']
    """
    policy = policy or Policy.from_dict(dataset.policy)
    return check_evidence(Evidence.of(dataset, policy), max_findings=max_findings, rules=rules)


def check_images(
    dataset: Dataset, *, policy: Policy | None = None, max_findings: int = MAX_FINDINGS
) -> Report:
    """Judge the images alone, by content: every finding counts, for nothing is written.

    Parameters and return value are those of :func:`check_dataset`; the report has no label table, and its
    facts are `images` (found, readable, different) and `skipped`.
    """
    policy = policy or Policy()
    return check_image_evidence(Evidence.of(dataset, policy, labelled=False), max_findings=max_findings)


def check_evidence(
    evidence: Evidence, *, max_findings: int = MAX_FINDINGS, rules: tuple[Rule, ...] = RULES
) -> Report:
    """Judge as :func:`check_dataset` does what somebody gathered already."""
    collector = _collect(evidence, rules, max_findings)
    report = collector.report(
        fail_on=evidence.policy.fail_on, labels=label_table(evidence), facts=facts(evidence)
    )
    return _with_kept_columns(report, evidence)


def _with_kept_columns(report: Report, evidence: Evidence) -> Report:
    """Return the report with the kept columns of the images that its findings are about, in their places."""
    columns = kept_columns(evidence.images)
    rows = (
        evidence.rows_of(sorted({item.location.image or "" for item in report.findings})) if columns else {}
    )
    if not rows:
        return report
    table = evidence.images[columns].iloc[list(rows.values())].astype(object)
    told = {
        image: tuple(
            (name, value)
            for name, value in zip(columns, values, strict=True)
            if not (pd.isna(value) or value == "")
        )
        for image, values in zip(rows, table.itertuples(index=False, name=None), strict=True)
    }
    findings = tuple(
        replace(item, location=replace(item.location, kept=told.get(item.location.image or "", ())))
        for item in report.findings
    )
    return replace(report, findings=findings)


def check_image_evidence(evidence: Evidence, *, max_findings: int = MAX_FINDINGS) -> Report:
    """Judge as :func:`check_images` does what somebody gathered already."""
    collector = _collect(evidence, IMAGE_RULES, max_findings)
    usable = evidence.eligible
    about = {
        "images": {
            "found": evidence.count,
            "usable": int(usable.sum()),
            "different": distinct(evidence.duplicates.groups, usable),
        },
        "skipped": _skipped(evidence.dataset),
        "not_checked": _content_not_checked(evidence),
        "made": _made(evidence),
    }
    return collector.report(fail_on=evidence.policy.fail_on, facts=about)


def facts(evidence: Evidence) -> dict[str, Any]:
    """Return what the verdict rests on, ready for JSON.

    Returns
    -------
    dict
        `readiness` (state; expected: whether the base model was asked about any image; ready_for,
        candidates, reading in words), `images` (found, usable, labelled, asked, usable_asked, reviewed, waiting (for people), train,
        test, no_side, and effective numbers), `groups` (see :func:`manifest_tools.rules.groups.group_facts`), `slices` (see :func:`manifest_tools.rules.slices.slice_facts`), `plan` (see
        :func:`manifest_tools.rules.plan.plan`), `power` (see :func:`manifest_tools.rules.power.power_by_target`), `left_out`
        (images by reason; an
        image may have several), `selected` (what a selection chose), `scope` (judged_for, not_judged, in_part), `skipped`
        (other files by extension), `not_checked` (sentences), and `made` (versions, options and fingerprints).
    """
    result = readiness(evidence)
    dataset, usable = evidence.dataset, evidence.eligible
    groups = evidence.duplicates.together
    train, test = evidence.side("train"), evidence.side("test")
    return {
        "readiness": {
            "state": str(result.state),
            "expected": bool(evidence.outcomes.asked.any())
            or any(entry["step"] == "predict" for entry in dataset.history),
            "ready_for": list(result.ready_for),
            "reading": reading_in_words(evidence.policy),
            "candidates": [
                {
                    "label": sample.label,
                    "goal": str(sample.goal),
                    "count": sample.count,
                    "possible": sample.possible,
                    "effective": sample.effective,
                    "needed": sample.needed,
                    "state": str(sample.state),
                }
                for sample in result.candidates
                if sample.possible or evidence.policy.targets
            ],
        },
        "images": {
            "found": evidence.count,
            "usable": int(usable.sum()),
            "train": int(train.sum()) if evidence.is_split else 0,
            "test": int(test.sum()),
            **handled(evidence),
            "no_side": int((usable & ~train & ~test).sum()) if evidence.is_split else 0,
            "different": distinct(groups, usable),
            "different_train": distinct(groups, train) if evidence.is_split else 0,
            "different_test": distinct(groups, test),
        },
        "groups": group_facts(evidence),
        "slices": slice_facts(evidence),
        "plan": plan(evidence),
        "power": power_by_target(evidence),
        "left_out": {code: int(mask.sum()) for code, mask in evidence.reasons.items() if mask.any()},
        "selected": dict(dataset.sources.get("select", {})),
        "scope": _scope(evidence),
        "skipped": _skipped(dataset),
        "not_checked": _not_checked(evidence),
        "made": _made(evidence),
    }


def handled(evidence: Evidence) -> dict[str, int]:
    """Return how many images were labelled, asked about (of all, and of the usable), reviewed, and wait for people."""
    outcomes, rows = evidence.outcomes, evidence.labels
    of_people = np.array([name.startswith(REVIEW) for name in rows["source"].cat.categories], dtype=bool)
    told = of_people[rows["source"].cat.codes.to_numpy()] & (rows["row"] >= 0).to_numpy()
    reviewed = np.zeros(evidence.count, dtype=bool)
    reviewed[rows["row"].to_numpy()[told]] = True
    shown = np.ones(evidence.count, dtype=bool)
    for mask in unusable_content(evidence.images, evidence.policy).values():
        shown &= ~mask
    unconfirmed = outcomes.predicted_positive.any(axis=1) | ~outcomes.truth.judged
    return {
        "labelled": int(outcomes.truth.judged.sum()),
        "asked": int(outcomes.asked.sum()),
        "usable_asked": int((outcomes.asked & evidence.eligible).sum()),
        "reviewed": int(reviewed.sum()),
        "waiting": int((unconfirmed & ~reviewed & shown).sum()),
    }


def reading_in_words(policy: Policy) -> str:
    """Return how the 20/50 minimum is read, as a sentence."""
    fp, fn = policy.min_false_positives, policy.min_false_negatives
    who = "target" if policy.targets else "label"
    sentence = {
        Reading.ANY: f"at least one {who} has {fp} false positives or {fn} false negatives in training",
        Reading.TOTAL: f"all labels together have {fp} false positives or {fn} false negatives in training",
        Reading.STRICT: f"every {who} has {fp} false positives and {fn} false negatives in training",
    }[policy.reading]
    return (
        f"{sentence}, at a confidence of {policy.confidence_threshold:g} %; "
        f"at least {policy.min_test_images} test images"
    )


def _scope(evidence: Evidence) -> dict[str, Any]:
    """Return the level 1 labels that somebody looked for in every usable image, and the others.

    `in_part` has the number of images for those of the others that were looked for in some.
    """
    top = Taxonomy.load(evidence.dataset.taxonomy).top
    known = dict(zip(evidence.truth.labels, evidence.tally.known.tolist(), strict=True))
    eligible = int(evidence.eligible.sum())
    judged = [name for name in top if eligible and known.get(name, 0) == eligible]
    others = [name for name in top if name not in judged]
    return {
        "judged_for": judged,
        "not_judged": others,
        "in_part": {name: known[name] for name in others if known.get(name, 0)},
    }


def _collect(evidence: Evidence, rules: tuple[Rule, ...], max_findings: int) -> FindingCollector:
    collector = FindingCollector(max_findings, evidence.policy.severities)
    for rule in rules:
        collector.extend(rule(evidence))
    return collector


def _skipped(dataset: Dataset) -> dict[str, int]:
    return dict(dataset.sources.get("images", {}).get("skipped", {}))


def _made(evidence: Evidence) -> dict[str, Any]:
    return {
        "version": library_version(),
        "taxonomy": evidence.dataset.taxonomy,
        "destination": evidence.dataset.destination,
        "policy": evidence.policy.to_dict(),
        "history": [dict(entry) for entry in evidence.dataset.history],
    }


def _not_checked(evidence: Evidence) -> list[str]:
    sentences = _content_not_checked(evidence)
    if not evidence.is_split:
        sentences.append("nothing is split yet, so every usable image counts as training")
    if not evidence.outcomes.asked.any():
        sentences.append("false positives and negatives, because the base model was not asked")
    return [*sentences, "whether the service accepts the set: only training tells"]


def _content_not_checked(evidence: Evidence) -> list[str]:
    sentences = []
    if evidence.unread:
        sentences.append(f"the content of {evidence.unread:,} images was not read")
    if any(
        entry["step"] == "inspect" and entry["options"].get("quick") for entry in evidence.dataset.history
    ):
        sentences.append("pixels were not decoded (quick look), so damage inside files was not looked for")
    if not evidence.duplicates.grouped.any():
        sentences.append("look-alikes were not searched")
    return sentences
