"""The line with which every command ends: what comes next."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from manifest_tools.cli.console import printable, show
from manifest_tools.cli.options import OutputFormat
from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.storage.uris import is_s3_uri

if TYPE_CHECKING:
    from manifest_tools.pipeline.next_step import NextStep
    from manifest_tools.pipeline.project_file import ProjectFile
    from manifest_tools.pipeline.status import RoundState

_LABEL = "next        "


def show_next(
    folder: str | Path | None, format: OutputFormat = OutputFormat.TEXT, *, otherwise: NextStep | None = None
) -> None:
    """Say what comes next for a folder of results, as text.

    Parameters
    ----------
    folder : path or None
        By default that of the project. Of a place in S3 nothing is said.
    format : OutputFormat
        Of the command: JSON stands alone.
    otherwise : NextStep, optional
        What to say where the folder tells nothing; by default nothing is said.
    """
    if format is OutputFormat.JSON:
        return
    from manifest_tools.pipeline.project_file import find_project

    step = otherwise
    with suppress(
        ManifestToolsError, OSError
    ):  # the command's own result stands, whatever is wrong around it
        project = find_project()
        place = folder if folder is not None or project is None else project.out
        if place is not None and not is_s3_uri(place):
            step = look(place, project)[1]
    if step is not None:
        show(next_line(step))


def next_line(step: NextStep) -> str:
    """Return the line."""
    return printable(_LABEL + step.line)


def look(folder: str | Path, project: ProjectFile | None) -> tuple[RoundState, NextStep]:
    """Return where the round of a folder stands, and what comes next."""
    from manifest_tools.pipeline.last_call import read_call
    from manifest_tools.pipeline.next_step import next_step
    from manifest_tools.pipeline.status import round_state

    ours = project is not None and project.out is not None and _same(project.out, folder)
    state = round_state(folder, project.prepare if project is not None and ours else None)
    step = next_step(
        state,
        project=ours,
        repeatable=read_call(folder) is not None,
        named=ours and project is not None and "project" in project.others,
    )
    return state, step


def _same(one: str | Path, other: str | Path) -> bool:
    return Path(one).resolve() == Path(other).resolve()
