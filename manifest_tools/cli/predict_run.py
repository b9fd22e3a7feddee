"""``manifest-tools predict DIR --run RUN``: the same for more images than a table holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.asking import told_to_ask
from manifest_tools.cli.console import StepLines, printable, show
from manifest_tools.cli.engines import engine
from manifest_tools.core.stopping import when_stopped
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.pipeline.batch.answers import Collected


def predict_run(
    folder: str,
    run: str,
    *,
    stop_list: Sequence[Path],
    scheduler: str | None,
    min_confidence: float,
    tps: str | None,
    price: float | None,
    max_cost: float | None,
    staging: str,
    dry_run: bool,
    yes: bool,
    region: str | None,
    endpoint_url: str | None,
    format: options.OutputFormat,
    quiet: bool,
) -> None:
    """Ask about the images of a saved data set into a run folder, and lay the answers over the data set."""
    from manifest_tools.aws.prediction.budget import CostLimitError
    from manifest_tools.aws.prediction.question import Question
    from manifest_tools.dataset.chunks import SavedDataset
    from manifest_tools.pipeline.batch.predict import plan_asking, plan_in_numbers, predict_saved
    from manifest_tools.pipeline.batch.run_folder import RunFolder
    from manifest_tools.pipeline.batch.settle import screen_before_asking
    from manifest_tools.storage.aws_clients import make_client
    from manifest_tools.storage.s3_images import ByteReader

    client = make_client("rekognition", region=region, endpoint_url=endpoint_url)
    remote.require_offer(client, "moderation")
    rate, cost = remote.rate(tps, client), remote.price(price, client, adapter=False)
    remote.require_price(max_cost, cost)
    place, question = RunFolder.at(run), Question("", min_confidence)
    screen_before_asking(Path(folder), place, stop_list, reader=ByteReader())
    asking = plan_asking(SavedDataset.open(folder), scratch=Path(folder))
    plan = plan_in_numbers(
        asking, place, tps=rate, region=client.meta.region_name, price=cost and cost.thousand
    )
    origin = cost.origin if cost else ""
    place_in_s3, terms = staging or asking.saved.frame.destination, remote.terms(client)
    if not told_to_ask(
        plan, place_in_s3, origin=origin, max_cost=max_cost, more=terms, dry_run=dry_run, yes=yes
    ):
        return
    steps = StepLines(quiet=quiet)
    try:
        with (
            when_stopped(
                lambda: f"the answers of finished batches are kept in {run}, and the same command goes on"
            ),
            engine(scheduler) as executor,
        ):
            told = predict_saved(
                asking,
                place,
                question,
                client=client,
                executor=executor,
                tps=rate,
                staging=staging,
                price=cost and cost.thousand,
                max_cost=max_cost,
                watcher=steps,
            )
    except CostLimitError as reached:
        show(printable(str(reached)))
        raise typer.Exit(1) from None
    finally:
        steps.close()
    if format is options.OutputFormat.JSON:
        show(to_json(asdict(told), indent=1))
    else:
        for line in _result_lines(told, folder):
            show(printable(line))
    raise typer.Exit(1 if told.failed else 0)


def _result_lines(told: Collected, folder: str) -> Iterator[str]:
    for failure in told.failures:
        yield f"no answer: {failure['message']}"
    if told.failed > len(told.failures):
        yield f"and {told.failed - len(told.failures):,} more"
    models = ", ".join(f"{version} ({count:,})" for version, count in sorted(told.models.items()))
    yield f"answers     for {told.answered:,} images in {folder}"
    yield f"base model  {models or 'none'}"
    if told.failed:
        yield f"{told.failed:,} images have no answer; run it again with another --run folder to ask about them"
