"""Ask the base model, or an adapter, about the images of a data set."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from manifest_tools.aws.prediction.answer_journal import AnswerJournal, answer_journal, answers_in
from manifest_tools.aws.prediction.budget import MAX_COST, Budget, Purse
from manifest_tools.aws.prediction.call_costs import CallCosts
from manifest_tools.aws.prediction.canaries import TIMES, Canaries, CanaryCheck
from manifest_tools.aws.prediction.distributed import MOST_WORKERS, ask_on, callers
from manifest_tools.aws.prediction.kept_answers import fall_back
from manifest_tools.aws.prediction.output_files import MANIFEST, write_results
from manifest_tools.aws.prediction.payload import AskedPicture, Sender, require_staging
from manifest_tools.aws.prediction.question import Answers, Question, recall
from manifest_tools.aws.prediction.rate_limit import RateLimiter
from manifest_tools.aws.prediction.request_loop import ask
from manifest_tools.aws.quotas import rate_of
from manifest_tools.core.content_type import ACCEPTED_FORMATS
from manifest_tools.core.errors import InputError
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.copies import as_sent, copy_names, copy_path
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.eligibility import failed_to_decode
from manifest_tools.findings.policy import Policy
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.images.stop_list.screening import screen_images
from manifest_tools.manifests.reading import read_predictions
from manifest_tools.sources.predictions import attach_predictions
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.s3_images import byte_reader
from manifest_tools.storage.uris import is_s3_uri

JOURNAL = "predictions.journal"
ASKED_MIN_CONFIDENCE = 5.0  # as in the output of a training, so that every threshold can be tried later


@dataclass(frozen=True)
class PredictionPlan:
    """What asking will take.

    Attributes
    ----------
    images : int
        Images of the data set.
    unsuitable : int
        Of these, the images that the service would refuse: no JPEG or PNG, broken, or too large.
    answered : int
        Those whose answer is known from an earlier run.
    to_ask : int
        Calls to be made; exact copies share one.
    replaced : int
        Answers of earlier runs that stay until all new ones are there, when a run begins anew.
    canaries : int
        Of these, the calls that ask the canaries again.
    staged, staged_bytes : int
        Of the calls, those whose image has to go through S3.
    seconds : float
        How long it takes at the account's rate.
    cost : float or None
        Price of the calls, when the price of a thousand was given.
    """

    images: int
    unsuitable: int
    answered: int
    to_ask: int
    staged: int
    staged_bytes: int
    seconds: float
    cost: float | None
    canaries: int = 0
    replaced: int = 0


def plan_predictions(
    dataset: Dataset,
    out: str | Path,
    *,
    adapter: str = "",
    min_confidence: float = ASKED_MIN_CONFIDENCE,
    tps: float | None = None,
    region: str | None = None,
    price: float | None = None,
    fresh: bool = False,
    canaries: int | None = None,
) -> PredictionPlan:
    """Return what :func:`predict_labels` would do, without any call.

    Parameters
    ----------
    dataset, out, adapter, min_confidence, tps, fresh, canaries
        As in :func:`predict_labels`.
    region : str, optional
        Where the calls go; decides the rate when `tps` is not given.
    price : float, optional
        Price of a thousand images, in any currency.
    """
    pictures, by_key = pictures_of(dataset)
    question = Question(adapter, min_confidence)
    locked = Canaries(out, question)
    locked.require(canaries, dataset, by_key)
    again = 0 if canaries == 0 else TIMES * locked.present(by_key)
    known = recall(answers_in(Path(out) / JOURNAL, fresh=fresh), question)
    earlier = recall(answers_in(Path(out) / JOURNAL), question) if fresh else Answers()
    todo = known.left(pictures)
    calls = len(todo) + again
    staged = [picture.bytes for picture in todo if picture.too_large_for_a_call]
    suitable = sum(map(len, by_key.values()))
    return PredictionPlan(
        images=len(dataset),
        unsuitable=len(dataset) - suitable,
        answered=sum(len(images) for key, images in by_key.items() if key in known.found),
        to_ask=calls,
        canaries=again,
        staged=len(staged),
        staged_bytes=sum(staged),
        seconds=calls / rate_of(tps, region),
        cost=None if price is None else calls * price / 1000,
        replaced=len(earlier.found),
    )


def predict_labels(
    dataset: Dataset,
    out: str | Path,
    *,
    client: Any = None,
    s3_client: Any = None,
    adapter: str = "",
    min_confidence: float = ASKED_MIN_CONFIDENCE,
    tps: float | None = None,
    staging: str = "",
    workers: int | None = None,
    executor: Executor | None = None,
    fresh: bool = False,
    price: float | None = None,
    max_cost: float | None = None,
    canaries: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Ask the base model, or an adapter, what it sees in each image.

    Answers go to ``out/predictions.journal`` as they come; a run that was stopped, however it was, goes on
    where it was. At the end ``out/predictions.manifest`` (kind `bulk-analysis`) and
    ``out/predictions-summary.json`` hold the answers and what went wrong.

    Parameters
    ----------
    dataset : Dataset
        Its images; the unsuitable ones (no JPEG or PNG, broken, too large) and those on its stop lists are not asked
        about. Images in S3
        are read there by the service, which has to be in the bucket's Region.
    out : path
        Folder for the journal and the results.
    client, s3_client : boto3 clients, optional
        Rekognition, which must not retry by itself, and S3, which is used with `staging` only. Made with the
        settings of boto3 when absent.
    adapter : str
        ARN of the adapter to ask. Empty: the base model.
    min_confidence : float
        Confidence (0-100) from which labels are reported.
    tps : float, optional
        Calls per second that the account may make; the default of the client's Region when absent.
    staging : str
        ``s3://bucket/prefix`` for the way of files over 5 MB; by default the data set's destination. Each
        copy is removed when its answer is there.
    workers : int, optional
        Threads; by default as many as the rate needs.
    executor : concurrent.futures.Executor, optional
        Where to ask instead of from here: each of its workers gets its share of the rate, uses the credentials that
        it finds where it runs, and makes its own client for the region and endpoint of `client`.
    fresh : bool
        Ask anew; the answers of earlier runs stay until all new ones are there.
    price : float, optional
        Price of a thousand calls, in any currency. What the calls cost is added to ``out/dataset/costs.jsonl``.
    max_cost : float, optional
        Make no call by which this run would cost more. Images that are not asked about for that are listed in the
        summary; the same call goes on with them.
    canaries : int, optional
        Lock so many images (10 to 500), of which every later call asks again, twice each, before everything else. What
        moved is told in the summary. By default those that are locked are asked, if any; 0: they are not.
    progress : callable, optional
        ``progress(done, total)`` in calls.

    Returns
    -------
    Dataset
        With `predicted`, `min_confidence` and label rows of the source "predictions". When an adapter was
        asked the data set comes back unchanged, because these columns are the base model's.

    Raises
    ------
    InputError
        The question is malformed, nothing can be asked about, or large files have no way through S3.
    RemoteError
        The service refuses, does not answer, or ignored the adapter because it has expired.

    Examples
    --------
    >>> from manifest_tools import aws, read_images
    >>> from manifest_tools.testing import local_rekognition
    >>> dataset = read_images("sample_data/images/animals")
    >>> with local_rekognition(answer=lambda picture: {"Drinking": 91.0}) as rekognition:  # in the place of Amazon's
    ...     dataset = aws.predict_labels(dataset, "answers", client=rekognition.client())
    >>> dataset.labels[["image", "label", "score"]].head(2)
            image        label  score
    0  beagle.jpg      Alcohol   91.0
    1  beagle.jpg  Alcohol Use   91.0
    """
    out = Path(out)
    question = Question(adapter, min_confidence)
    budget = Budget(Purse(max_cost), price)
    client = client or make_client("rekognition", max_connections=MOST_WORKERS)
    dataset = screened(dataset, s3_client)
    costs = CallCosts(out, client.meta.region_name, adapter, price)
    known, check = Canaries(out, question), None
    by_key = pictures_of(dataset)[1] if canaries or len(known) else {}
    known.require(canaries, dataset, by_key)
    with (
        answer_journal(out / JOURNAL, fresh=fresh) as journal,
        costs.recorded(question, journal, budget) as journal,
    ):
        asking: dict[str, Any] = {
            "client": client,
            "s3_client": s3_client,
            "tps": tps,
            "staging": staging,
            "workers": workers,
            "budget": budget,
        }
        if len(known) and canaries != 0:
            check = known.check(dataset, by_key, lambda part, own: ask_about(part, question, own, **asking))
        by_key, answers = ask_about(
            dataset, question, journal, executor=executor, progress=progress, **asking
        )
        if any(failure.code == MAX_COST for failure in answers.failed.values()):
            fall_back(answers, recall(answers_in(out / JOURNAL), question))
        else:
            journal.finish()
        locking = (canaries and not len(known)) or (fresh and len(known))
        if locking and not known.lock(dataset, by_key, answers, canaries or len(known)):
            check = CanaryCheck(0, 0, None, ())
    write_results(dataset, out, question, by_key, answers, canaries=check)
    if adapter or not answers.found:
        return dataset
    said = read_predictions(out / MANIFEST, min_confidence=float(min_confidence))
    return attach_predictions(dataset, said)


def screened(dataset: Dataset, s3_client: Any = None) -> Dataset:
    """Hold a data set against the stop lists that it remembers again: the lists or the files may have changed."""
    if not dataset.stop_list:
        return dataset
    return screen_images(dataset, read_stop_list(dataset.stop_list), reader=byte_reader(s3_client))


def ask_about(
    dataset: Dataset,
    question: Question,
    journal: AnswerJournal,
    *,
    client: Any = None,
    s3_client: Any = None,
    tps: float | None = None,
    staging: str = "",
    workers: int | None = None,
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, list[str]], Answers]:
    """Ask a question about every suitable image of a data set.

    Parameters
    ----------
    dataset, client, s3_client, tps, staging, workers, executor, progress
        As in :func:`predict_labels`.
    question, journal, budget
        As in :func:`~manifest_tools.aws.prediction.request_loop.ask`.

    Returns
    -------
    by_key : dict of str to list of str
        The images that show each picture.
    answers : Answers
        By picture.
    """
    client = client or make_client("rekognition", max_connections=MOST_WORKERS)
    rate = rate_of(tps, client.meta.region_name)
    pictures, by_key = pictures_of(dataset)
    if not pictures:
        raise InputError("there is no image to ask about: JPEG or PNG that can be read")
    staging = staging or dataset.destination
    require_staging(pictures, staging)
    if executor is not None:
        answers = ask_on(
            executor,
            pictures,
            question,
            client=client,
            staging=staging,
            journal=journal,
            rate=rate,
            budget=budget,
            progress=progress,
        )
        return by_key, answers
    if s3_client is None and any(picture.too_large_for_a_call for picture in pictures):
        s3_client = make_client("s3")
    answers = ask(
        pictures,
        question,
        client=client,
        sender=Sender(staging, s3_client),
        journal=journal,
        limiter=RateLimiter(rate),
        workers=workers or max(4, callers(rate)),
        budget=budget,
        progress=progress,
    )
    return by_key, answers


def pictures_of(dataset: Dataset) -> tuple[list[AskedPicture], dict[str, list[str]]]:
    """Return the distinct pictures that the service would take, and the images that show each.

    Images with the same SHA-256 are one picture. Where the content is not known, name, size and, of a local
    file, the time of its last change stand for it.
    """
    images = as_sent(dataset.images[suitable(dataset)])
    by_key: dict[str, list[str]] = {}
    pictures = []
    names = copy_names(images)
    columns = zip(images["image"], images["uri"], names, images["sha256"], images["bytes"], strict=True)
    for image, uri, copy, sha256, size in columns:
        place = str(copy_path(dataset, copy)) if copy else uri or image
        path = place if copy or is_s3_uri(place) else str(dataset.path_of(place))
        key = sha256 or f"{size} {_changed(path)} {image}"
        if key not in by_key:
            pictures.append(AskedPicture(key, image, path, int(size), sha256))
        by_key.setdefault(key, []).append(image)
    return pictures, by_key


def _changed(path: str) -> int:
    try:
        return 0 if is_s3_uri(path) else os.stat(path).st_mtime_ns  # noqa: PTH116 - one of very many
    except (OSError, ValueError):
        return 0  # what is not there is for the sending to say


def suitable(dataset: Dataset) -> pd.Series[bool]:
    """Return which images the service would take, as far as inspection can tell."""
    images = as_sent(dataset.images)
    limit = Policy.from_dict(dataset.policy).max_image_bytes
    formats = images["format"].isin([*ACCEPTED_FORMATS, ""])
    # The service may well decode what is merely damaged; what is not there, or no image, it cannot.
    broken = failed_to_decode(
        images, "missing", "empty", "unreadable", "not-an-image", "unsupported", "stop-listed"
    )
    return formats & ~broken & (images["bytes"] <= limit)
