"""The command line: thin commands over the library, one module each."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from manifest_tools.cli import (
    adapters,
    check,
    convert,
    diff,
    evaluate,
    explain,
    forget,
    frames,
    init,
    inspect,
    moderate,
    predict,
    prepare,
    progress,
    publish,
    review,
    select,
    split,
    status,
    taxonomy,
    train,
    validate,
)
from manifest_tools.cli import map as mapping
from manifest_tools.cli.commands import Command, Group, told
from manifest_tools.cli.console import drop_output, keep_stdout_for_results, say
from manifest_tools.cli.log import note_error
from manifest_tools.core.errors import ManifestToolsError, RemoteError, SurroundingsWarning
from manifest_tools.core.stopping import words_when_stopped

FAILED_USAGE, FAILED_REMOTE, INTERRUPTED = 2, 3, 130
_OTHERS = 0o077  # the rights of everybody but the owner
_UNCHANGED = "what was there before is unchanged"

app = typer.Typer(
    cls=Group,
    name="manifest-tools",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_LOCAL, _FILES, _AMAZON, _FACTS = "On this machine", "Manifest files", "Amazon's side", "Look up"
_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    _LOCAL: {
        "init": init.init,
        "status": status.status,
        "prepare": prepare.prepare,
        "frames": frames.frames,
        "inspect": inspect.inspect,
        "progress": progress.progress,
        "map": mapping.map_categories,
        "split": split.split,
        "select": select.select,
        "review": review.review,
        "check": check.check,
        "forget": forget.forget,
    },
    _FILES: {"validate": validate.validate, "convert": convert.convert, "diff": diff.diff},
    _AMAZON: {
        "publish": publish.publish,
        "predict": predict.predict,
        "train": train.train,
        "evaluate": evaluate.evaluate,
        "moderate": moderate.moderate,
    },
    _FACTS: {"taxonomy": taxonomy.taxonomy, "explain": explain.explain},
}
_REACHING_S3 = ("prepare", "inspect", "progress", "evaluate")
for _panel, _commands in _COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel, cls=Command)(
            told(_command, reaches_s3=_name in _REACHING_S3)
        )
app.add_typer(adapters.app, name="adapters", rich_help_panel=_AMAZON)


def _version(wanted: bool) -> None:
    if wanted:
        from manifest_tools.core.version import library_version

        typer.echo(f"manifest-tools {library_version()}")
        raise typer.Exit


@app.callback()
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
        warnings.simplefilter(
            "ignore"
        )  # they are for whoever writes programs, but for our own of the surroundings
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
    try:
        app()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # typer ends so at Ctrl-C, without a word
            raise KeyboardInterrupt from None
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
