"""How far a run is: told by what is in its folder, from any machine, without disturbing it."""

from __future__ import annotations

from dataclasses import dataclass

from manifest_tools.core.errors import InputError
from manifest_tools.pipeline.batch.plan import planned
from manifest_tools.pipeline.batch.run_folder import RUN, RunFolder


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes
    ----------
    source : str
        Where its images are.
    images, batches : int or None
        What is to be done; None while the images are still being listed.
    images_done, batches_done : int
        What is done.
    """

    source: str
    images: int | None
    batches: int | None
    images_done: int = 0
    batches_done: int = 0

    @property
    def finished(self) -> bool:
        """Whether every batch is done."""
        return self.batches is not None and self.batches_done == self.batches


def progress_of(folder: RunFolder) -> RunProgress:
    """Look how far a run is, by a listing.

    Raises
    ------
    InputError
        The folder holds no run.
    """
    run = folder.read_json(RUN)
    if run is None:
        msg = f"{folder.place} holds no run (no {RUN}); 'manifest-tools inspect IMAGES --run RUN' begins one"
        raise InputError(msg)
    if run["step"] == "predict":  # planned by what the data set lacks
        done = len(folder.finished(run["batches"]))
        asked = min(done * run["together"], run["pictures"])
        return RunProgress(run["source"], run["pictures"], run["batches"], asked, done)
    plan = planned(folder)
    if plan is None:
        return RunProgress(run["source"], None, None)
    sizes, finished = plan.sizes(), folder.finished(plan.batches)
    return RunProgress(run["source"], plan.images, len(sizes), sum(sizes[n] for n in finished), len(finished))
