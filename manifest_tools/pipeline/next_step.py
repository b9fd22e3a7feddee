"""What comes next in a round: one command, and why."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from manifest_tools.core.output_folder import manifests_in
from manifest_tools.core.text import counted
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Report
from manifest_tools.pipeline.status import RoundState, state_of


@dataclass(frozen=True)
class NextStep:
    """The next step of a round.

    Parameters
    ----------
    command : str
        Its name; "" where no command helps.
    arguments : str
        What it needs beyond the project file.
    why : str
        In a few words.
    """

    command: str
    arguments: str
    why: str

    @property
    def line(self) -> str:
        """The step as one line."""
        if not self.command:
            return self.why
        return f"{' '.join(filter(None, ('manifest-tools', self.command, self.arguments)))}  ({self.why})"


def next_step(
    state: RoundState, *, project: bool = False, repeatable: bool = True, named: bool = False
) -> NextStep:
    """Return what comes next.

    Parameters
    ----------
    state : RoundState
        Where the round stands.
    project : bool
        Whether a project file says which folder and which images.
    repeatable : bool
        Whether the folder remembers how it was prepared.
    named : bool
        Whether the project file names Rekognition's project.
    """
    folder = "" if project else shlex.quote(state.folder)
    command, why = _step(state)
    arguments = {
        "prepare": "" if project else f"--out {folder}" if repeatable else f"IMAGES ... --out {folder}",
        "train": " ".join(filter(None, (folder, "" if named else "--project NAME"))),
        "train --attach": folder,
        "evaluate": "" if project else f"{state.adapter} --data {folder}",
        "moderate": f"IMAGES --out DECIDED{'' if project else f' --adapter {state.adapter}'}",
    }.get(command, folder)
    return NextStep(command, arguments if command else "", why)


def told_next(dataset: Dataset, report: Report, stage: Path) -> str:
    """Return the next step, as a line, of a folder whose manifests are about to be put in place; it is called DIR."""
    manifests = {name: (stage / name).read_bytes() for name in manifests_in(stage)}
    state = state_of(dataset.history, report, manifests, folder=stage)
    return next_step(replace(state, folder="DIR")).line


def _step(state: RoundState) -> tuple[str, str]:
    """Return the command and the reason."""
    if not state.prepared:
        return "prepare", "nothing is prepared yet"
    if state.training == "running":
        return "train --attach", "a training was started from here, and it is not known how it ended"
    if state.stale:
        return "prepare", state.stale[0]
    if state.published and state.trained and state.training == "usable":
        if not state.evaluated:
            return "evaluate", "the adapter was not compared with the base model yet"
        return (
            "moderate",
            "it was compared with the base model; where the two differ, the next round begins",
        )
    return _towards_training(state)


def _towards_training(state: RoundState) -> tuple[str, str]:
    images = state.images
    unasked = images.get("usable", 0) - images.get("usable_asked", 0)
    if state.verdict == "ready":
        if images.get("no_side"):
            return "prepare", f"{counted(images['no_side'], 'usable image')} on no side"
        if not state.published:
            return "publish", "ready to train, and not in the bucket as it is"
        if state.trained and state.training == "failed":
            return "train --attach", "the last training failed; this says why"
        return "train", "ready to train, and published"
    if unasked and (not images.get("asked") or state.verdict == "unknown"):
        return "predict", f"{counted(unasked, 'usable image')} to ask the base model about"
    if images.get("waiting"):
        return "review", f"{counted(images['waiting'], 'image')} to be confirmed by people"
    return "", "collect what report.html says is missing, then run manifest-tools prepare again"
