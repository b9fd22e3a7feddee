"""From ``--scheduler`` to an executor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor


@contextmanager
def engine(scheduler: str | None) -> Iterator[Executor | None]:
    """Give the executor of a cluster; None, which means this machine, without a scheduler."""
    if scheduler is None:
        yield None
        return
    from manifest_tools.parallel.dask_cluster import cluster

    with cluster(scheduler) as executor:
        yield executor
