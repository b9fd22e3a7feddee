"""``manifest-tools map``: a first draft of the mapping from somebody's categories to the taxonomy."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import say, show
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.core.text import counted


def map_categories(
    labels: Annotated[
        Path,
        typer.Argument(metavar="LABELS", help="An annotation export, a moderators' table, or a label table."),
    ],
    labels_format: options.LabelsFormat = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the draft here; default: standard output."),
    ] = None,
    taxonomy: options.TaxonomyVersion = CURRENT,
    safe_names: options.SafeNames = None,
    policy: options.PolicyFile = None,
    format: options.Format = options.OutputFormat.TEXT,
    quiet: options.Quiet = False,
) -> None:
    """Draft a mapping: which label of the taxonomy each of your categories means.

    Names that have one reading are filled in. Fill in the rest: a label, several split by ";", Safe where the
    category says that nothing is unsafe, or ignore. Then give the file to prepare with --map.

    Example: manifest-tools map decisions.csv --out mapping.csv
    """
    from manifest_tools.cli.judging import policy_from
    from manifest_tools.core.taxonomy import Taxonomy
    from manifest_tools.sources.formats.detect import read_labels
    from manifest_tools.sources.mapping import draft, draft_text, write_draft

    chosen = policy_from(policy, taxonomy=taxonomy, safe_names=safe_names)
    annotations = read_labels(labels, labels_format=labels_format)
    rows = draft(annotations, Taxonomy.load(taxonomy), chosen)
    if out is not None:
        write_draft(rows, out)
    elif format is options.OutputFormat.JSON:
        show(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        show(draft_text(rows).removesuffix("\n"))
    if not quiet:
        filled = sum(bool(row.label) for row in rows)
        say(
            f"{annotations.format}: {counted(len(rows), 'category', 'categories')}, {filled:,} filled in, {len(rows) - filled:,} for you to say"
        )
