"""Forgetting images in a run folder: of an inspection they go from plan and batches; a run of predictions ends.

The answers of a run of predictions are told apart by the positions of the images in the data set, which forgetting
moves. So those of other images are laid over the data set, and the run is removed: the same command asks about the rest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from manifest_tools.core.commit import recover, remove_with
from manifest_tools.core.output_folder import holds_dataset
from manifest_tools.core.text import counted
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.pipeline.batch.answers import ANSWER_COLUMNS, LATER
from manifest_tools.pipeline.batch.inspect import BATCH_COLUMNS, facts_table
from manifest_tools.pipeline.batch.plan import PART_COLUMNS, planned
from manifest_tools.pipeline.batch.predict import Asking, plan_asking
from manifest_tools.pipeline.batch.run_folder import INTERVALS, PLAN, RUN, RunFolder, batch_name
from manifest_tools.pipeline.batch.settle import is_same_run, lay_answers, remove_run
from manifest_tools.storage.uris import is_s3_uri, split_uri

_HALF_WRITTEN: Final = re.compile(r"\..*\.[0-9a-f]{8}\.tmp")
_PLANS: Final = re.compile(r"plan/[0-9-]+\.json")
_NAMING: Final = dict.fromkeys(("image", "uri", "sha256"), ("str", ""))
_NOTHING: Final = pd.DataFrame({"image": pd.Series(dtype="str"), "sha256": pd.Series(dtype="str")})


@dataclass(frozen=True)
class RunChange:
    """What forgetting changes in a run folder.

    Parameters
    ----------
    images : pandas.DataFrame
        Which images it knows of those to be forgotten, byte-for-byte copies included: `image`, `sha256` (may be empty).
    files : mapping of str to int
        Files that name them, and in how many places.
    says : tuple of str
        What else is done, for people.
    ends : bool
        Whether the run is removed.
    asking : Asking, optional
        What a run of predictions asks about, where its answers are laid over the data set first.
    """

    images: pd.DataFrame = field(default_factory=lambda: _NOTHING)
    files: dict[str, int] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    ends: bool = False
    asking: Asking | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.ends)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run folder of this machine; what a killed process began there is finished."""
    recover(folder)
    return (folder / RUN).is_file()


def plan_run(folder: Path, images: Collection[str]) -> RunChange:
    """Find what a run folder holds of some images, given by key or SHA-256. Nothing is changed."""
    run = RunFolder.at(folder)
    document = run.read_json(RUN) or {}
    if document["step"] == "predict":
        return _plan_predictions(run, document, images)
    return _plan_inspection(run, images)


def rewrite_run(folder: Path, change: RunChange, stage: Path) -> None:
    """Put what changes in a run folder into the stage, by which it changes at once."""
    run = RunFolder.at(folder)
    if change.asking is not None:
        lay_answers(run, change.asking, without=set(change.images["image"]))
    if change.ends:
        remove_run(run, stage)
        return
    names = run.names("")
    remove_with(stage, [name for name in names if _HALF_WRITTEN.fullmatch(Path(name).name)])
    gone = set(change.images["image"])
    step = (run.read_json(RUN) or {})["step"]
    columns = BATCH_COLUMNS if step == "inspect" else ANSWER_COLUMNS
    for name in change.files:
        if name.startswith("batches/"):
            table = run.read_table(name, columns, optional=LATER)
            _write(stage, name, table[~table["image"].isin(gone)])
    if step == "inspect":
        _rewrite_plan(run, change, stage, names)


def _write(stage: Path, name: str, table: pd.DataFrame) -> None:
    RunFolder.at(stage).write_table(name, table.reset_index(drop=True))


def _plan_inspection(run: RunFolder, images: Collection[str]) -> RunChange:
    place, plan = Path(run.place), planned(run)
    batches = sorted(run.finished(plan.batches)) if plan else []
    named = [_rows(run, batch_name(number), images) for number in batches]
    contents = {digest for rows in named for digest in rows["sha256"]} - {""}
    wanted = {*images, *contents}
    found, files = [], {}
    for number in batches if contents else ():
        rows = _rows(run, batch_name(number), wanted)
        if len(rows):
            files[batch_name(number)] = len(rows)
            found.append(rows)
    keys = wanted | {key for rows in found for key in rows["image"]}
    for path in sorted((place / "plan").glob("*.parquet")):
        rows = _rows(run, f"plan/{path.name}", keys)
        if len(rows):
            files[f"plan/{path.name}"] = len(rows)
            found.append(rows)
    edges = {edge for bounds in (run.read_json(INTERVALS) or {}).get("intervals", ()) for edge in bounds}
    known = {split_uri(key)[1] for key in keys if is_s3_uri(key)}
    if edges & known:
        files[INTERVALS] = len(edges & known)
    table = pd.concat([_NOTHING, *found]).drop_duplicates("image")
    says = () if plan or not files else ("the listing is not finished, and is done again",)
    return RunChange(table, files, says)


def _rows(run: RunFolder, name: str, wanted: Collection[str]) -> pd.DataFrame:
    """Return key and SHA-256 (where the table has it) of the rows that something of `wanted` names."""
    table = run.read_table(name, _NAMING, optional=("uri", "sha256"))
    hits = np.logical_or.reduce([table[column].isin(wanted).to_numpy() for column in _NAMING])
    found: pd.DataFrame = table.loc[hits, ["image", "sha256"]]
    return found


def _rewrite_plan(run: RunFolder, change: RunChange, stage: Path, names: Sequence[str]) -> None:
    """Drop the images from the parts of the plan. How the listing was shared out is of no use any more."""
    plan = planned(run)
    if plan is None:
        remove_with(stage, [name for name in names if name.startswith("plan/")])
        return
    parts = {part.name: part for part in plan.parts}
    strays = [
        name for name in names if name.endswith(".parquet") and name.startswith("plan/") and name not in parts
    ]
    remove_with(stage, [*strays, *filter(_PLANS.fullmatch, names), INTERVALS])
    gone, done = set(change.images["image"]), run.finished(plan.batches)
    document = run.read_json(PLAN) or {}
    for entry in document["parts"]:
        part = parts[entry["name"]]
        if part.name not in change.files:
            continue
        table = run.read_table(part.name, PART_COLUMNS)
        out = table["image"].isin(gone)
        kept = table[~out]
        _write(stage, part.name, kept)
        entry["sizes"] = np.bincount(kept["batch"], minlength=len(part.sizes)).tolist()
        document["images"] -= int(out.sum())
        document["bytes"] -= int(table["bytes"][out].sum())
        for number, size in enumerate(entry["sizes"], part.first):
            if not size and number not in done:  # nobody would do it
                _write(stage, batch_name(number), facts_table([]))
    RunFolder.at(stage).write_json(PLAN, document)


def _plan_predictions(run: RunFolder, document: dict[str, Any], images: Collection[str]) -> RunChange:
    source = Path(document["source"])
    saved = SavedDataset.open(source) if holds_dataset(source) else None
    asked = _NOTHING if saved is None else _of_dataset(saved, images)
    keys = {*images, *asked["image"]}
    files, answered, found = {}, [], [asked]
    for number in sorted(run.finished(document["batches"])):
        table = run.read_table(batch_name(number), {name: ANSWER_COLUMNS[name] for name in ("image", "code")})
        hits = table["image"].isin(keys)
        if hits.any():
            files[batch_name(number)] = int(hits.sum())
            found.append(table.loc[hits, ["image"]].assign(sha256=""))
        answered.append(table["image"][~hits & (table["code"] == "")].drop_duplicates())
    gone = pd.concat(found, ignore_index=True).drop_duplicates("image")
    if gone.empty:
        return RunChange(gone)
    others = pd.concat([_NOTHING["image"], *answered])
    waiting = others if saved is None else _without_answer(saved, others)
    if waiting.empty:
        told = "its other answers are in the data set; the run is removed"
        return RunChange(gone, files, (told,), ends=True)
    if saved is not None:
        asking = plan_asking(saved, scratch=source)
        if is_same_run(run, asking):
            told = f"{counted(len(waiting), 'answer')} about other images to {source}; the run is removed, and the same command asks about the rest"
            return RunChange(gone, files, (told,), ends=True, asking=asking)
    told = f"{counted(len(waiting), 'answer')} about other images cannot be laid over {source}, which was changed since, and stay in the batches"
    return RunChange(gone, files, (told,) if files else ())


def _of_dataset(saved: SavedDataset, images: Collection[str]) -> pd.DataFrame:
    """Return key and SHA-256 of images of a saved data set, byte-for-byte copies included."""
    wanted = set(images)
    for _ in range(2):  # by name, then by content
        found = [_NOTHING]
        for number in range(saved.pieces):
            table = saved.images(number, ["image", "uri", "sha256"])
            hits = table["image"].isin(wanted) | table["uri"].isin(wanted) | table["sha256"].isin(wanted)
            found.append(table.loc[hits, ["image", "sha256"]])
        rows = pd.concat(found, ignore_index=True)
        wanted |= set(rows["sha256"]) - {""}
    return rows


def _without_answer(saved: SavedDataset, keys: pd.Series[str]) -> pd.Series[str]:
    """Return those of some images of which a saved data set has no answer."""
    found = [_NOTHING["image"]]
    for number in range(saved.pieces):
        table = saved.images(number, ["image", "predicted"])
        found.append(table["image"][(table["predicted"] == "") & table["image"].isin(keys)])
    without: pd.Series[str] = pd.concat(found)
    return without
