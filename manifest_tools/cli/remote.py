"""Options and manners that the commands on Amazon's side share."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli.console import printable, say
from manifest_tools.core.errors import InputError

_AMAZON = "Amazon"

Profile = Annotated[
    str | None, typer.Option(help="Profile of the AWS configuration files.", rich_help_panel=_AMAZON)
]
Region = Annotated[
    str | None, typer.Option(help="AWS region; the bucket must be in the same.", rich_help_panel=_AMAZON)
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(help="Address of another server than Amazon's.", rich_help_panel=_AMAZON, metavar="URL"),
]
RequesterPays = Annotated[
    bool, typer.Option(help="Accept to be charged for a bucket that asks for it.", rich_help_panel=_AMAZON)
]
Threads = Annotated[int, typer.Option("--workers", help="Requests under way at a time.", min=1, max=256)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def require_answers_in_manifests(folder: Path) -> None:
    """Refuse a folder in which people answered after its manifests were written.

    Raises
    ------
    InputError
        There are such answers.
    """
    from manifest_tools.review.journal import merge_journal

    steps = [entry["step"] for entry in merge_journal(folder).history]
    if "review" in steps and not {"split", "select"} & set(steps[len(steps) - steps[::-1].index("review") :]):
        msg = (
            f"{folder} holds answers that its manifests do not know; run 'manifest-tools split {folder}', "
            "or prepare again, first"
        )
        raise InputError(msg)


def confirm(plan: Iterable[str], *, yes: bool) -> bool:
    """Show a plan on standard error and ask, unless `yes`.

    Raises
    ------
    InputError
        There is nobody to ask: standard input is no terminal.
    """
    for line in plan:
        say(printable(line))
    if yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("this changes things on Amazon's side and there is no terminal to ask on; add --yes")
    return typer.confirm("Go on?", default=False, err=True)
