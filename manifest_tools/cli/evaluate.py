"""``manifest-tools evaluate``: whether an adapter is better than the base model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import completion, options, remote
from manifest_tools.cli.console import printable, say, show
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.evaluation import EvaluationFiles


def evaluate(
    adapters: Annotated[
        list[str],
        typer.Argument(
            metavar="ARN... | FILE...",
            autocompletion=completion.adapters,
            help="Adapters, or their evaluation results and output manifests. Several are put side by side.",
        ),
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Confidence in per cent at which to compare; default: that of the training.",
            callback=options.in_percent,
        ),
    ] = None,
    max_false_positive_rate: Annotated[
        float | None,
        typer.Option(
            help="Find the threshold with the highest recall that reports at most this share of the images "
            "without a label.",
            min=0,
            max=1,
        ),
    ] = None,
    guard: Annotated[
        Path | None,
        typer.Option(metavar="MANIFEST", help="Ordinary traffic with both models' answers."),
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(
            metavar="MANIFEST",
            help="A random sample of traffic with truth and both models' answers: tells how common each label is, and "
            "turns the test's rates into those of traffic.",
        ),
    ] = None,
    sample_width: Annotated[
        float | None,
        typer.Option(
            help="Say how large a sample tells how common a label is within this width, such as 0.01."
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL[:GOAL]",
            autocompletion=completion.targets,
            help="What the adapter was to change, such as Alcohol:false-positives: the verdict judges it first, the guard "
            "leaves the label out. Default: the targets of --data. Repeatable.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The prepared data set: knows look-alikes, targets and pictures."),
    ] = None,
    write_decisions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write thresholds for allow, review and block that keep to the limits below, for moderate --decisions.",
        ),
    ] = None,
    max_miss_rate: Annotated[
        float | None, typer.Option(help="Limit: share of the images with a label that may be allowed.")
    ] = None,
    max_false_block_rate: Annotated[
        float | None,
        typer.Option(help="Limit: share of the images without a label that may be blocked for it."),
    ] = None,
    max_reviews_a_day: Annotated[
        float | None,
        typer.Option(help="Limit: images that people can look at in a day. Needs --traffic and --guard."),
    ] = None,
    traffic: Annotated[
        float | None, typer.Option(help="Images that come in a day, to tell the reviews. Needs --guard.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page, too.")] = None,
    profile: remote.Profile = None,
    endpoint_url: remote.EndpointUrl = None,
    seed: options.Seed = 0,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Compare adapters with the base model, with intervals: what is fixed, what is newly caused.

    The evaluation results alone give counts. With the output manifest of the test set come the images that
    flipped, exact tests, intervals that know look-alikes, and figures by slice (--data).
    """
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.evaluation import compare_evaluation
    from manifest_tools.evaluation.decisions import Limits
    from manifest_tools.evaluation.text import text_lines

    dataset = Dataset.load(data) if data else None
    limits = None
    given = (max_miss_rate, max_false_block_rate, max_reviews_a_day, traffic)
    if write_decisions or any(value is not None for value in given):
        limits = Limits(*given)
    evaluation = compare_evaluation(
        *(_source(item, profile, endpoint_url) for item in adapters),
        threshold=threshold,
        max_false_positive_rate=max_false_positive_rate,
        guard=guard,
        targets=target,
        dataset=dataset,
        limits=limits,
        sample=sample,
        sample_width=sample_width,
        seed=seed,
    )
    if write_decisions:
        from manifest_tools.evaluation.decision_file import write_decisions as write

        write(write_decisions, evaluation.adapters[0])
        if not quiet:
            say(f"wrote {printable(str(write_decisions))}")
    if html:
        from manifest_tools.reports.evaluation_page import pictured, write_page

        write_page(html, evaluation, _pictures(dataset, pictured(evaluation)))
        if not quiet:
            say(f"wrote {printable(str(html))}")
    if format is options.OutputFormat.JSON:
        show(to_json(evaluation.to_dict(), indent=1))
    else:
        show("\n".join(map(printable, text_lines(evaluation))))
    if data is not None:
        from manifest_tools.pipeline.status import EVALUATED, remember_adapter

        remember_adapter(data, EVALUATED, [item for item in adapters if item.startswith("arn:")])
        show_next(data, format)


def _source(item: str, profile: str | None, endpoint_url: str | None) -> str | EvaluationFiles:
    if not item.startswith("arn:"):
        return item
    from manifest_tools.aws import fetch_evaluation

    return fetch_evaluation(item, profile=profile, endpoint_url=endpoint_url)


def _pictures(dataset: Dataset | None, wanted: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Return small pictures of the images that are wanted, by their addresses in the manifest."""
    if dataset is None:
        return {}
    from manifest_tools.dataset.object_keys import source_refs
    from manifest_tools.reports.thumbnails import thumbnails

    images = dict(zip(source_refs(dataset), dataset.images["image"], strict=True))
    small = thumbnails(dataset, [images[reference] for reference in wanted if reference in images])
    return {reference: small[image] for reference in wanted if (image := images.get(reference)) in small}
