"""``manifest-tools taxonomy``: the tree of labels, and the nearest ones to some words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from manifest_tools.cli import completion, options
from manifest_tools.cli.console import show
from manifest_tools.core.taxonomy import CURRENT, Label, Taxonomy
from manifest_tools.core.text import to_json


def taxonomy(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]",
            help="Look these words up; default: the tree.",
            autocompletion=completion.labels,
        ),
    ] = None,
    version: options.TaxonomyVersion = CURRENT,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Show the labels of the moderation taxonomy, or look one up.

    Looking up tells a label's place, what it covers and what it does not (in our own words, after Amazon's guide), suggests the nearest labels for a misspelt one, and says what a label
    of taxonomy 6.1 is called today.

    Example: manifest-tools taxonomy rude gesture
    """
    tree = Taxonomy.load(version)
    if not words:
        found = list(tree)
        if format is options.OutputFormat.TEXT:
            show(f"Taxonomy {tree.version}, {len(tree.labels)} labels\n" + "\n".join(map(_line, found)))
            return
        show(to_json([_plain(label) for label in found], indent=1))
        return
    answer = _look_up(tree, " ".join(words))
    show(to_json(answer, indent=1) if format is options.OutputFormat.JSON else _told(answer))
    raise typer.Exit(0 if answer["label"] or answer["was"] else 1)


def _look_up(tree: Taxonomy, name: str) -> dict[str, object]:
    """Return what is known of a name: its label, what it was called, the nearest ones."""
    label = name if name in tree else next(iter(tree.spellings(name)), None)
    migration = tree.migrate(name) if label is None else None
    definition = tree.definition(label) if label else None
    return {
        "asked": name,
        "label": label,
        "path": [*reversed(tree.ancestors(label)), label] if label else [],
        "below": list(tree.descendants(label)) if label else [],
        "definition": asdict(definition) if definition else None,
        "source": tree.source if definition else None,
        "was": {"version": migration.version, "choices": list(migration.choices)} if migration else None,
        "nearest": [] if label or migration else list(tree.suggest(name)),
    }


def _told(answer: dict[str, object]) -> str:
    match answer:
        case {"label": str(), "path": [*path], "below": [*below], "definition": definition, "source": source}:
            lines = [" > ".join(map(str, path))]
            if isinstance(definition, dict):
                words = {"covers": definition["covers"], "not": definition["excludes"], "source": source}
                lines += [f"  {word}: {text}" for word, text in words.items() if text]
            return "\n".join([*lines, *(f"  below it: {name}" for name in below)])
        case {"was": {"version": version, "choices": [*choices]}, "asked": asked}:
            return f"{asked!r} is a label of taxonomy {version}; today: {' or '.join(map(str, choices))}"
        case {"nearest": [*nearest], "asked": asked} if nearest:
            return f"{asked!r} is no label; nearest: {', '.join(map(str, nearest))}"
    return f"{answer['asked']!r} is no label, and none is near"


def _line(label: Label) -> str:
    return f"{'  ' * label.level}{label.name}"


def _plain(label: Label) -> dict[str, object]:
    return {"name": label.name, "parent": label.parent, "level": label.level}
