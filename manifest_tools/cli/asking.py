"""What asking Rekognition will take, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from manifest_tools.cli import remote
from manifest_tools.cli.console import printable, show
from manifest_tools.cli.round_plan import duration
from manifest_tools.core.text import counted

if TYPE_CHECKING:
    from manifest_tools.aws.prediction.predict import PredictionPlan


def told_to_ask(
    plan: PredictionPlan,
    staging: str,
    *,
    origin: str = "",
    max_cost: float | None = None,
    more: Iterable[str] = (),
    dry_run: bool,
    yes: bool,
) -> bool:
    """Show what asking takes; return whether to go on: not on a dry run, which prints it as the result.

    Raises
    ------
    typer.Exit
        Somebody said no.
    """
    lines = [*plan_lines(plan, staging, origin), *limit_line(max_cost), *more]
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
    if plan.replaced:
        yield f"anew        {plan.replaced:,} answers of earlier runs stay until all new ones are there"
    if plan.answered:
        yield f"answered    {plan.answered:,} by earlier runs"
    yield f"calls       {plan.to_ask:,}, about {duration(plan.seconds)}"
    if plan.canaries:
        yield f"canaries    {plan.canaries:,} of these calls: the locked images again"
    if plan.staged:
        yield f"through S3  {plan.staged:,} files, {plan.staged_bytes:,} bytes, by {staging or '--staging'}, removed afterwards"
    yield cost_line(plan.cost, origin)


def answers_stay(out: Path, journal: str, questions: Iterable[Mapping[str, Any]], *, fresh: bool) -> str:
    """Say what a run that was stopped keeps of what was paid for, and how it goes on."""
    from manifest_tools.aws.prediction.kept_answers import answers_kept

    kept = sum(answers_kept(out, journal=journal, fresh=fresh, **asked) for asked in questions)
    earlier = "; those of earlier runs count until all new ones are there" if fresh else ""
    return f"{counted(kept, 'paid answer')} kept, and the same command goes on{earlier}"


def limit_line(max_cost: float | None) -> Iterator[str]:
    """Yield the line that says at what cost a run stops, if there is a limit."""
    if max_cost is not None:
        yield f"limit       {max_cost:,.2f}: the run stops before it costs more, and the same command goes on"


def cost_line(cost: float | None, origin: str) -> str:
    """Return what calls cost, and by whose word."""
    if cost is None:
        return "cost        not known; --price says it"
    return f"cost        {cost:,.2f}" + (f" {origin}" if origin else "")
