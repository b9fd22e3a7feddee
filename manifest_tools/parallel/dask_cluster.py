"""A dask cluster as an engine: how to reach it, and how to notice that it is gone."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

from manifest_tools.core.errors import InputError, MissingExtraError, RemoteError, SurroundingsWarning
from manifest_tools.core.version import library_version

_ADDRESS: Final = re.compile(r"(tcp|tls|ws|wss|ucx)://.+:[0-9]+")
_CONNECT: Final = 10.0  # seconds in which a scheduler has to answer at first
_PATIENCE: Final = 10.0  # seconds without a sign of life of the scheduler
_EVERY: Final = 2.0  # seconds between two questions to it
_UNSTAFFED: Final = 10.0  # seconds without a worker after which somebody is told


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Give an executor whose work runs on the workers of a dask scheduler.

    Parameters
    ----------
    address : str
        As the scheduler prints it: ``tcp://host:8786``.

    Raises
    ------
    InputError
        The address has another form.
    MissingExtraError
        dask.distributed is not installed here.
    RemoteError
        No scheduler answers there.
    """
    if not _ADDRESS.fullmatch(address):
        msg = f"{address!r} is no address of a scheduler; expected one such as tcp://10.0.0.1:8786"
        raise InputError(msg)
    try:
        distributed: Any = importlib.import_module("distributed")  # half a second, and only with the extra
    except ImportError as error:
        msg = (
            "a cluster needs dask.distributed: pip install 'manifest-tools[cluster]', here and on its workers"
        )
        raise MissingExtraError(msg) from error
    with _silenced():
        yield from _connected(distributed, address)


def _connected(distributed: Any, address: str) -> Iterator[Executor]:
    try:
        client = distributed.Client(address, timeout=_CONNECT, name="manifest-tools", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        msg = f"no dask scheduler answers at {address}; start one with 'dask scheduler', and give its address"
        raise RemoteError(msg) from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=1)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep dask's loggers quiet for the block, and give them back their levels: what matters is told by exceptions."""
    loggers = [
        logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado.application")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class Cluster:
    """The engine behind a dask executor.

    Parameters
    ----------
    executor : distributed.cfexecutor.ClientExecutor
        As from ``Client.get_executor()``.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._client: Any = executor._client  # type: ignore[attr-defined] # noqa: SLF001 - told nowhere else
        self._question: Future[dict[str, int]] | None = None
        self._asked = self._alive = self._staffed = time.monotonic()
        self._threads = self._ncores()
        self._warned = False

    def slots(self) -> int:
        """Return the number of threads of all workers now; they may come and go."""
        return max(1, self._threads)

    def admit(self, witness: str) -> None:
        """Keep to the workers that see a local file; those that join later are told by each batch.

        Raises
        ------
        RemoteError
            None of the workers sees it.
        """
        seen: dict[str, Any] = self._client.run(os.path.exists, witness, on_error="return")
        blind = sorted(worker for worker, sees in seen.items() if sees is not True)
        if not blind:
            return
        needs = "a cluster needs the images in S3, or on a file system that all its workers share"
        if len(blind) == len(seen):
            msg = f"no worker of {self._address} sees {witness}; {needs}"
            raise RemoteError(msg)
        told = f"{len(blind)} of {len(seen)} workers do not see {witness} and get no work ({', '.join(blind[:3])}); {needs}"
        warnings.warn(told, SurroundingsWarning, stacklevel=2)
        seeing = sorted(set(seen) - set(blind))
        self._executor = self._client.get_executor(pure=False, workers=seeing, allow_other_workers=False)

    def submit(self, fn: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Begin a batch on some worker."""
        return self._executor.submit(partial(_same_version, library_version(), fn), item)

    def check(self) -> None:
        """Ask the scheduler how many workers it has, without waiting for the answer."""
        now = time.monotonic()
        if self._question is not None and self._question.done():
            question, self._question = self._question, None
            if not question.cancelled() and question.exception() is None:
                self._alive, self._threads = now, sum(question.result().values())
        if self._question is None and now - self._asked > _EVERY and self._client.scheduler is not None:
            self._question, self._asked = self._ask(), now
        if now - self._alive > _PATIENCE:
            raise self._gone()
        if self._threads:
            self._staffed = now
        elif now - self._staffed > _UNSTAFFED and not self._warned:
            self._warned = True
            warnings.warn(
                f"no worker is connected to {self._address}; the run waits for one"
                f" (dask worker {self._address})",
                SurroundingsWarning,
                stacklevel=4,
            )

    def renew(self) -> None:
        """Wait until the connection to the scheduler stands again."""
        end = time.monotonic() + _PATIENCE
        while self._client.status != "running":
            if time.monotonic() > end or self._client.status == "closed":
                raise self._gone()
            time.sleep(0.1)
        self._alive = time.monotonic()

    def close(self) -> None:
        """Do nothing: the client is the caller's."""

    @property
    def _address(self) -> str:
        return str(self._client.scheduler.address) if self._client.scheduler is not None else "the scheduler"

    def _ask(self) -> Future[dict[str, int]]:
        answer = asyncio.run_coroutine_threadsafe(
            self._client.scheduler.ncores(), self._client.loop.asyncio_loop
        )
        return cast("Future[dict[str, int]]", answer)

    def _ncores(self) -> int:
        try:
            return sum(self._ask().result(_PATIENCE).values())
        except (OSError, TimeoutError, CancelledError) as error:
            raise self._gone() from error

    def _gone(self) -> RemoteError:
        msg = (
            f"{self._address} does not answer any more; start it again, and run the same command: it goes on"
        )
        return RemoteError(msg)


def _same_version(version: str, fn: Callable[[Any], Any], item: Any) -> Any:
    """Do a batch, on a worker, if the same code would be run there as here."""
    there = library_version()
    if there != version:
        msg = f"the cluster's workers have manifest-tools {there}, not {version}; install the same version there"
        raise InputError(msg)
    return fn(item)
