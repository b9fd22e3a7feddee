"""What a round takes in money and time, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from manifest_tools.core.text import counted

if TYPE_CHECKING:
    from manifest_tools.aws.costs import Spent
    from manifest_tools.aws.prices import Price
    from manifest_tools.pipeline.round_plan import BilledTrainings, RoundPlan

_UNKNOWN = "not known"


def round_lines(plan: RoundPlan) -> Iterator[str]:
    """Yield the plan of a round."""
    yield "the round"
    yield f"  asking      {counted(plan.calls, 'call')}: base model {_calls(plan.calls, plan.base)}; adapter {_calls(plan.calls, plan.adapter)}"
    yield f"  time        {duration(plan.calls / plan.rate)} at {plan.rate:g} calls a second in {plan.region}, {duration(plan.calls / plan.fastest_rate)} at {plan.fastest_rate:g} in {', '.join(plan.fastest)}"
    yield f"  storage     {plan.stored / 1e9:,.3g} GB to publish; the price a month is S3's, for the bucket's Region and class"
    yield f"  training    {training_text(plan.trainings, plan.training_price)}"
    yield f"  evaluation  no paid call: Amazon's own test results are read; a sample of traffic costs a call each to {_each(plan)}"
    yield f"  people      {_people(plan)}"
    yield f"  so far      {spent_text(plan.round_so_far, plan.so_far)}"


def training_text(trainings: BilledTrainings, price: float | None) -> str:
    """Return what earlier trainings of a project took, and what that costs."""
    if not trainings.project:
        return f"{_UNKNOWN}: nothing was trained from here yet; --project names the project to look at"
    if not trainings.readable:
        return f"{_UNKNOWN}: the versions of project {trainings.project} cannot be looked at with these credentials"
    if not trainings.hours:
        return f"{_UNKNOWN}: project {trainings.project} has no version whose hours Amazon tells"
    low, high = min(trainings.hours), max(trainings.hours)
    hours = f"{low:,.2f} h" if low == high else f"{low:,.2f} to {high:,.2f} h"
    said = f"{hours}, as {counted(len(trainings.hours), 'earlier version')} of {trainings.project} {'was' if len(trainings.hours) == 1 else 'were'} billed"
    cost = trainings.cost(price)
    return f"{said}; " + (
        f"what an hour costs is {_UNKNOWN} here: --training-price says it"
        if cost is None
        else f"{cost:,.2f} at most, at {price:g} an hour"
    )


def spent_text(this: Spent, total: Spent) -> str:
    """Return what a round cost so far, and all rounds of a folder."""
    return f"{this}" if this == total else f"{this}; all rounds of this folder: {total}"


def duration(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _calls(calls: int, price: Price | None) -> str:
    return (
        f"cost {_UNKNOWN} (--price)"
        if price is None
        else f"{calls * price.thousand / 1000:,.2f} {price.origin}"
    )


def _each(plan: RoundPlan) -> str:
    known = [price for price in (plan.base, plan.adapter) if price is not None]
    total = f" ({sum(price.thousand for price in known):,.2f} a thousand images)" if len(known) == 2 else ""
    return f"adapter and base model{total}"


def _people(plan: RoundPlan) -> str:
    looks = plan.waiting + plan.second_looks
    what = f"{counted(plan.waiting, 'image')} for a first answer, {plan.second_looks:,} for a second look"
    if plan.answer_time is None:
        return f"{what}; how long an answer takes is {_UNKNOWN}: no review was timed yet"
    each = plan.answer_time
    return (
        f"{what}: {duration(looks * each.seconds)} at {each.seconds:.1f} s, the mean of {counted(each.answers, 'timed answer')};"
        " what asking brings comes on top"
    )
