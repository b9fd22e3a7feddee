"""``manifest-tools review``: people confirm labels on a page of their own machine."""

from __future__ import annotations

import getpass
import webbrowser
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import say, show
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.text import counted
from manifest_tools.review.entries import GOLD_RATE, MOST_GOLD, TOGETHER

if TYPE_CHECKING:
    from manifest_tools.review.session import ReviewSession


class Form(StrEnum):
    """What ``--export`` writes."""

    SHEET = "sheet"
    LABEL_STUDIO = "label-studio"
    AUDIT = "audit"


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
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write a file instead: by default the open questions as a CSV sheet.",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            metavar="PEOPLE",
            help="With --export: a sheet for each of so many people (3), or of these (ana,ben,cem); "
            "second looks go to two of them.",
        ),
    ] = "",
    form: Annotated[
        Form,
        typer.Option(
            "--for",
            help="What --export writes: a sheet to fill in; tasks for Label Studio, with its labelling configuration "
            "beside them; or the journal for an audit.",
        ),
    ] = Form.SHEET,
    filled: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Take in a filled CSV sheet, or an export of Label Studio (JSON), instead.",
        ),
    ] = None,
    second_look: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHARE",
            help="Images that a second person looks at, who sees neither the first answer nor the score: a share "
            "such as 0.1, LABEL=SHARE, or readiness (all that decide it). Repeatable; holds for everybody until "
            "it is changed; 0: none.",
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Images whose answer is known, as a CSV table with the columns image, label and answer (yes, no; safe "
            "without a label): mixed unseen into everybody's queue, they tell how often a reviewer errs. Kept for "
            "later sessions, until another file is given; a file without rows ends it.",
        ),
    ] = None,
    gold_rate: Annotated[
        float,
        typer.Option(
            help="The share of images with a known answer in what the reviewer is asked.",
            min=0,
            max=MOST_GOLD,
        ),
    ] = GOLD_RATE,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="Settle what two people differ in, as a third one.")
    ] = False,
    beside: Annotated[
        str,
        typer.Option("--with", metavar="NAME", help="Who adjudicates together with you: both who differ."),
    ] = "",
    pause_after: Annotated[
        int, typer.Option(help="Pictures after which the page reminds of a pause.", min=1)
    ] = 50,
    daily_looks: Annotated[
        int | None,
        typer.Option(metavar="N", help="Pictures that the reviewer looks at in a day (UTC) at most.", min=1),
    ] = None,
    opt_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="Hand the reviewer no picture that the base model or people say shows this label. Repeatable.",
        ),
    ] = None,
    session: Annotated[int, typer.Option(help="Pictures after which a session ends.", min=1)] = 300,
    port: Annotated[
        int, typer.Option(help="Port of this machine for the page; 0: any free one.", min=0, max=65535)
    ] = 0,
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

    With **--second-look** some images are looked at by two people, neither of whom sees what the other said. Where they
    differ, nobody's word counts until a third person, or both together, settle it with **--adjudicate**.

    With **--gold** some images whose answer is known are among the others, and nobody can tell which; **check** says how
    often each reviewer was wrong.
    """
    name = _who(reviewer, beside, adjudicate)
    if split and (not export or filled or form is not Form.SHEET or adjudicate):
        raise InputError("--split is for sheets that go out: give it with --export alone")
    if (daily_looks or opt_out) and (export or filled):
        raise InputError(
            "--daily-looks and --opt-out hold on the page alone: a file would hand out what they spare. Leave them out, and "
            "take the rows that somebody shall not see out of the file"
        )
    looks = _Looks(second_look or (), adjudicate, gold_rate)
    from manifest_tools.images.stop_list.screening import screen_folder
    from manifest_tools.storage.s3_images import ByteReader

    reader = ByteReader(profile, region, endpoint_url, requester_pays)
    screen_folder(folder, stop_list or (), reader=reader)
    _take_gold(folder, name, gold, answering=not adjudicate and form is not Form.AUDIT, quiet=quiet)
    if form is Form.AUDIT:
        _audit(folder, export, filled)
        return
    if split and export:
        _split(folder, split, export, looks)
        return
    if export or filled:
        from manifest_tools.review.session import ReviewSession

        _files(ReviewSession(folder, name, **looks._asdict()), folder, export, filled, form)
        show_next(folder)
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

    limits = _Limits(daily_looks or 0, opt_out or ())
    pace = Session(pause_after, session)
    _say_exposure(folder, name, quiet=quiet)
    answers = serve(
        folder,
        reviewer=name,
        reader=reader,
        session=pace,
        **looks._asdict(),
        **limits._asdict(),
        port=port,
        ready=ready,
    )
    if not quiet:
        say(f"{counted(answers, 'answer')} in {folder}")
    _say_exposure(folder, name, quiet=quiet)
    show_next(folder)


def _say_exposure(folder: Path, name: str, *, quiet: bool) -> None:
    from manifest_tools.review.exposure import Looks
    from manifest_tools.review.journal import ReviewJournal

    looks = Looks.of(ReviewJournal.of(folder).entries, name)
    if looks.days and not quiet:
        say(f"{name}, in all sessions: {looks}")


def _audit(folder: Path, export: Path | None, filled: Path | None) -> None:
    if filled or not export:
        raise InputError("--for audit writes the journal: name the file by --export, without --import")
    from manifest_tools.review.audit import export_audit

    audit = export_audit(folder, export)
    show(f"{counted(audit.rows, 'row')} in {export}; journal {audit.head}")
    for problem in audit.problems:
        say(problem)
    if audit.problems:
        raise typer.Exit(1)


class _Limits(NamedTuple):
    daily_looks: int
    opt_out: Sequence[str]


class _Looks(NamedTuple):
    second_look: Sequence[str]
    adjudicating: bool
    gold_rate: float


def _take_gold(folder: Path, name: str, path: Path | None, *, answering: bool, quiet: bool) -> None:
    if path is None:
        return
    if not answering:
        raise InputError(
            "--gold is for sessions and sheets that ask for answers; leave out --adjudicate or --for audit"
        )
    from manifest_tools.review.gold_file import take_gold
    from manifest_tools.review.session import ReviewSession

    count = take_gold(ReviewSession(folder, name), path)
    if not quiet:
        say(f"{counted(count, 'image')} with a known answer")


def _who(reviewer: str, beside: str, adjudicate: bool) -> str:
    name = _name(reviewer or getpass.getuser(), "--reviewer")
    if beside and not adjudicate:
        raise InputError("--with is for --adjudicate: say both, or leave it out")
    return name + TOGETHER + _name(beside, "--with") if beside else name


def _name(given: str, option: str) -> str:
    name = " ".join(given.split())
    if not name or not name.isprintable() or TOGETHER.strip() in name.split():
        msg = f"{option} is {given!r}; expected a name"
        raise InputError(msg)
    return name


def _split(folder: Path, people: str, export: Path, looks: _Looks) -> None:
    from manifest_tools.review.session import ReviewSession
    from manifest_tools.review.split_sheets import export_split, people_of

    desks = [ReviewSession(folder, name, **looks._asdict()) for name in people_of(people)]
    for path, rows in export_split(desks, export):
        show(f"{counted(rows, 'row')} in {path}")


def _files(review: ReviewSession, folder: Path, export: Path | None, filled: Path | None, form: Form) -> None:
    from manifest_tools.review.csv_sheet import export_sheet, import_sheet
    from manifest_tools.review.journal import merge_journal
    from manifest_tools.review.label_studio import export_tasks, import_tasks

    if filled:
        count = (import_tasks if filled.suffix.lower() == ".json" else import_sheet)(review, filled)
        merge_journal(folder, save=True)
        show(f"{counted(count, 'new answer')} from {filled}")
    if export and form is Form.LABEL_STUDIO:
        tasks, configuration = export_tasks(review, export)
        show(f"{counted(tasks, 'task')} in {export}; labelling configuration in {configuration}")
    elif export:
        show(f"{counted(export_sheet(review, export), 'row')} in {export}")
