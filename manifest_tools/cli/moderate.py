"""``manifest-tools moderate``: use an adapter, and decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli import completion, options, remote
from manifest_tools.cli.asking import answers_stay, cost_line, limit_line
from manifest_tools.cli.console import finding_line, printable, progress_bar, say, show
from manifest_tools.cli.frames import Every
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.stopping import when_stopped
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.aws.moderation.moderate import ModerationResult
    from manifest_tools.aws.prices import Price
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.pipeline.moderate_videos import SampledVideos


def moderate(
    images: Annotated[
        str,
        typer.Argument(
            metavar="IMAGES", help="A folder, a manifest, s3://bucket/prefix, or videos (--every)."
        ),
    ],
    adapter: Annotated[
        str, typer.Option(autocompletion=completion.adapters, metavar="ARN", help="The adapter to ask.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    decisions: Annotated[
        Path | None,
        typer.Option(help="TOML file: from which confidence of which label to allow, review or block."),
    ] = None,
    every: Every = None,
    compare_base: Annotated[
        bool,
        typer.Option("--compare-base", help="Ask the base model, too, and keep what the two differ on."),
    ] = False,
    tps: remote.Tps = None,
    price: remote.Price = None,
    max_cost: remote.MaxCost = None,
    staging: Annotated[str, typer.Option(metavar="S3-URI", help="Way through S3 for files over 5 MB.")] = "",
    stop_list: Annotated[
        list[Path] | None,
        typer.Option(
            "--stop-list",
            metavar="FILE",
            help="Hashes of known images (MD5, SHA-1, SHA-256, PDQ) that are blocked, and not sent. Repeatable.",
            rich_help_panel="Safety",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask anew; earlier answers stay until all new ones are there.")
    ] = False,
    yes: remote.Yes = False,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Moderate images with an adapter: DIR/moderation.jsonl says for each what to do, and why.

    An expired adapter is left aside by Rekognition in silence; every answer is checked for that, and without
    the adapter nothing is decided (exit code 1). With --compare-base, DIR/disagreements is a data set of the
    images on which adapter and base model differ: review them, they make the next round better.

    Of a video, or with --every of a folder of videos, frames are sampled into DIR/frames first (2s by default).
    DIR/segments.csv then says from when to when which label is seen, DIR/videos.jsonl what is decided on each video.
    """
    from manifest_tools.aws.moderation.adapter_checks import MIN_CONFIDENCE
    from manifest_tools.aws.moderation.decision_policy import Decisions
    from manifest_tools.aws.moderation.moderate import JOURNAL
    from manifest_tools.aws.moderation.moderate import moderate as run
    from manifest_tools.pipeline.moderate_videos import moderate_videos
    from manifest_tools.storage.aws_clients import make_client

    rules = None if decisions is None else Decisions.from_toml(decisions)
    dataset, sampled = _to_ask(images, out, every, quiet=quiet)
    dataset = options.with_stop_list(dataset, stop_list)
    if sampled is not None:
        sampled = sampled._replace(dataset=dataset)
    client = make_client("rekognition", profile=profile, region=region, endpoint_url=endpoint_url)
    remote.require_offer(client, "moderation")
    rate = remote.rate(tps, client, profile=profile)
    prices = [
        remote.price(price, client, adapter=asked, profile=profile)
        for asked in ([True, False] if compare_base else [True])
    ]
    remote.require_price(max_cost, *prices)
    plan = [*_plan(dataset, sampled, prices, compare_base=compare_base), *limit_line(max_cost)]
    if not remote.confirm(plan, yes=yes):
        raise typer.Exit(1)
    asking: dict[str, Any] = {
        "decisions": rules,
        "compare_base": compare_base,
        "client": client,
        "s3_client": make_client("s3", profile=profile, region=region) if staging or stop_list else None,
        "tps": rate,
        "staging": staging,
        "fresh": fresh,
        "price": prices[0] and prices[0].thousand,
        "base_price": prices[-1] and prices[-1].thousand,
        "max_cost": max_cost,
    }
    videos: dict[str, int] = {}
    asked = [
        {"adapter": one, "min_confidence": MIN_CONFIDENCE}
        for one in (adapter, *([""] if compare_base else []))
    ]
    with (
        when_stopped(lambda: answers_stay(out, JOURNAL, asked, fresh=fresh)),
        progress_bar("Moderating", quiet=quiet) as progress,
    ):
        if sampled is None:
            result = run(dataset, adapter, out, progress=progress, **asking)
        else:
            result, videos = moderate_videos(sampled, adapter, out, progress=progress, **asking)
    if format is options.OutputFormat.JSON:
        show(to_json(result.to_dict() | ({} if sampled is None else {"videos": videos}), indent=1))
    else:
        for found in result.findings:
            say(printable(finding_line(found)))
        for line in _result_lines(result, out, videos):
            show(printable(line))
    if result.passed:
        _remember(adapter, format)
    raise typer.Exit(0 if result.passed and not result.not_asked else 1)


def _remember(adapter: str, format: options.OutputFormat) -> None:
    """Tell the project that its adapter is in use."""
    from manifest_tools.pipeline.project_file import find_project
    from manifest_tools.pipeline.status import USED, remember_adapter

    project = find_project()
    if project is not None and project.out is not None:
        remember_adapter(project.out, USED, [adapter])
        show_next(project.out, format)


def _to_ask(
    images: str, out: Path, every: float | None, *, quiet: bool
) -> tuple[Dataset, SampledVideos | None]:
    """Return the images to ask about, and the sampled videos if they are frames of some."""
    from manifest_tools.aws.moderation.moderate import JOURNAL
    from manifest_tools.core.output_folder import claim
    from manifest_tools.pipeline.moderate_videos import is_video, sample_videos
    from manifest_tools.sources.reading import read_images

    if every is None and not is_video(images):
        dataset = read_images(images)
        claim(out, mark=JOURNAL)
        return dataset, None
    with progress_bar("Frames", quiet=quiet) as progress:
        sampled = sample_videos(images, out, every=every, progress=progress)
    for found in sampled.frames.report.findings:
        say(printable(finding_line(found, found.location.file)))
    return sampled.dataset, sampled


def _plan(
    dataset: Dataset, sampled: SampledVideos | None, prices: Sequence[Price | None], *, compare_base: bool
) -> Iterator[str]:
    calls = len(dataset) * (2 if compare_base else 1)
    if sampled is not None:
        hours = sum(sampled.frames.videos.values()) / 3600
        yield f"videos      {len(sampled.frames.videos):,}, {hours:,.2f} hours, a frame in {sampled.step:g} s where the picture changes"
    yield f"images      {len(dataset):,}"
    yield f"calls       {calls:,} at most"
    known = [price for price in prices if price is not None]
    cost = sum(price.thousand for price in known) * len(dataset) / 1000 if len(known) == len(prices) else None
    yield cost_line(cost, known[0].origin if known else "")


def _result_lines(result: ModerationResult, out: Path, videos: Mapping[str, int]) -> Iterator[str]:
    if not result.passed:
        yield "nothing was decided: the adapter does not answer"
        return
    decided = ", ".join(f"{count:,} {decision}" for decision, count in result.counts.items())
    yield f"decisions   {decided}, in {out / 'moderation.jsonl'}"
    if videos:
        decided = ", ".join(f"{count:,} {decision}" for decision, count in videos.items())
        yield f"videos      {decided}, in {out / 'videos.jsonl'}; segments.csv says when"
    if result.on_stop_list:
        yield f"stop list   {result.on_stop_list:,} blocked, and not asked about; preserve and report them by your own procedure"
    if result.failed:
        yield f"no answer   {result.failed:,}, decided by the policy; moderation.jsonl says why"
    if result.not_asked:
        yield f"not asked   {result.not_asked:,} of these: --max-cost was reached; the same command goes on"
    if result.disagreements is not None:
        yield f"differing   {result.disagreements:,} from the base model, in {out / 'disagreements'}"
