"""What the next step of a round costs and how long it takes, as far as this machine knows: no call is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from manifest_tools.aws.costs import trainings_of
from manifest_tools.aws.prices import price_of_calls
from manifest_tools.pipeline.status import RoundState
from manifest_tools.review.answer_times import answer_time
from manifest_tools.review.journal import ReviewJournal, merge_journal


@dataclass(frozen=True)
class StepCost:
    """What a step takes: money in the currency of its price, seconds, each None where it is not known; and in words."""

    money: float | None
    seconds: float | None
    words: str


FREE = StepCost(0.0, None, "nothing: it runs on this machine")


def cost_of_step(
    command: str,
    state: RoundState,
    *,
    region: str | None = None,
    price: float | None = None,
    tps: float | None = None,
) -> StepCost:
    """Return what a command takes on the folder of a round.

    Parameters
    ----------
    command : str
        As :class:`manifest_tools.pipeline.next_step.NextStep` names it.
    state : RoundState
        Where the round stands.
    region : str, optional
        Where calls go, for their price and rate.
    price : float, optional
        Of a thousand calls, as somebody says it.
    tps : float, optional
        Calls per second that the account may make.
    """
    folder = Path(state.folder)
    if command == "predict":
        return _asking(folder, region, price, tps)
    if command == "review":
        return _people(folder, state.images.get("waiting", 0))
    if command == "publish":
        return StepCost(
            None, None, "storage and requests of S3; 'publish --dry-run' tells bytes and requests"
        )
    if command == "train":
        return _training(folder)
    if command == "moderate":
        return StepCost(None, None, "a call for each image at the adapter's price; the plan tells it")
    return FREE


def _asking(folder: Path, region: str | None, price: float | None, tps: float | None) -> StepCost:
    # what asks Amazon, which no other step needs
    from manifest_tools.aws.prediction.predict import plan_predictions  # noqa: PLC0415

    known = price_of_calls(region or "", given=price)
    plan = plan_predictions(
        merge_journal(folder), folder, tps=tps, region=region, price=known.thousand if known else None
    )
    calls = f"{plan.to_ask:,} calls, about {plan.seconds:,.0f} s"
    if known is None:
        why = f"no price of {region} is known" if region else "no Region is known"
        return StepCost(None, plan.seconds, f"{calls}; {why} (--region or --price says it)")
    return StepCost(plan.cost, plan.seconds, f"{calls}, {plan.cost:,.2f} {known.origin}")


def _people(folder: Path, waiting: int) -> StepCost:
    each = answer_time(ReviewJournal.of(folder).standing)
    if each is None:
        return StepCost(0.0, None, "people's time; how long an answer takes is not known yet")
    seconds = waiting * each.seconds
    return StepCost(
        0.0, seconds, f"{seconds / 60:,.0f} minutes of people's time, at {each.seconds:.1f} s an answer"
    )


def _training(folder: Path) -> StepCost:
    hours = [float(record["hours"]) for record in trainings_of(folder) if record.get("hours")]
    if not hours:
        return StepCost(None, None, "hours that Amazon bills; no training of this folder was billed yet")
    mean = sum(hours) / len(hours)
    return StepCost(
        None,
        mean * 3600,
        f"{mean:,.2f} hours, the mean of {len(hours):,} earlier trainings; Amazon bills them",
    )
