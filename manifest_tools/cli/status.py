"""``manifest-tools status``: where a round stands, and what comes next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import printable, show
from manifest_tools.cli.next_line import look, next_line
from manifest_tools.core.errors import InputError
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.pipeline.status import RoundState
    from manifest_tools.pipeline.step_costs import StepCost


def status(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder of results; default: the project's.")
    ] = None,
    price: remote.Price = None,
    tps: remote.Tps = None,
    region: remote.Region = None,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Say where the round stands: images, answers, split, adapter; what is stale; the next step, its cost and time.

    It reads the files of DIR alone: nothing is asked of Amazon, and nothing is written.
    """
    from manifest_tools.pipeline.project_file import find_project
    from manifest_tools.pipeline.status import progress_lines

    project = find_project()
    if folder is None:
        raise InputError("say which folder: status DIR; or write a project file: 'manifest-tools init'")
    state, step = look(folder, project)
    cost = _cost(step.command, state, region, price, tps) if state.prepared else None
    if format is options.OutputFormat.JSON:
        told = {"command": step.command, "arguments": step.arguments, "why": step.why}
        taken = None if cost is None else {"money": cost.money, "seconds": cost.seconds, "words": cost.words}
        about = {"project": None if project is None else str(project.path)}
        show(to_json({**about, **state.to_dict(), "next": {**told, "cost": taken}}, indent=1))
        return
    if project is not None:
        show(printable(f"project     {project.path}"))
    show(printable(f"folder      {state.folder}"))
    for line in progress_lines(state):
        show(printable(line))
    if cost is not None and step.command:
        show(printable(f"costs       {cost.words}"))
    show(next_line(step))


def _cost(
    command: str, state: RoundState, region: str | None, price: float | None, tps: str | None
) -> StepCost:
    from manifest_tools.pipeline.step_costs import cost_of_step

    where = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    rate = None if tps is None or tps.strip().lower() == "auto" else remote.calls_a_second(tps)
    return cost_of_step(command, state, region=where, price=price, tps=rate)
