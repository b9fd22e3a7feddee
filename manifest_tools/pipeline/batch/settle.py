"""What becomes of a run of predictions when fewer images are to be asked about: its answers are kept, and it ends.

A run goes by the positions of the images that it was begun for; the data set says what is left to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from manifest_tools.core.commit import PATIENCE, alone, remove_with, replacing_files
from manifest_tools.images.stop_list.screening import SavedScreening
from manifest_tools.pipeline.batch.answers import collect_answers
from manifest_tools.pipeline.batch.predict import Asking, answers_of, content_of, plan_asking
from manifest_tools.pipeline.batch.run_folder import RUN, RunFolder


def is_same_run(folder: RunFolder, asking: Asking) -> bool:
    """Whether a run folder was begun to ask about these images, and tells how."""
    document = folder.read_json(RUN) or {}
    return document.get("images") == content_of(asking) and "min_confidence" in document


def lay_answers(folder: RunFolder, asking: Asking, *, without: Collection[str] = ()) -> None:
    """Lay the answers that a run has got over its data set, which makes it another one than the run was begun for.

    Parameters
    ----------
    folder : RunFolder
        Of a run about just these images.
    asking : Asking
    without : collection of str
        Images whose answers are left out.
    """
    document = folder.read_json(RUN) or {}
    given = answers_of(folder, asking, sorted(folder.finished(asking.batches)))
    others = (table[~table["image"].isin(without)] for table in given)
    with alone(asking.saved.folder, wait=PATIENCE):
        collect_answers(others, asking.saved, asking.first, document["min_confidence"])


def remove_run(folder: RunFolder, stage: Path) -> None:
    """Let the files of a run here go when the stage is committed."""
    names = [name for name in folder.names("") if name == RUN or name.startswith(("batches/", "plan/"))]
    remove_with(stage, names)


def screen_before_asking(
    dataset: Path, run: RunFolder, files: Sequence[str | Path], *, reader: Callable[[str], bytes]
) -> None:
    """Hold a saved data set against stop lists. A run that was begun before asks about images that now are not asked about.

    Its answers go to the data set, and, where it is here, the run makes room for one about the others.
    """
    screening = SavedScreening.of(dataset, files, reader=reader)
    if screening.hits and run.read_json(RUN) is not None:
        asking = plan_asking(screening.saved, scratch=dataset)
        if is_same_run(run, asking):
            lay_answers(run, asking)
            if run.is_local:
                with replacing_files(Path(run.place)) as stage:
                    remove_run(run, stage)
            screening = SavedScreening.of(dataset, files, reader=reader)
    screening.save()
