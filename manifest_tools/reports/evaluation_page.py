"""An evaluation as one HTML page for the person who decides: it needs nothing else and shows no picture unasked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from manifest_tools.core.files import writing
from manifest_tools.evaluation.adapter_title import adapter_date, adapter_title
from manifest_tools.evaluation.compared import ENRICHED, Comparison, Evaluation
from manifest_tools.evaluation.counts import FORMULA, Counts, LabelComparison, Point
from manifest_tools.evaluation.decision_file import PROMISE, chart, plan_lines
from manifest_tools.evaluation.statistics import Interval, wilson
from manifest_tools.evaluation.text import (
    chance,
    describe_choice,
    describe_slice,
    score,
    share,
    traffic_lines,
)
from manifest_tools.evaluation.verdict import Answer
from manifest_tools.reports.pages import asset, environment

MAX_PICTURES = 60
Pictures = Mapping[str, tuple[str, bool]]
_TONES = {Answer.BETTER: "good", Answer.PARTLY: "open", Answer.UNKNOWN: "open"}  # others: bad
_MODELS = (("base", "Base model"), ("adapter", "Adapter"))


class RateBar(NamedTuple):
    """A share of one model as a bar: None where there is nothing to take a share of."""

    model: str
    name: str
    share: float | None
    interval: Interval | None


class Curve(NamedTuple):
    """Precision against recall of one model: points of a polyline, and where the threshold in use is."""

    model: str
    points: str
    at: tuple[float, float] | None


def render_page(evaluation: Evaluation, pictures: Pictures | None = None) -> str:
    """Return the evaluation as an HTML page.

    Parameters
    ----------
    evaluation : Evaluation
    pictures : mapping of str to (str, bool), optional
        Small pictures of the images of :func:`pictured`, by their address in the manifest: a ``data:`` URI, and
        whether what people see stands beside what the model sees. They stay hidden until the reader reveals each.
    """
    titles = [adapter_title(item.adapter) for item in evaluation.adapters]
    verdicts = {item.verdict.headline for item in evaluation.adapters if item.verdict}
    return (
        environment()
        .get_template("evaluation.html")
        .render(
            evaluation=evaluation,
            title=titles[0] if len(titles) == 1 else f"{len(titles)} adapters side by side",
            headline=verdicts.pop() if len(verdicts) == 1 == len(titles) else "",
            titles=titles,
            dates=[adapter_date(item.adapter) for item in evaluation.adapters],
            formula=FORMULA,
            enriched=ENRICHED,
            promise=PROMISE,
            tone=tone,
            in_order=lambda item: (*item.labels[1:], item.total),
            rate_bars=rate_bars,
            curves=curves,
            plan_lines=plan_lines,
            traffic_lines=traffic_lines,
            chance=chance,
            choice=describe_choice,
            slice=describe_slice,
            score=score,
            share=share,
            chart=lambda label: Markup(chart(label)),  # noqa: S704 - numbers alone
            pictures=pictures or {},
            styles=[asset("report.css"), asset("evaluation.css")],
            scripts=[asset("evaluation.js"), asset("printing.js")],
        )
    )


def write_page(path: str | Path, evaluation: Evaluation, pictures: Pictures | None = None) -> None:
    """Write :func:`render_page` to a file, whole or not at all.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    page = render_page(evaluation, pictures)
    with writing(Path(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def pictured(evaluation: Evaluation) -> list[str]:
    """Return of which images the page shows pictures, by their addresses: the first 60 that flipped of each adapter."""
    wanted = {
        image: None
        for item in evaluation.adapters
        for image in list(dict.fromkeys(flip.image for flip in item.flips))[:MAX_PICTURES]
    }
    return list(wanted)


def tone(item: Comparison) -> str:
    """Return how the verdict is coloured: good, open or bad."""
    return _TONES.get(item.verdict.answer, "bad") if item.verdict else "open"


def rate_bars(label: LabelComparison) -> list[tuple[str, list[RateBar]]]:
    """Return precision and recall of both models, each with its interval of 95 %."""

    def bars(whole: Sequence[str], value: str) -> list[RateBar]:
        found = []
        for model, name in _MODELS:
            counts: Counts = getattr(label, model)
            total = sum(getattr(counts, part) for part in whole)
            interval = wilson(counts.true_positives, total)
            found.append(RateBar(model, name, getattr(counts, value), interval))
        return found

    return [
        ("Precision", bars(("true_positives", "false_positives"), "precision")),
        ("Recall", bars(("true_positives", "false_negatives"), "recall")),
    ]


def curves(points: Iterable[Point], label: str, threshold: float) -> list[Curve]:
    """Return the precision-recall curve of each model for a label, in a square of 100, the origin below on the left.

    Thresholds at which a model reports nothing have no precision, and no point.
    """
    chosen = sorted((point for point in points if point.label == label), key=lambda point: -point.threshold)
    found = []
    for model, _ in _MODELS:
        places = {point.threshold: _place(getattr(point, model)) for point in chosen}
        drawn = [place for place in places.values() if place is not None]
        if drawn:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
            found.append(Curve(model, line, places.get(threshold)))
    return found


def _place(counts: Any) -> tuple[float, float] | None:
    if counts.precision is None or counts.recall is None:
        return None
    return 100 * counts.recall, 100 - 100 * counts.precision
