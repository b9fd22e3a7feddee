"""Compare adapters with the base model, from files to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.core.percent import percent
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import split_group_names
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.evaluation.aims import Aim, aims_declared, aims_named, labels_changed, labels_of
from manifest_tools.evaluation.compared import Comparison, Evaluation
from manifest_tools.evaluation.decisions import Limits, choose_decisions
from manifest_tools.evaluation.files import (
    Evaluated,
    EvaluationFiles,
    Results,
    read_bytes,
    read_evaluations,
    read_judged,
)
from manifest_tools.evaluation.guard import require_unseen, run_guard
from manifest_tools.evaluation.looked_for import not_looked_for
from manifest_tools.evaluation.mistakes import (
    TestSet,
    arrange,
    compare_counts,
    compare_images,
    evaluated_labels,
    find_flips,
    points_of_images,
)
from manifest_tools.evaluation.notes import (
    COUNTS_ALONE,
    GUARD_UNSEEN,
    differences,
    model_notes,
    undecided_notes,
    unknown_notes,
)
from manifest_tools.evaluation.prevalence import read_sample
from manifest_tools.evaluation.same_tests import on_common_tests
from manifest_tools.evaluation.slices import addresses_by_slice, compare_slices
from manifest_tools.evaluation.thresholds import (
    choose,
    fine_points,
    points_of_results,
)
from manifest_tools.evaluation.traffic import traffic_rates
from manifest_tools.evaluation.verdict import judge
from manifest_tools.findings.policy import Target

DEFAULT_THRESHOLD = 50.0  # what DetectModerationLabels uses when it is not told


def compare_evaluation(
    *sources: str | Path | EvaluationFiles,
    threshold: float | None = None,
    max_false_positive_rate: float | None = None,
    guard: str | Path | None = None,
    targets: Sequence[Target | str] | None = None,
    dataset: Dataset | None = None,
    taxonomy: Taxonomy | None = None,
    limits: Limits | None = None,
    sample: str | Path | None = None,
    sample_width: float | None = None,
    seed: int = 0,
) -> Evaluation:
    r"""Compare adapters with the base model.

    Parameters
    ----------
    *sources : path or EvaluationFiles
        Evaluation results (counts) and output manifests (answers by image) of one adapter or several; files
        of the same adapter are put together. The manifests say which images flipped and what is newly caused. Several
        adapters are compared on the test images that all of them have.
    threshold : float, optional
        Confidence (0-100) at which the models are used. Default: the one that the adapter was trained for, else 50.
    max_false_positive_rate : float, optional
        Share (0-1) of images without a label that may be reported with it; asks for the best threshold.
    guard : path, optional
        Manifest of ordinary traffic, with the answers of both models. Refused where it holds images that `dataset` has
        for training, by address or, where its lines have ``content-sha256``, by content.
    targets : sequence of str or Target, optional
        What the adapter was to change: labels such as "Alcohol", or targets such as "Alcohol:false-positives".
        Default: the labels that it was tested on.
    dataset : Dataset, optional
        Knows which test images are look-alikes, and which images were for training.
    taxonomy : Taxonomy, optional
        Default: the current one.
    limits : Limits, optional
        Miss rate, false-block rate and reviews a day that people can live with; asks for thresholds.
    sample : path, optional
        Manifest of a random sample of traffic with truth and both models' answers: turns the rates of the test set into
        those of traffic.
    sample_width : float, optional
        Width (0-1) of the prevalence's interval that is wanted; asks how large a sample that takes.
    seed : int
        For the bootstrap and the intervals in traffic.

    Returns
    -------
    Evaluation
        `adapters`: for each, the counts and rates of both models by label, what was fixed and newly caused, and
        what cannot be told from the files (`notes`).

    Raises
    ------
    InputError
        A file cannot be read, an option is out of range, or the adapters were tested on no image in common.

    Notes
    -----
    "Total" adds up the labels: it counts pairs of image and label. So we read Amazon's own aggregate, which no page
    explains; where the two differ, a note says so.

    Examples
    --------
    >>> import json
    >>> from manifest_tools import compare_evaluation
    >>> def line(number, base, adapter):
    ...     def seen(names):
    ...         labels = [{"Name": name, "ParentName": "", "TaxonomyLevel": 1, "Confidence": 90.0} for name in names]
    ...         return {"ModerationLabels": labels, "ModerationModelVersion": "7.0"}
    ...     truth = {"ModerationLabels": [{"Name": "Alcohol"}]}
    ...     return json.dumps({
    ...         "source-ref": f"s3://my-bucket/{number}.jpg",
    ...         "content-moderation-groundtruth": truth,
    ...         "detect-moderation-labels": seen(adapter),
    ...         "detect-moderation-labels-base-model": seen(base),
    ...     })
    >>> with open("output.manifest", "w") as file:
    ...     print(line(1, [], ["Alcohol"]), line(2, [], ["Alcohol"]), line(3, ["Alcohol"], []), sep="\n", file=file)
    >>> (adapter,) = compare_evaluation("output.manifest").adapters
    >>> total = adapter.labels[0]
    >>> total.base.false_negatives, total.adapter.false_negatives
    (2, 1)
    """
    if threshold is not None:
        percent(threshold, "threshold")
    _require_range("max_false_positive_rate", max_false_positive_rate, 0, 1)
    taxonomy = taxonomy or Taxonomy.load()
    evaluated = read_evaluations(sources, taxonomy)
    at = _threshold(evaluated, threshold)
    evaluated, common = on_common_tests(evaluated)
    groups = (
        dict(zip(source_refs(dataset), split_group_names(dataset.images), strict=True))
        if dataset is not None
        else {}
    )
    traffic = read_judged(str(guard), read_bytes(guard), taxonomy) if guard is not None else None
    if traffic and dataset is not None:
        require_unseen(traffic, dataset)
    unseen = (GUARD_UNSEEN,) if traffic and dataset is None else ()
    slices, unknown = addresses_by_slice(dataset), not_looked_for(dataset, evaluated, taxonomy)
    settings = _Settings(at, max_false_positive_rate, groups, slices, unknown, seed)
    named = aims_named(targets or (), taxonomy)
    if limits and (len(evaluated) > 1 or not evaluated[0].judged):
        raise InputError(
            "Thresholds are chosen for one adapter, by the output manifest of its test set. Give that."
        )
    if sample is None and sample_width is not None:
        raise InputError(
            "The width of an interval is of no use without a sample of traffic. Give one as sample."
        )
    if sample is not None and not all(item.judged for item in evaluated):
        raise InputError(
            "Rates in traffic need the answers by image. Give the output manifest of the test set."
        )
    random = read_sample(sample, taxonomy) if sample is not None else None
    compared = []
    for item in evaluated:
        aims = named or aims_declared(dataset)
        found = run_guard(traffic, labels_changed(aims, item), at, taxonomy, seed=seed) if traffic else None
        tests = _tests(item, evaluated_labels(item, at, taxonomy), settings) if item.judged else None
        one = _by_counts(item, settings) if tests is None else _by_image(item, tests, settings)
        if tests and limits:
            ordinary = traffic.judged if traffic else ()
            plan = choose_decisions(tests, limits, labels_of(named), taxonomy, ordinary)
            undecided = undecided_notes(plan, labels_of(named) or taxonomy.top)
            one = replace(one, decisions=plan, notes=(*one.notes, *undecided))
        if tests and random:
            one = replace(one, traffic=traffic_rates(tests, random, at, width=sample_width, seed=seed))
        one = replace(one, guard=found, notes=(*one.notes, *model_notes(item, evaluated), *unseen))
        compared.append(_judged(one, aims))
    return Evaluation(tuple(compared), max_false_positive_rate, common)


def _judged(item: Comparison, aims: Sequence[Aim]) -> Comparison:
    """Return a comparison with its verdict, the labels that the adapter was to change before the others."""
    total, *labels = item.labels
    first = labels_of(aims)
    labels.sort(key=lambda one: first.index(one.label) if one.label in first else len(first))
    return replace(item, labels=(total, *labels), verdict=judge(item.labels, aims, item.guard))


@dataclass(frozen=True)
class _Settings:
    threshold: float
    goal: float | None
    groups: Mapping[str, str]
    slices: Mapping[tuple[str, str], frozenset[str]]
    unknown: Mapping[str, frozenset[str]]
    seed: int


def _tests(item: Evaluated, labels: tuple[str, ...], settings: _Settings) -> TestSet:
    judged = [image for image in item.judged if image.truth is not None]
    if not judged:
        raise InputError(f"{item.name}: no image has a ground truth, so no mistake can be counted.")
    return arrange(judged, labels, settings.groups, settings.unknown)


def _by_image(item: Evaluated, tests: TestSet, settings: _Settings) -> Comparison:
    threshold = settings.threshold
    compared = compare_images(tests, threshold, seed=settings.seed)
    known = item.results or Results()
    notes = (*item.notes, *unknown_notes(tests), *differences(known, compared, threshold))
    return Comparison(
        item.name,
        item.base_model,
        item.adapter_model,
        threshold,
        len(tests.images),
        tests.group_count if settings.groups else 0,
        known.training_images,
        by_image=True,
        labels=compared,
        points=tuple(points_of_images(tests)),
        flips=find_flips(tests, threshold),
        choices=choose(fine_points(tests), settings.goal) if settings.goal is not None else (),
        f1_given=known.f1,
        notes=notes,
        slices=compare_slices(
            item.judged,
            tests.labels,
            settings.slices,
            groups=settings.groups,
            unknown=settings.unknown,
            threshold=threshold,
            seed=settings.seed,
        ),
    )


def _by_counts(item: Evaluated, settings: _Settings) -> Comparison:
    results = item.results
    assert results is not None
    threshold = settings.threshold
    counted = results.at.get(threshold)
    if counted is None:
        known = ", ".join(f"{value:g}" for value in sorted(results.at))
        raise InputError(
            f"{item.name} has no counts at threshold {threshold:g}, only at {known}. Choose one of these, or give "
            "the output manifest, which allows any."
        )
    points = tuple(points_of_results(results))
    return Comparison(
        item.name,
        "",
        "",
        threshold,
        results.test_images,
        0,
        results.training_images,
        by_image=False,
        labels=tuple(compare_counts(label, threshold, *counted[label]) for label in sorted(counted)),
        points=points,
        flips=(),
        choices=choose(points, settings.goal) if settings.goal is not None else (),
        f1_given=results.f1,
        notes=(COUNTS_ALONE,),
    )


def _threshold(evaluated: Sequence[Evaluated], asked: float | None) -> float:
    if asked is not None:
        return float(asked)
    trained = {
        item.results.threshold for item in evaluated if item.results and item.results.threshold is not None
    }
    if len(trained) > 1:
        values = ", ".join(f"{value:g}" for value in sorted(trained))
        raise InputError(
            f"The adapters were trained for different thresholds ({values}). Say which: --threshold."
        )
    return trained.pop() if trained else DEFAULT_THRESHOLD


def _require_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} is {value:g}; expected a number from {low:g} to {high:g}.")
