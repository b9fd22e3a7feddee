"""The command line: thin commands over the library, one module each."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer

from manifest_tools.cli.commands import Command, Group, told
from manifest_tools.cli.console import drop_output, keep_stdout_for_results, say
from manifest_tools.cli.log import note_error
from manifest_tools.core.errors import ManifestToolsError, RemoteError, SurroundingsWarning
from manifest_tools.core.stopping import words_when_stopped

FAILED_USAGE, FAILED_REMOTE, INTERRUPTED = 2, 3, 130
_OTHERS = 0o077  # the rights of everybody but the owner
_UNCHANGED = "what was there before is unchanged"

_LOCAL, _FILES, _AMAZON, _FACTS = "On this machine", "Manifest files", "Amazon's side", "Look up"
_COMMANDS = {  # each is a module of this room, with a function of its name
    _LOCAL: (
        "init", "status", "prepare", "frames", "inspect", "progress", "map", "split", "select", "review", "check",
        "forget",
    ),
    _FILES: ("validate", "convert", "diff"),
    _AMAZON: ("publish", "predict", "train", "evaluate", "moderate", "adapters"),
    _FACTS: ("taxonomy", "explain"),
}  # fmt: skip
_REACHING_S3 = ("prepare", "inspect", "progress", "evaluate")


@cache
def command_line(only: str = "") -> typer.Typer:
    """Return the command line, with all commands or with one: to load them all takes longer than a small job."""
    app = typer.Typer(
        cls=Group,
        name="manifest-tools",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for panel, names in _COMMANDS.items():
        for name in names:
            if only in ("", name):
                _add(app, name, panel)
    return app


def _add(app: typer.Typer, name: str, panel: str) -> None:
    module = import_module(f"manifest_tools.cli.{name}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name, rich_help_panel=panel)
    else:
        function = getattr(module, "map_categories" if name == "map" else name)  # map is Python's
        run = told(function, reaches_s3=name in _REACHING_S3)
        app.command(name, rich_help_panel=panel, cls=Command)(run)


def __getattr__(name: str) -> Any:
    if name == "app":
        return command_line()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version(wanted: bool) -> None:
    if wanted:
        from manifest_tools.core.version import library_version

        typer.echo(f"manifest-tools {library_version()}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Get images ready to train an Amazon Rekognition Custom Moderation adapter.

    Start with **prepare** (or with **init**, which writes down once what every command then knows): it reads a folder of images and a table of labels, and writes train.manifest,
    test.manifest and a report that says whether they are ready, and if not, what is missing. No AWS account
    is needed for that.

    Exit codes: 0 passed, 1 findings, 2 usage or broken surroundings, 3 the remote side failed, 130 interrupted.
    """


class _TerminatedError(BaseException):
    """The system asks the process to end; what it was making is cleared away on the way out."""


def main() -> None:
    """Run the command line; every foreseen problem is one line on standard error and an exit code."""
    if not sys.warnoptions:
        # they are for whoever writes programs, but for our own of the surroundings
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", SurroundingsWarning)
        warnings.showwarning = lambda message, *_, **__: say(f"manifest-tools: {message}")
    os.umask(os.umask(_OTHERS) | _OTHERS)  # names and pictures are for whoever runs the command
    _end_orderly()
    keep_stdout_for_results()
    try:
        _run()
    except RemoteError as error:
        note_error(error)
        _fail(str(error), FAILED_REMOTE)
    except ManifestToolsError as error:
        note_error(error)
        _fail(str(error), FAILED_USAGE)
    except KeyboardInterrupt:
        _fail(f"interrupted; {words_when_stopped() or _UNCHANGED}", INTERRUPTED)
    except _TerminatedError as ended:
        _fail(f"terminated; {words_when_stopped() or _UNCHANGED}", 128 + ended.args[0])
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        drop_output()
        raise SystemExit(0) from None
    except OSError as error:  # such as a full standard output, or the machine out of files
        drop_output()
        _fail(": ".join(filter(None, (error.filename, error.strerror or str(error)))), FAILED_USAGE)


def _run() -> None:
    """Run the command, and tell an interruption from other ends."""
    first = "".join(sys.argv[1:2])
    known = any(first in names for names in _COMMANDS.values())
    try:
        command_line(first if known else "")()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # typer ends so at Ctrl-C, without a word
            raise KeyboardInterrupt from None
        raise
    except RuntimeError as error:  # so Python 3.11 tells what stops it in the middle of making a class
        if isinstance(error.__cause__, KeyboardInterrupt | _TerminatedError):
            raise error.__cause__ from None
        raise


def _end_orderly() -> None:
    """Let the signals that end a process unwind it, so that nothing half-made stays; children keep the usual end."""
    process = os.getpid()

    def end(number: int, frame: object) -> None:  # noqa: ARG001
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != process:
            os.kill(os.getpid(), number)
        raise _TerminatedError(number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and threading.current_thread() is threading.main_thread():
            signal.signal(getattr(signal, name), end)


def _fail(message: str, code: int) -> None:
    say(f"manifest-tools: {message}")
    raise SystemExit(code) from None
