"""Ask DetectModerationLabels about many images: at the account's rate, resumably, losing none in silence."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.aws.prediction.answer_journal import AnswerJournal
from manifest_tools.aws.prediction.budget import MAX_COST, NOT_ASKED, Budget
from manifest_tools.aws.prediction.payload import AskedPicture, Sender, UnsendableError
from manifest_tools.aws.prediction.question import AdapterIgnoredError, Answers, CallFailure, Question, recall
from manifest_tools.aws.prediction.rate_limit import RateLimiter
from manifest_tools.aws.prediction.retries import (
    ABOUT_THE_CONTENT,
    REFUSED,
    Attempts,
    IncompleteAnswer,
    RetryPolicy,
    Verdict,
)
from manifest_tools.aws.request_checks import check_call
from manifest_tools.core.progress import Progress
from manifest_tools.storage.aws_errors import error_code, is_refusal, remote_error

OPERATION = "DetectModerationLabels"
_KEPT = ("ModerationLabels", "ModerationModelVersion", "ProjectVersion", "ContentTypes")


def ask(
    pictures: Iterable[AskedPicture],
    question: Question,
    *,
    client: Any,
    sender: Sender,
    journal: AnswerJournal,
    limiter: RateLimiter,
    workers: int,
    budget: Budget | None = None,
    policy: RetryPolicy | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Ask about each picture that the journal knows no answer for.

    Every answer is in the journal, on disk, before it counts. However the run ends, what is under way is
    waited for and kept.

    Parameters
    ----------
    pictures : iterable of AskedPicture
        Each picture once.
    client : boto3 client
        Rekognition; it must not retry by itself.
    budget : Budget, optional
        Calls that may be made; pictures beyond it are not asked about, which is told as a failure.
    policy : RetryPolicy, optional
        Which failed calls are made again, and for how long.
    progress : callable, optional
        ``progress(done, total)`` in pictures that this run asks about.

    Raises
    ------
    InputError
        The service would refuse the question for its form.
    AdapterIgnoredError
        The adapter did not answer: it has expired.
    RemoteError
        The service refuses the account, the adapter or the credentials, or does not answer at all.
    """
    check_call(client, OPERATION, question.parameters)
    answers = recall(journal.records, question)
    todo = answers.left(pictures)
    left, done = iter(todo), 0
    caller = _Caller(
        question, client, sender, limiter, budget or Budget.of_calls(None), policy or RetryPolicy()
    )
    under_way: set[Future[_Result | None]] = set()
    with ThreadPoolExecutor(workers, thread_name_prefix="ask") as pool:
        try:
            while True:
                # The first call goes alone: it shows whether credentials, Region and adapter are right.
                room = 2 * workers if answers.asked else 1
                under_way |= {pool.submit(caller.ask, p) for p in islice(left, room - len(under_way))}
                if not under_way:
                    return answers
                finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                done += len(finished)
                _keep(finished, answers, question, journal)
                for future in finished:
                    future.result()  # raises what ends the run
                if progress:
                    progress(done, len(todo))
        finally:
            caller.stop()
            started = {future for future in under_way if not future.cancel()}
            _keep(wait(started).done, answers, question, journal)


@dataclass(frozen=True, slots=True)
class _Result:
    picture: AskedPicture
    answer: Mapping[str, Any] | None = None
    failure: CallFailure | None = None


@dataclass(frozen=True, slots=True)
class _Caller:
    """Asks about one picture after the other, in many threads, as often as the retry policy wants."""

    question: Question
    client: Any
    sender: Sender
    limiter: RateLimiter
    budget: Budget
    policy: RetryPolicy
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Make no call again."""
        self.stopped.set()

    def ask(self, picture: AskedPicture) -> _Result | None:
        """Return what came of a picture; None when it was stopped before.

        Raises
        ------
        RemoteError
            No other picture would be answered either.
        """
        attempts = Attempts()
        while not self.stopped.is_set():
            if not self.budget.take():
                return _Result(picture, failure=CallFailure(MAX_COST, NOT_ASKED))
            self.limiter.wait()
            try:
                answer = self._call(picture)
            except UnsendableError as error:
                self.budget.give_back()
                return _Result(picture, failure=CallFailure("unreadable", str(error)))
            except (ClientError, BotoCoreError, IncompleteAnswer) as error:
                code, told = error_code(error), remote_error(error, f"Asking about {picture.image}")
                self.limiter.note(refused=code in REFUSED)
                if is_refusal(error):
                    self.budget.give_back()
                verdict = self.policy.judge(error, attempts)
                if verdict is Verdict.GIVE_UP_RUN:
                    raise told from None
                if verdict is Verdict.GIVE_UP_IMAGE:
                    return _Result(picture, failure=CallFailure(code, str(told)))
                self.stopped.wait(attempts.delay())
            else:
                return _Result(picture, answer=answer)
        return None

    def _call(self, picture: AskedPicture) -> Mapping[str, Any]:
        with self.sender.image(picture) as image:
            answer = self.client.detect_moderation_labels(Image=image, **self.question.parameters)
        if not isinstance(answer.get("ModerationLabels"), list):
            raise IncompleteAnswer("the answer broke off")
        self.limiter.note(refused=False)
        self.policy.answered()
        adapter = self.question.adapter
        if adapter and answer.get("ProjectVersion") != adapter:
            raise AdapterIgnoredError(adapter)
        return {name: answer[name] for name in _KEPT if name in answer}


def _keep(
    finished: Iterable[Future[_Result | None]], answers: Answers, question: Question, journal: AnswerJournal
) -> None:
    """Put results into the journal, then into the answers."""
    results = [
        result
        for future in finished
        if future.exception() is None and (result := future.result()) is not None
    ]
    records = []
    for result in results:
        record: dict[str, Any] = {"picture": result.picture.key, "question": question.fingerprint}
        if result.answer is not None:
            records.append(record | {"answer": result.answer})
        elif result.failure and result.failure.code in ABOUT_THE_CONTENT:  # asked again, it would fail again
            records.append(record | {"failure": asdict(result.failure)})
    if records:
        journal.append(records)
    for result in results:
        if result.answer is not None:
            answers.found[result.picture.key] = result.answer
            answers.asked += 1
        elif result.failure:
            answers.failed[result.picture.key] = result.failure
