"""``manifest-tools convert``: from one kind of manifest to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import exit_with, in_color, print_report, printable, say, show
from manifest_tools.cli.judging import policy_from
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.core.text import counted
from manifest_tools.findings.findings import MAX_FINDINGS


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A manifest of any kind (- is standard input), or a prepared DIR."
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT", help="The manifest to write; of a DIR: labels.csv, metadata.jsonl, or a folder."
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What to write: moderation, multi-label, image-classification, image-list, bulk-analysis. "
            "Not needed for a table of a DIR's labels.",
        ),
    ] = "",
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Which label each class means ('manifest-tools map' drafts one)."
        ),
    ] = None,
    label_confidence: Annotated[
        float,
        typer.Option(
            help="Confidence of a labelling job below which an image is left out.", min=0.0, max=1.0
        ),
    ] = 0.0,
    empty_is_safe: Annotated[
        bool,
        typer.Option("--empty-is-safe", help="Take 'none of the job's classes' for 'nothing is unsafe'."),
    ] = False,
    label_level: options.Level = None,
    safe_names: options.SafeNames = None,
    taxonomy: options.TaxonomyVersion = CURRENT,
    policy: options.PolicyFile = None,
    fail_on: options.Fail = None,
    max_findings: options.MaxFindings = MAX_FINDINGS,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Write a manifest again as another kind. No label is invented: an image without labels is left out.

    Lines that are of the wanted kind already keep their bytes; every line that is left out is listed with the
    reason. A prepared DIR becomes a table of its labels (.csv, or Hugging Face's metadata.jsonl), or, with
    --kind, a folder with both manifests of that kind.

    Example: manifest-tools convert output.manifest train.manifest --kind moderation
    """
    if Path(source).is_dir():
        given = {
            "--map": mapping,
            "--label-confidence": label_confidence,
            "--empty-is-safe": empty_is_safe,
            "--label-level": label_level,
            "--safe-names": safe_names,
            "--policy": policy,
            "--fail-on": fail_on,
            "--taxonomy": taxonomy != CURRENT,
        }
        unused = [name for name, value in given.items() if value]
        if unused:
            msg = f"{unused[0]} is for a manifest; a prepared folder has its own policy: give it to prepare"
            raise InputError(msg)
        show(_convert_folder(Path(source), target, kind))
        show_next(None, format)
        return
    if not kind:
        msg = "converting a manifest needs --kind, such as --kind moderation"
        raise InputError(msg)
    from manifest_tools.core.taxonomy import Taxonomy
    from manifest_tools.manifests.convert import convert_manifest
    from manifest_tools.reports.lines import render_lines
    from manifest_tools.sources.mapping import read_mapping

    chosen = policy_from(
        policy, taxonomy=taxonomy, label_level=label_level, safe_names=safe_names, fail_on=fail_on
    )
    report = convert_manifest(
        source,
        target,
        kind=kind,
        taxonomy=taxonomy,
        policy=chosen,
        mapping=read_mapping(mapping, Taxonomy.load(taxonomy), chosen) if mapping else None,
        label_confidence=label_confidence,
        empty_is_safe=empty_is_safe,
        max_findings=max_findings,
        overwrite=False,
    )
    if format is options.OutputFormat.JSON:
        print_report(report, format)
    elif report.findings:
        show(render_lines(report, color=in_color()), styled=in_color())
    if not quiet:
        facts = report.facts
        say(f"{target}: {facts['lines_written']:,} lines written, {facts['lines_left_out']:,} left out")
    show_next(None, format)
    exit_with(report)


def _convert_folder(folder: Path, target: Path, kind: str) -> str:
    """Write what a prepared folder knows in another form; nothing is overwritten. Return what was written."""
    from manifest_tools.core.commit import replacing_files
    from manifest_tools.manifests.writing import write_manifests
    from manifest_tools.review.journal import merge_journal
    from manifest_tools.sources.export import write_labels

    dataset = merge_journal(folder)
    if not kind:
        return (
            f"{counted(write_labels(dataset, target, overwrite=False), 'image')} in {printable(str(target))}"
        )
    with replacing_files(target, overwrite=False) as stage:
        written = write_manifests(dataset, stage, kind=kind)
    return "\n".join(
        f"{counted(count, 'line')} in {printable(str(target / side))}.manifest"
        for side, count in written.items()
    )
