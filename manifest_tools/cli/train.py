"""``manifest-tools train``: an adapter from a published data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import finding_line, printable, progress_bar, show
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.stopping import when_stopped
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.aws.training.plan import TrainingPlan
    from manifest_tools.aws.training.train import TrainingResult

_SHOWN = 20  # findings in the text


def train(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What prepare wrote, ready and published.")],
    project: Annotated[str | None, typer.Option(help="Name of the project; made when there is none.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Confidence in per cent at which the adapter will be used; default: the policy's.",
            callback=options.in_percent,
        ),
    ] = None,
    output: Annotated[
        str, typer.Option(metavar="S3-URI", help="For Amazon's result files; default: beside the manifests.")
    ] = "",
    auto_split: Annotated[
        bool, typer.Option("--auto-split", help="Let Amazon take the test set from the training manifest.")
    ] = False,
    auto_update: Annotated[
        bool,
        typer.Option(help="A new project: let Amazon try to train again when it has a new base model."),
    ] = True,
    kms_key: Annotated[str, typer.Option(help="KMS key for Amazon's copies and results.")] = "",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Train although it is not ready, or not known to be; the plan says what that overrides.",
        ),
    ] = False,
    attach: Annotated[
        bool, typer.Option("--attach", help="Wait for the training that was started from DIR.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and return.")] = False,
    max_cost: Annotated[
        float | None,
        typer.Option(
            metavar="MONEY",
            help="Start nothing that may cost more, by the longest of the project's earlier trainings; 0: start nothing.",
        ),
    ] = None,
    training_price: remote.TrainingPrice = None,
    poll: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.01)] = 60.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and start nothing.")] = False,
    yes: remote.Yes = False,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Train an adapter on a published data set, and wait for it.

    Training costs money and takes hours, so a data set that is not ready, or not known to be, is refused. Waiting may
    be interrupted at any time: --attach takes it up again. The same data is not trained twice.
    """
    from manifest_tools.aws.training.plan import plan_training
    from manifest_tools.aws.training.train import attach_training, start_training
    from manifest_tools.storage.aws_clients import make_client

    client = make_client("rekognition", profile=profile, region=region, endpoint_url=endpoint_url, attempts=5)
    if not attach:
        if project is None:
            raise InputError("say in which project: --project NAME")
        remote.require_offer(client, "projects")
        plan = plan_training(
            folder,
            project,
            threshold=threshold,
            output=output,
            auto_split=auto_split,
            auto_update=auto_update,
            force=force,
        )
        lines = [
            *plan_lines(plan),
            *_cost_lines(plan, client, training_price, max_cost),
            *remote.terms(client, profile=profile),
        ]
        if dry_run:
            for line in lines:
                show(printable(line))
            return
        if not remote.confirm(lines, yes=yes):
            raise typer.Exit(1)
    s3_client = make_client("s3", profile=profile, region=region)
    with when_stopped(lambda: training_runs_on(folder)), progress_bar("Training", quiet=quiet) as progress:
        if attach:
            result = attach_training(
                folder, client=client, s3_client=s3_client, poll=poll, price=training_price, progress=progress
            )
        else:
            result = start_training(
                plan,
                client=client,
                s3_client=s3_client,
                kms_key=kms_key,
                wait=not no_wait,
                poll=poll,
                price=training_price,
                progress=progress,
            )
    if format is options.OutputFormat.JSON:
        show(to_json(result.to_dict(), indent=1))
    else:
        for line in [*_result_lines(result), *_billed_lines(folder, result)]:
            show(printable(line))
    show_next(folder, format)
    raise typer.Exit(0 if result.succeeded or no_wait else 1)


def training_runs_on(folder: Path) -> str:
    """Say what is true of a training when waiting for it is interrupted."""
    from manifest_tools.aws.training.train import last_started

    arn = last_started(folder)
    if not arn:
        return "no training was started, as far as this folder knows; the same command finds one that was"
    return f"the training runs on at Amazon: {arn}; 'manifest-tools train {folder} --attach' waits for it"


def plan_lines(plan: TrainingPlan) -> Iterator[str]:
    """Yield the plan for people."""
    yield f"project     {plan.project}"
    yield f"adapter     {plan.version}, for use at a confidence of {plan.threshold:g}"
    for uri in plan.manifests.values():
        yield f"manifest    {uri}"
    yield f"results     {plan.output}"
    yield from (f"overridden  {reason}" for reason in plan.overridden)
    yield from (f"warning     {warning}" for warning in plan.warnings)


def _result_lines(result: TrainingResult) -> Iterator[str]:
    adapter = result.adapter
    for found in result.findings[:_SHOWN]:
        yield finding_line(found, found.location)
    if len(result.findings) > _SHOWN:
        yield f"and {len(result.findings) - _SHOWN:,} more; --format json lists them all"
    yield f"adapter     {adapter.arn}"
    yield f"status      {adapter.status}"
    if adapter.base_model:
        yield f"base model  {adapter.base_model}"


def _cost_lines(
    plan: TrainingPlan, client: Any, price: float | None, max_cost: float | None
) -> Iterator[str]:
    """Yield what the training may cost; refuse one that may pass the limit, for no training can be stopped by it."""
    from manifest_tools.aws.costs import costs_of, open_round, spent
    from manifest_tools.cli.round_plan import spent_text, training_text
    from manifest_tools.pipeline.round_plan import billed_trainings

    trainings = billed_trainings(client, plan.project)
    cost = trainings.cost(price)
    yield f"hours       {training_text(trainings, price)}"
    records = costs_of(plan.folder)
    yield f"so far      {spent_text(spent(open_round(records)), spent(records))}"
    if max_cost is None:
        return
    if max_cost == 0 or cost is None or cost > max_cost:
        told = "cannot be known" if cost is None else f"may be {cost:,.2f}"
        raise InputError(
            f"not trained: what it costs {told}, and --max-cost is {max_cost:g}; no training can be stopped half way"
        )


def _billed_lines(folder: Path, result: TrainingResult) -> Iterator[str]:
    from manifest_tools.aws.costs import costs_of, last_round, spent
    from manifest_tools.cli.round_plan import spent_text

    billed = result.adapter.billed_seconds
    if billed is not None:
        yield f"billed      {billed / 3600:,.2f} h of training"
        records = costs_of(folder)
        yield f"round       {spent_text(spent(last_round(records)), spent(records))}"
