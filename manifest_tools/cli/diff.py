"""``manifest-tools diff``: what changed between two manifests or prepared folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import options
from manifest_tools.cli.console import printable, show
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.manifests.diff import Change, Labels


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A manifest, or a folder that prepare made.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="A manifest, or a folder that prepare made.")],
    limit: Annotated[int, typer.Option(help="Images of each sort to list; counts stay exact.", min=0)] = 100,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """List the images that were added, removed, or relabelled. Exits with 1 when there are any.

    Example: manifest-tools diff round-1/train.manifest round-2/train.manifest
    """
    from manifest_tools.manifests.diff import compare_manifests
    from manifest_tools.review.journal import merge_journal

    comparison = compare_manifests(
        *(merge_journal(place) if Path(place).is_dir() else place for place in (old, new))
    )
    if format is options.OutputFormat.JSON:
        show(to_json(comparison.to_dict(), indent=1))
    else:
        for sign, word, changes in (
            ("+", "added", comparison.added),
            ("-", "removed", comparison.removed),
            ("~", "relabelled", comparison.relabelled),
        ):
            if changes:
                show(f"{len(changes):,} {word}")
                show("\n".join(_lines(sign, changes[:limit])))
            if len(changes) > limit:
                show(f"  ... and {len(changes) - limit:,} more")
        show(f"{comparison.same:,} the same")
    raise typer.Exit(0 if comparison.equal else 1)


def _lines(sign: str, changes: Sequence[Change]) -> list[str]:
    lines = []
    for change in changes:
        if sign == "~":
            words = f"{_words(change.old)} -> {_words(change.new)}"
        else:
            words = _words(change.new if sign == "+" else change.old)
        lines.append(f"{sign} {printable(change.image)}  {printable(words)}")
    return lines


def _words(labels: Labels) -> str:
    if labels is None:
        return "(not labelled)"
    return ", ".join(labels) or "(nothing unsafe)"
