"""What the commands print: results on standard output, progress and problems on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer

from manifest_tools.cli.log import Clock, note
from manifest_tools.cli.options import OutputFormat
from manifest_tools.cli.terminal import colored, columns, is_dumb, is_terminal
from manifest_tools.core.errors import OutputError
from manifest_tools.core.progress import Progress
from manifest_tools.core.text import printable as printable  # noqa: PLC0414 - for the commands
from manifest_tools.core.text import shortened

if TYPE_CHECKING:
    from manifest_tools.findings.findings import Finding, Report


STEPS = {
    "list": "Listing",
    "read": "Reading",
    "inspect": "Inspecting",
    "group": "Look-alikes",
    "predict": "Predictions",
    "add": "Adding",
    "share": "Copies",
    "derive": "Deriving",
    "ask": "Asking",
    "change": "Changed",
    "split": "Splitting",
    "check": "Checking",
    "write": "Writing",
}
_LONGEST = 8_000  # characters of one message
_WIDTH = max(map(len, STEPS.values())) + 2


def keep_stdout_for_results() -> None:
    """Let nothing but results reach standard output: what a library in C prints to its descriptor goes nowhere.

    The solver of integer programmes does that now and then, and JSON with such a line in it is no JSON.
    """
    try:
        if sys.stdout.fileno() != 1:
            return
        sys.stdout.flush()
        kept = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
    except (
        AttributeError,
        OSError,
        ValueError,
    ):  # there is no standard output, or it is not the process's own
        return
    sys.stdout = open(kept, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: SIM115, PTH123


def say(text: str = "") -> None:
    """Print to standard error, if there is one; what a terminal cannot or should not show is escaped, very long text cut."""
    note(text)
    if len(text) > _LONGEST:  # it quotes what somebody gave; what was expected stands at the end
        text = f"{shortened(text, _LONGEST // 2)} {text[-_LONGEST // 4 :]}"
    if sys.stderr is not None:
        with suppress(OSError):  # nobody can be told
            _write(sys.stderr, _on_its_line(text))


def show(text: str, *, styled: bool = False) -> None:
    """Print to standard output; what a terminal cannot or should not show is escaped.

    Parameters
    ----------
    text : str
        Lines.
    styled : bool
        They hold our own colours, and what comes from outside is escaped in them already.

    Raises
    ------
    OutputError
        There is no standard output, or it is full.
    """
    note(text)
    if sys.stdout is None:
        msg = "standard output is closed; open it, or send the result to a file"
        raise OutputError(msg)
    try:
        _write(sys.stdout, text if styled else _on_its_line(text))
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        drop_output()
        msg = f"cannot write to standard output: {getattr(error, 'strerror', None) or error}"
        raise OutputError(msg) from error


def drop_output() -> None:
    """Let what standard output still holds go nowhere: there it cannot go, and the end of Python would say so."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _on_its_line(text: str) -> str:
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def _write(stream: Any, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def print_report(report: Report, format: OutputFormat, *, everything: bool = False) -> None:
    """Print a report on standard output; with every place of every finding that it keeps, or the first ones."""
    from manifest_tools.reports import render_text, report_json

    if format is OutputFormat.JSON:
        show(report_json(report))
    else:
        color = in_color()
        text = render_text(report, width=columns(sys.stdout), color=color, everything=everything)
        show(text, styled=color)


def print_end(report: Report, format: OutputFormat) -> None:
    """Print what a person looks for at the end of a long report: the verdict and the counts."""
    from manifest_tools.reports.summary import answer, counts_in_words, images_in_words

    if format is OutputFormat.JSON:
        return
    show("")
    show(f"verdict     {answer(report).headline}")
    for name, words in (("images", images_in_words(report)), ("findings", counts_in_words(report))):
        if words:
            show(f"{name:<12}{words}")


def finding_line(found: Finding, place: object = "") -> str:
    """Return a finding as one line, with its place where one is given."""
    where = f"{place}: " if str(place) else ""
    return f"{found.severity}: {found.code}: {where}{found.message}. {found.fix}"


def in_color() -> bool:
    """Whether to colour what goes to standard output."""
    return colored(sys.stdout)


def exit_with(report: Report) -> None:
    """End the command: 0 when the report passed, else 1.

    "Not known yet" is no success once the base model was asked: some of its answers are missing.
    """
    readiness = report.facts.get("readiness", {})
    fail_on = report.facts.get("made", {}).get("policy", {}).get("fail_on")
    open_still = readiness.get("state") == "unknown" and readiness["expected"] and fail_on != "never"
    raise typer.Exit(0 if report.passed and not open_still else 1)


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar with rate and time left on a terminal; nothing elsewhere, nor when `quiet`."""
    if quiet or not is_terminal(sys.stderr) or is_dumb():
        yield lambda done, total: None  # noqa: ARG005
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{title:<{_WIDTH}}", total=None, rate="")

        def update(done: int, total: int | None) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        yield update


class StepLines:
    """Tells of each step of the main job in one line, with a bar while it runs."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._clock = Clock()

    def begin(self, step: str) -> Progress:
        """Open the step's bar."""
        self.close()
        self._clock = Clock()
        self._bar = progress_bar(STEPS.get(step, step), quiet=self._quiet)
        update: Progress = self._bar.__enter__()
        return update

    def end(self, step: str, summary: str) -> None:
        """Close the step's bar and say what the step found."""
        self.close()
        line = f"{STEPS.get(step, step):<{_WIDTH}}{printable(summary)}{self._clock.told()}"
        note(line) if self._quiet else say(line)

    def close(self) -> None:
        """Close the bar that is open, if any."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.__exit__(None, None, None)
