"""An evaluation as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from manifest_tools.evaluation.adapter_title import adapter_date, adapter_title
from manifest_tools.evaluation.compared import ENRICHED, Comparison, Evaluation
from manifest_tools.evaluation.counts import FORMULA, Change, Counts, LabelComparison, Point
from manifest_tools.evaluation.decision_file import PROMISE, plan_lines
from manifest_tools.evaluation.guard import Guard
from manifest_tools.evaluation.mistakes import Flip
from manifest_tools.evaluation.power import ALPHA
from manifest_tools.evaluation.slices import SliceComparison
from manifest_tools.evaluation.statistics import Interval
from manifest_tools.evaluation.thresholds import Choice
from manifest_tools.evaluation.traffic import TrafficRates

_PLACES = 10  # of a list, before "and N more"


def text_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield the evaluation as lines of text; names are as found, so escape them for a terminal."""
    if evaluation.common:
        yield f"{evaluation.common}."
    if len(evaluation.adapters) > 1:
        yield from _side_by_side(evaluation.adapters)
        yield ""
    for comparison in evaluation.adapters:
        yield from _adapter(comparison, evaluation.max_false_positive_rate)
        yield ""
    yield f"{FORMULA}."
    yield ENRICHED
    several = len(evaluation.adapters) > 1
    for item in evaluation.adapters:
        if item.verdict:  # said first, and again where a long text ends
            yield f"verdict     {f'{item.adapter}: ' if several else ''}{item.verdict.headline}"


def chance(change: Change) -> str:
    """Say in words what the p-value means; empty when there is none."""
    if change.p_value is None or not (change.fixed or change.caused):
        return ""
    p = "p < 0.001" if change.p_value < 0.001 else f"p = {change.p_value:.3f}"
    verdict = "more than chance" if change.p_value < ALPHA else "may be chance"
    return f"{verdict} ({p}, exact McNemar)"


def traffic_lines(rates: Iterable[TrafficRates]) -> Iterator[str]:
    """Yield for each label how common it is, and both models' precision and recall in traffic."""
    for item in rates:
        common = item.prevalence
        more = (
            f"; {common.needed:,} images would tell it within {share(common.width)}" if common.needed else ""
        )
        yield f"{common.label}: in {share(common.share)} of the images{_interval(common.interval)}{more}"
        for model, precision, recall in (
            ("base model", item.base_precision, item.base_recall),
            ("adapter", item.adapter_precision, item.adapter_recall),
        ):
            yield (
                f"  {model:<10}  precision {share(precision.share)}{_interval(precision.interval)}, "
                f"recall {share(recall.share)}{_interval(recall.interval)}"
            )


def _interval(interval: Interval | None) -> str:
    return f" (95 % interval {100 * interval.low:.1f} to {100 * interval.high:.1f} %)" if interval else ""


def share(value: float | None) -> str:
    """Return a share as a percentage, or a dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{100 * value:.1f} %"


def score(value: float) -> str:
    """Return a confidence, or a dash where the label was not reported."""
    return f"{value:.1f}" if value else "\N{EN DASH}"


def _side_by_side(adapters: Iterable[Comparison]) -> Iterator[str]:
    yield "Adapters on the same test set"
    for item in adapters:
        yield f"  {item.adapter}" + (f": {item.verdict.headline}" if item.verdict else "")
        yield f"    {item.total.changes[1]}; {item.total.changes[0]}; F1 {share(item.total.adapter.f1)}"


def _adapter(item: Comparison, goal: float | None) -> Iterator[str]:
    made = adapter_date(item.adapter)
    yield f"{adapter_title(item.adapter)}{f', made {made}' if made else ''}"
    if item.verdict:
        yield item.verdict.headline
        yield from (f"  {reason}" for reason in item.verdict.reasons)
    yield ""
    models = f"base model {item.base_model}" if item.base_model else "the base model"
    yield f"{item.adapter} against {models}, at threshold {item.threshold:g}"
    groups = f" in {item.groups} groups of look-alikes" if item.groups else ""
    trained = f"; trained on {item.training_images}" if item.training_images else ""
    given = f"; F1 as Amazon gives it: {item.f1_given:.3f}" if item.f1_given is not None else ""
    yield f"{item.images} test images{groups}{trained}{given}"
    for label in (*item.labels[1:], item.total):  # what the adapter was to change, then the others, then all
        yield ""
        yield from _label(label)
    if item.slices:
        yield ""
        yield "Slices, the smallest first (all labels)"
        yield from (f"  {describe_slice(part)}" for part in item.slices)
    yield ""
    yield from _thresholds(item.points)
    if goal is not None:
        yield ""
        yield f"Best threshold with at most {share(goal)} false positives among images without the label"
        yield from (f"  {describe_choice(choice)}" for choice in item.choices)
    if item.by_image:
        yield ""
        yield from _flips(item.flips)
    if item.guard:
        yield ""
        yield from _guard(item.guard)
    if item.traffic:
        yield ""
        yield f"In ordinary traffic, by a random sample of {item.traffic[0].prevalence.images} images"
        yield from (f"  {line}" for line in traffic_lines(item.traffic))
    if item.decisions:
        yield ""
        yield f"Decisions ({PROMISE})"
        yield from (f"  {line}" for line in plan_lines(item.decisions))
    for note in item.notes:
        yield ""
        yield f"Note: {note}"


def describe_slice(part: SliceComparison) -> str:
    """Return one slice as a sentence."""
    figures = "; ".join(map(str, part.total.changes[:2]))
    return f"{part.column} {part.value}: {part.images} test images; {figures}; {part.told or chance(part.total.changes[2])}"


def _label(item: LabelComparison) -> Iterator[str]:
    yield item.label or "All labels (pairs of image and label)"
    for change in item.changes:
        extra = chance(change)
        yield f"  {change}" + (f"; {extra}" if extra else "")
    for name, counts in (("base model", item.base), ("adapter", item.adapter)):
        yield f"  {name:<10}  {_counts(counts)}"


def _counts(counts: Counts) -> str:
    return (
        f"TP {counts.true_positives}, FP {counts.false_positives}, FN {counts.false_negatives}, "
        f"TN {counts.true_negatives}; precision {share(counts.precision)}, recall {share(counts.recall)}, "
        f"F1 {share(counts.f1)}"
    )


def _thresholds(points: Iterable[Point]) -> Iterator[str]:
    yield "Threshold   base FP    FN  precision  recall   adapter FP    FN  precision  recall   (all labels)"
    for point in points:
        if not point.label:
            yield f"{point.threshold:9g}{_columns(point.base, 10)}{_columns(point.adapter, 13)}"


def _columns(counts: Counts, width: int) -> str:
    return (
        f"{counts.false_positives:{width}d}{counts.false_negatives:6d}"
        f"{share(counts.precision):>11}{share(counts.recall):>8}"
    )


def describe_choice(choice: Choice) -> str:
    """Return a chosen threshold as a sentence."""
    model = "adapter" if choice.model == "adapter" else "base model"
    name = f"{choice.label or 'all labels'}, {model}"
    if choice.counts is None:
        return f"{name}: no threshold keeps to it"
    return (
        f"{name}: {choice.threshold:g} (recall {share(choice.counts.recall)}, "
        f"false positives {share(choice.counts.false_positive_rate)})"
    )


def _flips(flips: tuple[Flip, ...]) -> Iterator[str]:
    for became, title in (("caused", "Newly caused mistakes"), ("fixed", "Fixed mistakes")):
        chosen = [flip for flip in flips if flip.became == became]
        yield f"{title}: {len(chosen)}"
        for flip in chosen[:_PLACES]:
            yield (
                f"  {flip.image}  {flip.label}: {flip.mistake.removesuffix('s')}, "
                f"base {score(flip.base_score)}, adapter {score(flip.adapter_score)}"
            )
        if len(chosen) > _PLACES:
            yield f"  and {len(chosen) - _PLACES} more; --format json lists them all"


def _guard(guard: Guard) -> Iterator[str]:
    yield (
        f"Guard: {guard.images} images of ordinary traffic, {guard.judged} of them judged; labels that were no "
        f"target, at threshold {guard.threshold:g}"
    )
    for reported in guard.reported:
        yield f"  {reported}"
    if not guard.reported:
        yield "  neither model reports any of them"
    for item in guard.comparisons[1:]:
        yield f"  {item.label}: {item.changes[0]}; {item.changes[1]}"
