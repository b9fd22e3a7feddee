"""What a round takes in money and time: asking, storage, training, evaluation, people. Looks, and pays for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifest_tools.aws.costs import Spent, costs_of, open_round, spent
from manifest_tools.aws.prediction.predict import suitable
from manifest_tools.aws.prices import Price
from manifest_tools.aws.quotas import fastest_regions, rate_of
from manifest_tools.aws.training.adapters import AdapterName, list_adapters
from manifest_tools.core.errors import RemoteError
from manifest_tools.dataset.copies import as_sent
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.round_sets import trained_adapters
from manifest_tools.review.answer_times import AnswerTime, answer_time, images_waiting
from manifest_tools.review.journal import ReviewJournal


@dataclass(frozen=True)
class BilledTrainings:
    """What the trainings of a project's earlier versions were billed for.

    Attributes
    ----------
    project : str
        Empty where none is known.
    hours : tuple of float
        Of each version that Amazon tells it of, the latest first.
    readable : bool
        False where these credentials may not look, or Amazon did not answer.
    """

    project: str
    hours: tuple[float, ...] = ()
    readable: bool = True

    def cost(self, price: float | None) -> float | None:
        """Return what a training has cost at most, at a price of an hour; None where it cannot be known."""
        return max(self.hours) * price if self.hours and price is not None else None


@dataclass(frozen=True)
class RoundPlan:
    """What a round takes.

    Attributes
    ----------
    calls : int
        To be made of the model; exact copies and what is known already need none.
    region : str
    rate : float
        Calls per second there.
    fastest : tuple of str
        Regions with the highest rate of a new account.
    fastest_rate : float
    base, adapter : Price or None
        Of a thousand calls.
    stored : int
        Bytes of the images that would be published.
    trainings : BilledTrainings
    training_price : float or None
        Of an hour, as the caller says; no public table has it.
    waiting, second_looks : int
        Images that wait for a first answer of people, and for a second look.
    answer_time : AnswerTime or None
        As the review journal measured it.
    round_so_far, so_far : Spent
        What this round cost, and all rounds of the folder.
    """

    calls: int
    region: str
    rate: float
    fastest: tuple[str, ...]
    fastest_rate: float
    base: Price | None
    adapter: Price | None
    stored: int
    trainings: BilledTrainings
    training_price: float | None
    waiting: int
    second_looks: int
    answer_time: AnswerTime | None
    round_so_far: Spent
    so_far: Spent


def plan_round(
    folder: str | Path,
    dataset: Dataset,
    *,
    client: Any,
    calls: int,
    tps: float | None = None,
    base: Price | None = None,
    adapter: Price | None = None,
    training_price: float | None = None,
    project: str = "",
) -> RoundPlan:
    """Return what a round takes in money and time, as far as it can be known before anything is paid.

    Parameters
    ----------
    folder : path
        A prepared DIR.
    dataset : Dataset
        Its data set, with the answers of its review journal.
    client : boto3 client
        Rekognition; only looks at the project's versions.
    calls : int
        Calls that asking takes.
    tps : float, optional
        Calls per second that the account may make.
    base, adapter : Price, optional
        Of a thousand calls to the base model and to an adapter.
    training_price : float, optional
        Of an hour of training.
    project : str
        By default the one that a training was last started in from `folder`.
    """
    region = client.meta.region_name
    journal = ReviewJournal.of(folder)
    waiting, second = images_waiting(dataset, journal)
    fastest, fastest_rate = fastest_regions()
    records = costs_of(folder)
    return RoundPlan(
        calls=calls,
        region=region,
        rate=rate_of(tps, region),
        fastest=fastest,
        fastest_rate=fastest_rate,
        base=base,
        adapter=adapter,
        stored=int(as_sent(dataset.images[suitable(dataset)])["bytes"].sum()),
        trainings=billed_trainings(client, project or last_project(dataset)),
        training_price=training_price,
        waiting=waiting,
        second_looks=second,
        answer_time=answer_time(journal.standing),
        round_so_far=spent(open_round(records)),
        so_far=spent(records),
    )


def last_project(dataset: Dataset) -> str:
    """Return the project in which a training was last started from a data set, or ""."""
    arns = trained_adapters(dataset.history)
    return AdapterName.parse(arns[-1]).project if arns else ""


def billed_trainings(client: Any, project: str) -> BilledTrainings:
    """Look up what the trainings of a project were billed for."""
    if not project:
        return BilledTrainings("")
    try:
        found = [version.billed_seconds for version in list_adapters(client, project=project)]
    except RemoteError:
        return BilledTrainings(project, readable=False)
    return BilledTrainings(project, tuple(seconds / 3600 for seconds in found if seconds is not None))
