"""Asking on an executor: each worker asks about a few pictures at its share of the account's rate."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from manifest_tools.aws.prediction.answer_journal import AnswerJournal
from manifest_tools.aws.prediction.budget import MAX_COST, NOT_ASKED, Budget
from manifest_tools.aws.prediction.payload import AskedPicture, Sender
from manifest_tools.aws.prediction.question import Answers, CallFailure, Question, recall
from manifest_tools.aws.prediction.rate_limit import RateLimiter
from manifest_tools.aws.prediction.request_loop import ask
from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.core.progress import Progress
from manifest_tools.parallel import executors
from manifest_tools.storage.aws_clients import make_client

TOGETHER: Final = 50  # pictures of one batch: what a dead worker's calls may cost again
LONGEST_CALL: Final = 1.3  # seconds for which enough calls are kept under way
MOST_WORKERS: Final = 64


class Share(NamedTuple):
    """Some pictures, the calls per second that their worker may make, and how many in all (None for any number)."""

    pictures: Sequence[AskedPicture]
    rate: float
    calls: int | None = None


class BatchResult(NamedTuple):
    """What came of a share: records for the journal, the pictures without an answer, and the calls to be paid."""

    records: list[Mapping[str, Any]]
    failed: dict[str, CallFailure]
    made: int


def callers(rate: float) -> int:
    """Return how many threads a rate of calls per second takes."""
    return max(1, min(MOST_WORKERS, math.ceil(rate * LONGEST_CALL)))


@dataclass(frozen=True)
class AskTask:
    """Asks about a share, on whatever worker it is called, with the credentials that it finds there."""

    question: Question
    staging: str
    region: str
    endpoint_url: str

    def __call__(self, share: Share) -> BatchResult:
        """Ask, and return everything; the worker keeps nothing."""
        records: list[Mapping[str, Any]] = []
        budget = Budget.of_calls(share.calls)
        large = any(picture.too_large_for_a_call for picture in share.pictures)
        answers = ask(
            share.pictures,
            self.question,
            client=_client("rekognition", os.getpid(), self.region, self.endpoint_url),
            sender=Sender(self.staging, _client("s3", os.getpid(), None, None) if large else None),
            journal=AnswerJournal([], records.extend),
            limiter=RateLimiter(share.rate),
            workers=callers(share.rate),
            budget=budget,
        )
        return BatchResult(records, answers.failed, budget.made)


def ask_on(
    executor: Executor,
    pictures: Sequence[AskedPicture],
    question: Question,
    *,
    client: Any,
    staging: str,
    journal: AnswerJournal,
    rate: float,
    budget: Budget | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Ask about each picture that the journal knows no answer for, on the workers of an executor.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Its workers find credentials of their own, and see the files that are asked about.
    client : boto3 client
        For its region and endpoint.
    rate : float
        Calls per second of all workers together; each gets an equal share.
    budget : Budget, optional
        Calls that may be made; a share is paid for when it goes out, and what it did not use comes back.

    Returns
    -------
    Answers
        As of :func:`~manifest_tools.aws.prediction.request_loop.ask`.

    Notes
    -----
    An answer is in the journal when its share is back. What a worker was told before it died is asked again: at
    most `TOGETHER` calls.
    """
    answers = recall(journal.records, question)
    todo = answers.left(pictures)
    task = AskTask(question, staging, client.meta.region_name, client.meta.endpoint_url)
    budget = budget or Budget.of_calls(None)
    paid: list[int] = []  # calls, by share

    def shares() -> Iterator[Share]:
        for start in range(0, len(todo), TOGETHER):
            some = todo[start : start + TOGETHER]
            calls = budget.take_up_to(len(some))
            answers.failed |= {picture.key: CallFailure(MAX_COST, NOT_ASKED) for picture in some[calls:]}
            if calls:
                paid.append(calls)
                # Workers come and go; the share is what it is when the batch goes out.
                share = rate / executors.slots(executor)
                yield Share(some[:calls], share, calls if budget.limited else None)

    done = 0
    # What a share that failed has cost, nobody knows: under a limit it is not tried again.
    tries = 1 if budget.limited else executors.TRIES
    for number, result in executors.run(task, shares(), executor=executor, tries=tries):
        if isinstance(result, executors.Failure):
            msg = f"a worker failed: {type(result.error).__name__}: {result.error}; run it again for the rest"
            raise ManifestToolsError(msg)
        journal.append(result.records)
        budget.give_back(paid[number] - result.made)
        new = recall(result.records, question)
        answers.found |= new.found
        answers.failed |= result.failed
        answers.asked += len(new.found)
        done += len(new.found) + len(result.failed)
        if progress is not None:
            progress(done, len(todo))
    return answers


@cache  # by process: a forked one must not talk over its parent's connections
def _client(service: str, _process: int, region: str | None, endpoint_url: str | None) -> Any:
    return make_client(service, region=region, endpoint_url=endpoint_url, max_connections=MOST_WORKERS)
