"""Ask DetectModerationLabels about many images: at the account's rate, resumably, losing none in silence."""

from __future__ import annotations

import math
import queue
import random
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.aws.prediction.answer_journal import AnswerJournal
from manifest_tools.aws.prediction.payload import Picture, Sender, UnsendableError
from manifest_tools.aws.prediction.question import AdapterIgnoredError, Answers, Failure, Question, recall
from manifest_tools.aws.prediction.rate_limit import RateLimiter, RetryQueue
from manifest_tools.aws.request_checks import check_call
from manifest_tools.core.errors import RemoteError
from manifest_tools.core.progress import Progress
from manifest_tools.findings.catalogue import finding
from manifest_tools.storage.aws_errors import error_code, is_transient, remote_error

OPERATION = "DetectModerationLabels"
_REFUSED = frozenset({"ThrottlingException", "Throttling", "ProvisionedThroughputExceededException"})
_ABOUT_THE_CONTENT = frozenset({"ImageTooLargeException", "InvalidImageFormatException"})
_ABOUT_THE_IMAGE = _ABOUT_THE_CONTENT | {
    "InvalidS3ObjectException",
    "InvalidParameterException",
    "ValidationException",
}
_KEPT = ("ModerationLabels", "ModerationModelVersion", "ProjectVersion", "ContentTypes")
_TRIES = 8  # for one image, refusals for the rate not counted
_HOPELESS = 20  # images refused, and none answered: the fault is not the images'
_PATIENCE = 120.0  # seconds without any answer after which the run ends
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 20.0


def ask(
    pictures: Iterable[Picture],
    question: Question,
    *,
    client: Any,
    sender: Sender,
    journal: AnswerJournal,
    limiter: RateLimiter,
    workers: int,
    progress: Progress | None = None,
) -> Answers:
    """Ask about each picture that the journal knows no answer for.

    Every answer is in the journal, on disk, before it counts. However the run ends, what is under way is
    waited for and kept.

    Parameters
    ----------
    pictures : iterable of Picture
        Each picture once.
    client : boto3 client
        Rekognition; it must not retry by itself.
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
    todo = [p for p in pictures if p.key not in answers.found and p.key not in answers.failed]
    run = _Run(todo, question, client, sender, limiter)
    left = len(todo)
    threads: list[threading.Thread] = []
    try:
        while left and not run.fatal:
            if threads:
                left -= _keep(run.next_results(), answers, question, journal)
            else:
                # The first call goes alone: it shows whether credentials, Region and adapter are right.
                run.work_once()
                left -= _keep(run.results_now(), answers, question, journal)
                if answers.asked:
                    threads = run.start(min(workers, left))
            if progress:
                progress(len(todo) - left, len(todo))
    finally:
        run.tasks.close()
        for thread in threads:
            thread.join()
        _keep(run.results_now(), answers, question, journal)
    if run.fatal:
        raise run.fatal
    return answers


@dataclass(frozen=True, slots=True)
class _Result:
    picture: Picture
    answer: Mapping[str, Any] | None = None
    failure: Failure | None = None


@dataclass
class _Task:
    picture: Picture
    tries: int = 0  # refusals for the rate not counted
    delays: int = 0


class _Run:
    """The threads' side of a run: they take tasks and put results."""

    def __init__(
        self, todo: Iterable[Picture], question: Question, client: Any, sender: Sender, limiter: RateLimiter
    ) -> None:
        self.tasks = RetryQueue(_Task(picture) for picture in todo)
        self.fatal: Exception | None = None
        self._question = question
        self._client = client
        self._sender = sender
        self._limiter = limiter
        self._results: queue.SimpleQueue[_Result | None] = queue.SimpleQueue()
        self._last_answer = time.monotonic()
        self._hopeless: float = _HOPELESS

    def next_results(self) -> list[_Result]:
        """Wait for a result, and return it with those that came meanwhile."""
        first = self._results.get()
        return [*([first] if first else []), *self.results_now()]

    def results_now(self) -> list[_Result]:
        """Return the results that are there."""
        found: list[_Result] = []
        while True:
            try:
                result = self._results.get_nowait()
            except queue.Empty:
                return found
            if result:
                found.append(result)

    def start(self, workers: int) -> list[threading.Thread]:
        """Start threads that work until there is no more to do."""
        threads = [threading.Thread(target=self._work, name=f"ask-{i}", daemon=True) for i in range(workers)]
        for thread in threads:
            thread.start()
        return threads

    def work_once(self) -> bool:
        """Do one task; False when there are no more."""
        task = self.tasks.take()
        if task is None:
            return False
        try:
            self._try(task)
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits for results
            self._end(error)
        return True

    def _work(self) -> None:
        while self.work_once():
            pass

    def _try(self, task: _Task) -> None:
        self._limiter.wait()
        try:
            with self._sender.image(task.picture) as image:
                answer = self._client.detect_moderation_labels(Image=image, **self._question.parameters)
        except UnsendableError as error:
            self._finish(_Result(task.picture, failure=Failure("unreadable", str(error))))
        except (ClientError, BotoCoreError) as error:
            self._failed(task, error)
        else:
            self._answered(task, answer)

    def _answered(self, task: _Task, answer: Mapping[str, Any]) -> None:
        self._limiter.note(refused=False)
        if not isinstance(answer.get("ModerationLabels"), list):
            # The client library takes an answer that broke off for one without members.
            told = RemoteError(
                f"Asking about {task.picture.image} failed: the answer broke off. Run it again."
            )
            self._again(task, Failure("IncompleteAnswer", str(told)), told)
            return
        self._last_answer = time.monotonic()
        self._hopeless = math.inf
        adapter = self._question.adapter
        if adapter and answer.get("ProjectVersion") != adapter:
            ignored = finding("adapter-ignored", adapter=adapter)
            self._end(AdapterIgnoredError(f"{ignored.message}. {ignored.fix}"))
            return
        kept = {name: answer[name] for name in _KEPT if name in answer}
        self._finish(_Result(task.picture, answer=kept))

    def _failed(self, task: _Task, error: ClientError | BotoCoreError) -> None:
        code = error_code(error)
        self._limiter.note(refused=code in _REFUSED)
        told = remote_error(error, f"Asking about {task.picture.image}")
        failure = Failure(code, str(told))
        if code in _ABOUT_THE_IMAGE and self._hopeless > 0:
            self._hopeless -= code not in _ABOUT_THE_CONTENT
            self._finish(_Result(task.picture, failure=failure))
        elif is_transient(error):
            self._again(task, failure, told)
        else:
            self._end(told)

    def _again(self, task: _Task, failure: Failure, told: RemoteError) -> None:
        """Put a task back for later, unless it has had its tries or nothing is answered any more."""
        task.delays += 1
        task.tries += failure.code not in _REFUSED
        given_up = task.tries >= _TRIES
        nothing_answered = given_up and self._hopeless < math.inf
        if nothing_answered or time.monotonic() - self._last_answer > _PATIENCE:
            self._end(told)
        elif given_up:
            self._finish(_Result(task.picture, failure=failure))
        else:
            self.tasks.again(task, _delay(task.delays))

    def _finish(self, result: _Result) -> None:
        self._results.put(result)
        self.tasks.done()

    def _end(self, error: Exception) -> None:
        self.fatal = self.fatal or error
        self.tasks.done()
        self.tasks.close()
        self._results.put(None)  # wakes who waits for results


def _delay(failures: int) -> float:
    longest: float = min(_LONGEST_DELAY, _FIRST_DELAY * 2**failures)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret


def _keep(results: list[_Result], answers: Answers, question: Question, journal: AnswerJournal) -> int:
    """Put results into the journal, then into the answers; return how many there were."""
    records = []
    for result in results:
        record: dict[str, Any] = {"picture": result.picture.key, "question": question.fingerprint}
        if result.answer is not None:
            records.append(record | {"answer": result.answer})
        elif result.failure and result.failure.code in _ABOUT_THE_CONTENT:  # asked again, it would fail again
            failure = {"code": result.failure.code, "message": result.failure.message}
            records.append(record | {"failure": failure})
    if records:
        journal.append(records)
    for result in results:
        if result.answer is not None:
            answers.found[result.picture.key] = result.answer
            answers.asked += 1
        elif result.failure:
            answers.failed[result.picture.key] = result.failure
    return len(results)
