"""``manifest-tools predict``: what the base model, or an adapter, sees in each image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli import completion, options, remote
from manifest_tools.cli.asking import answers_stay, told_to_ask
from manifest_tools.cli.console import printable, progress_bar, say, show
from manifest_tools.cli.engines import engine
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError, ManifestToolsError
from manifest_tools.core.stopping import when_stopped
from manifest_tools.core.text import to_json
from manifest_tools.storage.uris import is_s3_uri

if TYPE_CHECKING:
    from manifest_tools.aws.prediction.predict import PredictionPlan
    from manifest_tools.dataset.dataset import Dataset

_SHOWN = 10  # failures in the text


def predict(
    images: Annotated[
        str, typer.Argument(metavar="DIR|S3-PREFIX", help="What prepare wrote, or s3://bucket/prefix.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where the results go; default: the DIR itself."),
    ] = None,
    adapter: Annotated[
        str,
        typer.Option(
            autocompletion=completion.adapters, metavar="ARN", help="Adapter to ask; default: the base model."
        ),
    ] = "",
    min_confidence: Annotated[
        float,
        typer.Option(
            help="Confidence in per cent from which labels are reported.", callback=options.in_percent
        ),
    ] = 5.0,
    tps: remote.Tps = None,
    price: remote.Price = None,
    max_cost: remote.MaxCost = None,
    training_price: remote.TrainingPrice = None,
    project: Annotated[
        str,
        typer.Option(
            help="For the plan: the project whose earlier trainings tell the hours; default: that of DIR's last training."
        ),
    ] = "",
    staging: Annotated[
        str,
        typer.Option(
            metavar="S3-URI", help="Way through S3 for files over 5 MB; default: the images' destination."
        ),
    ] = "",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask anew; earlier answers stay until all new ones are there.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and ask nothing.")] = False,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="For a DIR of millions: keep answers batch by batch in this run folder, here or "
            "s3://bucket/prefix.",
            rich_help_panel=options.SCALE,
        ),
    ] = None,
    scheduler: options.Scheduler = None,
    canary: Annotated[
        int | None,
        typer.Option(
            "--canary",
            metavar="N",
            help="Lock N images that every later predict asks again, twice each, to tell when the model moved; 0: not this time.",
        ),
    ] = None,
    stop_list: options.StopListFiles = None,
    yes: remote.Yes = False,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Ask Rekognition what it sees in each image, at the account's rate.

    Every call costs money, so the plan is shown first: this run's, and that of the round to the next adapter. Answers are kept as they come: a run that was stopped
    goes on where it was and asks nothing twice. Exact copies are asked about once. A DIR that prepare made is then split
    and judged anew, as it was before.

    With --scheduler the workers of a cluster ask, with the credentials that they find; together they keep the rate.
    """
    if run is not None:
        from manifest_tools.cli.predict_run import predict_run

        if adapter or fresh or out or profile or canary or is_s3_uri(images):
            msg = "--run asks the base model about a DIR, with the credentials of the environment; leave out the rest"
            raise InputError(msg)
        predict_run(
            images,
            run,
            stop_list=stop_list or (),
            scheduler=scheduler,
            min_confidence=min_confidence,
            tps=tps,
            price=price,
            max_cost=max_cost,
            staging=staging,
            dry_run=dry_run,
            yes=yes,
            region=region,
            endpoint_url=endpoint_url,
            format=format,
            quiet=quiet,
        )
        return
    from manifest_tools.aws.prediction.answer_journal import fresh_journal
    from manifest_tools.aws.prediction.output_files import MANIFEST, SUMMARY
    from manifest_tools.aws.prediction.predict import JOURNAL, plan_predictions, predict_labels
    from manifest_tools.storage.aws_clients import make_client

    dataset, place = _open(images, out, profile=profile, region=region)
    dataset = options.with_stop_list(dataset, stop_list)
    client = make_client("rekognition", profile=profile, region=region, endpoint_url=endpoint_url)
    remote.require_offer(client, "moderation")
    rate = remote.rate(tps, client, profile=profile)
    cost = remote.price(price, client, adapter=bool(adapter), profile=profile)
    remote.require_price(max_cost, cost)
    plan = plan_predictions(
        dataset,
        place,
        adapter=adapter,
        min_confidence=min_confidence,
        tps=rate,
        region=client.meta.region_name,
        price=cost and cost.thousand,
        fresh=fresh,
        canaries=canary,
    )
    origin, more = cost.origin if cost else "", remote.terms(client, profile=profile)
    if not is_s3_uri(images):
        other = remote.price(None, client, adapter=not adapter, profile=profile)  # --price is of this run
        base, by_adapter = (other, cost) if adapter else (cost, other)
        more = [
            *_round(
                Path(images), dataset, client, plan, tps=rate, base=base, adapter=by_adapter,
                training_price=training_price, project=project,
            ),
            *more,
        ]  # fmt: skip
    place_in_s3 = staging or dataset.destination
    if not told_to_ask(
        plan, place_in_s3, origin=origin, max_cost=max_cost, more=more, dry_run=dry_run, yes=yes
    ):
        return
    asked = {"adapter": adapter, "min_confidence": min_confidence}
    with (
        when_stopped(lambda: answers_stay(place, JOURNAL, [asked], fresh=fresh)),
        progress_bar("Asking", quiet=quiet) as progress,
        engine(scheduler) as executor,
    ):
        answered = predict_labels(
            dataset,
            place,
            client=client,
            s3_client=make_client("s3", profile=profile, region=region)
            if plan.staged or dataset.stop_list
            else None,
            adapter=adapter,
            min_confidence=min_confidence,
            tps=rate,
            staging=staging,
            executor=executor,
            fresh=fresh,
            price=cost and cost.thousand,
            max_cost=max_cost,
            canaries=canary,
            progress=progress,
        )
    if answered is not dataset:
        answered.save(place)
        _judge_anew(place, format)
    summary = json.loads((place / SUMMARY).read_bytes())
    if format is options.OutputFormat.JSON:
        show(to_json(summary, indent=1))
    else:
        for found in summary.get("canaries", {}).get("findings", ()):
            say(printable(f"{found['severity']}: {found['code']}: {found['message']}. {found['fix']}"))
        for line in _result_lines(summary, place / MANIFEST):
            show(printable(line))
    stopped = fresh and fresh_journal(place / JOURNAL).is_file()
    if stopped:
        say("the limit was reached: earlier answers stand for the others, and the same command goes on")
    show_next(images, format)
    raise typer.Exit(1 if stopped or _failures(summary) else 0)


def _canary_line(**check: Any) -> str:
    if not check["locked"]:
        return "canaries    none locked yet: too few images have an answer; the same command goes on"
    told = ", ".join(found["code"] for found in check["findings"]) or "no change beyond jitter"
    p_value = check["p-value"]
    chance = "" if p_value is None else f" (p = {p_value:.2g})"
    return f"canaries    {check['asked']:,} of {check['locked']:,} asked again: {told}{chance}"


def _judge_anew(folder: Path, format: options.OutputFormat) -> None:
    """Deal out and judge a prepared folder with the new answers; whatever is in the way of that, they are safe."""
    from manifest_tools.pipeline.split import split_as_before
    from manifest_tools.reports.summary import answer

    with suppress(ManifestToolsError):
        report = split_as_before(folder)
        if report is not None and format is options.OutputFormat.TEXT:
            show(printable(f"verdict     {answer(report).headline}"))


def _round(
    folder: Path, dataset: Dataset, client: Any, plan: PredictionPlan, **options: Any
) -> Iterator[str]:
    """Yield the lines of the plan that are about the round. The table of DIR knows what is to be asked."""
    from manifest_tools.cli.round_plan import round_lines
    from manifest_tools.pipeline.round_plan import plan_round

    yield from round_lines(plan_round(folder, dataset, client=client, calls=plan.to_ask, **options))


def _open(images: str, out: Path | None, *, profile: str | None, region: str | None) -> tuple[Dataset, Path]:
    if not is_s3_uri(images):
        from manifest_tools.review.journal import merge_journal

        return merge_journal(images), _claimed(out) if out else Path(images)
    if out is None:
        raise InputError(f"say where the answers about {images} go: --out DIR")
    from manifest_tools.sources.s3_listing import list_images

    return list_images(images, profile=profile, region=region), _claimed(out)


def _claimed(out: Path) -> Path:
    from manifest_tools.aws.prediction.predict import JOURNAL
    from manifest_tools.core.output_folder import claim

    return claim(out, mark=JOURNAL)


def _failures(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return [error for error in summary["errors"] if error["code"] != "unsuitable"]


def _result_lines(summary: dict[str, Any], manifest: Path) -> Iterator[str]:
    from manifest_tools.aws.prediction.budget import MAX_COST

    stopped = [failure for failure in _failures(summary) if failure["code"] == MAX_COST]
    failures = [failure for failure in _failures(summary) if failure["code"] != MAX_COST]
    for failure in failures[:_SHOWN]:
        yield f"no answer: {failure['message']}"
    if len(failures) > _SHOWN:
        yield f"and {len(failures) - _SHOWN:,} more; --format json lists them all"
    models = ", ".join(f"{version} ({count:,})" for version, count in summary["model-versions"].items())
    yield f"answers     {summary['statistics']['valid-json-lines']:,} in {manifest}"
    yield f"base model  {models or 'none'}"
    if "canaries" in summary:
        yield _canary_line(**summary["canaries"])
    if failures:
        yield f"{len(failures):,} images have no answer; run it again to ask about them"
    if stopped:
        yield f"{len(stopped):,} images were {stopped[0]['message']}"
