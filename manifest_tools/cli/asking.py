"""What asking Rekognition will take, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from manifest_tools.cli import remote
from manifest_tools.cli.console import printable, show

if TYPE_CHECKING:
    from manifest_tools.aws.prediction.predict import PredictionPlan


def told_to_ask(
    plan: PredictionPlan,
    staging: str,
    *,
    origin: str = "",
    terms: Iterable[str] = (),
    dry_run: bool,
    yes: bool,
) -> bool:
    """Show what asking takes; return whether to go on: not on a dry run, which prints it as the result.

    Raises
    ------
    typer.Exit
        Somebody said no.
    """
    lines = [*plan_lines(plan, staging, origin), *terms]
    if dry_run:
        for line in lines:
            show(printable(line))
        return False
    if plan.to_ask and not remote.confirm(lines, yes=yes):
        raise typer.Exit(1)
    return True


def plan_lines(plan: PredictionPlan, staging: str, origin: str = "") -> Iterator[str]:
    """Yield the plan for people; `origin` says by whose word it costs that."""
    yield f"images      {plan.images:,}"
    if plan.unsuitable:
        yield f"left out    {plan.unsuitable:,}: no readable JPEG or PNG, or over 15 MB"
    if plan.answered:
        yield f"answered    {plan.answered:,} by earlier runs"
    yield f"calls       {plan.to_ask:,}, about {_duration(plan.seconds)}"
    if plan.staged:
        yield f"through S3  {plan.staged:,} files, {plan.staged_bytes:,} bytes, by {staging or '--staging'}, removed afterwards"
    yield cost_line(plan.cost, origin)


def cost_line(cost: float | None, origin: str) -> str:
    """Return what calls cost, and by whose word."""
    if cost is None:
        return "cost        not known; --price says it"
    return f"cost        {cost:,.2f}" + (f" {origin}" if origin else "")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
