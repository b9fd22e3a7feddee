"""``manifest-tools explain``: what a finding code means."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from manifest_tools.cli import completion, options
from manifest_tools.cli.console import show
from manifest_tools.core.text import to_json
from manifest_tools.findings.catalogue import SUBJECTS, look_up
from manifest_tools.findings.catalogue.entry import Entry

_BLANK = re.compile(r"\{(\w+)(?:![rs])?(?::[^}]*)?\}")  # what a message has to fill in


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]", help="A finding code; default: list them all.", autocompletion=completion.codes
        ),
    ] = None,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Explain a finding code: meaning, fix, and where the rule comes from.

    Example: manifest-tools explain label-unchecked
    """
    if code is None:
        listed = [entry for entries in SUBJECTS.values() for entry in entries]
    else:
        listed = [look_up(code)]
    if format is options.OutputFormat.JSON:
        documents = [_plain(entry) for entry in listed]
        show(to_json(documents if code is None else documents[0], indent=1))
    elif code is None:
        width = max(len(entry.code) for entry in listed)
        for subject, entries in SUBJECTS.items():
            show(
                f"{subject}\n"
                + "\n".join(f"  {e.code:<{width}}  {e.severity:<8} {e.meaning}" for e in entries)
            )
    else:
        show(_told(listed[0]))


def _told(entry: Entry) -> str:
    severities = dict.fromkeys([entry.severity, *(variant.severity for variant in entry.variants.values())])
    lines = [f"{entry.code} ({' or '.join(severities)})", "", entry.meaning, ""]
    lines.append(f"Says:   {entry.message}")
    lines += [f"    or: {variant.message}" for variant in entry.variants.values()]
    lines.append(f"Fix:    {entry.fix}")
    lines += [f"    or: {v.fix}" for v in entry.variants.values() if v.fix != entry.fix]
    lines.append(f"Source: {entry.source}")
    return "\n".join(_BLANK.sub(r"<\1>", line) for line in lines)


def _plain(entry: Entry) -> dict[str, object]:
    variants = {
        name: {"severity": str(variant.severity), "message": variant.message, "fix": variant.fix}
        for name, variant in entry.variants.items()
    }
    return {
        "code": entry.code,
        "severity": str(entry.severity),
        "meaning": entry.meaning,
        "message": entry.message,
        "fix": entry.fix,
        "source": entry.source,
        "variants": variants,
    }
