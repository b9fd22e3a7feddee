"""A plan of decisions in words, as the file that ``moderate --decisions`` reads, and as a chart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from manifest_tools.core.files import writing
from manifest_tools.core.text import printable
from manifest_tools.core.version import library_version
from manifest_tools.evaluation.compared import Comparison
from manifest_tools.evaluation.decisions import DecisionPlan, Kept, LabelDecision

PROMISE = "a limit that is met holds with 95 % confidence for images like these; look-alikes count once"
_WIDTH, _HEIGHT = 300, 120  # of a chart


def write_decisions(path: str | Path, comparison: Comparison) -> None:
    """Write the thresholds as TOML, whole or not at all; comments say where they come from and what is met.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with writing(Path(path)) as temporary:
        temporary.write_text("\n".join(_lines(comparison)) + "\n", encoding="utf-8")


def plan_lines(plan: DecisionPlan) -> Iterator[str]:
    """Yield for each label its thresholds and what is met; then what they come to in traffic."""
    for label in plan.labels:
        yield f"{label.label}: {thresholds_in_words(label)}"
        if label.miss:
            yield f"  missed: {kept_in_words(label.miss)}"
        if label.false_block:
            yield f"  blocked wrongly: {kept_in_words(label.false_block)}"
    if plan.reviews and plan.limits.traffic:
        kept = plan.reviews
        daily = kept.count / kept.total * plan.limits.traffic
        asked = (
            f"; limit {kept.limit:,.0f}: {_verdict(kept)}" if plan.limits.reviews_a_day is not None else ""
        )
        yield (
            f"Reviews a day at {plan.limits.traffic:,.0f} images: about {daily:,.0f}, at most {kept.bound or 0:,.0f} "
            f"({kept.count:,} of {kept.total:,} images of traffic){asked}"
        )
    if plan.blocks is not None:
        yield f"Blocked in ordinary traffic: {100 * plan.blocks:.2f} %"


def thresholds_in_words(label: LabelDecision) -> str:
    """Return what is done from which confidence on."""
    parts = []
    if label.review is not None and label.review != label.block:
        parts.append(f"review from {label.review:g}")
    if label.block is not None:
        parts.append(f"block from {label.block:g}")
    return ", ".join(parts) or "no threshold"


def kept_in_words(kept: Kept) -> str:
    """Return a limit, the rate, and whether the limit is met."""
    bound = f", below {100 * kept.bound:.2f} %" if kept.bound is not None else ""
    return f"{kept.count:,} of {kept.total:,}{bound}; limit {100 * kept.limit:g} %: {_verdict(kept)}"


def chart(label: LabelDecision) -> str:
    """Return the two rates against the threshold as the points of two SVG lines and two upright ones."""
    lines = []
    for column, name in ((1, "miss"), (2, "block")):
        points = [(row[0], row[column]) for row in label.curve]
        drawn = " ".join(
            f"{at / 100 * _WIDTH:.1f},{_HEIGHT * (1 - rate):.1f}" for at, rate in points if rate is not None
        )
        if drawn:
            lines.append(f'<polyline class="{name}" points="{drawn}"/>')
    for name, at in (("miss", label.review), ("block", label.block)):
        if at is not None:
            x = f"{at / 100 * _WIDTH:.1f}"
            lines.append(f'<line class="{name}" x1="{x}" x2="{x}" y1="0" y2="{_HEIGHT}"/>')
    return (
        f'<svg class="curve" viewBox="-2 -2 {_WIDTH + 4} {_HEIGHT + 4}" width="{_WIDTH}" height="{_HEIGHT}" role="img">'
        "<title>Share missed (solid) and share blocked wrongly (dashed), by threshold from 0 to 100</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}"/>{"".join(lines)}</svg>'
    )


def _verdict(kept: Kept) -> str:
    return "met" if kept.met else f"cannot be promised: {kept.why}"


def _lines(comparison: Comparison) -> Iterator[str]:
    plan = comparison.decisions
    assert plan is not None
    yield f"# Made by manifest-tools {library_version()} evaluate --write-decisions, for moderate --decisions."
    yield f"# From the answers of {printable(comparison.adapter)}"
    yield f"# to {comparison.images:,} held-out images, {plan.groups:,} of them independent; {PROMISE}."
    for line in plan_lines(plan):
        yield f"# {printable(line)}"
    yield 'default = "allow"'
    yield 'failed = "review"'
    yield ""
    yield "[labels]"
    for label in plan.labels:
        actions = []
        if label.block is not None:
            actions.append(f"block = {label.block:g}")
        if label.review is not None and label.review != label.block:
            actions.append(f"review = {label.review:g}")
        if actions:
            yield f'"{label.label}" = {{ {", ".join(actions)} }}'
