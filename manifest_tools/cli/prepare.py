"""``manifest-tools prepare``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import StepLines, exit_with, print_end, print_report, printable, show
from manifest_tools.cli.judging import policy_from
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import FINDINGS, REPORT_HTML, REPORT_JSON
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.findings.findings import MAX_FINDINGS


def prepare(
    images: Annotated[
        str,
        typer.Argument(
            metavar="[IMAGES]",
            help="A folder, a manifest, s3://bucket/prefix, or Parquet with images inside.",
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the results go.")] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="s3://BUCKET/PREFIX", help="Where the images will be uploaded.")
    ] = "",
    labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|folders",
            help="Label table or annotation export, or 'folders': folder names. Repeatable.",
        ),
    ] = None,
    labels_format: Annotated[
        list[str] | None,
        typer.Option(
            "--labels-format",
            metavar="[FILE=]FORMAT",
            help="Format of the labels, or of one of the files, such as coco, voc, cvat, label-studio, decisions; "
            "default: by content. Repeatable.",
        ),
    ] = None,
    columns: options.Columns = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="[FILE=]MAP",
            help="What your categories mean, in all or in one of the files of --labels; 'manifest-tools map' drafts it. "
            "Repeatable.",
        ),
    ] = None,
    checked_labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[FILE=]LABEL,...",
            help="Labels that people looked for, in all or in one of the files of --labels; default: those that the labels use; 'all'. Repeatable.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN,...",
            help="Columns of the labels that stay with the images, such as uploader; 'all'. Default: none.",
        ),
    ] = None,
    group_by: options.GroupBy = None,
    slices: options.Slices = None,
    not_alike: options.NotAlike = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Reviewed images of another folder, such as the disagreements of 'moderate --compare-base'. Repeatable.",
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The base model's answers: a manifest, JSON in any wrapper, a folder of it, or a CSV.",
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            help="Confidence in per cent from which the answers report, where the file does not say.",
            callback=options.in_percent,
        ),
    ] = None,
    target: options.Targets = None,
    test_size: options.TestSize = 0.2,
    prove: options.Prove = None,
    keys: Annotated[options.Keys, typer.Option(help="Object keys: the path as it is, or the hash.")] = (
        options.Keys.ORIGINAL
    ),
    keep_test: Annotated[
        bool,
        typer.Option(
            "--keep-test", help="The images below test/ are the test set, locked; all others train."
        ),
    ] = False,
    separate_copies: Annotated[
        bool,
        typer.Option("--separate-copies", help="Copies of a file do not share labels and answers."),
    ] = False,
    lock: Annotated[bool, typer.Option("--lock", help="Fix the split for the rounds to come.")] = False,
    freeze_test: options.FreezeTest = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget an earlier run's reviews and locks.")
    ] = False,
    derive: Annotated[
        bool,
        typer.Option(
            "--derive",
            help="Make JPEG or PNG copies of images that Rekognition refuses (WebP, HEIC, too large, ...) or that tools "
            "read differently (CMYK, 16 bits); originals stay.",
        ),
    ] = False,
    thumbnails: options.Pictures = options.Thumbnails.NONE,
    stop_list: options.StopListFiles = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Decode every image again.")] = False,
    label_level: options.Level = None,
    safe_names: options.SafeNames = None,
    keep_unchecked: options.KeepUnchecked = False,
    policy: options.PolicyFile = None,
    taxonomy: options.TaxonomyVersion = CURRENT,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    seed: options.Seed = 0,
    workers: options.Workers = None,
    everything: options.Everything = False,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Make train.manifest, test.manifest and a report from images and labels.

    Reads the images and what people said of them, inspects every file, groups look-alikes, splits into train
    and test, checks everything, and writes the results to DIR, passed or not. Nothing is uploaded and no
    image is changed. Run it again with the same DIR after you have mended something: unchanged images are
    not decoded again, reviews stay, and locked images keep their side. Once an adapter was trained, its test set stays
    as it is, so that the next one is measured on the same images: new test images form test-2.manifest.

    Example: manifest-tools prepare photos --labels labels.csv --to s3://my-bucket/photos --out prepared
    """
    from manifest_tools.pipeline.prepare import prepare as run
    from manifest_tools.pipeline.prepare_options import PrepareOptions

    told = PrepareOptions.of(locals())
    if out is None:
        raise InputError(
            "say where the results go: --out DIR; 'manifest-tools init' writes it down once for all"
        )
    if not images:
        raise InputError(
            f"say where the images are: prepare IMAGES --out {out}; {out} holds no call that could be repeated"
        )
    lines = StepLines(quiet=quiet)
    try:
        result = run(
            **told.arguments(),
            out=out,
            policy=policy_from(
                policy,
                taxonomy=taxonomy,
                targets=target,
                label_level=label_level,
                safe_names=safe_names,
                keep_unchecked=keep_unchecked,
                fail_on=fail_on,
                derive=derive,
            ),
            lock=lock,
            fresh=fresh,
            workers=workers,
            cache=not no_cache,
            watcher=lines,
            call=told,
        )
    finally:
        lines.close()
    print_report(result.report, format, everything=everything)
    if format is options.OutputFormat.TEXT:
        show(f"\nFiles\n{_files(out)}")
    print_end(result.report, format)
    show_next(out, format)
    exit_with(result.report)


def _files(out: Path) -> str:
    """Say where the results are, and what each is for."""
    purpose = {
        "train.manifest": "to train with",
        "test.manifest": "to measure with",
        REPORT_HTML: "to look at and hand on",
        REPORT_JSON: "the same for programs",
        FINDINGS: "one finding a line",
        "dataset/": "all facts, for the next steps",
    }
    width = max(len(str(out / name)) for name in purpose)
    return "\n".join(f"  {printable(str(out / name)):<{width}}  {use}" for name, use in purpose.items())
