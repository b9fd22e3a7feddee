"""Asking the base model about more images than a table holds: batch by batch into a run folder, then collected.

Exact copies share one call. What is asked about are the images of a saved data set that the service would take and
that have no answer yet; so a further run, into another folder, asks about those that got none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.aws.prediction.budget import NOT_ASKED, Budget, CostLimitError, Purse
from manifest_tools.aws.prediction.call_costs import CallCosts
from manifest_tools.aws.prediction.distributed import AskTask, Share
from manifest_tools.aws.prediction.payload import MAX_BYTES_IN_CALL, AskedPicture
from manifest_tools.aws.prediction.predict import PredictionPlan, suitable
from manifest_tools.aws.prediction.question import Question
from manifest_tools.aws.quotas import rate_of
from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.core.progress import Progress, Steps, Watcher
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.copies import as_sent, copied, copy_names, copy_path
from manifest_tools.dataset.tables import COPY_COLUMNS
from manifest_tools.parallel import executors
from manifest_tools.pipeline.batch.answers import (
    ANSWER_COLUMNS,
    LATER,
    Collected,
    answer_table,
    collect_answers,
)
from manifest_tools.pipeline.batch.collect import first_copies, tables
from manifest_tools.pipeline.batch.run_folder import RunFolder, batch_name
from manifest_tools.storage.uris import SCHEME, is_s3_uri

Rows = npt.NDArray[np.int64]

TOGETHER: Final = 200  # pictures of one batch
_NEEDED: Final = ["image", "uri", "bytes", "sha256"]  # columns
_STORED: Final = [*_NEEDED, *COPY_COLUMNS]


@dataclass(frozen=True)
class Asking:
    """What a run asks about.

    Attributes
    ----------
    saved : SavedDataset
        The images.
    first : int array, shape (images,)
        For each image the first one with the same bytes.
    rows : int array
        Positions of the images to ask about.
    digest : str
        Of their names and contents: the same for the same images alone.
    unsuitable, answered : int
        Images that the service would refuse, and those that have an answer.
    staged, staged_bytes : int
        Files to ask about that have to go through S3, and their size.
    """

    saved: SavedDataset
    first: Rows
    rows: Rows
    digest: str
    unsuitable: int
    answered: int
    staged: int
    staged_bytes: int

    @property
    def batches(self) -> int:
        """The number of batches."""
        return -(-len(self.rows) // TOGETHER)

    def pictures_in(self, batches: Iterable[int]) -> int:
        """Return how many pictures some batches ask about; the last batch may be a small one."""
        return sum(min(TOGETHER, len(self.rows) - number * TOGETHER) for number in batches)


class AskBatch(NamedTuple):
    """One batch: its number, the positions of its images, and what to ask."""

    number: int
    rows: tuple[int, ...]
    share: Share


@dataclass(frozen=True)
class PredictionTask:
    """Asks about one batch, on whatever worker it is called, and writes the answers into the run folder."""

    folder: RunFolder
    ask: AskTask

    def __call__(self, batch: AskBatch) -> int:
        """Do a batch; return how much was told."""
        if self.folder.has(batch_name(batch.number)):  # done meanwhile by a worker that was taken for dead
            return 0
        result = self.ask(batch.share)
        table = answer_table(batch.rows, batch.share.pictures, result)
        self.folder.write_table(batch_name(batch.number), table)
        return len(result.records)


def plan_asking(saved: SavedDataset, *, scratch: Path) -> Asking:
    """Return what there is to ask about.

    Parameters
    ----------
    saved : SavedDataset
        Inspected.
    scratch : Path
        A folder for files that are gone afterwards.
    """
    first = first_copies(saved, scratch=scratch)
    asked = [np.zeros(0, dtype=np.int64)]
    numbers: Counter[str] = Counter()
    digest = hashlib.sha256()
    for number in range(saved.pieces):
        piece = saved.piece(number)
        images = as_sent(piece.images)
        here = np.arange(saved.starts[number], saved.starts[number + 1])
        able, answered = suitable(piece).to_numpy(), (images["predicted"] != "").to_numpy()
        wanted = able & ~answered & (first[here] == here)
        sizes = images["bytes"].to_numpy()
        remote = images["uri"].str.startswith(SCHEME).to_numpy() & ~copied(images)
        large = wanted & ~remote & (sizes > MAX_BYTES_IN_CALL)
        numbers["unsuitable"] += int((~able).sum())
        numbers["answered"] += int(answered.sum())
        numbers["staged"] += int(large.sum())
        numbers["staged_bytes"] += int(sizes[large].sum())
        asked.append(here[wanted])
        known = images.loc[wanted, ["image", "sha256", "bytes"]]
        digest.update(known.to_json(orient="values").encode("utf-8", "surrogatepass"))
    names = ("unsuitable", "answered", "staged", "staged_bytes")
    return Asking(
        saved, first, np.concatenate(asked), digest.hexdigest(), **{name: numbers[name] for name in names}
    )


def plan_in_numbers(
    asking: Asking, folder: RunFolder, *, tps: float | None, region: str | None, price: float | None
) -> PredictionPlan:
    """Return what asking will take, less what is done; parameters as of `plan_predictions`."""
    left = len(asking.rows) - asking.pictures_in(folder.finished(asking.batches))
    return PredictionPlan(
        images=asking.saved.rows,
        unsuitable=asking.unsuitable,
        answered=asking.answered,
        to_ask=left,
        staged=asking.staged,
        staged_bytes=asking.staged_bytes,
        seconds=left / rate_of(tps, region),
        cost=None if price is None else left * price / 1000,
    )


def predict_saved(
    asking: Asking,
    folder: RunFolder,
    question: Question,
    *,
    client: Any,
    executor: Executor | None = None,
    tps: float | None = None,
    staging: str = "",
    price: float | None = None,
    max_cost: float | None = None,
    watcher: Watcher | None = None,
) -> Collected:
    """Ask about the images of a saved data set, and lay the answers over it.

    Parameters
    ----------
    asking : Asking
        As from :func:`plan_asking`.
    folder : RunFolder
        New, or of an earlier call, which then goes on.
    question : Question
        To the base model.
    client : boto3 client
        Rekognition; only its region and endpoint are used, by workers with credentials of their own.
    executor : concurrent.futures.Executor, optional
        Where to ask; by default from here.
    tps, staging, price, max_cost
        As in :func:`manifest_tools.aws.predict_labels`; a batch is asked about when all its calls can be paid for.
    watcher : Watcher, optional
        Told of the steps.

    Raises
    ------
    InputError
        The run folder holds another run, or large files have no way through S3.
    RemoteError
        The service refuses or does not answer. What is done stays done.
    CostLimitError
        `max_cost` was reached. What is done stays done, and the same call goes on from there.
    """
    watcher = watcher or Steps()
    budget = Budget(Purse(max_cost), price)
    if not len(asking.rows):  # every image that can have an answer has one
        return Collected(answered=asking.answered)
    staging = staging or asking.saved.frame.destination
    if asking.staged and not staging:
        msg = f"{asking.staged:,} images are too large for a call: give --staging s3://BUCKET/PREFIX"
        raise InputError(msg)
    begin(folder, asking, question)
    costs = CallCosts(asking.saved.folder, client.meta.region_name, "", price)
    about = {
        "question": f"{question.fingerprint}-{content_of(asking)[:16]}",
        "run": str(folder.place),
    }
    done = folder.finished(asking.batches)
    held = asking.pictures_in(done)
    costs.catch_up(held, **about)
    task = AskTask(question, staging, client.meta.region_name, client.meta.endpoint_url)
    rate = rate_of(tps, client.meta.region_name)
    progress = watcher.begin("ask")
    # From here in this thread, so that Ctrl-C ends it at the calls under way: they cost money.
    engine = executor or executors.SerialExecutor()
    try:
        ask_batches(folder, asking, task, done, executor=engine, rate=rate, budget=budget, progress=progress)
    finally:
        if budget.made:
            costs.add(budget.made, kept=held + budget.made, **about)
    watcher.end("ask", f"{len(asking.rows):,} pictures")
    progress = watcher.begin("write")
    result = collect_answers(
        answers_of(folder, asking, range(asking.batches)),
        asking.saved,
        asking.first,
        question.min_confidence,
        progress,
    )
    watcher.end("write", str(asking.saved.folder))
    return result


def answers_of(folder: RunFolder, asking: Asking, numbers: Sequence[int]) -> Iterator[pd.DataFrame]:
    """Yield finished batches by their numbers, after a look that each is about its own images."""
    given = tables(folder, numbers, ANSWER_COLUMNS, optional=LATER)
    for number, table in zip(numbers, given, strict=True):
        rows = asking.rows[number * TOGETHER : (number + 1) * TOGETHER]
        found = table["row"]
        if not (found.is_monotonic_increasing and np.array_equal(found.unique(), rows)):
            raise folder.damaged(batch_name(number), "it holds answers about other images")
        yield table


def begin(folder: RunFolder, asking: Asking, question: Question) -> None:
    """Begin a run, or take up one that asks the same about the same images.

    Raises
    ------
    InputError
        The folder holds another run.
    """
    wanted = {
        "step": "predict",
        "source": str(asking.saved.folder.absolute()),
        "images": content_of(asking),
        "question": question.fingerprint,
        "batches": asking.batches,
        "pictures": len(asking.rows),
        "together": TOGETHER,
    }
    if folder.begin(wanted, noted={"min_confidence": question.min_confidence}) is not None:
        msg = f"{folder.place} holds another run, of other images or another question; choose another folder for --run"
        raise InputError(msg)


def content_of(asking: Asking) -> str:
    """Return what a run of predictions is told from others by: the images that it asks about."""
    return hashlib.sha256(asking.rows.tobytes() + asking.digest.encode()).hexdigest()


def ask_batches(
    folder: RunFolder,
    asking: Asking,
    task: AskTask,
    done: set[int],
    *,
    executor: Executor,
    rate: float,
    budget: Budget,
    progress: Progress | None = None,
) -> None:
    """Ask about the batches that are not done yet.

    Parameters
    ----------
    done : set of int
        The batches that are.
    rate : float
        Calls per second of all workers together.
    budget : Budget
        Calls that may be made. A batch that a worker took into its death is asked about again, beyond it.
    progress : callable, optional
        Called with the number of images asked about, those of earlier runs included, and their total.

    Raises
    ------
    ManifestToolsError
        A batch failed again and again.
    RemoteError
        The service refuses, or the cluster is gone. What is done stays done.
    CostLimitError
        The calls of the next batch are beyond the budget.
    """
    count = asking.pictures_in(done)
    # Workers come and go; the share is what it is when the batch goes out.
    batches = _batches(asking, done, lambda: rate / executors.slots(executor))
    work = takewhile(lambda batch: budget.take_all(len(batch.share.pictures)), batches)
    for _, result in executors.run(PredictionTask(folder, task), work, executor=executor):
        if isinstance(result, executors.Failure):
            msg = f"a batch failed: {type(result.error).__name__}: {result.error}; run it again for the rest"
            raise ManifestToolsError(msg)
        count = min(count + TOGETHER, len(asking.rows))
        if progress is not None:
            progress(count, len(asking.rows))
    if count < len(asking.rows):
        raise CostLimitError(f"{len(asking.rows) - count:,} images were {NOT_ASKED}")


def _batches(asking: Asking, done: set[int], rate: Callable[[], float]) -> Iterator[AskBatch]:
    saved = asking.saved
    images = lru_cache(2)(lambda piece: _to_send(saved.images(piece, _STORED)))
    for number in range(asking.batches):
        if number in done:
            continue
        rows = asking.rows[number * TOGETHER : (number + 1) * TOGETHER]
        pieces = np.searchsorted(saved.starts, rows, side="right") - 1
        parts = [
            images(piece).iloc[rows[pieces == piece] - saved.starts[piece]] for piece in np.unique(pieces)
        ]
        pictures = [_picture(saved, row) for row in pd.concat(parts).itertuples(index=False)]
        yield AskBatch(number, tuple(rows.tolist()), Share(pictures, rate()))


def _to_send(images: pd.DataFrame) -> pd.DataFrame:
    """Return what is sent of each image, and its copy's file name."""
    return as_sent(images)[_NEEDED].assign(copy=copy_names(images))


def _picture(saved: SavedDataset, row: Any) -> AskedPicture:
    place = row.uri or row.image
    if row.copy:
        place = str(copy_path(saved.frame, row.copy))
    elif not is_s3_uri(place):
        place = str(saved.frame.path_of(place))
    return AskedPicture(row.sha256 or row.image, row.image, place, int(row.bytes), row.sha256)
