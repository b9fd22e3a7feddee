"""``manifest-tools map``: a first draft of the mapping from somebody's categories to the taxonomy."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import printable, say, show
from manifest_tools.cli.next_line import next_line
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT
from manifest_tools.core.text import counted, to_json


def map_categories(
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS...",
            help="Annotation exports, moderators' tables, or label tables, one or several.",
        ),
    ],
    labels_format: options.LabelsFormat = "auto",
    columns: options.Columns = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the draft here; default: standard output."),
    ] = None,
    update: Annotated[
        Path | None,
        typer.Option(
            "--update",
            metavar="FILE",
            help="Bring a mapping up to date: what is filled in stays, new categories are added.",
        ),
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
    from manifest_tools.pipeline.next_step import NextStep
    from manifest_tools.sources.formats.column_choice import ColumnChoice
    from manifest_tools.sources.formats.detect import read_labels
    from manifest_tools.sources.mapping_draft import (
        count_categories,
        draft,
        draft_text,
        update_draft,
        write_draft,
    )

    if out is not None and update is not None:
        msg = "--out writes a new draft, --update brings one up to date; give one of them"
        raise InputError(msg)
    chosen = policy_from(policy, taxonomy=taxonomy, safe_names=safe_names)
    choice = ColumnChoice.parse(columns or ())
    found = [read_labels(path, labels_format=labels_format, columns=choice) for path in labels]
    rows = draft(count_categories(found, chosen), Taxonomy.load(taxonomy), chosen)
    changes = ""
    if update is not None:
        done = update_draft(rows, update)
        changes = f"; {len(done.added):,} added to {update}"
        if done.unused:
            changes += f"; lines that match nothing: {', '.join(done.unused)}"
    elif out is not None:
        write_draft(rows, out)
    elif format is options.OutputFormat.JSON:
        show(to_json([asdict(row) for row in rows], indent=1))
    else:
        show(draft_text(rows).removesuffix("\n"))
    if not quiet:
        filled = sum(bool(row.label) for row in rows)
        formats = ", ".join(dict.fromkeys(item.format for item in found))
        unread = list(dict.fromkeys(name for item in found for name in item.unread))
        passed_over = f"; columns not read: {', '.join(unread)}" if unread else ""
        categories = counted(len(rows), "category", "categories")
        say(
            printable(
                f"{formats}: {categories}, {filled:,} filled in, {len(rows) - filled:,} for you to say"
                f"{changes}{passed_over}"
            )
        )
        if (file := out or update) is not None:
            given = " ".join(f"--labels {shlex.quote(str(path))}" for path in labels)
            why = (
                f"once every line of {file} has its label"
                if filled < len(rows)
                else "every category has its label"
            )
            step = NextStep(
                "prepare",
                f"IMAGES {given} --map {shlex.quote(str(file))} --to s3://BUCKET/PREFIX --out DIR",
                why,
            )
            say(next_line(step))
