"""``manifest-tools review``: people confirm labels on a page of their own machine."""

from __future__ import annotations

import getpass
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import say, show
from manifest_tools.core.errors import InputError
from manifest_tools.core.text import counted


def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that prepare made.")],
    reviewer: Annotated[
        str, typer.Option(metavar="NAME", help="Who answers; default: the name you are logged in by.")
    ] = "",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the page's address; open no browser.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write the open questions as a CSV sheet instead."),
    ] = None,
    filled: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take in a filled CSV sheet instead.")
    ] = None,
    pause_after: Annotated[
        int, typer.Option(help="Pictures after which the page reminds of a pause.", min=1)
    ] = 50,
    session: Annotated[int, typer.Option(help="Pictures after which a session ends.", min=1)] = 300,
    stop_list: options.StopListFiles = None,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    requester_pays: remote.RequesterPays = False,
    quiet: options.Quiet = False,
) -> None:
    """Confirm or correct labels, picture by picture, on a page that only this machine can open.

    Pictures are hidden until you reveal them. What pays most comes first: labels that the base model sees and
    nobody looked for, then the targets. Every answer is saved before the next picture comes up; end with
    Ctrl-C or on the page. Then run **check** or **prepare** again. Needs the extra `review` for the page.
    """
    name = " ".join((reviewer or getpass.getuser()).split())
    if not name or not name.isprintable():
        msg = f"--reviewer is {reviewer!r}; expected a name"
        raise InputError(msg)
    from manifest_tools.images.stop_list.screening import screen_folder
    from manifest_tools.storage.s3_images import ByteReader

    reader = ByteReader(profile, region, endpoint_url, requester_pays)
    screen_folder(folder, stop_list or (), reader=reader)
    if export or filled:
        _sheet(folder, name, export, filled)
        return
    from manifest_tools.review.server import Session, serve

    def ready(address: str) -> None:
        show(address)
        if not quiet:
            say(
                "Opens once, in one browser on this machine. Ctrl-C ends the session; every answer is saved at once."
            )
        if not no_browser:
            webbrowser.open(address)

    pace = Session(pause_after, session)
    answers = serve(folder, reviewer=name, reader=reader, session=pace, ready=ready)
    if not quiet:
        say(
            f"{counted(answers, 'answer')} in {folder}. Next: manifest-tools check {folder}, or prepare again"
        )


def _sheet(folder: Path, reviewer: str, export: Path | None, filled: Path | None) -> None:
    from manifest_tools.review.csv_sheet import export_sheet, import_sheet
    from manifest_tools.review.journal import merge_journal
    from manifest_tools.review.session import ReviewSession

    review = ReviewSession(folder, reviewer)
    if filled:
        count = import_sheet(review, filled)
        merge_journal(folder, save=True)
        show(f"{counted(count, 'new answer')} from {filled}")
    if export:
        show(f"{counted(export_sheet(review, export), 'row')} in {export}")
