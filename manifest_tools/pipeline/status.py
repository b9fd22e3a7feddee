"""Where a round stands, and what comes next: told by the files of a folder alone, without a look at Amazon."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifest_tools.aws.publishing.prepared_folder import as_trained, digest
from manifest_tools.core.commit import PATIENCE, alone
from manifest_tools.core.errors import InputError
from manifest_tools.core.files import replacing
from manifest_tools.core.output_folder import REPORT_JSON, TRAIN_TEST, holds_dataset, manifests_in
from manifest_tools.core.text import counted, to_json
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Report
from manifest_tools.pipeline.last_call import CALL, changes, read_call
from manifest_tools.pipeline.prepare_options import FOLDERS, PrepareOptions
from manifest_tools.reports.saved import saved_answer
from manifest_tools.review.journal import ReviewJournal, merge_journal
from manifest_tools.storage.uris import is_s3_uri

ADAPTERS = "dataset/adapters.json"  # what was done with adapters that were trained on a folder
EVALUATED, USED = "evaluated", "used"
_USABLE = ("TRAINING_COMPLETED", "DEPRECATED")
_ANEW = {  # steps after which manifests and report no longer tell everything
    "predict": "the base model's answers came after the report",
    "review": "people's answers came after the report",
}


@dataclass(frozen=True)
class RoundState:
    """Where a round stands.

    Parameters
    ----------
    folder : str
        The folder of results.
    prepared : bool
        Whether it holds a data set. The others say nothing where it does not.
    images : mapping of str to int
        `found`, `usable`, `train`, `test`, `no_side`, `labelled`, `asked`, `reviewed`, `waiting` (for people).
    verdict : str
        "ready", "not-ready" or "unknown", by the report; "" where there is no report.
    stale : tuple of str
        Why manifests and report are to be made anew.
    published : bool
        Whether the manifests, as they are, are in the bucket.
    adapter, training : str
        The adapter that was trained last, and what became of it: "running", "usable" or "failed".
    trained : bool
        Whether it was trained on the manifests as they are.
    evaluated, used : bool
        Whether it was compared with the base model, and asked about images.
    """

    folder: str
    prepared: bool = False
    images: Mapping[str, int] = field(default_factory=dict)
    verdict: str = ""
    stale: tuple[str, ...] = ()
    published: bool = False
    adapter: str = ""
    training: str = ""
    trained: bool = False
    evaluated: bool = False
    used: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON-ready values."""
        return {
            "folder": self.folder,
            "prepared": self.prepared,
            "images": dict(self.images),
            "verdict": self.verdict,
            "stale": list(self.stale),
            "published": self.published,
            "adapter": self.adapter,
            "training": self.training,
            "trained": self.trained,
            "evaluated": self.evaluated,
            "used": self.used,
        }


def round_state(folder: str | Path, told: PrepareOptions | None = None) -> RoundState:
    """Return where the round of a folder stands.

    Parameters
    ----------
    folder : path
        The folder of results; it need not be there yet.
    told : PrepareOptions, optional
        What a project file says that `prepare` is to do; by default what it was told the last time.

    Raises
    ------
    InputError
        The folder holds a data set that cannot be read.
    """
    folder = Path(folder)
    if not holds_dataset(folder):
        return RoundState(str(folder))
    dataset = merge_journal(folder) if ReviewJournal.of(folder).entries else Dataset.load_frame(folder)
    call = read_call(folder)
    stale = [*_changed_files(folder, told or call), *(_changed_options(call, told))]
    try:
        report = saved_answer(folder)[0]
    except InputError as error:
        report, stale = None, [str(error), *stale]
    manifests = {
        name: (folder / name).read_bytes() for name in manifests_in(folder) if (folder / name).is_file()
    }
    return state_of(dataset.history, report, manifests, folder=folder, stale=stale)


def state_of(
    history: Sequence[Mapping[str, Any]],
    report: Report | None,
    manifests: Mapping[str, bytes],
    *,
    folder: Path,
    stale: Sequence[str] = (),
) -> RoundState:
    """Return where a round stands, by a data set's history, its report and its manifests."""
    anew = [_ANEW[step] for step in _after_split(history) if step in _ANEW]
    published = _last(history, "publish").get("manifests", {})
    sums = {name: digest(content) for name, content in as_trained(manifests).items()}
    training = _last(history, "train")
    arn = training.get("arn", "")
    ended = [
        entry["options"]["status"]
        for entry in history
        if _is(entry, "trained") and entry["options"]["arn"] == arn
    ]
    done = done_with_adapters(folder)
    return RoundState(
        folder=str(folder),
        prepared=True,
        images=dict(report.facts.get("images", {})) if report else {},
        verdict=str(report.verdict or "") if report else "",
        stale=(*dict.fromkeys(anew), *stale),
        published=bool(published) and {name: item["sha256"] for name, item in published.items()} == sums,
        adapter=arn,
        training=""
        if not arn
        else "running"
        if not ended
        else "usable"
        if ended[-1] in _USABLE
        else "failed",
        trained=bool(arn) and _trained_on(training, published),
        evaluated=arn in done.get(EVALUATED, ()),
        used=arn in done.get(USED, ()),
    )


def done_with_adapters(folder: Path) -> dict[str, list[str]]:
    """Return which adapters were evaluated and used, as the folder remembers."""
    try:
        document = json.loads((folder / ADAPTERS).read_bytes())
        return {key: list(map(str, document.get(key, ()))) for key in (EVALUATED, USED)}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def remember_adapter(folder: str | Path, what: str, arns: Sequence[str]) -> None:
    """Remember that adapters were evaluated, or used."""
    folder = Path(folder)
    if not arns or not holds_dataset(folder):
        return
    with alone(folder, wait=PATIENCE):
        known = {key: done_with_adapters(folder).get(key, []) for key in (EVALUATED, USED)}
        new = {**known, what: list(dict.fromkeys([*known[what], *arns]))}
        if new != known:
            with replacing(folder / ADAPTERS) as part:
                part.write_text(to_json(new, indent=1) + "\n", encoding="utf-8", newline="\n")


def _is(entry: Mapping[str, Any], step: str) -> bool:
    return bool(entry["step"] == step)


def _last(history: Sequence[Mapping[str, Any]], step: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = [entry["options"] for entry in history if _is(entry, step)]
    return found[-1] if found else {}


def _after_split(history: Sequence[Mapping[str, Any]]) -> list[str]:
    steps = [str(entry["step"]) for entry in history]
    dealt = max((place for place, step in enumerate(steps) if step in ("split", "select")), default=-1)
    return steps[dealt + 1 :]


def _trained_on(training: Mapping[str, Any], published: Mapping[str, Mapping[str, Any]]) -> bool:
    uris = {name: item["uri"] for name, item in published.items()}
    given = training.get("manifests", {})
    return bool(given) and all(uris.get(name) == uri for name, uri in given.items())


def _changed_files(folder: Path, told: PrepareOptions | None) -> list[str]:
    """Name what a call reads and what is newer than what it made."""
    if told is None:
        return []
    record = folder / CALL  # of the last reading; splitting and judging anew leaves it alone
    try:
        made = (record if record.is_file() else folder / REPORT_JSON).stat().st_mtime_ns
    except OSError:
        return []
    names = (*told.labels, *(text.rpartition("=")[2] for text in told.mapping), told.predictions, told.policy)
    changed = [
        f"{name} changed after the report" for name in dict.fromkeys(names) if name and _newer(name, made)
    ]
    if told.images and _folder_changed(Path(told.images), folder, made):
        changed.append(f"images came to {told.images}, or went, after the report")
    return changed


def _folder_changed(images: Path, results: Path, made: int) -> bool:
    """Whether a name came to a folder of images, or to one below it, or went."""
    ours = os.path.realpath(results)
    for place, folders, _ in os.walk(images):
        folders[:] = [
            name
            for name in folders
            if name[0] != "." and os.path.realpath(os.path.join(place, name)) != ours  # noqa: PTH118
        ]
        if _newer(place, made):
            return True
    return False


def _newer(name: str, made: int) -> bool:
    if name == FOLDERS or is_s3_uri(name):
        return False
    try:
        return Path(name).stat().st_mtime_ns > made
    except OSError:
        return False


def _changed_options(call: PrepareOptions | None, told: PrepareOptions | None) -> list[str]:
    found = changes(call, told) if call is not None and told is not None else []
    return [f"the project file says otherwise than the last call: {'; '.join(found)}"] if found else []


def progress_lines(state: RoundState) -> list[str]:
    """Say for each stage of a round how far it is."""
    if not state.prepared:
        return ["prepared    not yet"]
    images = {
        name: state.images.get(name, 0)
        for name in ("found", "labelled", "asked", "reviewed", "waiting", "no_side")
    }
    sides = ", ".join(f"{state.images.get(name, 0):,} {name}" for name in TRAIN_TEST)
    no_side = f", {images['no_side']:,} on no side" if images["no_side"] else ""
    lines = [
        f"images      {counted(images['found'], 'image')}, {state.images.get('usable', 0):,} usable",
        f"labelled    {images['labelled']:,}",
        f"asked       {images['asked']:,} of the base model",
        f"reviewed    {images['reviewed']:,}; {images['waiting']:,} wait for people",
        f"split       {sides}{no_side}",
        f"verdict     {state.verdict.replace('-', ' ') or 'not judged'}",
        f"published   {'yes' if state.published else 'no'}",
        f"trained     {_training(state)}",
        f"evaluated   {'yes' if state.evaluated else 'no'}",
        f"in use      {'yes' if state.used else 'not that this folder knows'}",
    ]
    return [*lines, *(f"stale       {reason}" for reason in state.stale)]


def _training(state: RoundState) -> str:
    if not state.adapter:
        return "no"
    which = "on these manifests" if state.trained else "on earlier manifests"
    return f"{state.training}, {which}: {state.adapter}"
